//! How many runs a second.

use std::time::Instant;

use millpond_pool::{Pool, simulation};

use crate::twenty_tasks;

/// Says how fast runs are; what they give is compared.
#[test]
fn a_run_of_twenty_tasks_is_quick() {
    let expected = twenty_tasks(&Pool::serial()).read_all().expect("nothing fails");
    let runs = if cfg!(debug_assertions) { 200 } else { 5_000 };
    let started = Instant::now();
    let (mut steps, mut switches) = (0, 0);
    for seed in 0..runs {
        let pool = Pool::simulated(seed);
        let items = twenty_tasks(&pool).read_all().expect("nothing fails");
        assert_eq!(items, expected, "seed {seed}");
        drop(pool);
        let report = simulation::last().expect("a run has ended");
        steps += report.steps;
        switches += report.switches;
    }
    let per_second = runs as f64 / started.elapsed().as_secs_f64();
    println!("{per_second:.0} runs a second of {} steps and {} switches each", steps / runs, switches / runs);
    assert!(switches > 5 * runs, "helpers take part");
}
