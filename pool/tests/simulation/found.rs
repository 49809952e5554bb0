//! What simulations have found in the engine, each kept with a small graph that showed it.

use std::time::Duration;

use millpond_pool::Pool;
use millpond_pool::simulation::{self, Faults, Simulation};

use crate::in_time;

fn simulations(count: u64, faults: Faults) -> impl Iterator<Item = Simulation> {
    (0..in_time(count)).map(move |seed| Simulation::new(seed).faults(faults.clone()).patience(Duration::ZERO))
}

/// A reader that has iterated keeps a window of chunks wanted. Chunks of one item filled it with fewer items than an awaited read
/// asked for; the helper that took the job off the list looked at the window only and did not put it back.
///
/// ```text
/// reader                                helper
///                                       walks: all that is wanted is there, goes to take the job off
/// awaits 6, finds the job listed
///                                       takes it off; the window of 4 chunks is full, so it is not put back
/// sleeps for ever
/// ```
#[test]
fn an_awaited_read_after_an_iteration_gets_more_than_the_window() {
    for simulation in simulations(3_000, Faults::none()) {
        let pool = Pool::simulated_with(simulation.workers(2));
        let seed = simulation::current().expect("a run").seed();
        let mut reader = pool.source(0..200_u32).max_chunksize(1).filter(|n| n % 2 == 0).sequential(|n| n);
        let mut all: Vec<u32> = reader.by_ref().take(3).map(Result::unwrap).collect();
        loop {
            let more = simulation::block_on(reader.read_async(6)).unwrap();
            if more.is_empty() {
                break;
            }
            all.extend(more);
            all.extend(reader.by_ref().take(1).map(Result::unwrap));
        }
        assert!(all.into_iter().eq((0..200).filter(|n| n % 2 == 0)), "seed {seed}");
    }
}

/// A pool that becomes serial wakes those whose jobs are listed, since nobody works for them any more. A job that a helper had taken off the
/// list, and was about to put back, was not among them.
///
/// ```text
/// reader                    helper                                resizer
///                           goes to take the job off
/// awaits 2, the job is listed
///                           takes it off; more is wanted
///                                                                 size 0: wakes the readers of all jobs
///                           puts the job back, and leaves
/// sleeps for ever
/// ```
#[test]
fn an_awaited_read_goes_on_in_serial_mode_whatever_helpers_were_about() {
    for simulation in simulations(20_000, Faults::none().resize(6)) {
        let pool = Pool::simulated_with(simulation);
        let seed = simulation::current().expect("a run").seed();
        let mut reader = pool.source(0..12_u32).zip(pool.source(0..9_u32)).map(|(left, right)| left + right);
        let mut all = Vec::new();
        loop {
            let more = simulation::block_on(reader.read_async(2)).unwrap();
            if more.is_empty() {
                break;
            }
            all.extend(more);
        }
        assert!(all.into_iter().eq((0..9).map(|n| 2 * n)), "seed {seed}");
    }
}

/// Helpers that found nothing to do told each other that something had changed, since each had had a head in hand; so they went round for as
/// long as a slow task took, a processor each.
#[test]
fn helpers_with_nothing_to_do_do_not_keep_each_other_at_it() {
    for simulation in simulations(300, Faults::none()) {
        let pool = Pool::simulated_with(simulation.workers(4));
        let mut reader = pool
            .generate({
                let mut numbers = 0..3_u32;
                move || {
                    simulation::sleep(Duration::from_secs(1));
                    numbers.next()
                }
            })
            .sequential(|n| n)
            .filter(|_| true)
            .sequential(|n| n);
        assert_eq!(simulation::block_on(reader.read_async(3)).unwrap(), [0, 1, 2]);
        let run = simulation::current().expect("a run");
        assert!(run.steps() < 5_000, "seed {}: {} steps", run.seed(), run.steps());
    }
}
