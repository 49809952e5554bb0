//! What goes wrong on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use millpond_pool::simulation::{self, Faults, Simulation};
use millpond_pool::{Cause, Pool, PoolReader};

use crate::twenty_tasks;

#[test]
fn a_task_fails_at_the_call_that_was_chosen() {
    for (seed, is_panic) in (0..60).flat_map(|seed| [(seed, false), (seed, true)]) {
        let faults = if is_panic { Faults::none().panic_at("half", 17) } else { Faults::none().fail_at("half", 17) };
        let pool = Pool::simulated_with(Simulation::new(seed).workers(1).faults(faults));
        let mut reader = pool.source(0..100_u32).map(|n| n / 2).named("half").filter(|n| n % 2 == 0);
        let error = reader.read_all().unwrap_err();
        let items: Vec<u32> = reader.by_ref().map_while(Result::ok).collect();
        assert!(items.into_iter().eq((0..17).map(|n| n / 2).filter(|n| n % 2 == 0)), "seed {seed}");
        let error = error.as_task_error().expect("a task's error");
        assert_eq!((error.task(), error.index()), ("half", 17), "seed {seed}");
        assert!(error.cause().to_string().contains("injected by the simulation"));
        assert_eq!(matches!(error.cause(), Cause::Panic(_)), is_panic);
    }
}

/// The chunks behind a failure stop before their next item, whoever is at them, also while those before it go on.
#[test]
fn no_item_behind_a_failure_is_begun_after_it() {
    const BAD: u64 = 300;
    const MOST: u64 = 8;
    let (mut spared, mut before) = (0, 0);
    for seed in 0..1_500 {
        let pool = Pool::simulated_with(Simulation::new(seed).workers(3));
        // How many items the source has given; the last that the function was called for, and as it failed.
        let counts: [Arc<AtomicU64>; 3] = Default::default();
        let [made, last, last_at_failure] = counts.clone();
        let source = (0..2 * BAD).inspect(move |n| made.store(n + 1, Ordering::Relaxed));
        let mut reader = pool.source(source).max_chunksize(MOST as usize).try_map(move |n| {
            let last = last.fetch_max(n, Ordering::Relaxed).max(n);
            if n == BAD {
                last_at_failure.store(last, Ordering::Relaxed);
                return Err("the bad one");
            }
            Ok(n)
        });
        let error = reader.read_all().unwrap_err();
        assert_eq!(error.as_task_error().unwrap().unread() as u64, BAD, "seed {seed}");
        let [made, last, last_at_failure] = counts.map(|count| count.load(Ordering::Relaxed));
        assert_eq!(last, last_at_failure, "seed {seed}");
        spared += usize::from(made > BAD + MOST && last + MOST < made);
        before += usize::from(last > BAD);
    }
    assert!(spared > 10, "a chunk behind the failure was there, and not begun, in {spared} runs");
    assert!(before > 10, "one was begun before it in {before} runs");
}

/// Tasks that give a beginning of their output when they are cut short, whatever is cut.
fn tasks(pool: &Pool) -> PoolReader<u64> {
    let mut branches = pool.source(0..300_u64).map(|n| n + 1).tee(2);
    let other = branches.pop().expect("two").filter(|n| n % 5 != 0).map(|n| n * 2);
    branches.pop().expect("two").sequential(|n| n + 1).zip(other).map(|(left, right)| left * right)
}

/// The items before the failure, and then the failure: whatever fails, wherever, in whatever order.
#[test]
fn drawn_failures_end_the_output_after_what_came_before() {
    let expected = tasks(&Pool::serial()).read_all().unwrap();
    let mut failed = 0;
    for seed in 0..400 {
        let simulation = Simulation::new(seed).faults(Faults::none().fail(60).panic(60));
        let pool = Pool::simulated_with(simulation);
        let mut reader = tasks(&pool);
        let outcome = reader.read_all();
        let items = match &outcome {
            Ok(items) => items.clone(),
            Err(_) => reader.by_ref().map_while(Result::ok).collect(),
        };
        assert_eq!(items[..], expected[..items.len()], "seed {seed}");
        if let Err(error) = outcome {
            failed += 1;
            let error = error.as_task_error().unwrap_or_else(|| panic!("seed {seed}: {error}"));
            let again = reader.read(1).unwrap_err();
            let again = again.as_task_error().expect("an error stays");
            assert_eq!(
                (again.task(), again.index(), again.unread()),
                (error.task(), error.index(), 0),
                "an error stays"
            );
        } else {
            assert_eq!(items.len(), expected.len(), "nothing failed that the output needed");
        }
        drop((reader, pool));
        let report = simulation::last().expect("a run has ended");
        assert_eq!(report.verdict, None);
        assert!(items.len() == expected.len() || report.schedule.faults() > 0);
    }
    assert!(failed > 100, "{failed} failed");
}

#[test]
fn harmless_faults_change_nothing_for_the_reader() {
    let expected = twenty_tasks(&Pool::serial()).read_all().unwrap();
    let mut injected = 0;
    for seed in 0..400 {
        let pool = Pool::simulated_with(Simulation::new(seed).faults(Faults::harmless()));
        assert_eq!(twenty_tasks(&pool).read_all().unwrap(), expected, "seed {seed}");
        drop(pool);
        injected += simulation::last().expect("a run has ended").schedule.faults();
    }
    assert!(injected > 800, "{injected} faults");
}

#[test]
fn a_removed_task_leaves_a_beginning_of_the_output() {
    let expected = tasks(&Pool::serial()).read_all().unwrap();
    let mut shorter = 0;
    for seed in 0..400 {
        let pool = Pool::simulated_with(Simulation::new(seed).faults(Faults::none().remove(2)));
        let mut reader = tasks(&pool);
        let items = reader.read_all().unwrap();
        assert_eq!(items[..], expected[..items.len()], "seed {seed}");
        assert!(reader.read_all().unwrap().is_empty(), "the end stays");
        shorter += usize::from(items.len() < expected.len());
    }
    assert!(shorter > 40, "{shorter} were cut short");
}
