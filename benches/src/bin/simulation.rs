//! How many simulated runs there are in a second: each builds a graph, reads all of it in an order
//! drawn from its seed, and drops it.
//!
//! One thread does everything and never waits, so what is measured is that thread's processor time,
//! which on a quiet machine is the time that passes.

use std::ops::Range;

use millpond::{Pool, PoolReader, simulation};
use millpond_benches::harness::{Case, Group, Measured, Unit};
use nix::time::{ClockId, clock_gettime};

/// How many items the source has.
const ITEMS: u64 = 200;
/// How many seeds a round has, the same ones in each.
const SEEDS: u64 = 1_000;

fn main() {
    let mut group = Group::new("simulation");
    runs(&mut group);
    steps(&mut group);
    building(&mut group);
    group.finish();
}

/// A graph of 22 tasks: a fork, a join, functions with state, groups, filters.
fn twenty_tasks(pool: &Pool) -> PoolReader<u64> {
    let numbers = pool.source(0..ITEMS).map(|n| n + 1).filter(|n| n % 7 != 0).map(|n| n * 3);
    let mut branches = numbers.tee(2);
    let (second, first) = (branches.pop().expect("two"), branches.pop().expect("two"));
    let second = second.batch(4).map(|group| group.iter().sum::<u64>()).map(|n| n ^ 5).inspect(|_| {}).map(|n| n + 1);
    let first = first.map(|n| n + 1).sequential(|n| n + 2).skip(3).filter(|n| n % 2 == 0).map(|n| n / 2);
    let joined = first.zip(second).map(|(left, right)| left + right).filter(|n| n % 3 != 0).map(|n| n + 1);
    joined.enumerate().map(|(at, n)| n + at as u64).map(|n| n * 2)
}

/// The processor time of this thread, in seconds.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a thread has a clock");
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

/// What `run` gives for each seed, added up, and what it took in seconds.
fn timed(seeds: Range<u64>, mut run: impl FnMut(u64) -> u64) -> Measured<u64> {
    let begin = processor_time();
    let result = seeds.map(&mut run).fold(0, u64::wrapping_add);
    Measured { value: processor_time() - begin, result }
}

fn read_all(pool: &Pool) -> u64 {
    twenty_tasks(pool).read_all().expect("nothing fails").into_iter().fold(0, u64::wrapping_add)
}

/// Runs per second of one processor's time, beside the same graph in serial mode, which is
/// simulated by nobody.
fn runs(group: &mut Group) {
    let per_second = |measured: Measured<u64>| Measured { value: SEEDS as f64 / measured.value, ..measured };
    Case::new("22-tasks-200-items", Unit::rate("runs/s"))
        .ours_measured(|| per_second(timed(0..SEEDS, |seed| read_all(&Pool::simulated(seed)))))
        .rival_measured("serial", || per_second(timed(0..SEEDS, |_| read_all(&Pool::serial()))))
        .run(group);
}

/// What a step takes, the engine's work between two of them included.
fn steps(group: &mut Group) {
    Case::new("22-tasks-200-items-step", Unit::cost("ns/step"))
        .ours_measured(|| {
            let mut steps = 0;
            let measured = timed(0..SEEDS, |seed| {
                let sum = read_all(&Pool::simulated(seed));
                steps += simulation::last().expect("a run has ended").steps;
                sum
            });
            Measured { value: measured.value * 1e9 / steps as f64, ..measured }
        })
        .run(group);
}

/// A pool and its graph, made and dropped without a read.
fn building(group: &mut Group) {
    let per_graph = |measured: Measured<u64>| Measured { value: measured.value * 1e6 / SEEDS as f64, ..measured };
    let build = |pool: Pool| {
        drop(twenty_tasks(&pool));
        1
    };
    Case::new("22-tasks-built-and-dropped", Unit::cost("µs/graph"))
        .ours_measured(|| per_graph(timed(0..SEEDS, |seed| build(Pool::simulated(seed)))))
        .rival_measured("serial", || per_graph(timed(0..SEEDS, |_| build(Pool::serial()))))
        .run(group);
}
