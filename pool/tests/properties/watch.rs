//! A case that does not end is shown, and ends the process.

use std::fmt::Debug;
use std::process::abort;
use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

/// How long a case may take; `MILLPOND_PATIENCE` says otherwise, in seconds.
fn patience() -> Duration {
    let seconds = std::env::var("MILLPOND_PATIENCE").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

static RUNNING: Mutex<Vec<(u64, Instant, String)>> = Mutex::new(Vec::new());

/// A case that is watched until this is dropped.
pub(crate) struct Watch(u64);

impl Watch {
    pub(crate) fn over(case: &impl Debug) -> Self {
        static START: Once = Once::new();
        START.call_once(|| {
            thread::spawn(watch);
        });
        let mut running = RUNNING.lock().expect("nothing panics here");
        let number = running.last().map_or(0, |last| last.0 + 1);
        running.push((number, Instant::now(), format!("{case:?}")));
        Self(number)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Ok(mut running) = RUNNING.lock() {
            running.retain(|case| case.0 != self.0);
        }
    }
}

fn watch() {
    let patience = patience();
    loop {
        thread::sleep(Duration::from_secs(1));
        let running = RUNNING.lock().expect("nothing panics here");
        if let Some((_, _, case)) = running.iter().find(|(_, started, _)| started.elapsed() > patience) {
            eprintln!("a case has not ended after {patience:?}: {case}");
            abort();
        }
    }
}
