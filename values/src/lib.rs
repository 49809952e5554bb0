//! Graphs of tasks that each give one value: builds, computations, anything that is a DAG and runs
//! once.
//!
//! Declare tasks with typed inputs, then [`get`](Runner::get) a target: its ancestors run, each
//! once, in the caller and on the workers that it has, and values are remembered. Or
//! [`run`](Runner::run) the whole graph, again and again. A pool of millpond runs graphs by methods
//! of the same names.
//!
//! A task costs nanoseconds: graphs are compiled to flat arrays, the first successor that becomes
//! ready runs next in place, nothing is allocated per run, and helpers are called only when the
//! tasks turn out to be worth it.
//!
//! When not to use it: for items that flow, use tasks joined by channels; for one loop over a
//! slice, use rayon.

mod attributes;
mod attributing;
mod body;
mod branching;
mod careful;
#[expect(unsafe_code, reason = "tasks share memory by the schedule, see cells.rs and README.md")]
mod cells;
mod crew;
mod drive;
mod edges;
mod error;
#[doc(hidden)]
pub mod fault;
mod finish;
mod flow;
mod frame;
#[expect(unsafe_code, reason = "helpers reach a run whose lifetime is another thread's, see cells.rs and README.md")]
mod gate;
mod graph;
mod heartbeat;
mod inputs;
mod limits;
mod names;
mod options;
mod plan;
#[expect(unsafe_code, reason = "records lie in an arena and are reached by pointers, see cells.rs and README.md")]
mod records;
mod report;
mod run;
mod run_report;
mod runner;
mod search;
mod session;
mod task;
mod threads;
mod wanted;

pub use self::attributes::Limit;
pub use self::error::{Cause, Failure, GraphError, RunError};
pub use self::graph::Graph;
pub use self::inputs::{Found, Inputs, Several, Values};
pub use self::options::{CancelToken, Progress, RunOptions, Step, is_cancelled, time_left};
pub use self::report::TaskReport;
pub use self::run::{get_many_with, run_with};
pub use self::run_report::RunReport;
pub use self::runner::Runner;
pub use self::task::{Task, TaskId};
pub use self::threads::Threads;

/// Runs the README's example with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
