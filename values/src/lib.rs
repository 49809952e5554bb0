//! Graphs of tasks that each give one value: builds, computations, anything that is a DAG and runs once.
//!
//! Declare tasks with typed inputs, then [`get`](Runner::get) a target: its ancestors run, each once, in the
//! caller and on the workers that it has, and values are remembered. Or [`run`](Runner::run) the whole graph, again and again. A pool of
//! millpond runs graphs by methods of the same names.
//!
//! A task costs nanoseconds: graphs are compiled to flat arrays, the first successor that becomes ready runs next in
//! place, nothing is allocated per run, and helpers are called only when the tasks turn out to be worth it.
//!
//! When not to use it: for items that flow, use tasks joined by channels; for one loop over a slice, use rayon.

mod body;
mod branching;
mod careful;
#[expect(unsafe_code, reason = "tasks share memory by the schedule, see cells.rs and README.md")]
mod cells;
mod crew;
mod drive;
mod edges;
mod error;
mod extras;
#[doc(hidden)]
pub mod fault;
mod finish;
mod flow;
mod frame;
mod graph;
mod heartbeat;
mod inputs;
mod limits;
mod names;
mod options;
mod plan;
mod report;
mod run;
mod runner;
mod session;
mod task;
mod wanted;

pub use self::error::{Cause, Failure, GraphError, RunError};
pub use self::extras::Limit;
pub use self::graph::Graph;
pub use self::inputs::{Found, Inputs, Several, Values};
pub use self::options::{CancelToken, Progress, RunOptions, Step, is_cancelled, time_left};
pub use self::report::TaskReport;
pub use self::run::{RunReport, get_many_with, run_with};
pub use self::runner::{Runner, Threads};
pub use self::task::{Task, TaskId};

/// Runs the README's example with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
