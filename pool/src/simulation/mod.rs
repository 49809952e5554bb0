//! A pool without threads whose order of work is drawn from a number, and can be had again.
//!
//! [`Pool::simulated`](crate::Pool::simulated) makes a pool all of whose helpers run in the thread that reads, in turns. Who has the
//! next turn, how long tasks take and what goes wrong are drawn from a **seed**: the same seed is the same run to the last step. So a
//! failure that comes once in a million interleavings is a number that can be kept as a test.
//!
//! * The order is drawn at each step of the engine, as a random walk or by priorities ([`Order`]).
//! * The clock is the simulation's own: time-outs, back-offs and sleeps cost nothing.
//! * [`Faults`] are injected: functions that fail or panic, slow tasks, resizes, tasks that come and go, waits that are cut short.
//! * Further threads of a test are started by [`spawn`]; they are simulated too.
//! * Helpers are stacks within that thread, which are switched quickly; or threads of the system's, one of which runs at a time, for
//!   functions that want a thread of their own: [`Simulation::on_threads`]. Either way it is the same run.
//! * When nobody can go on, that is a deadlock: the run ends with a panic that names the seed, and the last steps as a table.
//! * [`shrink`] leaves out of a failing run what the failure does not need, until the few turns are left that matter.
//!
//! ```
//! use millpond_pool::Pool;
//!
//! for seed in 0..100 {
//!     let pool = Pool::simulated(seed);
//!     let mut squares = pool.source(1..=50).map(|n| n * n);
//!     assert_eq!(squares.read(3)?, [1, 4, 9]);
//! }
//! # Ok::<(), millpond_pool::ReadError>(())
//! ```
//!
//! # What it cannot see
//!
//! A thread makes way only at the engine's steps and where it waits by millpond's means. What happens between two steps, memory
//! orderings above all, is for the model checker of the crates below. A function that waits for another thread by means of std's (a
//! barrier, a lock that is held during a read) waits for ever, since nobody else runs meanwhile.
//!
//! All simulated pools of a thread belong to one simulation, that of the first; it ends when the last of them is dropped.

mod decider;
mod faults;
mod fiber;
mod mischief;
mod options;
mod random;
mod report;
mod run;
mod schedule;
mod scheduler;
mod shared;
mod shrink;
mod threads;
mod trace;
mod workers;

pub use faults::Faults;
pub use fiber::Around;
pub use options::{Order, Simulation};
pub use report::{Report, last};
pub use run::{Run, current};
pub use schedule::{ParseScheduleError, Schedule};
pub use scheduler::Dismissed;
pub use shrink::{Shrunk, shrink};
pub use threads::{Thread, block_on, note, now, sleep, spawn, spawn_apart, spawn_named, yield_now};
pub use trace::Trace;

pub(crate) use run::{Simulated, scheduler};
