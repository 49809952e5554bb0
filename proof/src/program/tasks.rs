//! Tasks that a program adds, each with what it makes of its input by a plain loop over a list.

use std::cell::Cell;
use std::panic::resume_unwind;

use millpond_pool::{PoolReader, Retry};

use super::instruction::{Operation, Options};
use super::stream::{End, Stream};
use super::world::{Started, World};

/// Streams of more items than this are not made longer.
const MOST_ITEMS: usize = 3_000;

/// Two numbers made into one that tells them apart, their order too.
pub(super) fn mix(left: u64, right: u64) -> u64 {
    let mut mixed = left.rotate_left(23) ^ right.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Whether an item is one of one in so many.
fn is_rare(item: u64, one_in: u64) -> bool {
    mix(item, 77).is_multiple_of(one_in)
}

thread_local! {
    /// The item that failed last in this thread, and how often. A function is called again by the thread that called it.
    static FAILED: Cell<(u64, u32)> = const { Cell::new((0, 0)) };
}

/// Fails up to `times` times for an item, then succeeds.
fn flaky(item: u64, times: u32) -> Result<u64, &'static str> {
    let (last, failures) = FAILED.get();
    let failures = if last == item { failures } else { 0 };
    if failures < (mix(item, 3) % (u64::from(times) + 1)) as u32 {
        FAILED.set((item, failures + 1));
        return Err("planned");
    }
    FAILED.set((0, 0));
    Ok(mix(item, 13))
}

/// Gives a task its name and options; says whether that leaves its order as it was.
fn with_options(
    reader: PoolReader<u64>,
    name: String,
    options: Options,
    may_scramble: bool,
) -> (PoolReader<u64>, bool) {
    let Options { min_count, max_chunksize, concurrency, read_ahead, is_unordered } = options;
    let mut reader = reader.named(name);
    if let Some(items) = min_count {
        reader = reader.min_count(items);
    }
    if let Some(items) = max_chunksize {
        reader = reader.max_chunksize(items);
    }
    if let Some(workers) = concurrency {
        reader = reader.concurrency(workers);
    }
    if let Some(items) = read_ahead {
        reader = reader.read_ahead(items);
    }
    let is_scrambled = is_unordered && may_scramble;
    (if is_scrambled { reader.unordered() } else { reader }, is_scrambled)
}

/// Notes whether the stream may be given more than is asked for.
fn rounded(mut stream: Stream, options: Options, is_rounded: bool) -> Stream {
    stream.is_rounded = is_rounded || options.min_count.is_some();
    stream
}

/// A source of items that are told apart from those of other sources by the number of the task.
pub(super) fn source(world: &World, count: usize, options: Options) -> Stream {
    let name = world.name();
    let of = name.len() as u64 * 1_000_003 + name.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte));
    let items = move |number: usize| mix(of, number as u64);
    let witness = world.witness();
    let made = (0..count).map(move |number| {
        witness();
        items(number)
    });
    let reader = world.pool.source(made);
    let (reader, is_open) = with_options(reader, name, options, true);
    rounded(Stream::new(reader, (0..count).map(items).collect(), End::Complete, is_open), options, false)
}

/// A channel, and the thread that writes into it as many items as it can.
pub(super) fn channel(world: &World, count: usize, capacity: usize, options: Options) -> (Stream, Started) {
    let (writer, channel) =
        if capacity == 0 { millpond_channel::unbounded() } else { millpond_channel::bounded(capacity) };
    let name = world.name();
    let of = mix(name.len() as u64, world.tasks.load(std::sync::atomic::Ordering::Relaxed) as u64);
    let items = move |number: usize| mix(of, number as u64);
    let thread = world.start(move || {
        for number in 0..count {
            // Where nobody can read any more there is nobody to write for.
            if writer.write(items(number)).is_err() {
                break;
            }
        }
        Ok(())
    });
    let (reader, is_open) = with_options(world.pool.channel(channel), name, options, true);
    let stream = Stream::new(reader, (0..count).map(items).collect(), End::Complete, is_open);
    (rounded(stream, options, false), thread)
}

/// The operations that stand the order of their input being a matter of chance.
fn minds_order(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Sequential
            | Operation::Batch(_)
            | Operation::Take(_)
            | Operation::Skip(_)
            | Operation::TakeWhile(_)
            | Operation::Fold
            | Operation::Fail(..)
    )
}

