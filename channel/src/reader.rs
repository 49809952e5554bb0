//! The end that items come out of.

use crate::channel::{Channel, OwnedList, Side, with_core};
use crate::error::{ReadError, ReadTimeoutError, TryReadError};
use crate::listening::Listening;
use crate::read_future::{ReadFuture, ReadOneFuture};
use millpond_sync::{Deadline, Waiter};
use std::fmt;
use std::task::Waker;
use std::time::{Duration, Instant};

/// The end of a channel that items are read from.
///
/// Cloning gives another reader of the same channel: they share the items, each goes to exactly one. When the last reader
/// is dropped the channel closes and what is in it is dropped.
///
/// A read of `count` items takes them at once and in one piece, when they are all there or the channel is closed; so a
/// read that times out or is cancelled has taken nothing. A read of one item is served before one of many that is still
/// short. A read of 0 items gives nothing, at once; one of `usize::MAX` reads all until the close.
///
/// A reader is an iterator and a [`Stream`](futures_core::Stream) over its items until the close.
#[must_use = "dropping the last reader closes the channel"]
pub struct Reader<T> {
    pub(crate) channel: Channel<T>,
    /// Where this reader waits as a stream; made when first needed.
    pub(crate) stream: Option<Waiter<OwnedList<T>>>,
}

fn without_time(error: ReadTimeoutError) -> ReadError {
    match error {
        ReadTimeoutError::Closed => ReadError::Closed,
        ReadTimeoutError::WouldWaitForever => ReadError::WouldWaitForever,
        ReadTimeoutError::TimedOut => unreachable!("a read without a deadline does not time out"),
    }
}

impl<T> Reader<T> {
    pub(crate) const fn new(channel: Channel<T>) -> Self {
        Self { channel, stream: None }
    }

    /// Reads what is there now: at least one and at most `count` items; nothing for count 0.
    ///
    /// # Errors
    /// `Empty` if there is nothing now, `Closed` if there never will be.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    #[track_caller]
    pub fn try_read(&self, count: usize) -> Result<Vec<T>, TryReadError> {
        let mut items = Vec::new();
        self.try_read_into(count, &mut items)?;
        Ok(items)
    }

    /// Like [`try_read`](Self::try_read), adding to the end of `items`; tells how many it were.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    #[track_caller]
    pub fn try_read_into(&self, count: usize, items: &mut Vec<T>) -> Result<usize, TryReadError> {
        with_core!(&self.channel, core => core.try_read_into(count, items))
    }

    /// Reads one item if there is one now.
    ///
    /// # Errors
    /// `Empty` if there is nothing now, `Closed` if there never will be.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    #[inline(always)]
    #[track_caller]
    pub fn try_read_one(&self) -> Result<T, TryReadError> {
        with_core!(&self.channel, core => core.try_read_one())
    }

    /// Reads `count` items, waiting for them; fewer only at the end, and none after it. Count 0 reads nothing.
    ///
    /// # Errors
    /// `WouldWaitForever` if the channel is serial, open and has fewer; they stay in it.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// Until there are `count` items or the channel is closed.
    #[track_caller]
    pub fn read(&self, count: usize) -> Result<Vec<T>, ReadError> {
        with_core!(&self.channel, core => core.read(count, Deadline::NEVER)).map_err(without_time)
    }

    /// Reads all items until the close.
    ///
    /// # Errors
    /// `WouldWaitForever` if the channel is serial and open; what is in it stays.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// Until the channel is closed.
    #[track_caller]
    pub fn read_all(&self) -> Result<Vec<T>, ReadError> {
        self.read(usize::MAX)
    }

    /// Reads one item, waiting for it.
    ///
    /// # Errors
    /// `Closed` at the end; `WouldWaitForever` if the channel is serial, open and empty.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// Until there is an item or the channel is closed.
    #[inline(always)]
    #[track_caller]
    pub fn read_one(&self) -> Result<T, ReadError> {
        with_core!(&self.channel, core => core.read_one(Deadline::NEVER)).map_err(without_time)
    }

