//! Workers on the real libdispatch. Needs the library: `ci/test-gcd.sh` runs these tests where it
//! can be had.

mod apply;
mod drop;
#[cfg(unix)]
#[expect(unsafe_code, reason = "a process is forked")]
mod fork;
mod job;
mod lend;
mod library;
mod process;

use millpond_workers::{GcdWorkers, QualityOfService};

/// Workers with `threads` threads of the usual quality.
fn workers(threads: usize) -> GcdWorkers {
    GcdWorkers::new(threads, QualityOfService::Default)
        .unwrap_or_else(|error| panic!("{error}; ci/test-gcd.sh runs these tests with a library of its own"))
}
