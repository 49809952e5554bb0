//! The waiters of one primitive and its state, under one lock.
//!
//! A [`WaitList`](crate::WaitList) tells a waiter that it is worth trying again. Here a waiter is
//! *given* what it waits for: the primitive that releases moves its first waiter to the state
//! granted, in the same turn of the lock in which it changes its own state. From then on the waiter
//! owns what it was given, before it runs. A release, a grant, a cancel and a time-out are one turn
//! each, so of two that race one comes first and the other sees it.
//!
//! No code of a user runs in a turn: wakers are called, and values dropped, after it. The states
//! and the proof are in `README.md`; it knows nothing of what is granted.

use crate::claim::Claim;
use crate::entries::{Entries, Vacated};
use crate::shim::{Mutex, MutexGuard};
use crate::state::{WaiterEvent, WaiterState};
use crate::wait_list::Ticket;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::task::Waker;

/// State of a primitive and its waiters, each with an entry of type `V`, under one lock.
///
/// Nothing is allocated before the first waiter enters. 16 bytes beside the state.
///
/// # Examples
///
/// A gate that lets everybody pass who comes once it is open:
///
/// ```
/// use millpond_sync::{Grants, WaiterState};
/// use std::task::Waker;
///
/// let gate: Grants<bool, ()> = Grants::new(false);
/// let ticket = gate.turn().enter(Waker::noop().clone(), ());
/// {
///     let mut turn = gate.turn();
///     *turn = true;
///     while turn.grant_first().is_some() {}
/// }   // The lock is free here, and the wakers have been called.
/// let (was, ()) = gate.turn().leave(ticket);
/// assert_eq!(was, WaiterState::Granted);
/// ```
pub struct Grants<S, V> {
    inside: Mutex<Inside<S, V>>,
}

struct Inside<S, V> {
    state: S,
    /// Made when the first waiter enters.
    entries: Option<Box<Entries<Carried<V>>>>,
}

/// What an entry carries.
#[derive(Debug)]
struct Carried<V> {
    value: V,
    /// What a grant must win first, where the waiter waits for one of several things.
    claim: Option<Claim>,
}

impl<S, V> Grants<S, V> {
    crate::shim::const_fn! {
        /// A primitive in this state, without waiters.
        #[must_use]
        pub const fn new(state: S) -> Self {
            Self { inside: Mutex::new(Inside { state, entries: None }) }
        }
    }

    /// Takes the lock. What is granted and notified in the turn is woken when it is dropped, after
    /// the lock is free.
    #[inline]
    pub fn turn(&self) -> Turn<'_, S, V> {
        Turn { inside: self.inside.lock(), woken: Woken::default() }
    }

    /// Takes the lock if it is free, for looking at a primitive without ever waiting.
    pub fn try_turn(&self) -> Option<Turn<'_, S, V>> {
        Some(Turn { inside: self.inside.try_lock()?, woken: Woken::default() })
    }

    /// The state, by exclusive access.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inside.get_mut().state
    }
}

/// A turn of a primitive's lock; dereferences to the state.
///
/// Dropping it frees the lock and then wakes everybody who was granted something in it or notified.
/// A waker that panics does not keep the others asleep.
#[must_use = "dropping it ends the turn"]
pub struct Turn<'a, S, V> {
    // Subtle: fields are dropped in this order, so the lock is free before anybody is woken.
    inside: MutexGuard<'a, Inside<S, V>>,
    woken: Woken,
}

