//! The loop of a wait that ends with a grant, for threads and for futures.
//!
//! *Take it if it can be had; otherwise enter the list; sleep until granted, notified or too late.* Each round is one
//! turn of the primitive's lock, so there is no moment between the look and the entering. It knows
//! nothing of what is waited for: that is the primitive's [`Granting`].

use crate::claim::Claim;
use crate::deadline::Deadline;
use crate::fault::{self, WaitFault};
use crate::grants::{Grants, Turn};
use crate::parker::Parker;
use crate::select::Selectable;
use crate::state::WaiterState;
use crate::wait_list::Ticket;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A turn of the lock of a primitive `G`.
pub type TurnOf<'a, G> = Turn<'a, <G as Granting>::State, <G as Granting>::Entry>;

/// A primitive whose waiters are granted what they wait for.
///
/// Implement this to build a primitive on the list, and wait with a [`Waiting`].
pub trait Granting {
    /// What stands under the lock beside the waiters.
    type State;
    /// What a waiter asks for, and what it was given.
    type Entry;

    /// The list.
    fn grants(&self) -> &Grants<Self::State, Self::Entry>;

    /// Takes what `entry` asks for if it can be had now, with regard to whoever waits already;
    /// returns whether it did.
    ///
    /// If not, the waiter enters the list in the same turn. So this also marks, where releases do
    /// not always take the lock, that from now on they must.
    fn take(&self, turn: &mut TurnOf<'_, Self>, entry: &mut Self::Entry) -> bool;

    /// The same for a waiter that was notified, and so stands in front of all others.
    fn take_again(&self, turn: &mut TurnOf<'_, Self>, entry: &mut Self::Entry) -> bool {
        self.take(turn, entry)
    }

    /// A waiter has gone away, in this turn. What it `was` granted goes to the next one or back
    /// into the state; if it was waiting in front of others, these may be granted what it was in
    /// the way of.
    fn forsake(&self, turn: &mut TurnOf<'_, Self>, entry: &mut Self::Entry, was: WaiterState);

    /// The lock that a waiter waits for, for a simulation to name its holder.
    #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
    fn awaited(&self, _entry: &Self::Entry) -> Option<crate::holding::Awaited> {
        None
    }

    /// Whether a waiter enters at the front of the list.
    fn is_urgent(&self, _entry: &Self::Entry) -> bool {
        false
    }
}

/// One wait for something that a primitive grants: a future, and what blocks a thread.
///
/// `P` is a borrowed primitive or an `Arc` of one. Dropping it takes it out of the list, and what
/// it was granted goes to the next waiter or back.
#[must_use = "a wait does nothing unless it is awaited, polled or blocked on"]
pub struct Waiting<P: Deref<Target: Granting>> {
    primitive: P,
    /// What is asked for, while it is not in the list.
    entry: Option<<P::Target as Granting>::Entry>,
    ticket: Option<Ticket>,
    claim: Option<Claim>,
}

/// What an entry was given, or the entry as it was when the time was up.
type Ended<P> = Result<<<P as Deref>::Target as Granting>::Entry, <<P as Deref>::Target as Granting>::Entry>;

impl<P: Deref<Target: Granting>> Waiting<P> {
    /// A wait that has not begun.
    pub const fn new(primitive: P, entry: <P::Target as Granting>::Entry) -> Self {
        Self { primitive, entry: Some(entry), ticket: None, claim: None }
    }

    /// One of several waits, of which the first that wins `claim` is granted.
    pub(crate) const fn with_claim(primitive: P, entry: <P::Target as Granting>::Entry, claim: Option<Claim>) -> Self {
        Self { primitive, entry: Some(entry), ticket: None, claim }
    }

    /// The primitive.
    pub const fn primitive(&self) -> &P {
        &self.primitive
    }

    /// Whether it stands in the list, granted or not.
    #[must_use]
    pub const fn has_entered(&self) -> bool {
        self.ticket.is_some()
    }

    /// One round: takes, enters, leaves, or stays as it is. `None` while it must wait.
    ///
    /// This is what a binding calls whose waiters are neither threads nor futures: once with the
    /// waiter's waker, and again after the waker was called. With `is_over` it gives up, unless it
    /// was granted before.
    ///
    /// # Errors
    /// The entry, unchanged, if `is_over` and nothing was granted.
    ///
    /// # Panics
    /// If it was completed already.
    pub fn advance(&mut self, waker: &Waker, is_over: bool) -> Option<Ended<P>> {
        let primitive = &*self.primitive;
        let Some(ticket) = self.ticket.take() else {
            let mut entry = self.entry.take().expect("a wait that has ended is not asked again");
            let waker = waker.clone();
            let mut turn = primitive.grants().turn();
            if self.claim.as_ref().is_some_and(Claim::is_won) {
                self.entry = Some(entry);
                return None;
            }
            // Subtle: of a wait for several things only this one may be taken now. Whoever wins the
            // claim first has it.
            if primitive.take(&mut turn, &mut entry) {
                if self.claim.as_ref().is_none_or(Claim::win) {
                    return Some(Ok(entry));
                }
                primitive.forsake(&mut turn, &mut entry, WaiterState::Granted);
                self.entry = Some(entry);
                return None;
            }
            if is_over {
                primitive.forsake(&mut turn, &mut entry, WaiterState::Waiting);
                return Some(Err(entry));
            }
            self.ticket = Some(match primitive.is_urgent(&entry) {
                true => turn.enter_first(waker, entry),
                false => turn.enter_with(waker, entry, self.claim.clone()),
            });
            return None;
        };
        let mut turn = primitive.grants().turn();
        let was = turn.state(&ticket);
        match was {
            WaiterState::Granted => return Some(Ok(turn.leave(ticket).1)),
            WaiterState::NotifiedOne => {
                let (_, mut entry) = turn.leave(ticket);
                if primitive.take_again(&mut turn, &mut entry) {
                    return Some(Ok(entry));
                }
                if is_over {
                    primitive.forsake(&mut turn, &mut entry, WaiterState::NotifiedOne);
                    return Some(Err(entry));
                }
                self.ticket = Some(turn.enter_first(waker.clone(), entry));
            }
            _ if is_over => {
                let (_, mut entry) = turn.cancel(ticket);
                primitive.forsake(&mut turn, &mut entry, was);
                return Some(Err(entry));
            }
            _ => {
                turn.renew(&ticket, waker);
                self.ticket = Some(ticket);
            }
        }
        None
    }

    /// Blocks the thread until it is granted, or `deadline` has passed.
    ///
    /// # Errors
    /// The entry, unchanged, if the time was up before anything was granted.
    ///
    /// # Blocking
    /// Until then.
    pub fn block(mut self, deadline: Deadline) -> Ended<P> {
        Parker::with(|parker| {
            let _nested = parker.nested();
            #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
            if crate::host::is_hosted() {
                parker.set_awaited(self.entry.as_ref().and_then(|entry| self.primitive.awaited(entry)));
            }
            let mut is_over = false;
            let ended = loop {
                if let Some(ended) = self.advance(parker.waker(), is_over) {
                    break ended;
                }
                is_over = !parker.park_deadline(deadline);
            };
            #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
            parker.set_awaited(None);
            ended
        })
    }

    /// Goes away: leaves the list, and what it was granted goes to the next waiter or back.
    fn cancel(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let primitive = &*self.primitive;
        let mut turn = primitive.grants().turn();
        let (was, mut entry) = turn.cancel(ticket);
        if fault::is(WaitFault::GrantKept) {
            return;
        }
        primitive.forsake(&mut turn, &mut entry, was);
        // Subtle: an entry may hold a user's value, which is dropped when the lock is free.
        drop(turn);
    }
}

impl<P: Deref<Target: Granting>> Unpin for Waiting<P> {}

impl<P: Deref<Target: Granting>> Future for Waiting<P> {
    type Output = <P::Target as Granting>::Entry;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut().advance(context.waker(), false) {
            Some(Ok(entry)) => Poll::Ready(entry),
            Some(Err(_)) => unreachable!("only a wait that is over ends without a grant"),
            None => Poll::Pending,
        }
    }
}

impl<P: Deref<Target: Granting>> Selectable for Waiting<P> {
    fn join(&mut self, claim: Claim) {
        self.claim = Some(claim);
    }
}

impl<P: Deref<Target: Granting>> Drop for Waiting<P> {
    fn drop(&mut self) {
        // The model checker ends a deadlock with a panic, after which its primitives cannot be
        // used.
        if cfg!(any(loom, shuttle)) && std::thread::panicking() {
            return;
        }
        self.cancel();
    }
}

impl<P: Deref<Target: Granting>> fmt::Debug for Waiting<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Waiting").field("has_entered", &self.has_entered()).finish_non_exhaustive()
    }
}
