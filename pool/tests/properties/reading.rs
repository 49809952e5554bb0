//! Ways to read, mixed.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_core::Stream;
use millpond_pool::{PoolReader, ReadError, TaskError};
use millpond_sync::Parker;
use proptest::prelude::*;

use crate::model::End;

/// One way to read, and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading {
    Read(usize),
    All,
    /// With this many microseconds to wait.
    Timeout(usize, u64),
    Try(usize),
    Some(usize),
    Iterate(usize),
    Async(usize),
    Stream(usize),
    /// A future that is polled once and dropped.
    Abandon(usize),
    /// No items, in every way.
    Nothing,
    SomeAsync(usize),
    /// So many items, or what there is after this many microseconds.
    SomeTimeout(usize, u64),
}

pub(crate) fn readings() -> impl Strategy<Value = Vec<Reading>> {
    let count = || prop_oneof![4 => 1..9_usize, 3 => 9..200_usize, 1 => 200..5_000_usize];
    let reading = prop_oneof![
        3 => count().prop_map(Reading::Read),
        2 => Just(Reading::All),
        1 => (count(), 0..300_u64).prop_map(|(count, micros)| Reading::Timeout(count, micros)),
        1 => count().prop_map(Reading::Try),
        1 => count().prop_map(Reading::Some),
        2 => count().prop_map(Reading::Iterate),
        2 => count().prop_map(Reading::Async),
        1 => count().prop_map(Reading::Stream),
        1 => count().prop_map(Reading::Abandon),
        1 => Just(Reading::Nothing),
        1 => count().prop_map(Reading::SomeAsync),
        1 => (count(), 0..300_u64).prop_map(|(count, micros)| Reading::SomeTimeout(count, micros)),
    ];
    prop::collection::vec(reading, 1..6)
}

/// All that a graph gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) items: Vec<u64>,
    pub(crate) end: End,
}

/// What a single reading came to.
pub(crate) enum Step {
    /// Items, or none yet.
    Going,
    /// A failure, with so many items before it that a smaller read must give.
    Unread(usize),
    End(End),
    /// A serial pool was in use by another thread.
    Busy,
    /// A serial pool, in which another branch had no room.
    Full,
}

/// How a read of `count` items ended that failed.
fn ended(error: &ReadError, count: usize) -> Step {
    match error {
        ReadError::SerialBusy { .. } => Step::Busy,
        ReadError::Interrupted { .. } => Step::Going,
        ReadError::BranchFull { .. } => Step::Full,
        error => {
            let end = failed(error);
            let unread = error.as_task_error().map_or(0, TaskError::unread);
            assert!(unread < count, "a read of {count} failed although {unread} items were there");
            if unread > 0 { Step::Unread(unread) } else { Step::End(end) }
        }
    }
}

/// How an iteration ended that failed. It is over, whatever it failed by, and a new one begins.
fn iterated(error: &ReadError, reader: &mut PoolReader<u64>) -> Step {
    *reader = reader.clone();
    ended(error, 1)
}

fn failed(error: &ReadError) -> End {
    let error = error.as_task_error().unwrap_or_else(|| panic!("reading failed: {error}"));
    End::Failed { task: error.task().to_owned(), index: error.index() }
}

/// What a read of `least` to `most` items gives that waits: fewer are the end of the items, and nothing else.
fn waited((least, most): (usize, usize), read: Result<Vec<u64>, ReadError>, items: &mut Vec<u64>) -> Step {
    match read {
        Ok(more) => {
            assert!(more.len() <= most, "{} items of {most}", more.len());
            items.extend(&more);
            if more.len() < least { Step::End(End::Complete) } else { Step::Going }
        }
        Err(error) => ended(&error, least),
    }
}

