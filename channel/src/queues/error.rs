//! What can go wrong with a queue. Whatever was not put in comes back in the error.

use std::error::Error;
use std::fmt;

/// Why an item was not put in; holds the item.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PutError<T> {
    /// There is no room now.
    Full(T),
    /// There was no room in time.
    TimedOut(T),
    /// The queue is shut down.
    ShutDown(T),
}

impl<T> PutError<T> {
    /// The item.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::TimedOut(item) | Self::ShutDown(item) => item,
        }
    }

    /// Whether the queue is shut down, so that trying again is in vain.
    #[must_use]
    pub const fn is_shut_down(&self) -> bool {
        matches!(self, Self::ShutDown(_))
    }

    /// The same for another item.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> PutError<U> {
        match self {
            Self::Full(item) => PutError::Full(change(item)),
            Self::TimedOut(item) => PutError::TimedOut(change(item)),
            Self::ShutDown(item) => PutError::ShutDown(change(item)),
        }
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::TimedOut(_) => "TimedOut(..)",
            Self::ShutDown(_) => "ShutDown(..)",
        })
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Full(_) => {
                "putting into a full queue without waiting; take the item back with `into_inner`, or wait with `put`"
            }
            Self::TimedOut(_) => "putting into a full queue timed out; take the item back with `into_inner`",
            Self::ShutDown(_) => "putting into a queue that is shut down; take the item back with `into_inner`",
        })
    }
}

impl<T> Error for PutError<T> {}

/// Why no item was got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GetError {
    /// There is none now.
    Empty,
    /// There was none in time.
    TimedOut,
    /// There is none, and the queue is shut down.
    ShutDown,
}

impl fmt::Display for GetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "getting from an empty queue without waiting; wait with `get`",
            Self::TimedOut => "getting from an empty queue timed out",
            Self::ShutDown => "getting from a queue that is empty and shut down; there is no more to get",
        })
    }
}

impl Error for GetError {}

/// Saying more often that a task is done than there were items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DoneTooOften;

impl fmt::Display for DoneTooOften {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`task_done` was called more often than items were put in")
    }
}

impl Error for DoneTooOften {}
