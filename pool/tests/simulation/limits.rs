//! Limits by the simulation's clock: who has units when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use millpond_pool::Pool;
use millpond_pool::simulation::{self, Simulation};
use millpond_pool::values::{Graph, Limit};

use crate::{in_time, seeds};

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(1);

fn pool(seed: u64, workers: usize) -> Pool {
    Pool::simulated_with(Simulation::new(seed).workers(workers))
}

#[test]
fn units_that_the_first_in_line_cannot_use_go_to_the_next() {
    for seed in seeds(in_time(150), 10_000) {
        for workers in [2, 3, 8] {
            let pool = pool(seed, workers);
            let (one, other) = (Limit::new("one", 1).unwrap(), Limit::new("other", 1).unwrap());
            let mut graph = Graph::new();
            let short = graph.task("short", (), |()| simulation::sleep(SHORT));
            let long = graph.task("long", (), |()| simulation::sleep(LONG));
            let both = graph.task("both", (), |()| simulation::now());
            let next = graph.task("next", (), |()| simulation::now());
            let begun = simulation::now();
            for (task, limits) in
                [(short.id(), &[&one][..]), (long.id(), &[&other]), (both.id(), &[&one, &other]), (next.id(), &[&one])]
            {
                limits.iter().for_each(|limit| graph.limit(task, limit, 1).unwrap());
            }
            let (next, both, ..) = pool.get_many(&mut graph, (next, both, short, long)).unwrap();
            // Whichever comes first, two workers are enough for the short ones while the long one
            // runs.
            assert!(*next.min(both) - begun < LONG, "seed {seed}, {workers} workers");
        }
    }
}

/// How many tasks of one unit begin after a task of two units is ready and before it begins. They
/// come in two lines, in each of which one follows the other, and never end at the same time.
fn passes(pool: &Pool, priority: i32) -> u32 {
    let limit = Limit::new("few", 2).unwrap();
    let (is_ready, passes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut graph = Graph::new();
    let ready = Arc::clone(&is_ready);
    let first = graph.task("first", (), move |()| {
        simulation::sleep(10 * SHORT);
        ready.store(true, Ordering::Relaxed);
    });
    let passed = Arc::clone(&passes);
    let large = graph.task("large", first, move |()| passed.load(Ordering::Relaxed));
    graph.limit(large, &limit, 2).unwrap();
    if priority != 0 {
        graph.priority(large, priority).unwrap();
    }
    let mut line = |short: Duration| {
        let mut last = graph.value("start", ());
        for _ in 0..100 {
            let (is_ready, passes) = (Arc::clone(&is_ready), Arc::clone(&passes));
            last = graph.task("part", last, move |()| {
                passes.fetch_add(u32::from(is_ready.load(Ordering::Relaxed)), Ordering::Relaxed);
                simulation::sleep(short);
            });
            graph.limit(last, &limit, 1).unwrap();
        }
        last
    };
    let lines = [line(SHORT), line(SHORT.mul_f64(1.000_77))];
    *pool.get_many(&mut graph, (large, lines)).unwrap().0
}

#[test]
fn a_task_of_several_units_is_not_passed_for_ever() {
    let mut most = [0, 0];
    for seed in seeds(in_time(30), 2_000) {
        for (priority, most) in [0, 10].into_iter().zip(&mut most) {
            for workers in [3, 8] {
                *most = passes(&pool(seed, workers), priority).max(*most);
            }
        }
    }
    let [plain, high] = most;
    println!("a task of several units was passed by {plain} others at most, with a high priority by {high}");
    assert!(plain <= 12 && high <= 4);
}
