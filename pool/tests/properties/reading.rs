//! Ways to read, mixed.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_core::Stream;
use millpond_pool::{PoolReader, ReadError};
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
    End(End),
    /// A serial pool was in use by another thread.
    Busy,
}

/// How a read ended that failed.
fn ended(error: &ReadError) -> Step {
    match error {
        ReadError::SerialBusy { .. } => Step::Busy,
        error => Step::End(failed(error)),
    }
}

fn failed(error: &ReadError) -> End {
    let error = error.as_task_error().unwrap_or_else(|| panic!("reading failed: {error}"));
    End::Failed { task: error.task().to_owned(), index: error.index() }
}

/// What a read that waits gives: nothing is the end.
fn waited(read: Result<Vec<u64>, ReadError>, items: &mut Vec<u64>) -> Step {
    match read {
        Ok(more) if more.is_empty() => Step::End(End::Complete),
        Ok(more) => {
            items.extend(&more);
            Step::Going
        }
        Err(error) => ended(&error),
    }
}

impl Reading {
    /// Reads so once, adding to `items`.
    pub(crate) fn once(self, reader: &mut PoolReader<u64>, items: &mut Vec<u64>) -> Step {
        match self {
            Self::Read(count) => {
                let read = reader.read(count);
                assert!(read.as_ref().map_or(0, Vec::len) <= count, "more than asked for");
                waited(read, items)
            }
            Self::All => waited(reader.read_all(), items),
            Self::Some(most) => {
                let read = reader.read_some(most);
                assert!(read.as_ref().map_or(0, Vec::len) <= most, "more than the most");
                waited(read, items)
            }
            Self::Async(count) => waited(Parker::block_on(reader.read_async(count)), items),
            Self::Timeout(count, micros) => match reader.read_timeout(count, Duration::from_micros(micros)) {
                Err(ReadError::TimedOut { .. }) => Step::Going,
                read => waited(read, items),
            },
            Self::Try(count) => match reader.try_read(count).transpose() {
                None => Step::Going,
                Some(read) => waited(read, items),
            },
            Self::Abandon(count) => {
                let waker = Waker::noop();
                let mut future = pin!(reader.read_async(count));
                match future.as_mut().poll(&mut Context::from_waker(waker)) {
                    Poll::Pending => Step::Going,
                    Poll::Ready(read) => waited(read, items),
                }
            }
            Self::Iterate(count) => {
                for _ in 0..count {
                    match reader.next() {
                        None => return Step::End(End::Complete),
                        Some(Ok(item)) => items.push(item),
                        Some(Err(error)) => return ended(&error),
                    }
                }
                Step::Going
            }
            Self::Stream(count) => {
                for _ in 0..count {
                    match Parker::block_on(poll_fn(|context| Pin::new(&mut *reader).poll_next(context))) {
                        None => return Step::End(End::Complete),
                        Some(Ok(item)) => items.push(item),
                        Some(Err(error)) => return ended(&error),
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
fn exhaust_sharing(reader: &mut PoolReader<u64>, readings: &[Reading], shares: bool) -> Outcome {
    let mut items = Vec::new();
    loop {
        let before = items.len();
        // Some ways to read never work, so at the last one that does.
        for (number, &reading) in readings.iter().chain([&Reading::Read(1)]).enumerate() {
            if number == readings.len() && items.len() > before {
                break;
            }
            match reading.once(reader, &mut items) {
                Step::Going => {}
                Step::End(end) => return Outcome { items, end },
                Step::Busy => {
                    assert!(shares, "nobody else used the pool");
                    yield_now();
                }
            }
        }
    }
}

/// Reads up to the end in these ways, over and over.
pub(crate) fn exhaust(reader: &mut PoolReader<u64>, readings: &[Reading]) -> Outcome {
    exhaust_sharing(reader, readings, false)
}

/// Like [`exhaust`], beside other threads.
pub(crate) fn exhaust_beside(reader: &mut PoolReader<u64>, readings: &[Reading]) -> Outcome {
    exhaust_sharing(reader, readings, true)
}
