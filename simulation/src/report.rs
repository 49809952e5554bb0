//! What is left of a run when it is over.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use super::schedule::Schedule;
use super::trace::Trace;

/// How a run went. See [`last`](super::last).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// The seed that it was drawn from.
    pub seed: u64,
    /// What was drawn: the same run again, with [`Simulation::replay`](super::Simulation::replay).
    pub schedule: Schedule,
    /// How many steps it had.
    pub steps: u64,
    /// How often one thread made way for another.
    pub switches: u64,
    /// How long it took, by its own clock.
    pub elapsed: Duration,
    /// What happened, the last part of it.
    pub trace: Trace,
    /// Why it could not go on, if so: a deadlock, no end in sight, threads that did not end.
    pub verdict: Option<String>,
}

/// The seed, the schedule, the verdict and the last steps.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, schedule, steps, switches, elapsed, trace, verdict } = self;
        writeln!(f, "simulation of seed {seed}: {steps} steps, {switches} switches, {elapsed:.1?} by its clock")?;
        if let Some(verdict) = verdict {
            writeln!(f, "verdict: {verdict}")?;
        }
        writeln!(f, "schedule: {schedule}")?;
        trace.last(40).fmt(f)?;
        f.write_str("the same again: `Pool::simulated_with(Simulation::replay(&schedule.parse()?))`")
    }
}

thread_local!(static LAST: RefCell<Option<Report>> = const { RefCell::new(None) });

/// Keeps the report of a run that has just ended.
pub(super) fn keep(report: Report) {
    let _ = LAST.try_with(|last| last.replace(Some(report)));
}

/// How the last run that ended in this thread went.
#[must_use]
pub fn last() -> Option<Report> {
    LAST.with_borrow(Clone::clone)
}
