//! What a program is made of: instructions of four bytes each.
//!
//! The width is fixed, so that a fuzzer's change of one instruction leaves the others as they are, a shrinker can leave any of them out,
//! and a corpus stays readable when operations are added at the end of the list. There are no bytes that are no program.

use std::fmt;

/// What is done. Tasks are added to one stream or two and give streams; reads take items from a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// A source of so many items.
    Source(usize),
    /// A channel that another thread writes so many items into; with a capacity, unless that is 0.
    Channel(usize, usize),
    /// A map.
    Map,
    /// A map of whole chunks.
    MapChunks,
    /// A filter that drops one item in so many.
    Filter(u64),
    /// As many items as the item modulo this.
    FlatMap(u64),
    /// A map with state.
    Sequential,
    /// Groups of so many, taken apart again.
    Batch(usize),
    /// The first so many.
    Take(usize),
    /// All but the first so many.
    Skip(usize),
    /// Up to the first of one item in so many.
    TakeWhile(u64),
    /// All folded into one.
    Fold,
    /// A map that fails at the first of one item in so many, by a panic or an error.
    Fail(u64, bool),
    /// A map whose function fails up to so many times before it succeeds.
    Retry(u32),
    /// A map that rejects one item in so many; two streams.
    Reject(u64),
    /// So many streams with every item each.
    Tee(usize),
    /// So many streams with some of the items each.
    Partition(usize),
    /// The stream and another one, item by item.
    Zip(usize),
    /// The stream and then another one.
    Chain(usize),
    /// The stream and another one, as they come.
    Merge(usize),
    /// A read of so many items.
    Read(usize),
    /// A read of all.
    ReadAll,
    /// A read of what comes at once, so many items at the most.
    ReadSome(usize),
    /// A read that does not wait.
    TryRead(usize),
    /// A read that gives up after so many microseconds.
    ReadTimeout(usize, u64),
    /// A read of all that gives up after so many microseconds.
    ReadAllTimeout(u64),
    /// An iteration over so many items.
    Iterate(usize),
    /// As many items as are made already, so many at the most.
    NextNow(usize),
    /// A read that awaits.
    ReadAsync(usize),
    /// An iteration that awaits.
    Stream(usize),
    /// A read that awaits, polled once and dropped.
    Abandon(usize),
    /// A read whose items are given back.
    Unread(usize),
    /// What iterating took ahead is given back.
    GiveBack,
    /// Another reader of the same output.
    Clone,
    /// A task on a clone, read for so many items and dropped.
    Visit(usize),
    /// The reader is dropped.
    Drop,
    /// The reader is handed to whoever picks it up.
    Hand,
    /// A reader that was handed over is picked up.
    PickUp,
    /// The pool gets this size.
    Resize(usize),
    /// The stream's task is removed.
    Remove,
    /// Other threads go on.
    Yield,
    /// A read of so many items, or of what there is after so many microseconds.
    ReadSomeTimeout(usize, u64),
    /// A read of what comes at once that awaits.
    ReadSomeAsync(usize),
}

impl Operation {
    /// Whether it takes items from a stream, or goes by what was taken.
    pub(super) fn is_read(self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::ReadAll
                | Self::ReadSome(_)
                | Self::TryRead(_)
                | Self::ReadTimeout(..)
                | Self::ReadAllTimeout(_)
                | Self::Iterate(_)
                | Self::NextNow(_)
                | Self::ReadAsync(_)
                | Self::Stream(_)
                | Self::Abandon(_)
                | Self::Unread(_)
                | Self::GiveBack
                | Self::Visit(_)
                | Self::ReadSomeTimeout(..)
                | Self::ReadSomeAsync(_)
        )
    }
}

/// Options of the task that an instruction adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// See `PoolReader::min_count`.
    pub min_count: Option<usize>,
    /// See `PoolReader::max_chunksize`.
    pub max_chunksize: Option<usize>,
    /// See `PoolReader::concurrency`.
    pub concurrency: Option<usize>,
    /// See `PoolReader::read_ahead`.
    pub read_ahead: Option<usize>,
    /// See `PoolReader::unordered`.
    pub is_unordered: bool,
}

