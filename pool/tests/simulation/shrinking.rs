//! A failing run made short.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use millpond_pool::Pool;
use millpond_pool::simulation::{self, Faults, Simulation, shrink};

/// A task that counts by reading and writing in two steps: two workers at once lose a count.
fn loses_a_count(simulation: Simulation) -> bool {
    catch_unwind(AssertUnwindSafe(|| {
        let pool = Pool::simulated_with(simulation);
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        let mut reader = pool.source(0..60_u64).max_chunksize(4).map(move |n| {
            let before = counted.load(Ordering::Relaxed);
            simulation::yield_now();
            counted.store(before + 1, Ordering::Relaxed);
            n
        });
        assert_eq!(reader.read_all().unwrap().len(), 60);
        count.load(Ordering::Relaxed) != 60
    }))
    .unwrap_or(true)
}

#[test]
fn a_race_shrinks_to_the_turns_that_it_needs() {
    let simulation = |seed| Simulation::new(seed).workers(3).faults(Faults::harmless()).quiet();
    let seed = (0..100).find(|&seed| loses_a_count(simulation(seed))).expect("a race is found soon");
    let whole = simulation::last().expect("a run has ended").schedule;
    let shrunk = shrink(&whole, loses_a_count).expect("the schedule fails again");
    assert_eq!(shrunk.schedule.faults(), 0, "{}", shrunk.schedule);
    assert!(shrunk.schedule.choices() <= 3, "of {} choices: {}", whole.choices(), shrunk.schedule);
    let again = shrunk.schedule.to_string().parse().expect("a schedule");
    assert!(loses_a_count(Simulation::replay(&again).quiet()), "seed {seed}: {}", shrunk.schedule);
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let passes = |simulation| {
        let pool = Pool::simulated_with(simulation);
        pool.source(0..9).read_all().unwrap().len() != 9
    };
    assert!(!passes(Simulation::new(1)));
    let schedule = simulation::last().expect("a run has ended").schedule;
    assert!(shrink(&schedule, passes).is_none());
}
