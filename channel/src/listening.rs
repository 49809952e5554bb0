//! Being told when it is worth trying again, for callers that neither block nor poll a future.

use crate::channel::{Channel, OwnedList, Side, with_core};
use millpond_sync::{Waiter, WaiterState};
use std::fmt;
use std::task::Waker;

/// A place in a channel's list of waiting readers or writers; dropping it leaves the list.
///
/// Made by [`Reader::listen`](crate::Reader::listen) and [`Writer::listen`](crate::Writer::listen). **Try once more after
/// making it**; only then rely on the waker. When the waker is called, take the notification with
/// [`accept`](Self::accept) and try again; a `Listening` that is dropped instead passes its notification on to the next
/// waiter.
#[must_use = "dropping it leaves the list"]
pub struct Listening<T> {
    waiter: Waiter<OwnedList<T>>,
}

impl<T> Listening<T> {
    pub(crate) fn new(channel: Channel<T>, side: Side, waker: &Waker) -> Self {
        let mut waiter = Waiter::new(OwnedList::new(channel.share(), side));
        waiter.enter(waker);
        // What the caller tries after this is in order with the turns of the other side.
        match side {
            Side::Readers => with_core!(&channel, core => core.visit_writers()),
            Side::Writers => with_core!(&channel, core => core.visit_readers()),
        }
        Self { waiter }
    }

    /// Replaces the waker; tells whether a notification has already hit (then the new waker is not called).
    pub fn renew(&mut self, waker: &Waker) -> bool {
        self.waiter.enter(waker) != WaiterState::Waiting
    }

    /// Leaves the list and keeps the notification, if one has hit: the caller is going to try.
    pub fn accept(mut self) -> bool {
        self.waiter.leave().is_some_and(millpond_sync::Left::was_notified)
    }
}

impl<T> fmt::Debug for Listening<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Listening").field("waiter", &self.waiter).finish()
    }
}
