//! Writes that are awaited. The loop is that of the blocking writes.

use crate::channel::{Channel, with_core};
use crate::error::WriteError;
use millpond_sync::{WaitList, Waiter};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Writes one item; made by [`Writer::write_async`](crate::Writer::write_async).
#[must_use = "a future does nothing unless it is awaited"]
pub struct WriteFuture<'a, T> {
    channel: &'a Channel<T>,
    waiter: Waiter<&'a WaitList>,
    /// Until it is written.
    item: Option<T>,
}

impl<'a, T> WriteFuture<'a, T> {
    pub(crate) fn new(channel: &'a Channel<T>, item: T) -> Self {
        Self { channel, waiter: Waiter::new(with_core!(channel, core => core.writers())), item: Some(item) }
    }
}

impl<T> Unpin for WriteFuture<'_, T> {}

impl<T> Future for WriteFuture<'_, T> {
    type Output = Result<(), WriteError<T>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { channel, waiter, item } = self.get_mut();
        let written = ready!(waiter.poll(context, || with_core!(channel, core => core.attempt_write(item))));
        Poll::Ready(written.map_err(WriteError))
    }
}

impl<T> fmt::Debug for WriteFuture<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.describe("WriteFuture", formatter)
    }
}

/// Writes several items; made by [`Writer::write_all_async`](crate::Writer::write_all_async).
#[must_use = "a future does nothing unless it is awaited"]
pub struct WriteAllFuture<'a, T> {
    channel: &'a Channel<T>,
    waiter: Waiter<&'a WaitList>,
    /// What is not written yet.
    items: VecDeque<T>,
}

impl<'a, T> WriteAllFuture<'a, T> {
    pub(crate) fn new(channel: &'a Channel<T>, items: Vec<T>) -> Self {
        Self { channel, waiter: Waiter::new(with_core!(channel, core => core.writers())), items: items.into() }
    }
}

impl<T> Unpin for WriteAllFuture<'_, T> {}

impl<T> Future for WriteAllFuture<'_, T> {
    type Output = Result<(), WriteError<Vec<T>>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { channel, waiter, items } = self.get_mut();
        let written = ready!(waiter.poll(context, || with_core!(channel, core => core.attempt_write_many(items))));
        Poll::Ready(written.map_err(|()| WriteError(std::mem::take(items).into())))
    }
}

impl<T> fmt::Debug for WriteAllFuture<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.describe("WriteAllFuture", formatter)
    }
}