impl<S, V> Turn<'_, S, V> {
    fn entries(&mut self) -> &mut Entries<Carried<V>> {
        self.inside.entries.get_or_insert_with(|| Box::new(Entries::new()))
    }

    /// How many wait and have been neither granted anything nor notified.
    #[inline]
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inside.entries.as_ref().map_or(0, |entries| entries.waiting())
    }

    /// The entry of the waiter that is first in the list.
    ///
    /// Waiters that were given something elsewhere are put out of the list on the way.
    pub fn first(&mut self) -> Option<&mut V> {
        let entries = self.inside.entries.as_deref_mut()?;
        while entries.first()?.claim.as_ref().is_some_and(Claim::is_won) {
            self.woken.push(entries.notify_first(WaiterEvent::NotifyAll)?.0);
        }
        entries.first().map(|carried| &mut carried.value)
    }

    /// Grants the first waiter what it waits for, and returns its entry so that a value can be put
    /// into it.
    ///
    /// `None` if nobody waits.
    pub fn grant_first(&mut self) -> Option<&mut V> {
        let entries = self.inside.entries.as_deref_mut()?;
        loop {
            if entries.first()?.claim.as_ref().is_none_or(Claim::win) {
                let (waker, carried) = entries.notify_first(WaiterEvent::Grant)?;
                self.woken.push(waker);
                return Some(&mut carried.value);
            }
            self.woken.push(entries.notify_first(WaiterEvent::NotifyAll)?.0);
        }
    }

    /// The state, and the entry of the waiter that is first in the list.
    pub fn first_and_state(&mut self) -> Option<(&mut S, &mut V)> {
        self.first()?;
        let inside = &mut *self.inside;
        let carried = inside.entries.as_deref_mut()?.first()?;
        Some((&mut inside.state, &mut carried.value))
    }

    /// As [`try_grant_first`](Self::try_grant_first), with the state that what is granted comes
    /// from.
    pub fn try_grant_first_with_state(&mut self) -> Option<(&mut S, &mut V)> {
        let inside = &mut *self.inside;
        let entries = inside.entries.as_deref_mut()?;
        let is_won = entries.first()?.claim.as_ref().is_none_or(Claim::win);
        let (waker, carried) =
            entries.notify_first(if is_won { WaiterEvent::Grant } else { WaiterEvent::NotifyAll })?;
        self.woken.push(waker);
        is_won.then_some((&mut inside.state, &mut carried.value))
    }

    /// Grants the waiter whose entry [`first`](Self::first) showed what it waits for.
    ///
    /// `None` if it was given something elsewhere since, and is out of the list now: then look at
    /// the first again. For primitives that must know what they give before they grant it.
    pub fn try_grant_first(&mut self) -> Option<&mut V> {
        let entries = self.inside.entries.as_deref_mut()?;
        let is_won = entries.first()?.claim.as_ref().is_none_or(Claim::win);
        let (waker, carried) =
            entries.notify_first(if is_won { WaiterEvent::Grant } else { WaiterEvent::NotifyAll })?;
        self.woken.push(waker);
        is_won.then_some(&mut carried.value)
    }

    /// Grants the first waiter what it waits for, without waking it: its waker is the caller's to
    /// call.
    pub(crate) fn grant_silently(&mut self) -> Option<(Option<Waker>, &mut V)> {
        while self.first().is_some() {
            let entries = self.inside.entries.as_deref_mut()?;
            if entries.first()?.claim.as_ref().is_none_or(Claim::win) {
                // The borrow checker does not see that a loop ends by returning what is borrowed.
                let (waker, carried) = self.inside.entries.as_deref_mut()?.notify_first(WaiterEvent::Grant)?;
                return Some((waker, &mut carried.value));
            }
        }
        None
    }

    /// Calls `waker` when the lock is free.
    pub(crate) fn wake_later(&mut self, waker: Waker) {
        self.woken.push(Some(waker));
    }

    /// Drops `waker` when the lock is free.
    pub(crate) fn drop_later(&mut self, waker: Option<Waker>) {
        self.woken.drop_later(waker);
    }

    /// Tells the first waiter that it is worth trying again, and returns its entry. If it tries in
    /// vain it leaves and [enters at the front](Self::enter_first), so it keeps its place.
    pub fn notify_first(&mut self) -> Option<&mut V> {
        let entries = self.inside.entries.as_deref_mut()?;
        let (waker, carried) = entries.notify_first(WaiterEvent::Notify)?;
        self.woken.push(waker);
        Some(&mut carried.value)
    }

    /// Puts a waiter at the end of the list. Its waker is called once, when it is granted something
    /// or notified.
    pub fn enter(&mut self, waker: Waker, value: V) -> Ticket {
        self.enter_with(waker, value, None)
    }

    pub(crate) fn enter_with(&mut self, waker: Waker, value: V, claim: Option<Claim>) -> Ticket {
        Ticket(self.entries().enter(waker, Carried { value, claim }))
    }

    /// Puts a waiter at the front of the list.
    pub fn enter_first(&mut self, waker: Waker, value: V) -> Ticket {
        Ticket(self.entries().enter_first(waker, Carried { value, claim: None }))
    }

    /// How a waiter stands.
    ///
    /// # Panics
    /// If the ticket is of another list.
    #[must_use]
    #[track_caller]
    pub fn state(&self, ticket: &Ticket) -> WaiterState {
        let state = self.inside.entries.as_ref().and_then(|entries| entries.state(ticket.0));
        state.unwrap_or_else(|| foreign(ticket))
    }

    /// A waiter's entry.
    ///
    /// # Panics
    /// If the ticket is of another list.
    #[track_caller]
    pub fn entry(&mut self, ticket: &Ticket) -> &mut V {
        let carried = self.entries().value(ticket.0);
        &mut carried.unwrap_or_else(|| foreign(ticket)).value
    }

    /// Renews a waiter's waker, for a future that is polled with another one.
    ///
    /// # Panics
    /// If the ticket is of another list.
    #[track_caller]
    pub fn renew(&mut self, ticket: &Ticket, waker: &Waker) {
        let updated = self.entries().update(ticket.0, Some(waker));
        let (_, replaced) = updated.unwrap_or_else(|| foreign(ticket));
        self.woken.drop_later(replaced);
    }

    /// Takes a waiter out of the list, with whatever it was granted: it has that now. Returns how
    /// it stood, and its entry.
    ///
    /// # Panics
    /// If the ticket is of another list.
    #[track_caller]
    pub fn leave(&mut self, ticket: Ticket) -> (WaiterState, V) {
        self.remove(ticket, WaiterEvent::Leave)
    }

    /// Takes a waiter out of the list that goes away. What it was granted is the caller's to give
    /// back **in this turn**: to the next waiter, or to the state.
    ///
    /// # Panics
    /// If the ticket is of another list.
    #[must_use = "what it was granted must be given back in this turn"]
    #[track_caller]
    pub fn cancel(&mut self, ticket: Ticket) -> (WaiterState, V) {
        self.remove(ticket, WaiterEvent::Cancel)
    }

    #[track_caller]
    fn remove(&mut self, ticket: Ticket, event: WaiterEvent) -> (WaiterState, V) {
        let vacated = self.entries().leave(ticket.0, event);
        let Vacated { was, waker, value, .. } = vacated.unwrap_or_else(|| foreign(&ticket));
        self.woken.drop_later(waker);
        (was, value.unwrap_or_else(|| foreign(&ticket)).value)
    }
}

