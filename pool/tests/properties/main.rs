//! The laws of the stream engine, on random graphs, in every mode.
//!
//! A graph is data ([`plan`]), which is built of tasks ([`build`]) and interpreted over plain lists ([`model`]); each law compares the
//! two. How many cases are tried is set by `PROPTEST_CASES`; cases that have failed once are kept in `regressions/` beside this
//! file and tried first.

mod bounded;
mod build;
mod calls;
#[cfg(feature = "simulation")]
mod case;
mod drops;
mod found;
mod ledger;
mod live;
mod model;
mod output;
mod plan;
mod reading;
mod shared;
#[cfg(feature = "simulation")]
mod simulated;
mod watch;
#[path = "../workers/mod.rs"]
mod workers;

use proptest::test_runner::{Config, FileFailurePersistence};

/// The sizes of pools that every law is tried with; 0 is serial mode.
const SIZES: [usize; 4] = [0, 1, 2, 8];

/// `cases` by default, with a file for those that fail.
fn config(cases: u32, regressions: &'static str) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
    Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        max_shrink_iters: 4_000,
        ..Config::default()
    }
}
