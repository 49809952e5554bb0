//! Graphs of values: what a get runs, what it remembers, and that it is the same in every mode.

mod branches;
mod build;
mod control;
mod drops;
mod errors;
mod flows;
mod lazy;
mod limits;
mod parallel;
mod random;
mod remembered;
mod repeat;
mod streams;
#[path = "../workers/mod.rs"]
mod workers;

use std::hint::black_box;

use millpond_pool::Pool;

/// The pools that every behaviour is shown on.
fn pools() -> impl Iterator<Item = Pool> {
    [0, 1, 2, 8].into_iter().map(workers::pool)
}

/// Keeps the processor busy, about a nanosecond per round.
fn spin(rounds: u64) {
    let mut state = 1_u64;
    for round in 0..rounds {
        state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round));
    }
}
