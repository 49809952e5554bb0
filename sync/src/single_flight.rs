//! Concurrent calls for the same thing are made once.

use crate::once_cell::OnceCell;
use crate::shim::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// Concurrent calls with the same key share one, and its value.
///
/// The first caller makes it and the others wait; one that comes after it has ended makes another.
/// If the first caller panics, or its future is dropped, the next one calls. An error is a value as
/// any other: `SingleFlight<K, Result<T, E>>`.
///
/// The order of keys is asked for under a lock, so comparing them must not use the same object.
///
/// # Examples
///
/// ```
/// use millpond_sync::SingleFlight;
/// use std::sync::Barrier;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// let (pages, calls) = (SingleFlight::new(), AtomicUsize::new(0));
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| {
///             let page = pages.run("/index", || {
///                 calls.fetch_add(1, Ordering::Relaxed);
///                 while pages.waiting(&"/index") < 3 {}
///                 "hello"
///             });
///             assert_eq!(page, "hello");
///         });
///     }
/// });
/// assert_eq!(calls.into_inner(), 1);
/// ```
pub struct SingleFlight<K, V> {
    flights: Mutex<BTreeMap<K, Arc<OnceCell<V>>>>,
}

/// A caller of one flight; the last one that leaves takes the flight off the list.
struct Caller<'a, K: Ord, V> {
    calls: &'a SingleFlight<K, V>,
    key: K,
    flight: Arc<OnceCell<V>>,
}

impl<K: Ord + Clone, V: Clone> SingleFlight<K, V> {
    crate::shim::const_fn! {
        /// With nothing under way.
        #[must_use]
        pub const fn new() -> Self {
            Self { flights: Mutex::new(BTreeMap::new()) }
        }
    }

    /// What `call` gives, or the call of somebody else with the same key that is under way.
    ///
    /// # Blocking
    /// While the call of somebody else is under way. For ever if `call` runs with the same key.
    pub fn run(&self, key: K, call: impl FnOnce() -> V) -> V {
        let caller = self.board(key);
        caller.flight.get_or_init(call).clone()
    }

    /// What the future of `call` gives, or the call of somebody else with the same key that is
    /// under way.
    ///
    /// Dropping the future goes away; if it was calling, the next one that waits calls.
    pub async fn run_async<F: Future<Output = V>>(&self, key: K, call: impl FnOnce() -> F) -> V {
        let caller = self.board(key);
        caller.flight.get_or_init_async(call).await.clone()
    }

    /// How many wait for a call with this key. A moment's view.
    #[must_use]
    pub fn waiting(&self, key: &K) -> usize {
        let flight = self.flights.lock().get(key).cloned();
        flight.map_or(0, |flight| flight.waiting())
    }

    fn board(&self, key: K) -> Caller<'_, K, V> {
        let flight = Arc::clone(self.flights.lock().entry(key.clone()).or_default());
        Caller { calls: self, key, flight }
    }
}

impl<K: Ord, V> Drop for Caller<'_, K, V> {
    fn drop(&mut self) {
        let removed = {
            let mut flights = self.calls.flights.lock();
            let is_listed = flights.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight));
            // Nobody else boards it while the list is locked: two hold it, the list and this
            // caller.
            let is_over = self.flight.get().is_some() || Arc::strong_count(&self.flight) == 2;
            if is_listed && is_over { flights.remove_entry(&self.key) } else { None }
        };
        // Keys and values are the user's, so they are dropped when the lock is free.
        drop(removed);
    }
}

impl<K: Ord + Clone, V: Clone> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("SingleFlight");
        if let Some(flights) = self.flights.try_lock() {
            shown.field("under_way", &flights.len());
        }
        shown.finish_non_exhaustive()
    }
}
