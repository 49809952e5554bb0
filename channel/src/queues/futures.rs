//! Getting and putting, awaited.

use super::Queue;
use super::asking::{Get, Put};
use super::error::{GetError, PutError};
use super::state::Asked;
use super::store::Store;
use millpond_sync::{Claim, Selectable, Waiting};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future of an item. Made by [`Queue::get_async`].
///
/// Dropping it leaves the list; an item that it was given goes to the next who waits, or back to its place.
#[must_use = "a future does nothing unless it is awaited"]
pub struct GetFuture<'a, T, S: Store<T>> {
    waiting: Waiting<&'a Queue<T, S>>,
    is_one_of_several: bool,
}

impl<'a, T, S: Store<T>> GetFuture<'a, T, S> {
    pub(super) const fn new(queue: &'a Queue<T, S>) -> Self {
        Self { waiting: Waiting::new(queue, Asked::get()), is_one_of_several: false }
    }
}

impl<T, S: Store<T>> Future for GetFuture<'_, T, S> {
    type Output = Get<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Get<T>> {
        let Self { waiting, is_one_of_several } = self.get_mut();
        if !waiting.has_entered() && !*is_one_of_several {
            match waiting.primitive().try_get() {
                Err(GetError::Empty) => {}
                result => return Poll::Ready(result),
            }
        }
        Pin::new(waiting).poll(context).map(Asked::got)
    }
}

impl<T, S: Store<T>> Selectable for GetFuture<'_, T, S> {
    fn join(&mut self, claim: Claim) {
        self.waiting.join(claim);
        self.is_one_of_several = true;
    }
}

impl<T, S: Store<T>> fmt::Debug for GetFuture<'_, T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GetFuture").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

/// A future of several items. Made by [`Queue::get_many_async`].
///
/// Dropping it leaves the list; items that it was given go to the next who waits, or back to their places.
#[must_use = "a future does nothing unless it is awaited"]
pub struct GetManyFuture<'a, T, S: Store<T>> {
    waiting: Waiting<&'a Queue<T, S>>,
}

impl<'a, T, S: Store<T>> GetManyFuture<'a, T, S> {
    pub(super) const fn new(queue: &'a Queue<T, S>, count: usize) -> Self {
        Self { waiting: Waiting::new(queue, Asked::get_many(count)) }
    }
}

impl<T, S: Store<T>> Future for GetManyFuture<'_, T, S> {
    type Output = Result<Vec<T>, GetError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.get_mut().waiting).poll(context).map(Asked::got_many)
    }
}

impl<T, S: Store<T>> fmt::Debug for GetManyFuture<'_, T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GetManyFuture").field("waiting", &self.waiting).finish()
    }
}

/// A future of an item being in. Made by [`Queue::put_async`].
///
/// Dropping it leaves the list, and drops the item with it unless it is in already.
#[must_use = "a future does nothing unless it is awaited"]
pub struct PutFuture<'a, T, S: Store<T>> {
    queue: &'a Queue<T, S>,
    /// Until it is polled for the first time.
    item: Option<T>,
    waiting: Option<Waiting<&'a Queue<T, S>>>,
}

impl<'a, T, S: Store<T>> PutFuture<'a, T, S> {
    pub(super) const fn new(queue: &'a Queue<T, S>, item: T) -> Self {
        Self { queue, item: Some(item), waiting: None }
    }
}

impl<T, S: Store<T>> Unpin for PutFuture<'_, T, S> {}

impl<T, S: Store<T>> Future for PutFuture<'_, T, S> {
    type Output = Put<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Put<T>> {
        let this = self.get_mut();
        if let Some(item) = this.item.take() {
            match this.queue.try_put(item) {
                Err(PutError::Full(item)) => {
                    let weight = this.queue.weight(&item);
                    this.waiting = Some(Waiting::new(this.queue, Asked::put(item, weight)));
                }
                result => return Poll::Ready(result),
            }
        }
        let waiting = this.waiting.as_mut().expect("a future that is ready is not polled again");
        Pin::new(waiting).poll(context).map(|asked| asked.put_or(PutError::ShutDown))
    }
}

impl<T, S: Store<T>> fmt::Debug for PutFuture<'_, T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PutFuture").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}
