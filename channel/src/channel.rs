//! The flavours of a channel, and how both ends reach the one they have.

use crate::core::Core;
use crate::exclusive::{SharedGate, ThreadGate};
use crate::reader::Reader;
use crate::writer::Writer;
use millpond_sync::WaitList;
use millpond_sync::shim::Arc;
use std::fmt;
use std::ops::Deref;

/// A channel without a bound: writing never waits.
///
/// # Examples
/// ```
/// let (writer, reader) = millpond_channel::unbounded();
/// writer.write_all(vec![1, 2, 3]).unwrap();
/// drop(writer);
/// assert_eq!(reader.read(2).unwrap(), [1, 2]);
/// assert_eq!(reader.read(2).unwrap(), [3], "fewer only at the end");
/// ```
#[must_use = "a channel without its ends is closed at once"]
pub fn unbounded<T>() -> (Writer<T>, Reader<T>) {
    ends(Channel::Threaded(Arc::new(Core::new(SharedGate::new, usize::MAX))))
}

/// A channel that holds at most `capacity` items: writing waits for room.
///
/// A reader that waits for more items than that makes room for what it waits for, until it has them or gives up.
///
/// # Panics
/// If `capacity` is 0.
///
/// # Examples
/// ```
/// let (writer, reader) = millpond_channel::bounded(1);
/// writer.try_write('a').unwrap();
/// let error = writer.try_write('b').unwrap_err();
/// assert!(error.is_full());
/// assert_eq!(error.into_inner(), 'b');
/// assert_eq!(reader.read_one(), Ok('a'));
/// ```
#[must_use = "a channel without its ends is closed at once"]
#[track_caller]
pub fn bounded<T>(capacity: usize) -> (Writer<T>, Reader<T>) {
    assert!(capacity > 0, "making a bounded channel of capacity `0`: nothing could ever be written; give at least 1");
    ends(Channel::Threaded(Arc::new(Core::new(SharedGate::new, capacity))))
}

/// A channel for one thread: no bound, no lock, no atomic read-modify-write for an item.
///
/// Its ends may be moved to and dropped in another thread, but used only in the one that made the channel: any other use
/// panics and names both threads. A read that would have to block is an error, as only this thread could write;
/// futures of the same thread may wait.
///
/// # Examples
/// ```
/// use millpond_channel::{ReadError, serial};
///
/// let (writer, reader) = serial();
/// writer.write(1).unwrap();
/// assert_eq!(reader.read_one(), Ok(1));
/// assert_eq!(reader.read_one(), Err(ReadError::WouldWaitForever));
/// writer.close();
/// assert_eq!(reader.read_one(), Err(ReadError::Closed));
/// ```
#[must_use = "a channel without its ends is closed at once"]
pub fn serial<T>() -> (Writer<T>, Reader<T>) {
    ends(Channel::Serial(Arc::new(Core::new(ThreadGate::new, usize::MAX))))
}

fn ends<T>(channel: Channel<T>) -> (Writer<T>, Reader<T>) {
    (Writer::new(channel.share()), Reader::new(channel))
}

/// The one flavour that an end has. Sharing it does not make an end.
pub(crate) enum Channel<T> {
    /// Unbounded or bounded.
    Threaded(Arc<Core<T, SharedGate>>),
    /// For one thread.
    Serial(Arc<Core<T, ThreadGate>>),
}

/// Evaluates an expression with the core of whatever flavour a channel has.
macro_rules! with_core {
    ($channel:expr, $core:ident => $body:expr) => {
        match $channel {
            $crate::channel::Channel::Threaded($core) => $body,
            $crate::channel::Channel::Serial($core) => $body,
        }
    };
}
pub(crate) use with_core;

impl<T> Channel<T> {
    pub(crate) fn share(&self) -> Self {
        match self {
            Self::Threaded(core) => Self::Threaded(Arc::clone(core)),
            Self::Serial(core) => Self::Serial(Arc::clone(core)),
        }
    }

    /// Whether both are the same channel.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Threaded(core), Self::Threaded(other)) => Arc::ptr_eq(core, other),
            (Self::Serial(core), Self::Serial(other)) => Arc::ptr_eq(core, other),
            _ => false,
        }
    }

    /// What `Debug` of an end named `end` shows.
    pub(crate) fn describe(&self, end: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flavour = match self {
            Self::Threaded(core) if core.capacity().is_some() => "bounded",
            Self::Threaded(_) => "unbounded",
            Self::Serial(_) => "serial",
        };
        let mut fields = formatter.debug_struct(end);
        fields.field("flavour", &flavour);
        with_core!(self, core => fields.field("channel", core)).finish()
    }
}

/// Which list of a channel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Readers,
    Writers,
}

/// One list of a channel that keeps the channel alive.
pub(crate) struct OwnedList<T> {
    channel: Channel<T>,
    side: Side,
}

impl<T> OwnedList<T> {
    pub(crate) const fn new(channel: Channel<T>, side: Side) -> Self {
        Self { channel, side }
    }
}

impl<T> Deref for OwnedList<T> {
    type Target = WaitList;

    fn deref(&self) -> &WaitList {
        match self.side {
            Side::Readers => with_core!(&self.channel, core => core.readers()),
            Side::Writers => with_core!(&self.channel, core => core.writers()),
        }
    }
}
