//! Every interleaving of small scenarios between writers and readers. Run by `ci/loom.sh`.
#![cfg(loom)]

#[path = "loom/contents.rs"]
mod contents;
#[path = "loom/queues.rs"]
mod queues;

use loom::thread;
use millpond_channel::fault::Fault;
use millpond_channel::{ReadError, ReadTimeoutError, TryReadError, bounded, unbounded};
use millpond_sync::fault;
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
        assert_eq!(reader.try_read(usize::MAX).ok(), None);
    });
}

/// ```text
/// writer   push   push   next segment   push
/// reader        pop … pop … go on … pop
/// ```
#[test]
fn items_go_from_segment_to_segment() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let write = thread::spawn(move || (1..=3).for_each(|item| writer.try_write(item).unwrap()));
        let mut items: Vec<_> = (0..2).filter_map(|_| reader.try_read_one().ok()).collect();
        write.join().unwrap();
        items.extend(reader.try_iter());
        assert_eq!(items, [1, 2, 3]);
    });
}

/// ```text
/// writer   item into its slot   count
/// reader                             count   item out of its slot
/// ```
fn an_item_is_seen_whole() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let (writer, reader) = (Kept::new(writer), Kept::new(reader));
        writer.try_write(1).unwrap();
        let write = thread::spawn(move || writer.try_write(2).unwrap());
        assert_eq!(reader.try_read_one(), Ok(1));
        let second = reader.try_read_one();
        write.join().unwrap();
        assert_eq!(second.or_else(|_| reader.try_read_one()), Ok(2));
    });
}

#[test]
fn an_item_is_in_its_slot_before_it_is_counted() {
    an_item_is_seen_whole();
}

#[test]
#[should_panic(expected = "Causality violation")]
fn an_item_that_is_counted_before_it_is_there_is_found() {
    fault::set(Fault::EarlyPublication);
    an_item_is_seen_whole();
}

/// ```text
/// writer   batch (its buffer)   batch   batch (the first one's segment again)
/// reader             take whole   take whole   take whole
/// ```
#[test]
fn batches_change_hands_whole_and_their_segments_come_back() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        writer.write_all(vec![1, 2]).unwrap();
        let write = thread::spawn(move || {
            writer.write_all(vec![3, 4]).unwrap();
            writer.write_all(vec![5, 6]).unwrap();
        });
        assert_eq!(reader.read(2).unwrap(), [1, 2]);
        let mut items = reader.try_read(2).unwrap_or_default();
        write.join().unwrap();
        items.extend(reader.try_read(usize::MAX).unwrap());
        assert_eq!(items, [3, 4, 5, 6]);
    });
}

/// ```text
/// writer   batch of two     one
/// reader   one … one … one, the segment of the batch goes back
/// ```
#[test]
fn a_batch_is_taken_apart_while_the_next_item_comes() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        writer.write_all(vec![1, 2]).unwrap();
        let write = thread::spawn(move || writer.try_write(3).unwrap());
        let mut items: Vec<_> = (0..3).filter_map(|_| reader.try_read_one().ok()).collect();
        write.join().unwrap();
        items.extend(reader.try_iter());
        assert_eq!(items, [1, 2, 3]);
    });
}

/// ```text
/// writer a   push           each in order, and none lost
/// writer b   batch
/// reader     pop … take two
/// ```
#[test]
fn two_writers_take_turns() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let other = writer.clone();
        let write = thread::spawn(move || writer.try_write(1).unwrap());
        other.write_all(vec![2, 3]).unwrap();
        write.join().unwrap();
        let items = reader.try_read(3).unwrap();
        assert!([[1, 2, 3], [2, 3, 1]].iter().any(|expected| items == expected), "{items:?}");
    });
}

/// ```text
/// reader   pop(none)  enter   (visit)   pop   park ──┐
/// writer             push   waiting?   wake ────────┘
/// ```
fn a_reader_waits_for_an_item() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let (writer, reader) = (Kept::new(writer), Kept::new(reader));
        let read = thread::spawn(move || reader.read_one());
        writer.write(7).unwrap();
        assert_eq!(read.join().unwrap(), Ok(7));
        drop(writer);
    });
}

#[test]
fn a_reader_that_visits_the_writers_gate_is_woken() {
    a_reader_waits_for_an_item();
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_reader_that_does_not_visit_the_writers_gate_is_found() {
    fault::set(Fault::NoVisit);
    a_reader_waits_for_an_item();
}

/// ```text
/// writer   push(full)  enter   (visit)   push   park ──┐
/// reader             pop   waiting?   wake ───────────┘
/// ```
fn a_writer_waits_for_room() {
    loom::model(|| {
        let (writer, reader) = bounded(1);
        let (writer, reader) = (Kept::new(writer), Kept::new(reader));
        writer.write(1).unwrap();
        let write = thread::spawn(move || writer.write(2));
        assert_eq!(reader.try_read_one(), Ok(1));
        assert!(write.join().unwrap().is_ok());
    });
}

#[test]
fn a_writer_that_visits_the_readers_gate_is_woken() {
    a_writer_waits_for_room();
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_writer_that_does_not_visit_the_readers_gate_is_found() {
    fault::set(Fault::NoVisit);
    a_writer_waits_for_room();
}

/// ```text
/// reader   pop(none)           closed?   pop
/// writer             push, close
/// ```
fn the_last_item_is_read() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let (writer, reader) = (Kept::new(writer), Kept::new(reader));
        let write = thread::spawn(move || {
            writer.write(1).unwrap();
            writer.close();
        });
        match reader.try_read_one() {
            Ok(1) => assert!(matches!(reader.try_read_one(), Err(TryReadError::Empty | TryReadError::Closed))),
            other => assert_eq!(other, Err(TryReadError::Empty), "an item is still to come or there"),
        }
        write.join().unwrap();
    });
}

#[test]
fn an_item_that_came_before_the_close_is_read_before_it() {
    the_last_item_is_read();
}

#[test]
#[should_panic(expected = "an item is still to come or there")]
fn a_reader_that_takes_the_close_for_the_end_is_found() {
    fault::set(Fault::ClosedAtOnce);
    the_last_item_is_read();
}

/// ```text
/// listener   enter (visit)   pop(none)  … called ──┐
/// writer              push   waiting?  call ──────┘
/// ```
#[test]
fn a_listener_that_finds_nothing_is_called() {
    loom::model(|| {
        let (writer, reader) = unbounded();
        let write = thread::spawn(move || {
            writer.write(1).unwrap();
            writer
        });
        let (called, waker) = Called::waker();
        let listening = reader.listen(&waker);
        let item = reader.try_read_one();
        let writer = write.join().unwrap();
        assert!(item.is_ok() || called.0.load(std::sync::atomic::Ordering::SeqCst));
        drop((listening, writer));
    });
}

/// An end that is left alone where the model ends with a panic, after which the checker's primitives cannot be used.
struct Kept<E>(Option<E>);

impl<E> Kept<E> {
    const fn new(end: E) -> Self {
        Self(Some(end))
    }
}

impl<E> std::ops::Deref for Kept<E> {
    type Target = E;

    fn deref(&self) -> &E {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl<E> Drop for Kept<E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::mem::forget(self.0.take());
        }
    }
}

/// Notes that it was called.
struct Called(std::sync::atomic::AtomicBool);

impl Called {
    fn waker() -> (std::sync::Arc<Self>, Waker) {
        let called = std::sync::Arc::new(Self(std::sync::atomic::AtomicBool::new(false)));
        (called.clone(), called.into())
    }
}

impl std::task::Wake for Called {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}
