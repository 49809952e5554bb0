//! The list itself: who waits, in which order, and how a notification finds them.
//!
//! The entries stand behind a small mutex; beside it a counter of the waiting lets a notifier see
//! without a lock that there is nobody. Entering raises the counter and then fences; notifying
//! fences and then reads it: of a waiter that looks at its condition after entering and a notifier
//! that changed the condition before notifying, at least one sees the other (the argument is in
//! `README.md`). Wakers are cloned, called and dropped outside the lock.
//!
//! It knows nothing of what is waited for.

use crate::entries::{Entries, Place};
use crate::fault::{self, WaitFault};
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicUsize, Ordering, fence};
use crate::state::{WaiterEvent, WaiterState, Wakes};
use std::fmt;
use std::task::Waker;

/// How many wakers are taken out of the list per turn of its lock.
const BATCH: usize = 16;

/// One first-in-first-out list of waiting threads and futures.
///
/// Whoever waits enters, **looks at its condition once more**, and only then sleeps. Whoever
/// changes the condition does so first and notifies afterwards. [`wait_until`](Self::wait_until)
/// and [`wait_async`](Self::wait_async) do the waiter's half for you.
pub struct WaitList {
    /// How many waiters no notification has hit yet. Written under the lock, read without it.
    waiting: AtomicUsize,
    entries: Mutex<Entries>,
}

/// A waiter's place in a list; give it back with [`WaitList::leave`] or [`WaitList::cancel`].
#[must_use = "a ticket that is not given back keeps its waiter in the list; leave or cancel with it"]
#[derive(Debug)]
pub struct Ticket(pub(crate) Place);

/// How things stood for a waiter when it left.
#[must_use = "a waiter that leaves with `NotifiedOne` and does not act on it must pass it on"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Left {
    /// No notification had hit it.
    Waiting,
    /// It has a notification that no other waiter has.
    NotifiedOne,
    /// It was notified together with all others.
    NotifiedAll,
}

impl Left {
    /// Whether a notification had hit it.
    #[must_use]
    pub const fn was_notified(self) -> bool {
        !matches!(self, Self::Waiting)
    }
}