impl<S, V> Deref for Turn<'_, S, V> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        &self.inside.state
    }
}

impl<S, V> DerefMut for Turn<'_, S, V> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        &mut self.inside.state
    }
}

impl<S: fmt::Debug, V> fmt::Debug for Turn<'_, S, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Turn");
        shown.field("state", &self.inside.state).field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

impl<S: Default, V> Default for Grants<S, V> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<S: fmt::Debug, V> fmt::Debug for Grants<S, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Grants");
        if let Some(turn) = self.try_turn() {
            shown.field("state", &*turn).field("waiting", &turn.waiting());
        }
        shown.finish_non_exhaustive()
    }
}

/// Wakers to be called, and others to be dropped, when the lock is free.
///
/// The first to be called, which is mostly the only one, needs no memory of its own; a turn that
/// wakes nobody has two words to look at in the end.
#[derive(Default)]
struct Woken {
    first: Option<Waker>,
    more: Option<Box<More>>,
}

#[derive(Default)]
struct More {
    woken: Vec<Waker>,
    dropped: Vec<Waker>,
}

impl Woken {
    fn push(&mut self, waker: Option<Waker>) {
        match (waker, &self.first) {
            (Some(waker), Some(_)) => self.more.get_or_insert_default().woken.push(waker),
            (Some(waker), None) => self.first = Some(waker),
            (None, _) => {}
        }
    }

    fn drop_later(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.more.get_or_insert_default().dropped.push(waker);
        }
    }

    #[cold]
    fn wake(&mut self) {
        /// Goes on where a waker panicked.
        struct Rest<I: Iterator<Item = Waker>>(I);
        impl<I: Iterator<Item = Waker>> Drop for Rest<I> {
            fn drop(&mut self) {
                self.0.by_ref().for_each(Waker::wake);
            }
        }
        let Some(first) = self.first.take() else { return };
        let Some(more) = &mut self.more else { return first.wake() };
        let mut rest = Rest(std::iter::once(first).chain(std::mem::take(&mut more.woken)));
        rest.0.by_ref().for_each(Waker::wake);
    }
}

impl Drop for Woken {
    #[inline]
    fn drop(&mut self) {
        if self.first.is_some() {
            self.wake();
        }
    }
}

#[cold]
#[track_caller]
fn foreign<T>(ticket: &Ticket) -> T {
    panic!("looking up a waiter: ticket `{:?}` is not of this list; use it with the list that gave it", ticket.0)
}
