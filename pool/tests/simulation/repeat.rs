//! The same seed is the same run.

use std::collections::HashSet;

use millpond_pool::Pool;
use millpond_pool::simulation::{self, Faults, Order, Report, Schedule, Simulation};

use crate::twenty_tasks;

fn run(simulation: Simulation) -> Report {
    let pool = Pool::simulated_with(simulation.trace_rows(100_000));
    let mut reader = twenty_tasks(&pool);
    let mut shared = reader.clone();
    let other = simulation::spawn_named("other", move || {
        let mut count = 0;
        while let Ok(items) = shared.read(5) {
            count += items.len();
            if items.is_empty() {
                break;
            }
        }
        count
    });
    while reader.read(7).is_ok_and(|items| !items.is_empty()) {}
    let _ = other.join();
    drop(reader);
    drop(pool);
    simulation::last().expect("a run has ended")
}

pub(crate) fn simulations(seed: u64) -> [Simulation; 3] {
    let faults = Faults::harmless().fail(200).panic(300).remove(1);
    [
        Simulation::new(seed).faults(faults.clone()),
        Simulation::new(seed).order(Order::RandomWalk).workers(3),
        Simulation::new(seed).order(Order::Priorities { preemptions: 3 }).faults(faults),
    ]
}

#[test]
fn a_seed_gives_the_same_run_to_the_last_step() {
    for simulation in (0..40).flat_map(simulations) {
        let (first, second) = (run(simulation.clone()), run(simulation));
        assert_eq!((first.steps, first.elapsed, first.switches), (second.steps, second.elapsed, second.switches));
        assert_eq!(first.trace, second.trace, "seed {}", first.seed);
        assert_eq!(first.schedule, second.schedule);
    }
}

#[test]
fn a_schedule_written_down_and_read_gives_the_same_run() {
    for simulation in (0..40).flat_map(simulations) {
        let first = run(simulation);
        let schedule: Schedule = first.schedule.to_string().parse().expect("a schedule");
        let second = run(Simulation::replay(&schedule));
        let (left, right) = (first.trace.to_string(), second.trace.to_string());
        let differs = left.lines().zip(right.lines()).find(|(left, right)| left != right);
        assert_eq!((differs, left.len()), (None, right.len()), "{schedule}");
        assert_eq!(first.schedule, second.schedule);
    }
}

#[test]
fn other_seeds_give_other_runs() {
    let runs: HashSet<String> = (0..50).map(|seed| run(Simulation::new(seed).workers(3)).trace.to_string()).collect();
    assert!(runs.len() > 45, "{} different runs", runs.len());
}

#[test]
fn a_trace_is_a_table_of_step_time_worker_task_chunk_and_event() {
    let pool = Pool::simulated_with(Simulation::new(1).workers(1));
    let mut reader = pool.source(0..3).map(|n| n + 1).named("plus one");
    assert_eq!(reader.read(1).unwrap(), [1]);
    simulation::note("read one");
    let trace = simulation::current().expect("a run").trace().to_string();
    let lines: Vec<_> = trace.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines[0], "step time worker task chunk event");
    assert!(lines[1].ends_with("caller plus one begins a chunk of at most 1"), "{trace}");
    assert!(lines[2].ends_with("caller plus one 0 made 1"), "{trace}");
    assert!(lines[3].ends_with("caller plus one 0 landed"), "{trace}");
    assert!(lines.last().expect("lines").ends_with("caller note: read one"), "{trace}");
}
