//! Waiting for a change of a value behind a mutex.
//!
//! A notification grants waiters, so each hits exactly one, or is passed on. **No herd**: of all
//! waiters that are notified, only the first is woken. When it has its mutex again it wakes the
//! next, which so arrives at a mutex that is about to be released. The place of the baton stands
//! under the list's lock ([`Relay`]).

use crate::deadline::Deadline;
use crate::granting::{Granting, Waiting};
use crate::grants::{Grants, Turn};
use crate::guard::Guard;
use crate::host::{self, Site};
use crate::mutex::{Mutex, MutexGuard};
use crate::parker::Parker;
use crate::state::WaiterState;
use std::collections::BTreeMap;
use std::fmt;
use std::task::Waker;
use std::time::Duration;

/// Waiting for a change of a value behind a [`Mutex`].
///
/// Threads and tasks wait in one list. There are no spurious wake-ups: a wait ends by a
/// notification or its time-out. The condition may have changed back all the same before the mutex
/// is locked again, so look at it in a loop, or use [`wait_while`](Self::wait_while).
///
/// # Examples
///
/// ```
/// use millpond_sync::{Condvar, Mutex};
///
/// let (items, is_filled) = (Mutex::new(vec![]), Condvar::new());
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         items.lock().push(7);
///         is_filled.notify_one();
///     });
///     let mut items = items.lock();
///     is_filled.wait_while(&mut items, |items| items.is_empty());
///     assert_eq!(*items, [7]);
/// });
/// ```
pub struct Condvar {
    grants: Grants<Relay, Notified>,
}

/// Which of the waiters that were notified has been woken, and which are to be woken when it has
/// its mutex.
#[derive(Debug)]
pub struct Relay {
    /// Those who sleep on, by their numbers.
    asleep: BTreeMap<u64, Waker>,
    /// The number of the one that is on its way to its mutex.
    holder: Option<u64>,
    /// The number of the next one that is notified.
    next: u64,
}

/// What a waiter of a [`Condvar`] carries: the number of its notification, once it has one.
///
/// A binding that waits by itself gives it back with [`Condvar::arrive`] when it has its lock
/// again.
#[derive(Debug, Default)]
#[must_use = "others that were notified sleep until it is given back with `arrive`"]
pub struct Notified(Option<u64>);

impl Condvar {
    crate::shim::const_fn! {
        /// Without waiters.
        #[must_use]
        pub const fn new() -> Self {
            Self { grants: Grants::new(Relay { asleep: BTreeMap::new(), holder: None, next: 0 }) }
        }
    }

    /// Notifies the waiter that came first; returns whether there was one.
    pub fn notify_one(&self) -> bool {
        self.notify(1) == 1
    }

    /// Notifies the first `count` waiters; returns how many there were.
    pub fn notify(&self, count: usize) -> usize {
        let notified = Self::notify_in(&mut self.grants.turn(), count);
        host::step(Site::new("notified waiters"));
        notified
    }

    /// Notifies everybody who waits now; returns how many there were.
    pub fn notify_all(&self) -> usize {
        self.notify(usize::MAX)
    }

    fn notify_in(turn: &mut Turn<'_, Relay, Notified>, count: usize) -> usize {
        let mut notified = 0;
        while notified < count {
            let number = turn.next;
            let Some((waker, entry)) = turn.grant_silently() else { break };
            *entry = Notified(Some(number));
            turn.next += 1;
            turn.asleep.extend(waker.map(|waker| (number, waker)));
            notified += 1;
        }
        Self::pass(turn);
        notified
    }

    /// Wakes the next of those who were notified, unless one is on its way.
    fn pass(turn: &mut Turn<'_, Relay, Notified>) {
        if turn.holder.is_none()
            && let Some((number, waker)) = turn.asleep.pop_first()
        {
            turn.holder = Some(number);
            turn.wake_later(waker);
        }
    }

    /// The waiter with this notification has its lock, or has gone away: the next one's turn.
    fn arrive_in(turn: &mut Turn<'_, Relay, Notified>, Notified(number): &Notified) {
        if turn.holder == *number {
            turn.holder = None;
        } else if let Some(number) = number {
            let waker = turn.asleep.remove(number);
            turn.drop_later(waker);
        }
        Self::pass(turn);
    }

    /// A waiter that was notified, and waited by itself with a [`Waiting`], has its lock again:
    /// wakes the next of those who were notified with it.
    pub fn arrive(&self, notified: Notified) {
        Self::arrive_in(&mut self.grants.turn(), &notified);
    }

