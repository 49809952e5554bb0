//! One waiter of one list, as a value: dropping it leaves the list and passes on what it was given.

use crate::state::WaiterState;
use crate::wait_list::{Left, Ticket, WaitList};
use std::fmt;
use std::ops::Deref;
use std::task::{Context, Poll, Waker};

/// A waiter of one list, in it or not yet.
///
/// `L` is a borrowed list or any owner that dereferences to one, such as an `Arc`, so that a future
/// that owns its channel can hold one.
#[must_use = "dropping it leaves the list"]
pub struct Waiter<L: Deref<Target = WaitList>> {
    list: L,
    /// The place in the list, if it has entered.
    ticket: Option<Ticket>,
    /// Whether it holds a notification that nobody else has and that it has not acted on yet.
    is_carrying: bool,
}

impl<L: Deref<Target = WaitList>> Waiter<L> {
    /// A waiter that is not in the list yet.
    pub const fn new(list: L) -> Self {
        Self { list, ticket: None, is_carrying: false }
    }

    /// The list.
    #[must_use]
    pub fn list(&self) -> &WaitList {
        &self.list
    }

    /// Whether it is in the list, notified or not.
    #[must_use]
    pub const fn has_entered(&self) -> bool {
        self.ticket.is_some()
    }

    /// Enters the list if it is not in it; otherwise renews the waker. Tells how it stands.
    pub fn enter(&mut self, waker: &Waker) -> WaiterState {
        if let Some(ticket) = &self.ticket {
            return self.list.update(ticket, waker);
        }
        self.ticket = Some(self.list.enter(waker));
        WaiterState::Waiting
    }

    /// If a notification has hit, leaves the list and carries it; tells whether that was so.
    ///
    /// What is carried must be followed by a try, and then by [`act`](Self::act); if the waiter is
    /// dropped in between (the try panicked), it is passed on.
    pub fn take_notification(&mut self) -> bool {
        let Some(ticket) = &self.ticket else { return false };
        if self.list.state(ticket) == WaiterState::Waiting {
            return false;
        }
        if let Some(ticket) = self.ticket.take() {
            self.is_carrying = self.list.leave(ticket) == Left::NotifiedOne;
        }
        true
    }

    /// Says that the notification it carries was acted on, in vain or not.
    pub const fn act(&mut self) {
        self.is_carrying = false;
    }

    /// Leaves the list, taking along a notification that has hit; `None` if it was not in the list.
    pub fn leave(&mut self) -> Option<Left> {
        self.ticket.take().map(|ticket| self.list.leave(ticket))
    }

    /// Goes away: leaves the list, and a notification that has hit or is carried goes to the next
    /// waiter.
    pub fn cancel(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let _left = self.list.cancel(ticket);
        }
        if std::mem::take(&mut self.is_carrying) {
            self.list.pass_on(Left::NotifiedOne);
        }
    }

    /// One poll of a wait: tries, and if that gives nothing stands in the list with the context's
    /// waker.
    ///
    /// The loop of every future in this workspace. A notification that has hit is taken before
    /// `attempt` runs, so a poll that was notified and gets what it came for does not wake another
    /// waiter as well.
    pub fn poll<T>(&mut self, context: &mut Context<'_>, mut attempt: impl FnMut() -> Option<T>) -> Poll<T> {
        if self.has_entered() && self.enter(context.waker()) != WaiterState::Waiting {
            self.take_notification();
        }
        loop {
            let value = attempt();
            self.act();
            if let Some(value) = value {
                self.cancel();
                return Poll::Ready(value);
            }
            if self.has_entered() {
                return Poll::Pending;
            }
            self.enter(context.waker());
        }
    }
}

impl<L: Deref<Target = WaitList>> Drop for Waiter<L> {
    fn drop(&mut self) {
        // The model checker ends a deadlock with a panic, after which its primitives cannot be
        // used.
        if cfg!(any(loom, shuttle)) && std::thread::panicking() {
            return;
        }
        self.cancel();
    }
}

impl<L: Deref<Target = WaitList>> fmt::Debug for Waiter<L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Waiter").field("has_entered", &self.has_entered()).finish_non_exhaustive()
    }
}
