//! The end that items go into.

use crate::channel::{Channel, Side, with_core};
use crate::error::{TryWriteError, WriteError, WriteTimeoutError};
use crate::listening::Listening;
use crate::write_future::{WriteAllFuture, WriteFuture};
use millpond_sync::Deadline;
use std::collections::VecDeque;
use std::fmt;
use std::task::Waker;
use std::time::{Duration, Instant};

/// How many items [`Writer::write_from`] takes from its iterator at a time.
const BATCH: usize = 256;

/// The end of a channel that items are written to.
///
/// Cloning gives another writer of the same channel; when the last one is dropped the channel closes.
#[must_use = "dropping the last writer closes the channel"]
pub struct Writer<T> {
    channel: Channel<T>,
}

impl<T> Writer<T> {
    pub(crate) const fn new(channel: Channel<T>) -> Self {
        Self { channel }
    }

    /// Writes an item if there is room now.
    ///
    /// # Errors
    /// `Full` if a bounded channel has no room, `Closed` if it is closed or all readers are gone; with the item.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    #[inline(always)]
    #[track_caller]
    pub fn try_write(&self, item: T) -> Result<(), TryWriteError<T>> {
        with_core!(&self.channel, core => core.try_write(item))
    }

    /// Writes an item, waiting for room.
    ///
    /// # Errors
    /// If the channel is or becomes closed, or all readers are gone; with the item.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// While a bounded channel is full. Never otherwise.
    #[inline(always)]
    #[track_caller]
    pub fn write(&self, item: T) -> Result<(), WriteError<T>> {
        let written = with_core!(&self.channel, core => core.write(item, Deadline::NEVER));
        written.map_err(|error| WriteError(error.into_inner()))
    }

    /// Writes an item, waiting for room at most for `timeout`; one too long for the clock means no limit.
    ///
    /// # Errors
    /// `TimedOut` if there was no room in time, `Closed` as for [`write`](Self::write); with the item.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// While a bounded channel is full, at most for `timeout`.
    #[track_caller]
    pub fn write_timeout(&self, item: T, timeout: Duration) -> Result<(), WriteTimeoutError<T>> {
        with_core!(&self.channel, core => core.write(item, Deadline::after(timeout)))
    }

    /// Writes an item, waiting for room at most until `deadline`.
    ///
    /// # Errors
    /// As for [`write_timeout`](Self::write_timeout).
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// While a bounded channel is full, at most until `deadline`.
    #[track_caller]
    pub fn write_deadline(&self, item: T, deadline: Instant) -> Result<(), WriteTimeoutError<T>> {
        with_core!(&self.channel, core => core.write(item, deadline.into()))
    }

    /// Writes an item, awaiting room. Dropping the future before it is ready drops the item unwritten.
    ///
    /// Its error is that of [`write`](Self::write).
    pub fn write_async(&self, item: T) -> WriteFuture<'_, T> {
        WriteFuture::new(&self.channel, item)
    }

    /// Writes all items in order, waiting for room; one turn of the lock for as many as fit.
    ///
    /// # Errors
    /// If the channel is or becomes closed, or all readers are gone; with the items that were not written.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// While a bounded channel is full and items are left.
    #[track_caller]
    pub fn write_all(&self, items: Vec<T>) -> Result<(), WriteError<Vec<T>>> {
        let written = with_core!(&self.channel, core => core.write_all(items, Deadline::NEVER));
        written.map_err(|error| WriteError(error.into_inner()))
    }

    /// Writes all items in order, waiting for room at most until `deadline`.
    ///
    /// # Errors
    /// `TimedOut` if there was not enough room in time, `Closed` as for [`write_all`](Self::write_all); with the items
    /// that were not written.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// While a bounded channel is full and items are left, at most until `deadline`.
    #[track_caller]
    pub fn write_all_deadline(&self, items: Vec<T>, deadline: Instant) -> Result<(), WriteTimeoutError<Vec<T>>> {
        with_core!(&self.channel, core => core.write_all(items, deadline.into()))
    }

    /// Writes all items in order, awaiting room. Dropping the future drops those that are not written yet.
    pub fn write_all_async(&self, items: Vec<T>) -> WriteAllFuture<'_, T> {
        WriteAllFuture::new(&self.channel, items)
    }

    /// Writes from the front of `items` what fits now and leaves the rest there; tells how many it were.
    ///
    /// # Errors
    /// `Full` if nothing fits, `Closed` if the channel is closed or all readers are gone; nothing was taken then.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    #[track_caller]
    pub fn try_write_from(&self, items: &mut VecDeque<T>) -> Result<usize, TryWriteError<()>> {
        with_core!(&self.channel, core => core.try_write_many(items))
    }

    /// Writes what an iterator gives until it ends, in batches, waiting for room; tells how many items it were.
    ///
    /// The iterator runs outside the channel's lock. Pass it `by_ref` to go on with it after an error.
    ///
    /// # Errors
    /// If the channel is or becomes closed, or all readers are gone; with the items that were taken from the iterator
    /// and not written.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// While a bounded channel is full, and as long as the iterator takes.
    #[track_caller]
    pub fn write_from(&self, items: impl IntoIterator<Item = T>) -> Result<usize, WriteError<Vec<T>>> {
        let mut items = items.into_iter().fuse();
        let mut batch = VecDeque::new();
        let mut written = 0;
        loop {
            batch.extend(items.by_ref().take(BATCH));
            if batch.is_empty() {
                return Ok(written);
            }
            let count = batch.len();
            let result = with_core!(&self.channel, core => core.write_many(&mut batch, Deadline::NEVER));
            if result.is_err() {
                return Err(WriteError(batch.into()));
            }
            written += count;
        }
    }

    /// Closes the channel for all writers and readers; what is in it can still be read. Tells whether it was open.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    #[track_caller]
    pub fn close(&self) -> bool {
        with_core!(&self.channel, core => core.close())
    }

    /// Whether the channel is closed or all readers are gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        with_core!(&self.channel, core => core.is_closed())
    }

    /// How many items are in the channel. A moment's view.
    #[must_use]
    pub fn len(&self) -> usize {
        with_core!(&self.channel, core => core.len())
    }

    /// Whether nothing is in the channel. A moment's view.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items fit; `None` for no bound.
    #[must_use]
    pub fn capacity(&self) -> Option<usize> {
        with_core!(&self.channel, core => core.capacity())
    }

    /// Whether both write to the same channel.
    #[must_use]
    pub fn is_same_channel(&self, other: &Self) -> bool {
        self.channel.is(&other.channel)
    }

    /// Has `waker` called when there is room or the channel closes; try once more after this. See [`Listening`].
    pub fn listen(&self, waker: &Waker) -> Listening<T> {
        Listening::new(self.channel.share(), Side::Writers, waker)
    }

    /// How many writers wait for room. A moment's view, for tests and figures.
    #[must_use]
    pub fn waiting_writers(&self) -> usize {
        with_core!(&self.channel, core => core.writers().waiting())
    }
}

impl<T> Clone for Writer<T> {
    fn clone(&self) -> Self {
        with_core!(&self.channel, core => core.add_writer_end());
        Self { channel: self.channel.share() }
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        with_core!(&self.channel, core => core.drop_writer_end());
    }
}

impl<T> fmt::Debug for Writer<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.describe("Writer", formatter)
    }
}
