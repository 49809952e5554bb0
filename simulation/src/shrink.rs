//! Leaves out of a failing run what the failure does not need.
//!
//! A run is its seed, its faults and the choices by which it differs from the plain order, in which whoever runs goes on. Leaving out
//! halves, quarters, and so on down to single ones (Zeller's delta debugging), it keeps what still fails, until nothing can be left
//! out. What remains are the turns that matter: most bugs of order need one or two.

use super::options::Simulation;
use super::report::{Report, last};
use super::schedule::Schedule;

/// How many runs a shrinking takes at the most.
const MOST_RUNS: usize = 4_000;

/// What is left of a failing run. See [`shrink`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Shrunk {
    /// The shortest schedule that was found to fail.
    pub schedule: Schedule,
    /// How its run went.
    pub report: Report,
    /// How many runs it took.
    pub runs: usize,
}

/// Finds a shorter schedule that fails.
///
/// `fails` makes a pool of the simulation that it is given, does with it what failed, drops it, and says whether it failed again. `None`
/// when the schedule itself does not fail: then what it does depends on something that is not drawn from the seed.
///
/// For a smaller graph, let a property test's own shrinking call this for each graph that fails: see `millpond::testing`.
pub fn shrink(schedule: &Schedule, mut fails: impl FnMut(Simulation) -> bool) -> Option<Shrunk> {
    let mut runs = 0;
    let mut attempt = |schedule: &Schedule| -> Option<Shrunk> {
        runs += 1;
        let has_failed = fails(Simulation::replay(schedule).quiet());
        let report = last().filter(|_| has_failed)?;
        // What it was given may hold choices that could not be made; what it did holds none.
        Some(Shrunk { schedule: report.schedule.clone(), report, runs })
    };
    let mut best = attempt(schedule)?;
    loop {
        let before = best.schedule.choices.len() + best.schedule.faults.len();
        leave_out(
            &mut best,
            &mut attempt,
            |schedule| schedule.faults.len(),
            |schedule, range| {
                schedule.faults.drain(range);
            },
        );
        leave_out(
            &mut best,
            &mut attempt,
            |schedule| schedule.choices.len(),
            |schedule, range| {
                schedule.choices.drain(range);
            },
        );
        if best.runs >= MOST_RUNS || best.schedule.choices.len() + best.schedule.faults.len() >= before {
            break;
        }
    }
    Some(best)
}

/// Tries to do without parts of something that a schedule has `len` of, larger parts first.
fn leave_out(
    best: &mut Shrunk,
    attempt: &mut impl FnMut(&Schedule) -> Option<Shrunk>,
    len: impl Fn(&Schedule) -> usize,
    remove: impl Fn(&mut Schedule, std::ops::Range<usize>),
) {
    let mut size = len(&best.schedule);
    while size > 0 {
        let mut begin = 0;
        while begin < len(&best.schedule) && best.runs < MOST_RUNS {
            let end = (begin + size).min(len(&best.schedule));
            let mut shorter = best.schedule.clone();
            remove(&mut shorter, begin..end);
            match attempt(&shorter) {
                Some(found) if size_of_schedule(&found.schedule) < size_of_schedule(&best.schedule) => *best = found,
                _ => begin = end,
            }
        }
        size /= 2;
    }
}

fn size_of_schedule(schedule: &Schedule) -> usize {
    schedule.choices.len() + schedule.faults.len()
}
