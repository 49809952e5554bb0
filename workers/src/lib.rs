//! Where threads come from.
//!
//! An engine schedules its own work and asks for threads only: [`Workers::lend`] is a hint that up
//! to `count` threads should run a job's helper loop, which returns as soon as the job has nothing
//! left for it. Threads are lent, never held, and no task of a graph is ever mapped to a job of the
//! host's own scheduler, so the host's queueing costs are paid once per wake-up instead of once per
//! task.
//!
//! A pool in serial mode has no workers at all: the caller does everything.
//!
//! Beside the threads there is what every engine needs that has some: a [parallel-for](stripes),
//! helpers that [borrow](lend), where threads [wake](placement), how they are told to [look
//! around](nudge), [forks](fork), and [dropping](discard) what is the user's.

mod cause;
pub mod discard;
pub mod fork;
#[cfg(feature = "gcd")]
mod gcd;
pub mod lend;
pub mod nudge;
pub mod placement;
mod quality;
#[cfg(feature = "rayon")]
mod rayon;
#[cfg(any(feature = "rayon", feature = "gcd"))]
#[cfg_attr(not(feature = "rayon"), expect(dead_code, reason = "libdispatch wakes threads in another way"))]
mod seats;
pub mod stripes;

pub use self::cause::{BoxError, Cause, Panic};
#[cfg(feature = "gcd")]
pub use self::gcd::{GcdWorkers, LibdispatchMissing};
pub use self::quality::QualityOfService;
#[cfg(feature = "rayon")]
pub use self::rayon::RayonWorkers;

use std::fmt;
use std::sync::Arc;

/// Something that a lent thread can help with.
pub trait Help: Send + Sync {
    /// Works until there is nothing left to do, then returns so that the thread goes back to its
    /// owner.
    ///
    /// Called on a thread of the [`Workers`] that the job was offered to, possibly long after the
    /// offer and possibly when the job is over; it must then return at once. It must not unwind.
    fn help(&self);
}

/// A source of threads. See the [module documentation](self).
pub trait Workers: Send + Sync + fmt::Debug {
    /// Asks for up to `count` threads to call `job.help()` once each.
    ///
    /// A hint as to how many: fewer threads may come, and later than asked, but at least one comes
    /// in the end, also when these workers are dropped before. Never blocks, never runs `job` on
    /// the calling thread.
    fn lend(&self, count: usize, job: Arc<dyn Help>);

    /// Calls `body(0)`, …, `body(count - 1)`, each once, in any order, and returns when all have
    /// returned.
    ///
    /// The caller takes part, so this makes progress without a single free thread.
    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync));

    /// Asks that threads that are lent from now on do not wake on the processor of this number,
    /// because whoever wants help goes on there; `usize::MAX` for none. A hint as to where they
    /// begin: what a lent thread runs must find all processors.
    fn avoid(&self, _processor: usize) {}

    /// How many threads can be lent at the most, the caller not counted.
    fn threads(&self) -> usize;
}

/// Runs the README's example with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