impl Options {
    fn decode(byte: u8) -> Self {
        let high = usize::from(byte >> 4);
        Self {
            min_count: (byte & 1 != 0).then_some(2 + high),
            max_chunksize: (byte & 2 != 0).then_some(1 + high),
            concurrency: (byte & 4 != 0).then_some(1 + high % 4),
            read_ahead: (byte & 8 != 0).then_some(1 + 4 * high),
            is_unordered: byte == 255,
        }
    }
}

/// How many threads a program has at the most, the one that sets it up included.
pub const MOST_THREADS: usize = 4;

/// An operation, who does it and on what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// 0 is the thread that sets the program up, before the others begin.
    pub thread: usize,
    /// Which of the thread's streams, modulo how many it has.
    pub stream: usize,
    /// What to do.
    pub operation: Operation,
    /// For the task that is added, if one is.
    pub options: Options,
}

/// Few, now and then many, or none.
fn count(byte: u8) -> usize {
    let byte = usize::from(byte);
    if byte < 192 { (1 + byte % 48) % 48 } else { (byte - 191) * 16 }
}

fn one_in(byte: u8) -> u64 {
    2 + u64::from(byte)
}

impl Instruction {
    /// The instruction of four bytes.
    #[must_use]
    pub fn decode([code, place, first, second]: [u8; 4]) -> Self {
        let other = usize::from(first);
        let micros = u64::from(second) * 4;
        let parts = 2 + usize::from(first % 2);
        let operation = match code % 43 {
            0 => Operation::Source(4 * usize::from(first)),
            1 => Operation::Channel(usize::from(first), usize::from(second % 32)),
            2 => Operation::Map,
            3 => Operation::MapChunks,
            4 => Operation::Filter(one_in(first)),
            5 => Operation::FlatMap(2 + u64::from(first % 3)),
            6 => Operation::Sequential,
            7 => Operation::Batch(1 + usize::from(first % 16)),
            8 => Operation::Take(count(first)),
            9 => Operation::Skip(usize::from(first)),
            10 => Operation::TakeWhile(one_in(first)),
            11 => Operation::Fold,
            12 => Operation::Fail(one_in(first), first.is_multiple_of(2)),
            13 => Operation::Retry(u32::from(first % 4)),
            14 => Operation::Reject(one_in(first)),
            15 => Operation::Tee(parts),
            16 => Operation::Partition(parts),
            17 => Operation::Zip(other),
            18 => Operation::Chain(other),
            19 => Operation::Merge(other),
            20 => Operation::Read(count(first)),
            21 => Operation::ReadAll,
            22 => Operation::ReadSome(count(first)),
            23 => Operation::TryRead(usize::from(first)),
            24 => Operation::ReadTimeout(count(first), micros),
            25 => Operation::ReadAllTimeout(micros),
            26 => Operation::Iterate(count(first)),
            27 => Operation::NextNow(count(first)),
            28 => Operation::ReadAsync(count(first)),
            29 => Operation::Stream(count(first)),
            30 => Operation::Abandon(count(first)),
            31 => Operation::Unread(count(first)),
            32 => Operation::GiveBack,
            33 => Operation::Clone,
            34 => Operation::Visit(count(first)),
            35 => Operation::Drop,
            36 => Operation::Hand,
            37 => Operation::PickUp,
            38 => Operation::Resize([0, 1, 2, 3, 4, 8][usize::from(first % 6)]),
            39 => Operation::Remove,
            40 => Operation::Yield,
            41 => Operation::ReadSomeTimeout(count(first), micros),
            _ => Operation::ReadSomeAsync(count(first)),
        };
        Self {
            thread: usize::from(place >> 6),
            stream: usize::from(place & 63),
            operation,
            options: Options::decode(second),
        }
    }
}

impl fmt::Debug for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { thread, stream, operation, options } = self;
        write!(f, "thread {thread}, stream {stream}: {operation:?}")?;
        if *options != Options::default() {
            write!(f, " {options:?}")?;
        }
        Ok(())
    }
}
