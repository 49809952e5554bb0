//! Millpond beside its rivals, in the same run.
//!
//! One program per group under `src/bin/`: `cargo run --release -p millpond-benches --bin channel`. Each prints a table
//! and writes `target/bench/GROUP.json`. How a group is written: [`harness`].
#![forbid(unsafe_code)]

pub mod harness;
