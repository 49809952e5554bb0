//! Reading on in ways drawn at random, waits cut short and futures dropped among them.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use millpond_pool::{PoolReader, ReadError};
use millpond_proof::program::Wrong;
use millpond_sync::Parker;

use crate::counts::Counts;
use crate::random::Random;

/// What a read came to.
pub(crate) enum Came {
    Items(Vec<u64>),
    Nothing,
    End,
}

/// Reads once, up to `most` items, in a way drawn at random. Where `keeps_none`, in none that leaves items with the reader.
pub(crate) fn once(
    reader: &mut PoolReader<u64>,
    most: usize,
    keeps_none: bool,
    random: &mut Random,
    counts: &mut Counts,
) -> Result<Came, Wrong> {
    let count = 1 + random.below(most as u64) as usize;
    let is_a_read = random.below(if keeps_none { 5 } else { 7 });
    let result = match is_a_read {
        0 | 1 => reader.read(count),
        2 => reader.read_timeout(count, Duration::from_micros(random.below(300))),
        3 => Parker::block_on(reader.read_async(count)),
        4 => match pin!(reader.read_async(count)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                counts.abandoned += 1;
                return Ok(Came::Nothing);
            }
        },
        5 => reader.read_some(count),
        _ => {
            let mut items = Vec::new();
            while items.len() < count {
                match reader.next() {
                    Some(Ok(item)) => items.push(item),
                    // The end says itself again where that is asked for.
                    Some(Err(ReadError::SerialBusy { .. })) | None => break,
                    Some(Err(error)) => return Err(Wrong { what: error.to_string(), ..Wrong::default() }),
                }
            }
            if items.is_empty() { reader.read(count) } else { Ok(items) }
        }
    };
    match result {
        Ok(items) if items.is_empty() => Ok(Came::End),
        Ok(items) => Ok(Came::Items(items)),
        Err(ReadError::TimedOut { .. }) => {
            counts.timed_out += 1;
            Ok(Came::Nothing)
        }
        Err(ReadError::SerialBusy { .. }) => {
            counts.busy += 1;
            thread::yield_now();
            Ok(Came::Nothing)
        }
        Err(error) => Err(Wrong { what: error.to_string(), ..Wrong::default() }),
    }
}
