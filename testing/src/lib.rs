//! Tests of pipelines: the same body in every mode and in many simulated orders, random graphs over your own functions.
//!
//! A pipeline of yours is right if it gives the same whatever the workers do. [`check`] runs a body in serial mode, on threads, and in
//! simulations of many seeds, and compares what it gives and how often it called its functions. What differs is told as a seed, with the
//! shortest schedule that still differs and its last steps.
//!
//! ```
//! use millpond_testing::check;
//!
//! check(|trial| {
//!     let parse = trial.counted("parse", |text: &str| text.parse::<u32>().unwrap_or(0));
//!     let mut numbers = trial.source(["1", "2", "x", "4"]).map(parse).filter(|n| *n > 0);
//!     let first = numbers.read(1).unwrap();
//!     // Nothing is parsed that was not asked for.
//!     trial.assert_calls_at_most("parse", 1);
//!     (first, numbers.read_all().unwrap())
//! });
//! ```
//!
//! * [`Trial`] is the pool of one run: it counts calls and items in flight, and has assertions for laziness, bounded memory and that
//!   nothing is left running.
//! * [`assert_in_order`] and [`assert_each_once`] compare what was read with what should have been.
//! * [`Functions`] and [`graphs`] make random graphs of your functions, as a strategy for proptest; [`check_graphs`] compares each with a
//!   plain loop over lists, in every mode.

mod assertions;
mod check;
mod functions;
mod graph;
mod strategy;
mod trial;

pub use assertions::{assert_each_once, assert_in_order};
pub use check::{Check, Failure, Mode, check};
pub use functions::Functions;
pub use graph::GraphPlan;
pub use strategy::{check_graphs, graphs};
pub use trial::{Tracked, Trial};

/// Runs the README's example with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