    /// Reads `count` items like [`read`](Self::read), waiting at most for `timeout`; one too long for the clock means no
    /// limit.
    ///
    /// # Errors
    /// `TimedOut` if there were too few in time: they stay in the channel. `WouldWaitForever` as for
    /// [`read`](Self::read).
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// Until there are `count` items or the channel is closed, at most for `timeout`.
    #[track_caller]
    pub fn read_timeout(&self, count: usize, timeout: Duration) -> Result<Vec<T>, ReadTimeoutError> {
        with_core!(&self.channel, core => core.read(count, Deadline::after(timeout)))
    }

    /// Reads `count` items like [`read`](Self::read), waiting at most until `deadline`.
    ///
    /// # Errors
    /// As for [`read_timeout`](Self::read_timeout).
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// Until there are `count` items or the channel is closed, at most until `deadline`.
    #[track_caller]
    pub fn read_deadline(&self, count: usize, deadline: Instant) -> Result<Vec<T>, ReadTimeoutError> {
        with_core!(&self.channel, core => core.read(count, deadline.into()))
    }

    /// Reads one item, waiting at most for `timeout`.
    ///
    /// # Errors
    /// `TimedOut`, or as for [`read_one`](Self::read_one).
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// Until there is an item or the channel is closed, at most for `timeout`.
    #[track_caller]
    pub fn read_one_timeout(&self, timeout: Duration) -> Result<T, ReadTimeoutError> {
        with_core!(&self.channel, core => core.read_one(Deadline::after(timeout)))
    }

    /// Reads one item, waiting at most until `deadline`.
    ///
    /// # Errors
    /// `TimedOut`, or as for [`read_one`](Self::read_one).
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    ///
    /// # Blocking
    /// Until there is an item or the channel is closed, at most until `deadline`.
    #[track_caller]
    pub fn read_one_deadline(&self, deadline: Instant) -> Result<T, ReadTimeoutError> {
        with_core!(&self.channel, core => core.read_one(deadline.into()))
    }

    /// Reads `count` items, awaiting them; fewer only at the end. Dropping the future before it is ready takes nothing.
    pub fn read_async(&self, count: usize) -> ReadFuture<'_, T> {
        ReadFuture::new(&self.channel, count)
    }

    /// Reads one item, awaiting it; `Closed` at the end. Dropping the future before it is ready takes nothing.
    pub fn read_one_async(&self) -> ReadOneFuture<'_, T> {
        ReadOneFuture::new(&self.channel)
    }

    /// Closes the channel for all writers and readers; what is in it can still be read. Tells whether it was open.
    ///
    /// # Panics
    /// If the channel is serial and was made by another thread.
    #[track_caller]
    pub fn close(&self) -> bool {
        with_core!(&self.channel, core => core.close())
    }

    /// Whether nothing can be written any more; there may be items left.
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

    /// Whether the channel is serial: bound to the thread that made it, which waits for nobody else.
    #[must_use]
    pub const fn is_serial(&self) -> bool {
        matches!(self.channel, Channel::Serial(_))
    }

    /// Whether both read the same channel.
    #[must_use]
    pub fn is_same_channel(&self, other: &Self) -> bool {
        self.channel.is(&other.channel)
    }

    /// Has `waker` called when items arrive or the channel closes; try once more after this. See [`Listening`].
    pub fn listen(&self, waker: &Waker) -> Listening<T> {
        Listening::new(self.channel.share(), Side::Readers, waker)
    }

    /// How many readers wait for items. A moment's view, for tests and figures.
    #[must_use]
    pub fn waiting_readers(&self) -> usize {
        with_core!(&self.channel, core => core.readers().waiting() + core.gatherers().waiting())
    }
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        with_core!(&self.channel, core => core.add_reader_end());
        Self::new(self.channel.share())
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        with_core!(&self.channel, core => core.drop_reader_end());
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.describe("Reader", formatter)
    }
}