impl Reading {
    /// Reads so once, adding to `items`.
    pub(crate) fn once(self, reader: &mut PoolReader<u64>, items: &mut Vec<u64>) -> Step {
        match self {
            Self::Nothing => {
                let micros = Duration::from_micros(1);
                assert_eq!(reader.read(0).ok(), Some(Vec::new()));
                assert_eq!(reader.read_some(0).ok(), Some(Vec::new()));
                assert_eq!(reader.try_read(0).ok(), Some(Some(Vec::new())));
                assert_eq!(reader.read_timeout(0, micros).ok(), Some(Vec::new()));
                assert_eq!(reader.read_some_timeout(0, micros).ok(), Some(Vec::new()));
                assert_eq!(Parker::block_on(reader.read_async(0)).ok(), Some(Vec::new()));
                Step::Going
            }
            Self::Read(count) => waited((count, count), reader.read(count), items),
            Self::All => waited((usize::MAX, usize::MAX), reader.read_all(), items),
            Self::Some(most) => waited((1, most), reader.read_some(most), items),
            Self::SomeAsync(most) => waited((1, most), Parker::block_on(reader.read_some_async(most)), items),
            Self::Async(count) => waited((count, count), Parker::block_on(reader.read_async(count)), items),
            Self::Timeout(count, micros) => match reader.read_timeout(count, Duration::from_micros(micros)) {
                Err(ReadError::TimedOut { ready, .. }) => {
                    assert!(ready < count, "a read of {count} timed out although {ready} items were there");
                    Step::Going
                }
                read => waited((count, count), read, items),
            },
            Self::SomeTimeout(most, micros) => match reader.read_some_timeout(most, Duration::from_micros(micros)) {
                Err(ReadError::TimedOut { .. }) => Step::Going,
                read => waited((1, most), read, items),
            },
            Self::Try(count) => match reader.try_read(count).transpose() {
                None => Step::Going,
                Some(read) => waited((1, count), read, items),
            },
            Self::Abandon(count) => {
                let waker = Waker::noop();
                let mut future = pin!(reader.read_async(count));
                match future.as_mut().poll(&mut Context::from_waker(waker)) {
                    Poll::Pending => Step::Going,
                    Poll::Ready(read) => waited((count, count), read, items),
                }
            }
            Self::Iterate(count) => {
                for _ in 0..count {
                    match reader.next() {
                        None => return Step::End(End::Complete),
                        Some(Ok(item)) => items.push(item),
                        Some(Err(ReadError::Interrupted { .. })) => {}
                        Some(Err(error)) => {
                            assert!(reader.next().is_none(), "an iteration goes on after its error");
                            return iterated(&error, reader);
                        }
                    }
                }
                Step::Going
            }
            Self::Stream(count) => {
                for _ in 0..count {
                    match Parker::block_on(poll_fn(|context| Pin::new(&mut *reader).poll_next(context))) {
                        None => return Step::End(End::Complete),
                        Some(Ok(item)) => items.push(item),
                        Some(Err(ReadError::Interrupted { .. })) => {}
                        Some(Err(error)) => return iterated(&error, reader),
                    }
                }
                Step::Going
            }
        }
    }
}

/// Lets other threads go on.
fn yield_now() {
    #[cfg(feature = "simulation")]
    millpond_pool::simulation::yield_now();
    thread::yield_now();
}

/// Reads up to the end in these ways, over and over; with `shares`, the pool may be in serial mode and in use by others.
/// Where it `may_be_full` others make room in between.
fn exhaust_sharing(reader: &mut PoolReader<u64>, readings: &[Reading], shares: bool, may_be_full: bool) -> Outcome {
    let mut items = Vec::new();
    // How many items there had to be in all, by what failing reads said.
    let mut told = None;
    loop {
        let before = items.len();
        // Some ways to read never work, so at the last one that does.
        for (number, &reading) in readings.iter().chain([&Reading::Read(1)]).enumerate() {
            if number == readings.len() && items.len() > before {
                break;
            }
            match reading.once(reader, &mut items) {
                Step::Going => {}
                Step::Unread(unread) => {
                    let all = items.len() + unread;
                    assert!(shares || *told.get_or_insert(all) == all, "{all} items, and {told:?} before");
                }
                Step::End(end) => {
                    assert!(shares || told.is_none_or(|told| told == items.len()), "{told:?} items before the error");
                    return Outcome { items, end };
                }
                Step::Busy => {
                    assert!(shares, "nobody else used the pool");
                    yield_now();
                }
                Step::Full => {
                    assert!(may_be_full, "somebody reads from every branch");
                    yield_now();
                }
            }
        }
    }
}

/// Reads up to the end in these ways, over and over.
pub(crate) fn exhaust(reader: &mut PoolReader<u64>, readings: &[Reading]) -> Outcome {
    exhaust_sharing(reader, readings, false, false)
}

/// Like [`exhaust`], beside other threads.
pub(crate) fn exhaust_beside(reader: &mut PoolReader<u64>, readings: &[Reading]) -> Outcome {
    exhaust_sharing(reader, readings, true, false)
}

/// Like [`exhaust_beside`], where the pool may be serial and the branches have limited room.
#[cfg(feature = "simulation")]
pub(crate) fn exhaust_in_turns(reader: &mut PoolReader<u64>, readings: &[Reading]) -> Outcome {
    exhaust_sharing(reader, readings, true, true)
}