    /// Waits for a notification: releases the mutex, and locks it again before it returns.
    ///
    /// # Blocking
    /// Until then, and until the mutex is free.
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        self.wait_deadline(guard, Deadline::NEVER);
    }

    /// The same, but at most for `timeout`; returns whether it was notified.
    ///
    /// # Blocking
    /// Until then, and until the mutex is free, however long that takes.
    pub fn wait_timeout<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>, timeout: Duration) -> bool {
        self.wait_deadline(guard, Deadline::after(timeout))
    }

    /// The same, but at most until `deadline`; returns whether it was notified.
    ///
    /// # Blocking
    /// Until then, and until the mutex is free, however long that takes.
    pub fn wait_deadline<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>, deadline: impl Into<Deadline>) -> bool {
        /// Locks the mutex again, also when something around the wait panics: the guard is still
        /// there.
        struct Relock<'a, T: ?Sized>(&'a Mutex<T>);
        impl<T: ?Sized> Drop for Relock<'_, T> {
            fn drop(&mut self) {
                self.0.lock_again();
            }
        }
        let deadline = deadline.into();
        let mut waiting = Waiting::new(self, Notified::default());
        let notified = Parker::with(|parker| {
            let _nested = parker.nested();
            let mut ended = waiting.advance(parker.waker(), false);
            let mutex: &Mutex<T> = Guard::lock(guard);
            mutex.unlock_for_a_while();
            let _relock = Relock(mutex);
            loop {
                if let Some(ended) = ended {
                    return ended.ok();
                }
                let is_over = !parker.park_deadline(deadline);
                ended = waiting.advance(parker.waker(), is_over);
            }
        });
        let was_notified = notified.is_some();
        notified.into_iter().for_each(|notified| self.arrive(notified));
        was_notified
    }

    /// Waits until `condition` no longer holds; looks before, and after each notification.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait_while<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>, condition: impl FnMut(&mut T) -> bool) {
        self.wait_while_deadline(guard, condition, Deadline::NEVER);
    }

    /// The same, but at most until `deadline`; returns whether the condition no longer holds.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait_while_deadline<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
        deadline: impl Into<Deadline>,
    ) -> bool {
        let deadline = deadline.into();
        while condition(guard) {
            if !self.wait_deadline(guard, deadline) {
                return !condition(guard);
            }
        }
        true
    }

    /// Waits for a notification, awaiting it; gives the guard back, of the mutex locked again.
    ///
    /// Dropping the future leaves the list; a notification that it has and did not return with goes
    /// to the next waiter. The mutex is not locked then, unless it was never polled: it is released
    /// by the first poll, or with the future.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_sync::{Condvar, Mutex, Parker};
    ///
    /// let (is_ready, changed) = (Mutex::new(false), Condvar::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         *is_ready.lock() = true;
    ///         changed.notify_all();
    ///     });
    ///     Parker::block_on(async {
    ///         let mut guard = is_ready.lock_async().await;
    ///         while !*guard {
    ///             guard = changed.wait_async(guard).await;
    ///         }
    ///     });
    /// });
    /// ```
    pub async fn wait_async<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        /// A notification on the way to its mutex.
        struct OnItsWay<'a>(&'a Condvar, Option<Notified>);
        impl Drop for OnItsWay<'_> {
            fn drop(&mut self) {
                if let Some(mut notified) = self.1.take() {
                    let mut turn = self.0.grants.turn();
                    self.0.forsake(&mut turn, &mut notified, WaiterState::Granted);
                }
            }
        }
        let mutex: &'a Mutex<T> = MutexGuard::pointer(&guard);
        let mut waiting = Waiting::new(self, Notified::default());
        let mut guard = Some(guard);
        let notified = std::future::poll_fn(|context| {
            let polled = std::pin::Pin::new(&mut waiting).poll(context);
            // It is in the list now, so the mutex may be released.
            guard = None;
            polled
        })
        .await;
        let mut on_its_way = OnItsWay(self, Some(notified));
        let guard = mutex.lock_async().await;
        on_its_way.1.take().into_iter().for_each(|notified| self.arrive(notified));
        guard
    }

    /// How many wait and have not been notified. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.grants.turn().waiting()
    }
}

impl Granting for Condvar {
    type State = Relay;
    type Entry = Notified;

    fn grants(&self) -> &Grants<Relay, Notified> {
        &self.grants
    }

    fn take(&self, _turn: &mut Turn<'_, Relay, Notified>, _entry: &mut Notified) -> bool {
        false
    }

    fn forsake(&self, turn: &mut Turn<'_, Relay, Notified>, entry: &mut Notified, was: WaiterState) {
        if was == WaiterState::Granted {
            Self::arrive_in(turn, entry);
            Self::notify_in(turn, 1);
        }
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Condvar");
        if let Some(turn) = self.grants.try_turn() {
            shown.field("waiting", &turn.waiting());
        }
        shown.finish_non_exhaustive()
    }
}
