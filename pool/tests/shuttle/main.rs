//! The pool as it is, with another thread's turn possible at every access to an atomic and every lock. Run by `ci/shuttle.sh`.
//!
//! Simulated pools change threads at the engine's steps; here they change between any two. Orders of threads are drawn, not all
//! tried, and atomics are all sequentially consistent: what the memory model allows beyond that is for loom.
#![cfg(shuttle)]

mod awaiting;
mod broken;
mod capacity;
mod live;
mod reads;
mod setup;
mod values;
