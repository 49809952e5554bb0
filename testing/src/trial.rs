//! The pool of one run of a body that is tested, and what is counted in it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use millpond_pool::Pool;
use millpond_simulation as simulation;

/// How long workers may take to be done with what they have in hand.
const PATIENCE: Duration = Duration::from_secs(10);

/// Items in flight: now, and at the most.
#[derive(Debug, Default)]
struct Flight {
    now: AtomicUsize,
    peak: AtomicUsize,
}

/// What is counted in a run.
#[derive(Debug, Default)]
struct Ledger {
    calls: Mutex<BTreeMap<Arc<str>, Arc<AtomicU64>>>,
    flight: Arc<Flight>,
}

/// The pool of one run of a body, which has the pool's methods, and what is counted in it.
pub struct Trial {
    pool: Pool,
    ledger: Ledger,
}

impl Trial {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool, ledger: Ledger::default() }
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    fn counter(&self, name: &str) -> Arc<AtomicU64> {
        let mut calls = self.ledger.calls.lock();
        Arc::clone(calls.entry(name.into()).or_default())
    }

    /// The function, with its calls counted under this name. The counts of a body are compared between its runs.
    pub fn counted<A, B>(
        &self,
        name: &str,
        function: impl Fn(A) -> B + Send + Sync + Clone + 'static,
    ) -> impl Fn(A) -> B + Send + Sync + Clone + 'static {
        let counter = self.counter(name);
        move |item| {
            counter.fetch_add(1, Ordering::Relaxed);
            function(item)
        }
    }

    /// The items, with how many are made counted under this name: for a source.
    pub fn counted_items<I: IntoIterator>(
        &self,
        name: &str,
        items: I,
    ) -> impl Iterator<Item = I::Item> + Send + 'static + use<I>
    where
        I::IntoIter: Send + 'static,
    {
        let counter = self.counter(name);
        items.into_iter().inspect(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// How often what is counted under this name was called; 0 for what is not counted.
    #[must_use]
    pub fn calls(&self, name: &str) -> u64 {
        self.ledger.calls.lock().get(name).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// All counts, by name.
    pub(super) fn all_calls(&self) -> BTreeMap<String, u64> {
        let calls = self.ledger.calls.lock();
        calls.iter().map(|(name, counter)| (name.to_string(), counter.load(Ordering::Relaxed))).collect()
    }

    /// Laziness: checks that what is counted under this name was called so often at the most.
    ///
    /// # Panics
    /// When it was called more often.
    #[track_caller]
    pub fn assert_calls_at_most(&self, name: &str, most: u64) {
        let calls = self.calls(name);
        assert!(calls <= most, "`{name}` was called `{calls}` times and should be `{most}` times at the most");
    }

    /// An item that counts as in flight until it is dropped: to be made by a source and kept up to the reader.
    pub fn tracked<T>(&self, item: T) -> Tracked<T> {
        self.tracker()(item)
    }

    /// A function that makes [`Tracked`] items.
    pub fn tracker<T>(&self) -> impl Fn(T) -> Tracked<T> + Send + Sync + Clone + 'static + use<T> {
        let flight = Arc::clone(&self.ledger.flight);
        move |item| {
            let now = flight.now.fetch_add(1, Ordering::Relaxed) + 1;
            flight.peak.fetch_max(now, Ordering::Relaxed);
            Tracked { item, flight: Arc::clone(&flight) }
        }
    }

    /// How many tracked items there are.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.ledger.flight.now.load(Ordering::Relaxed)
    }

    /// Bounded memory: checks that there were so many tracked items at once at the most.
    ///
    /// # Panics
    /// When there were more.
    #[track_caller]
    pub fn assert_peak_at_most(&self, most: usize) {
        let peak = self.ledger.flight.peak.load(Ordering::Relaxed);
        assert!(peak <= most, "`{peak}` items were in flight at once and should be `{most}` at the most");
    }

    /// Quiescence: checks that all tasks are gone and no tracked item is left, once workers are done with what they have in hand.
    ///
    /// # Panics
    /// When something is left, for 10 seconds.
    #[track_caller]
    pub fn assert_quiet(&self) {
        let since = Instant::now();
        let (mut tasks, mut items) = (self.pool.task_count(), self.in_flight());
        while (tasks, items) != (0, 0) && since.elapsed() < PATIENCE {
            simulation::yield_now();
            std::thread::yield_now();
            (tasks, items) = (self.pool.task_count(), self.in_flight());
        }
        assert!((tasks, items) == (0, 0), "`{tasks}` tasks and `{items}` items are left");
    }
}

impl Deref for Trial {
    type Target = Pool;

    fn deref(&self) -> &Pool {
        &self.pool
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("pool", &self.pool).field("calls", &self.all_calls()).finish_non_exhaustive()
    }
}

/// An item that is counted while it is there. See [`Trial::tracked`].
pub struct Tracked<T> {
    item: T,
    flight: Arc<Flight>,
}

impl<T> Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T> DerefMut for Tracked<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

impl<T> Drop for Tracked<T> {
    fn drop(&mut self) {
        self.flight.now.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T: fmt::Debug> fmt::Debug for Tracked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.item.fmt(f)
    }
}
