//! Random programs over the pool's public interface, and what must come of them.
//!
//! A [`Program`] is read from bytes: a header and [instructions](Instruction) for up to four threads, which build graphs, read in every way, clone,
//! split, drop, hand over, resize and remove. [`run`](Program::run) does what it says, in a [simulated pool](Mode::Simulated), where the bytes
//! decide all of it to the last step, or on [threads](Mode::Threads), and compares with a model on the way:
//!
//! * Beside each stream goes the list of the items that it must still give, and how it must end (`stream::Group`). Each task that is added makes a
//!   list of lists by a plain loop.
//! * Who has a stream alone gets the front of its list, in order and as many as asked for; who shares it gets items that are on
//!   the list, which are crossed out. At the end each list that can still be read is read to its end, and none may have anything left.
//! * When all readers are gone nothing may be left: no task, no function.
//!
//! What the model leaves open: what a stream gives after its task was removed is a beginning of its list; the order of what was
//! shared *and* iterated; what a timed read gets.

mod instruction;
mod reads;
mod run;
mod strategy;
mod stream;
mod tally;
mod tasks;
mod world;

pub use instruction::{Instruction, MOST_THREADS, Operation, Options};
pub use run::Mode;
pub use strategy::programs;
pub use stream::Wrong;
pub use tally::Tally;

use std::fmt;

/// How a program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// What can still be read is read.
    Drain,
    /// All readers are dropped.
    DropReaders,
    /// The pool is dropped before its readers.
    DropPool,
}

/// A program. See the [module documentation](self).
#[derive(Clone, PartialEq, Eq)]
pub struct Program {
    /// The pool's size.
    pub size: usize,
    /// For simulations: what their order is drawn from.
    pub seed: u64,
    /// How it ends.
    pub finish: Finish,
    /// What is done.
    pub instructions: Vec<Instruction>,
}

/// More instructions than this are not read.
const MOST_INSTRUCTIONS: usize = 96;

impl Program {
    /// The program of these bytes; every sequence of bytes is one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let (header, rest) = bytes.split_at(bytes.len().min(4));
        let at = |place: usize| header.get(place).copied().unwrap_or(0);
        let instructions = rest.chunks_exact(4).take(MOST_INSTRUCTIONS);
        Self {
            size: [2, 0, 1, 3, 8][usize::from(at(0) % 5)],
            seed: u64::from(at(1)) | u64::from(at(2)) << 8,
            finish: [Finish::Drain, Finish::Drain, Finish::Drain, Finish::Drain, Finish::DropReaders, Finish::DropPool]
                [usize::from(at(3) % 6)],
            instructions: instructions
                .map(|bytes| Instruction::decode(bytes.try_into().expect("chunks of four")))
                .collect(),
        }
    }
}

/// A line for each instruction.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, seed, finish, instructions } = self;
        writeln!(f, "a pool of {size}, seed {seed}, at the end {finish:?}")?;
        for instruction in instructions {
            writeln!(f, "  {instruction:?}")?;
        }
        Ok(())
    }
}
