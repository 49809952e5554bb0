//! Threads that take turns in an order drawn from a number, and that can be had again.
//!
//! A simulation is a [host](millpond_sync::host) and [workers](millpond_workers): what runs on it finds a clock, sleep, parkers and helpers as on the
//! operating system, but all of it runs in one thread, in turns. Who has the next turn, how long functions take and what goes wrong are drawn
//! from a **seed**: the same seed is the same run to the last step. So a failure that comes once in a million interleavings is a
//! number that can be kept as a test. `Pool::simulated` of millpond makes a pool in one; [`simulate`] runs anything else.
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
//! use std::rc::Rc;
//!
//! use millpond_simulation::{simulate, sleep, spawn};
//! use millpond_sync::Semaphore;
//! use std::time::Duration;
//!
//! for seed in 0..100 {
//!     simulate(seed, || {
//!         let seats = Rc::new(Semaphore::new(2));
//!         let guests = (0..5).map(|_| {
//!             let seats = Rc::clone(&seats);
//!             spawn(move || {
//!                 let _seat = seats.acquire().expect("nobody closes it");
//!                 sleep(Duration::from_secs(3600));
//!             })
//!         });
//!         guests.collect::<Vec<_>>().into_iter().for_each(|guest| guest.join().expect("no panic"));
//!     });
//! }
//! ```
//!
//! # What it cannot see
//!
//! A thread makes way only at steps and where it waits by millpond's means. What happens between two steps, memory
//! orderings above all, is for the model checker of the crates below. A function that waits for another thread by means of std's (a
//! barrier, a lock that is held during a read) waits for ever, since nobody else runs meanwhile.
//!
//! All simulated pools of a thread belong to one simulation, that of the first; it ends when the last of them is dropped.

mod decider;
mod faults;
mod fiber;
mod injector;
mod installed;
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

pub use faults::{Faults, Mischief};
pub use fiber::Around;
pub use options::{Order, Simulation};
pub use report::{Report, last};
pub use run::{Run, Simulated, current, simulate};
pub use schedule::{ParseScheduleError, Schedule};
pub use scheduler::Dismissed;
pub use shrink::{Shrunk, shrink};
pub use threads::{Thread, block_on, note, now, sleep, spawn, spawn_apart, spawn_named, yield_now};
pub use trace::Trace;

/// Runs the README's example with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
