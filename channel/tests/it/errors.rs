//! What the errors say, and that they need nothing of the item.

use millpond_channel::{ReadError, ReadTimeoutError, TryReadError, TryWriteError, WriteError, WriteTimeoutError};
use std::error::Error;

/// Neither `Debug` nor `Clone`.
struct Opaque;

fn message<E: Error>(error: E) -> String {
    error.to_string()
}

#[test]
fn messages_name_the_operation_and_the_way_out() {
    let empty = "reading from an empty channel without waiting; read again later, or wait with `read`";
    let closed = "reading from a channel that is closed and empty; there is no more to read";
    let would_wait = "reading from a serial channel that is open and has too few items would wait for ever; write or \
                      close first, or use `try_read`";
    let timed_out = "reading from a channel timed out; what came is still in it, read again or take it with `try_read`";
    assert_eq!(message(TryReadError::Empty), empty);
    assert_eq!(message(TryReadError::Closed), closed);
    assert_eq!(message(ReadError::Closed), closed);
    assert_eq!(message(ReadError::WouldWaitForever), would_wait);
    assert_eq!(message(ReadTimeoutError::Closed), closed);
    assert_eq!(message(ReadTimeoutError::WouldWaitForever), would_wait);
    assert_eq!(message(ReadTimeoutError::TimedOut), timed_out);

    let closed = "writing to a closed channel; take the item back with `into_inner`";
    let full = "writing to a full channel without waiting; take the item back with `into_inner`, or wait with `write`";
    assert_eq!(message(WriteError(Opaque)), closed);
    assert_eq!(message(TryWriteError::Closed(Opaque)), closed);
    assert_eq!(message(TryWriteError::Full(Opaque)), full);
    assert_eq!(message(WriteTimeoutError::Closed(Opaque)), closed);
    assert_eq!(
        message(WriteTimeoutError::TimedOut(Opaque)),
        "writing to a full channel timed out; take the item back with `into_inner`"
    );
}

#[test]
fn debug_names_the_case_and_hides_the_item() {
    assert_eq!(format!("{:?}", WriteError(Opaque)), "WriteError(..)");
    assert_eq!(format!("{:?}", TryWriteError::Full(Opaque)), "Full(..)");
    assert_eq!(format!("{:?}", WriteTimeoutError::TimedOut(Opaque)), "TimedOut(..)");
}

#[test]
fn debug_of_the_ends_shows_the_state() {
    let (writer, reader) = millpond_channel::bounded(2);
    assert!(writer.try_write(Opaque).is_ok());
    let channel =
        "channel: Core { len: 1, capacity: Some(2), is_closed: false, waiting_readers: 0, waiting_writers: 0, .. }";
    assert_eq!(format!("{writer:?}"), format!("Writer {{ flavour: \"bounded\", {channel} }}"));
    assert_eq!(format!("{reader:?}"), format!("Reader {{ flavour: \"bounded\", {channel} }}"));
    let (writer, _reader) = millpond_channel::serial::<Opaque>();
    assert!(format!("{writer:?}").starts_with("Writer { flavour: \"serial\", channel: Core { len: 0, capacity: None"));
}