/// A task on one stream. Where the operation is none of those for this input, it is a map.
pub(super) fn one(world: &World, input: Stream, operation: Operation, options: Options) -> Stream {
    let is_rounded = input.is_rounded;
    let (input, mut left, mut end, is_open) = input.into_input();
    let is_expansion = matches!(operation, Operation::FlatMap(_)) && left.len() > MOST_ITEMS;
    let operation = if is_expansion || (is_open && minds_order(operation)) { Operation::Map } else { operation };
    let name = world.name();
    let witness = world.witness();
    let may_scramble = end == End::Complete && !matches!(operation, Operation::Fail(..));
    let reader = match operation {
        Operation::MapChunks => {
            left.iter_mut().for_each(|item| *item = mix(*item, 2));
            input.map_chunks(move |items: Vec<u64>| {
                witness();
                Ok::<_, String>(items.into_iter().map(|item| mix(item, 2)).collect::<Vec<_>>())
            })
        }
        Operation::Filter(one_in) => {
            left.retain(|item| !is_rare(*item, one_in));
            input.filter(move |item| {
                witness();
                !is_rare(*item, one_in)
            })
        }
        Operation::FlatMap(most) => {
            let several = move |item: u64| (0..item % most).map(move |number| mix(item, number));
            left = left.into_iter().flat_map(several).collect();
            input.flat_map(move |item| {
                witness();
                several(item)
            })
        }
        Operation::Sequential => {
            let step = |state: &mut u64, item: u64| {
                *state = mix(*state, item);
                *state
            };
            let mut state = 1;
            left.iter_mut().for_each(|item| *item = step(&mut state, *item));
            let mut state = 1;
            input.sequential(move |item| {
                witness();
                step(&mut state, item)
            })
        }
        Operation::Batch(size) => input.batch(size).flatten(),
        Operation::Take(count) => {
            if left.len() >= count {
                left.truncate(count);
                end = End::Complete;
            }
            input.take(count)
        }
        Operation::Skip(count) => {
            left.drain(..count.min(left.len()));
            input.skip(count)
        }
        Operation::TakeWhile(one_in) => {
            if let Some(at) = left.iter().position(|item| is_rare(*item, one_in)) {
                left.truncate(at);
                end = End::Complete;
            }
            input.take_while(move |item| {
                witness();
                !is_rare(*item, one_in)
            })
        }
        Operation::Fold => {
            let folded = left.iter().fold(7, |folded, item| mix(folded, *item));
            left = if end == End::Complete { vec![folded] } else { Vec::new() };
            input.fold_task(7, move |folded, item| {
                witness();
                mix(folded, item)
            })
        }
        Operation::Fail(one_in, panics) => {
            if let Some(at) = left.iter().position(|item| is_rare(*item, one_in)) {
                left.truncate(at);
                end = End::Failed { task: name.clone(), index: at as u64 };
            }
            let failure = world.failure();
            input.try_map(move |item| {
                witness();
                if !is_rare(item, one_in) {
                    return Ok(item);
                }
                failure();
                if panics { resume_unwind(Box::new("planned")) } else { Err("planned") }
            })
        }
        Operation::Retry(times) => {
            left.iter_mut().for_each(|item| *item = mix(*item, 13));
            let failure = world.failure();
            input.retry_map(Retry::times(times), move |item| {
                witness();
                flaky(*item, times).inspect_err(|_| failure())
            })
        }
        _ => {
            left.iter_mut().for_each(|item| *item = mix(*item, 1));
            input.map(move |item| {
                witness();
                mix(item, 1)
            })
        }
    };
    let (reader, is_scrambled) = with_options(reader, name, options, may_scramble);
    rounded(Stream::new(reader, left, end, is_open || is_scrambled), options, is_rounded)
}

/// A stream divided into several.
pub(super) fn split(world: &World, input: Stream, operation: Operation) -> Vec<Stream> {
    let is_rounded = input.is_rounded;
    let (input, left, end, is_open) = input.into_input();
    let witness = world.witness();
    let stream =
        |(reader, left)| rounded(Stream::new(reader, left, end.clone(), is_open), Options::default(), is_rounded);
    let part = |parts: usize| move |item: u64| (mix(item, 5) % parts as u64) as usize;
    let mut streams: Vec<Stream> = match operation {
        Operation::Reject(one_in) => {
            let (rejected, accepted): (Vec<u64>, Vec<u64>) = left.into_iter().partition(|item| is_rare(*item, one_in));
            let failure = world.failure();
            let (numbers, refused) = input.try_map_or_reject(Retry::NEVER, move |item| {
                witness();
                if !is_rare(*item, one_in) {
                    return Ok(*item);
                }
                failure();
                Err("planned")
            });
            return vec![stream((numbers, accepted)), stream((refused.map(|rejected| rejected.item), rejected))];
        }
        Operation::Partition(parts) => {
            let part = part(parts);
            let lists = (0..parts).map(|number| left.iter().copied().filter(|item| part(*item) == number).collect());
            let lists: Vec<Vec<u64>> = lists.collect();
            let readers = input.partition(parts, move |item| {
                witness();
                part(*item)
            });
            readers.into_iter().zip(lists).map(stream).collect()
        }
        Operation::Tee(branches) => {
            input.tee(branches).into_iter().map(|reader| stream((reader, left.clone()))).collect()
        }
        _ => unreachable!("only what splits"),
    };
    // They are outlets of one task, with which all of them go.
    streams.iter_mut().for_each(|stream| stream.is_removable = false);
    streams
}

/// Two streams made into one.
pub(super) fn join(world: &World, left: Stream, right: Stream, operation: Operation, options: Options) -> Stream {
    let is_rounded = left.is_rounded || right.is_rounded;
    let (left, mut items, mut end, left_open) = left.into_input();
    let (right, others, other_end, right_open) = right.into_input();
    let is_open = left_open || right_open;
    let is_complete = end == End::Complete && other_end == End::Complete;
    let name = world.name();
    let witness = world.witness();
    let mut is_scrambled = false;
    let reader = match operation {
        Operation::Zip(_) if !is_open => {
            if others.len() < items.len() {
                end = other_end;
            }
            items = items.iter().zip(&others).map(|(&left, &right)| mix(left, right)).collect();
            left.zip(right).map(move |(left, right)| {
                witness();
                mix(left, right)
            })
        }
        Operation::Merge(_) if is_complete => {
            items.extend(others);
            is_scrambled = true;
            left.merge(right)
        }
        _ => {
            if end == End::Complete {
                items.extend(others);
                end = other_end;
            }
            left.chain(right)
        }
    };
    let may_scramble = end == End::Complete;
    let (reader, is_unordered) = with_options(reader, name, options, may_scramble);
    let stream = Stream::new(reader, items, end, is_open || is_scrambled || is_unordered);
    rounded(stream, options, is_rounded)
}
