//! Millpond beside its rivals, in the same run.
//!
//! One program per group under `src/bin/`: `cargo run --release -p millpond-benches --bin channel`.
//! Each prints a table and writes `target/bench/GROUP.json`. How a group is written: [`harness`].

pub mod body;
pub mod harness;
#[expect(unsafe_code, reason = "a global allocator is unsafe to implement")]
pub mod heap;
pub mod stream;
