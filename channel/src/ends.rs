//! Making channels: each flavour with its two ends.

use crate::channel::Channel;
use crate::core::Core;
use crate::exclusive::{SharedGate, ThreadGate};
use crate::reader::Reader;
use crate::writer::Writer;
use millpond_sync::shim::Arc;

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