impl WaitList {
    /// An empty list.
    #[must_use]
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { waiting: AtomicUsize::new(0), entries: Mutex::new(Entries::new()) }
    }

    /// An empty list.
    #[must_use]
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { waiting: AtomicUsize::new(0), entries: Mutex::new(Entries::new()) }
    }

    /// Enters at the end of the list; `waker` is called once, when a notification hits.
    ///
    /// Look at the condition **after** this, before sleeping.
    pub fn enter(&self, waker: &Waker) -> Ticket {
        let waker = waker.clone();
        let place = {
            let mut entries = self.entries.lock();
            let place = entries.enter(waker, ());
            self.count(&entries);
            place
        };
        self.fence();
        Ticket(place)
    }

    /// Renews the waker, for a future that is polled again with another one, and tells how the
    /// waiter stands.
    ///
    /// # Panics
    /// If the ticket is of another list.
    #[track_caller]
    pub fn update(&self, ticket: &Ticket, waker: &Waker) -> WaiterState {
        let updated = self.entries.lock().update(ticket.0, Some(waker));
        updated.unwrap_or_else(|| foreign(ticket)).0
    }

    /// How the waiter stands.
    ///
    /// # Panics
    /// If the ticket is of another list.
    #[must_use]
    #[track_caller]
    pub fn state(&self, ticket: &Ticket) -> WaiterState {
        let updated = self.entries.lock().update(ticket.0, None);
        updated.unwrap_or_else(|| foreign(ticket)).0
    }

    /// Leaves the list, taking along a notification that has hit.
    ///
    /// For a waiter that was woken and now acts on it. One that goes away without acting uses
    /// [`cancel`](Self::cancel), or gives what it got here to [`pass_on`](Self::pass_on).
    ///
    /// # Panics
    /// If the ticket is of another list.
    #[track_caller]
    pub fn leave(&self, ticket: Ticket) -> Left {
        self.remove(ticket, WaiterEvent::Leave).0
    }

    /// Goes away without acting: a notification meant for this waiter goes to the next one.
    ///
    /// # Panics
    /// If the ticket is of another list.
    #[track_caller]
    pub fn cancel(&self, ticket: Ticket) -> Left {
        let (left, wakes) = self.remove(ticket, WaiterEvent::Cancel);
        if wakes == Wakes::Next {
            self.pass_on(left);
        }
        left
    }

    /// Gives a notification on to the waiter that is first now; does nothing for any other way of
    /// having left.
    pub fn pass_on(&self, left: Left) {
        if fault::is(WaitFault::NoPassingOn) {
            return;
        }
        if left == Left::NotifiedOne {
            self.notify(1);
        }
    }

    /// Wakes the first waiter, if there is one; tells how many it were.
    pub fn notify_one(&self) -> usize {
        self.notify(1)
    }

    /// Wakes the first `count` waiters; tells how many it were.
    ///
    /// Costs a fence and a load when nobody waits.
    #[inline]
    pub fn notify(&self, count: usize) -> usize {
        self.fence();
        self.notify_after_lock(count)
    }

    /// Like [`notify`](Self::notify) without the fence, for conditions that a lock guards.
    ///
    /// Right if the caller changed the condition under a lock and every waiter's attempt takes the
    /// same lock, or the waiter takes it once between entering and its last attempt: the lock then
    /// orders the two. Costs one load when nobody waits.
    #[inline]
    pub fn notify_after_lock(&self, count: usize) -> usize {
        if count == 0 || self.waiting() == 0 { 0 } else { self.wake(count, WaiterEvent::Notify) }
    }

    /// Wakes everyone who waits now; tells how many it were.
    #[inline]
    pub fn notify_all(&self) -> usize {
        self.fence();
        self.notify_all_after_lock()
    }

    /// Like [`notify_all`](Self::notify_all) without the fence; see
    /// [`notify_after_lock`](Self::notify_after_lock).
    #[inline]
    pub fn notify_all_after_lock(&self) -> usize {
        if self.waiting() == 0 { 0 } else { self.wake(usize::MAX, WaiterEvent::NotifyAll) }
    }

    /// How many wait and have not been notified. A moment's view.
    #[inline]
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    #[cold]
    fn wake(&self, count: usize, event: WaiterEvent) -> usize {
        let mut remaining = count;
        let mut woken = 0;
        while remaining > 0 {
            let mut batch = Batch::default();
            {
                let mut entries = self.entries.lock();
                // Newcomers between two turns are not owed anything: only those who waited at the
                // first turn.
                remaining = remaining.min(entries.waiting());
                for place in batch.0.iter_mut().take(remaining) {
                    *place = entries.notify_first(event).and_then(|(waker, ())| waker);
                }
                self.count(&entries);
            }
            let taken = remaining.min(BATCH);
            remaining -= taken;
            woken += taken;
            drop(batch);
        }
        woken
    }

    #[track_caller]
    fn remove(&self, ticket: Ticket, event: WaiterEvent) -> (Left, Wakes) {
        let left = {
            let mut entries = self.entries.lock();
            let left = entries.leave(ticket.0, event);
            self.count(&entries);
            left
        };
        let vacated = left.unwrap_or_else(|| foreign(&ticket));
        let left = match vacated.was {
            WaiterState::NotifiedOne => Left::NotifiedOne,
            WaiterState::NotifiedAll => Left::NotifiedAll,
            WaiterState::Waiting | WaiterState::Vacant | WaiterState::Granted => Left::Waiting,
        };
        (left, vacated.wakes)
    }

    fn count(&self, entries: &Entries) {
        if fault::is(WaitFault::CountedLate) && entries.waiting() > self.waiting() {
            return;
        }
        self.waiting.store(entries.waiting(), Ordering::Relaxed);
    }

    #[inline]
    fn fence(&self) {
        if fault::is(WaitFault::NoFence) {
            return;
        }
        fence(Ordering::SeqCst);
    }
}

/// Wakers taken out of the list; dropping wakes them, also when one of them panics.
#[derive(Default)]
struct Batch([Option<Waker>; BATCH]);

impl Drop for Batch {
    fn drop(&mut self) {
        struct Rest<'a>(&'a mut [Option<Waker>]);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                self.0.iter_mut().filter_map(Option::take).for_each(Waker::wake);
            }
        }
        let rest = Rest(&mut self.0);
        rest.0.iter_mut().map_while(Option::take).for_each(Waker::wake);
    }
}

#[cold]
#[track_caller]
fn foreign<T>(ticket: &Ticket) -> T {
    panic!("looking up a waiter: ticket `{:?}` is not of this list; use it with the list that gave it", ticket.0)
}

impl Default for WaitList {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WaitList").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}
