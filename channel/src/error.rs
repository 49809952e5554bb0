//! What can go wrong at the two ends. Whatever was not written comes back in the error.

use std::error::Error;
use std::fmt;

/// Why [`try_read`](crate::Reader::try_read) gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TryReadError {
    /// There is nothing now, but something may be written yet.
    Empty,
    /// There is nothing and never will be.
    Closed,
}

impl fmt::Display for TryReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "reading from an empty channel without waiting; read again later, or wait with `read`",
            Self::Closed => "reading from a channel that is closed and empty; there is no more to read",
        })
    }
}

impl Error for TryReadError {}

/// Why a read that waits gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadError {
    /// There is nothing and never will be. Only reads of one item say so; a read of many gives fewer.
    Closed,
    /// The channel is serial, open and has too little: only this thread could write, and it would be waiting.
    WouldWaitForever,
}

const WOULD_WAIT: &str = "reading from a serial channel that is open and has too few items would wait for ever; write or \
                          close first, or use `try_read`";

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => TryReadError::Closed.fmt(formatter),
            Self::WouldWaitForever => formatter.write_str(WOULD_WAIT),
        }
    }
}

impl Error for ReadError {}

/// Why a read with a time-out or deadline gave nothing. What was there is still in the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadTimeoutError {
    /// Too few items came in time.
    TimedOut,
    /// There is nothing and never will be. Only reads of one item say so; a read of many gives fewer.
    Closed,
    /// The channel is serial, open and has too little: only this thread could write, and it would be waiting.
    WouldWaitForever,
}

impl fmt::Display for ReadTimeoutError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => formatter.write_str(
                "reading from a channel timed out; what came is still in it, read again or take it with `try_read`",
            ),
            Self::Closed => TryReadError::Closed.fmt(formatter),
            Self::WouldWaitForever => formatter.write_str(WOULD_WAIT),
        }
    }
}

impl Error for ReadTimeoutError {}

impl From<ReadError> for ReadTimeoutError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Closed => Self::Closed,
            ReadError::WouldWaitForever => Self::WouldWaitForever,
        }
    }
}

const CLOSED: &str = "writing to a closed channel; take the item back with `into_inner`";

/// The channel is closed or all of its readers are gone; holds what was not written.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct WriteError<T>(pub T);

impl<T> WriteError<T> {
    /// What was not written.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for WriteError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WriteError(..)")
    }
}

impl<T> fmt::Display for WriteError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(CLOSED)
    }
}

impl<T> Error for WriteError<T> {}

/// Why a write that does not wait did not happen; holds what was not written.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TryWriteError<T> {
    /// There is no room now.
    Full(T),
    /// The channel is closed or all of its readers are gone.
    Closed(T),
}

impl<T> TryWriteError<T> {
    /// What was not written.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item) => item,
        }
    }

    /// Whether waiting would help.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

impl<T> fmt::Debug for TryWriteError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_full() { "Full(..)" } else { "Closed(..)" })
    }
}

impl<T> fmt::Display for TryWriteError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Full(_) => {
                "writing to a full channel without waiting; take the item back with `into_inner`, or wait with `write`"
            }
            Self::Closed(_) => CLOSED,
        })
    }
}

impl<T> Error for TryWriteError<T> {}

/// Why a write with a time-out or deadline did not happen; holds what was not written.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WriteTimeoutError<T> {
    /// There was no room in time.
    TimedOut(T),
    /// The channel is closed or all of its readers are gone.
    Closed(T),
}

impl<T> WriteTimeoutError<T> {
    /// What was not written.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::TimedOut(item) | Self::Closed(item) => item,
        }
    }

    /// Whether the time was too short.
    #[must_use]
    pub const fn is_timed_out(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }
}

impl<T> fmt::Debug for WriteTimeoutError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_timed_out() { "TimedOut(..)" } else { "Closed(..)" })
    }
}

impl<T> fmt::Display for WriteTimeoutError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TimedOut(_) => "writing to a full channel timed out; take the item back with `into_inner`",
            Self::Closed(_) => CLOSED,
        })
    }
}

impl<T> Error for WriteTimeoutError<T> {}
