//! The modes of a pool, each test in all of them, and a watchdog that turns a hang into a failure.

use std::io::{self, Write as _};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use millpond_pool::Pool;

/// How long a test may run: a minute, or as many seconds as `MILLPOND_TEST_LIMIT` says, for checkers that make everything slow.
fn limit() -> Duration {
    let seconds = std::env::var("MILLPOND_TEST_LIMIT").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// The tests that run now: what they are called and since when.
static RUNNING: Mutex<Vec<(&'static str, Instant)>> = Mutex::new(Vec::new());

/// A test that runs.
struct Running(&'static str);

impl Drop for Running {
    fn drop(&mut self) {
        running(|tests| tests.retain(|(name, _)| *name != self.0));
    }
}

fn running<R>(body: impl FnOnce(&mut Vec<(&'static str, Instant)>) -> R) -> R {
    body(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Runs `body`; where it does not end in time, the process is aborted and the test named.
pub(crate) fn watched<R>(name: &'static str, body: impl FnOnce() -> R) -> R {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let limit = limit();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let hangs = running(|tests| tests.iter().find(|(_, since)| since.elapsed() > limit).copied());
                if let Some((name, _)) = hangs {
                    // Not by `eprintln`, which is captured for the test that has started this thread.
                    let _ = writeln!(io::stderr(), "test {name} hangs: it has run for more than {limit:?}");
                    std::process::abort();
                }
            }
        });
    });
    running(|tests| tests.push((name, Instant::now())));
    let _running = Running(name);
    body()
}

/// Makes of each function a test in serial mode and on pools of one, two and eight workers.
macro_rules! in_every_mode {
    ($($(#[$attribute:meta])* fn $name:ident($pool:ident) $body:block)+) => {$(
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports, reason = "not every body needs what its module imports")]
            use super::*;

            fn body($pool: millpond_pool::Pool) $body

            #[test]
            fn serial() {
                $crate::modes::watched(concat!(module_path!(), "::serial"), || body(millpond_pool::Pool::serial()));
            }

            #[test]
            fn one_worker() {
                $crate::modes::watched(concat!(module_path!(), "::one_worker"), || body($crate::workers::pool(1)));
            }

            #[test]
            fn two_workers() {
                $crate::modes::watched(concat!(module_path!(), "::two_workers"), || body($crate::workers::pool(2)));
            }

            #[test]
            fn eight_workers() {
                $crate::modes::watched(concat!(module_path!(), "::eight_workers"), || body($crate::workers::pool(8)));
            }
        }
    )+};
}

/// Makes of each function a test on pools of two and eight workers, for what needs more than one.
macro_rules! in_parallel {
    ($($(#[$attribute:meta])* fn $name:ident($pool:ident) $body:block)+) => {$(
        $(#[$attribute])*
        mod $name {
            #[allow(unused_imports, reason = "not every body needs what its module imports")]
            use super::*;

            fn body($pool: millpond_pool::Pool) $body

            #[test]
            fn two_workers() {
                $crate::modes::watched(concat!(module_path!(), "::two_workers"), || body($crate::workers::pool(2)));
            }

            #[test]
            fn eight_workers() {
                $crate::modes::watched(concat!(module_path!(), "::eight_workers"), || body($crate::workers::pool(8)));
            }
        }
    )+};
}

/// Makes of each function a test, under the watchdog.
macro_rules! watched_tests {
    ($($(#[$attribute:meta])* fn $name:ident() $body:block)+) => {$(
        $(#[$attribute])*
        #[test]
        fn $name() {
            $crate::modes::watched(concat!(module_path!(), "::", stringify!($name)), || $body);
        }
    )+};
}

/// Whether the pool is in serial mode.
pub(crate) fn is_serial(pool: &Pool) -> bool {
    pool.size() == 0
}
