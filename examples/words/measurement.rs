//! How long a run took and how much memory it needed, and several runs beside each other.

use std::fmt;
use std::time::{Duration, Instant};

use crate::memory::{self, Bytes};

/// How long a run took and how much memory it needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// What ran.
    pub name: String,
    /// How long it took.
    pub elapsed: Duration,
    /// The most memory that was resident while it ran; unknown where the peak of the runs before
    /// cannot be told apart.
    pub peak: Option<Bytes>,
}

impl Measurement {
    /// Does the work and measures it.
    pub fn of<R>(name: impl Into<String>, work: impl FnOnce() -> R) -> (R, Self) {
        let is_own_peak = memory::reset_peak();
        let began = Instant::now();
        let result = work();
        let elapsed = began.elapsed();
        let peak = if is_own_peak { memory::peak() } else { None };
        (result, Self { name: name.into(), elapsed, peak })
    }
}

/// Runs of the same work beside each other; each speed-up is over the first.
#[derive(Debug)]
pub struct Comparison<'runs>(pub &'runs [Measurement]);

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.first() else { return Ok(()) };
        let width = self.0.iter().map(|run| run.name.chars().count()).max().unwrap_or_default();
        writeln!(f, "{:width$} {:>9} {:>9} {:>12}", "", "time", "speed-up", "peak memory")?;
        for run in self.0 {
            let seconds = run.elapsed.as_secs_f64();
            let speed_up = format!("{:.2} ×", first.elapsed.as_secs_f64() / seconds.max(f64::MIN_POSITIVE));
            let peak = run.peak.map_or("unknown".to_owned(), |peak| peak.to_string());
            writeln!(f, "{:width$} {:>9} {speed_up:>9} {peak:>12}", run.name, format!("{seconds:.2} s"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, milliseconds: u64, mebibytes: Option<u64>) -> Measurement {
        let peak = mebibytes.map(|mebibytes| Bytes(mebibytes << 20));
        Measurement { name: name.to_owned(), elapsed: Duration::from_millis(milliseconds), peak }
    }

    #[test]
    fn runs_are_set_beside_each_other_and_compared_with_the_first() {
        let runs = [run("one loop", 5_000, Some(24)), run("2 workers", 2_500, None)];
        assert_eq!(
            Comparison(&runs).to_string(),
            "               time  speed-up  peak memory\n\
             one loop     5.00 s    1.00 ×       24 MiB\n\
             2 workers    2.50 s    2.00 ×      unknown\n"
        );
        assert_eq!(Comparison(&[]).to_string(), "");
    }

    #[test]
    fn the_work_is_done_once_and_its_result_is_given_back() {
        let mut calls = 0;
        let (result, measured) = Measurement::of("counting", || {
            calls += 1;
            42
        });
        assert_eq!((result, calls, measured.name.as_str()), (42, 1, "counting"));
    }
}
