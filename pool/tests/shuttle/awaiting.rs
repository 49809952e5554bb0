//! Reads that await: the reader does no work, so that its job is on the list and helpers do it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use millpond_channel::{bounded, unbounded};
use millpond_pool::{PoolReader, ReadError};
use millpond_sync::Parker;
use shuttle::thread;

use crate::setup::{explore, with_pool};

/// A few awaited reads, one after the other, of a graph of three lanes.
pub(crate) fn awaited_reads() {
    with_pool(2, |pool| {
        let mut reader = pool.source(0..7_u32).max_chunksize(1).map(|n| n + 1).sequential(|n| n).batch(1).flatten();
        let mut items = Vec::new();
        loop {
            let more = Parker::block_on(reader.read_async(2)).unwrap();
            if more.is_empty() {
                break;
            }
            items.extend(more);
        }
        assert!(items.into_iter().eq(1..=7));
    });
}

/// ```text
/// reader   lists its job, tick, lend ── sleeps
/// helper   walks in vain   counts out   tick? ── looks again, or the reader lends
/// ```
#[test]
fn an_awaited_read_always_has_somebody_at_work() {
    explore(awaited_reads);
}

/// Awaited reads of one item each, of a pool that has one helper for them.
pub(crate) fn awaited_item_by_item() {
    with_pool(1, |pool| {
        let mut reader = pool.source(0..3_u32).max_chunksize(1).map(|n| n + 1);
        for n in 1..=3 {
            assert_eq!(Parker::block_on(reader.read_async(1)).unwrap(), [n]);
        }
    });
}

/// ```text
/// reader   takes, asks for one more: the helper is still counted, so none is lent
/// helper      takes the job off … puts it back      counts out   tick! ── stays
/// ```
#[test]
fn the_one_helper_of_an_awaited_read_does_not_go_too_early() {
    explore(awaited_item_by_item);
}

/// A reader that awaits beside one that works, each with a branch.
#[test]
fn an_awaiting_reader_goes_on_beside_one_that_works() {
    explore(|| {
        with_pool(2, |pool| {
            let mut branches = pool.source(0..6_u32).max_chunksize(1).map(|n| n + 1).tee(2).into_iter();
            let (mut here, mut there) = (branches.next().unwrap(), branches.next().unwrap());
            let waits = thread::spawn(move || Parker::block_on(there.read_async(6)).unwrap());
            assert_eq!(here.read(2).unwrap(), [1, 2]);
            assert_eq!(waits.join().unwrap(), [1, 2, 3, 4, 5, 6]);
            assert_eq!(here.read_all().unwrap(), [3, 4, 5, 6]);
        });
    });
}

/// A pool fed through a channel that takes one item at a time.
pub(crate) fn fed_by_a_channel() {
    with_pool(2, |pool| {
        let (writer, reader) = bounded(1);
        let mut read = pool.channel(reader).map(|n: u32| n * 2);
        let writes = thread::spawn(move || (0..4).for_each(|n| writer.write(n).unwrap()));
        assert_eq!(Parker::block_on(read.read_async(2)).unwrap(), [0, 2]);
        assert_eq!(Parker::block_on(read.read_async(9)).unwrap(), [4, 6]);
        writes.join().unwrap();
    });
}

/// ```text
/// writer   push(full)  sleeps ─┐                  push … dropped: closed, tells the lane
/// helper   takes: room ────────┘  parked: takes the job off
/// reader   … told by the channel, lists its job anew
/// ```
#[test]
fn a_bounded_channel_feeds_an_awaited_read() {
    explore(fed_by_a_channel);
}

/// ```text
/// writer   push … push …      dropped
/// reader   parked at the channel: sleeps ─ told
/// ```
#[test]
fn a_bounded_channel_feeds_a_read_that_works() {
    explore(|| {
        with_pool(2, |pool| {
            let (writer, reader) = bounded(1);
            let mut read = pool.channel(reader).map(|n: u32| n * 2 + 1);
            let writes = thread::spawn(move || (0..4).for_each(|n| writer.write(n).unwrap()));
            assert_eq!(read.read_all().unwrap(), [1, 3, 5, 7]);
            writes.join().unwrap();
        });
    });
}

/// Two threads that await the end of a channel, each through a clone of one reader of a pool in serial mode, unless the other is inside.
pub(crate) fn an_end_that_two_await_in_serial_mode() {
    fn awaits(mut reader: PoolReader<u32>) {
        match Parker::block_on(reader.read_async(1)) {
            Ok(items) => assert_eq!(items, []),
            Err(ReadError::SerialBusy { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    with_pool(0, |pool| {
        let (writer, reader) = unbounded();
        let reader = pool.channel(reader);
        let other = reader.clone();
        let writes = thread::spawn(move || drop(writer));
        let there = thread::spawn(move || awaits(other));
        awaits(reader);
        there.join().unwrap();
        writes.join().unwrap();
    });
}

/// ```text
/// reader a   parked: the channel is to tell the lane ── sleeps ──────────────────────┐
/// reader b                   takes that back                 finds the end: tells ───┘
/// writer                                     dropped: nobody listens
/// ```
#[test]
fn an_end_that_another_thread_finds_in_serial_mode_is_told() {
    explore(an_end_that_two_await_in_serial_mode);
}

/// A future that is polled once and dropped takes back what it asked for; a read after it loses nothing.
#[test]
fn an_awaited_read_that_is_dropped_takes_nothing() {
    explore(|| {
        with_pool(2, |pool| {
            let mut reader = pool.source(0..6_u32).max_chunksize(1).map(|n| n + 1);
            {
                let mut future = pin!(reader.read_async(4));
                if let std::task::Poll::Ready(items) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    assert_eq!(items.unwrap(), [1, 2, 3, 4]);
                    return;
                }
            }
            assert_eq!(reader.read(2).unwrap(), [1, 2]);
            assert_eq!(Parker::block_on(reader.read_all_async()).unwrap(), [3, 4, 5, 6]);
        });
    });
}
