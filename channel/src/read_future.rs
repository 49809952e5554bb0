//! Reads that are awaited. The loop is that of the blocking reads.

use crate::channel::{Channel, with_core};
use crate::error::ReadError;
use millpond_sync::{WaitList, Waiter};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Reads one item; made by [`Reader::read_one_async`](crate::Reader::read_one_async).
#[must_use = "a future does nothing unless it is awaited"]
pub struct ReadOneFuture<'a, T> {
    channel: &'a Channel<T>,
    waiter: Waiter<&'a WaitList>,
}

impl<'a, T> ReadOneFuture<'a, T> {
    pub(crate) fn new(channel: &'a Channel<T>) -> Self {
        Self { channel, waiter: Waiter::new(with_core!(channel, core => core.readers())) }
    }
}

impl<T> Future for ReadOneFuture<'_, T> {
    type Output = Result<T, ReadError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let item = ready!(this.waiter.poll(context, || with_core!(this.channel, core => core.attempt_read_one())));
        Poll::Ready(item.map_err(|_| ReadError::Closed))
    }
}

impl<T> fmt::Debug for ReadOneFuture<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.describe("ReadOneFuture", formatter)
    }
}

/// Reads several items; made by [`Reader::read_async`](crate::Reader::read_async). Fewer than asked for only at the end; it does not fail.
#[must_use = "a future does nothing unless it is awaited"]
pub struct ReadFuture<'a, T> {
    channel: &'a Channel<T>,
    waiter: Waiter<&'a WaitList>,
    count: usize,
    /// Whether the channel knows what this reader waits for.
    has_stated: bool,
}

impl<'a, T> ReadFuture<'a, T> {
    pub(crate) fn new(channel: &'a Channel<T>, count: usize) -> Self {
        let waiter = Waiter::new(with_core!(channel, core => core.gatherers()));
        Self { channel, waiter, count, has_stated: false }
    }

    fn withdraw(&mut self) {
        if std::mem::take(&mut self.has_stated) {
            with_core!(self.channel, core => core.withdraw_demand(self.count));
        }
    }
}

impl<T> Future for ReadFuture<'_, T> {
    type Output = Vec<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Vec<T>> {
        let this = self.get_mut();
        if !this.has_stated {
            if let Some(items) = with_core!(this.channel, core => core.attempt_gather(this.count)) {
                return Poll::Ready(items);
            }
            with_core!(this.channel, core => core.state_demand(this.count));
            this.has_stated = true;
        }
        let items =
            ready!(this.waiter.poll(context, || with_core!(this.channel, core => core.attempt_gather(this.count))));
        this.withdraw();
        Poll::Ready(items)
    }
}

impl<T> Drop for ReadFuture<'_, T> {
    fn drop(&mut self) {
        self.withdraw();
    }
}

impl<T> fmt::Debug for ReadFuture<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.describe("ReadFuture", formatter)
    }
}
