//! Every interleaving of small scenarios between writers and readers. Run by `ci/loom.sh`.
#![cfg(loom)]

use loom::thread;
use millpond_channel::{ReadError, ReadTimeoutError, bounded, unbounded};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// ```text
/// reader   pop(none)  enter  pop  park ──┐
/// writer          push   waiting?  wake ─┘
/// ```
#[test]
fn an_item_wakes_the_reader_that_waits_for_it() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let read = thread::spawn(move || reader.read_one());
        thread::spawn(move || {
            writer.write(7).unwrap();
            writer
        });
        assert_eq!(read.join().unwrap(), Ok(7));
    });
}

/// ```text
/// reader   pop(none, open)  enter  pop  park ──┐
/// writer          dropped: closed   wake all ──┘
/// ```
#[test]
fn the_last_writer_that_goes_wakes_the_reader() {
    loom::model(|| {
        let (writer, reader) = unbounded::<u8>();
        let read = thread::spawn(move || reader.read_one());
        thread::spawn(move || drop(writer));
        assert_eq!(read.join().unwrap(), Err(ReadError::Closed));
    });
}

/// ```text
/// reader a   pop … park ──┐       one item each, whoever is woken by which
/// reader b   pop … park ──┼─┐
/// writer     push ────────┘ │
///            push ──────────┘
/// ```
#[test]
fn two_readers_get_one_item_each() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let reads = [reader.clone(), reader].map(|reader| thread::spawn(move || reader.read_one().unwrap()));
        writer.write(1).unwrap();
        writer.write(2).unwrap();
        let items = reads.map(|read| read.join().unwrap());
        assert!(items == [1, 2] || items == [2, 1], "{items:?}");
    });
}

/// ```text
/// writer   push   push(full)  enter  push  park ──┐
/// reader                pop   waiting?  wake ─────┘   pop … park
/// ```
#[test]
fn room_wakes_the_writer_that_waits_for_it() {
    loom::model(|| {
        let (writer, reader) = bounded(1);
        thread::spawn(move || {
            writer.write(1).unwrap();
            writer.write(2).unwrap();
        });
        assert_eq!(reader.read_one(), Ok(1));
        assert_eq!(reader.read_one(), Ok(2));
    });
}

/// ```text
/// reader   gather 2 of 0   demand 2   enter   gather   park ──┐
/// writer            push                push   demand met? ───┘
/// ```
#[test]
fn the_last_missing_item_wakes_a_reader_of_many() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let read = thread::spawn(move || reader.read(2).unwrap());
        thread::spawn(move || {
            writer.write(1).unwrap();
            writer.write(2).unwrap();
            writer
        });
        assert_eq!(read.join().unwrap(), [1, 2]);
    });
}

/// ```text
/// writer   push   push(full)   enter   push   park ──┐
/// reader      gather 2 of 1   demand 2: more room ───┘   … park ── woken by the second push
/// ```
#[test]
fn a_reader_of_more_than_the_capacity_wakes_the_writer() {
    loom::model(|| {
        let (writer, reader) = bounded(1);
        thread::spawn(move || {
            writer.write(1).unwrap();
            writer.write(2).unwrap();
            writer
        });
        assert_eq!(reader.read(2).unwrap(), [1, 2]);
    });
}

/// ```text
/// future   poll: pop(none)  enter  pop  pending ── dropped ──pass on──┐
/// reader                       pop  enter  pop  park ─────────────────┴─ pops
/// writer           push, and another one if the future was ready
/// ```
#[test]
fn a_read_that_is_cancelled_passes_its_wake_up_on() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let other = reader.clone();
        let future = thread::spawn(move || {
            let mut read = pin!(other.read_one_async());
            match read.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(item) => Some(item.unwrap()),
                Poll::Pending => None,
            }
        });
        let read = thread::spawn(move || reader.read_one().unwrap());
        writer.write(1).unwrap();
        if future.join().unwrap().is_some() {
            writer.write(2).unwrap();
        }
        assert!(matches!(read.join().unwrap(), 1 | 2));
    });
}

/// ```text
/// reader   pop(none)  enter  pop  park ── time is up ── pop  leave
/// writer                  push   waiting?  wake
/// ```
/// The item is with the reader or still in the channel.
#[test]
fn a_read_that_times_out_loses_nothing() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let (hasty, now) = (reader.clone(), Instant::now());
        let read = thread::spawn(move || hasty.read_one_deadline(now));
        writer.write(1).unwrap();
        match read.join().unwrap() {
            Ok(item) => assert_eq!((item, reader.len()), (1, 0)),
            Err(error) => {
                assert_eq!(error, ReadTimeoutError::TimedOut);
                assert_eq!(reader.try_read_one(), Ok(1));
            }
        }
    });
}

/// ```text
/// writer   push, or finds it closed
/// reader          close   read all
/// ```
/// What a write said it wrote is read; what it gave back is not.
#[test]
fn a_write_beside_a_close_is_done_or_refused() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let write = thread::spawn(move || writer.write(1).is_ok());
        reader.close();
        let items = reader.read_all().unwrap();
        let is_written = write.join().unwrap();
        assert_eq!(items.len(), usize::from(is_written));
        assert_eq!(reader.try_read(0).ok(), None);
    });
}
