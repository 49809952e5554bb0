//! Readers that are dropped: P7.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use millpond_pool::Pool;
use proptest::prelude::*;

use crate::build::Builder;
use crate::ledger::Ledger;
use crate::model::interpret;
use crate::output::compare;
use crate::plan::{Flavour, Plan, plans, steps};
use crate::reading::{Reading, Step, exhaust, readings};
use crate::watch::Watch;
use crate::{SIZES, config, workers};

/// Whether `test` holds, now or after what other threads have in hand.
fn comes_true(test: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while !test() {
        if started.elapsed() > Duration::from_secs(5) {
            return false;
        }
        thread::yield_now();
    }
    true
}

/// Whether all tasks and all that they held are let go.
pub(crate) fn are_gone(pool: &Pool, ledger: &Arc<Ledger>) -> bool {
    comes_true(|| pool.task_count() == 0 && Arc::strong_count(ledger) == 1)
}

/// Reads once in each way, up to the end at most; whether it came.
fn read_some(reader: &mut millpond_pool::PoolReader<u64>, readings: &[Reading]) -> bool {
    let mut items = Vec::new();
    readings.iter().any(|reading| matches!(reading.once(reader, &mut items), Step::End(_)))
}

fn dropped(plan: &Plan, readings: &[Reading], size: usize) -> Result<(), TestCaseError> {
    let _watch = Watch::over(&(plan, readings, size));
    let pool = workers::pool(size);
    let mut builder = Builder::new(&pool, plan);
    let mut reader = builder.build(plan);
    let ledger = builder.ledger;
    read_some(&mut reader, readings);
    drop(reader);
    if size == 0 {
        prop_assert_eq!((pool.task_count(), Arc::strong_count(&ledger)), (0, 1), "tasks and functions left");
    }
    prop_assert!(
        are_gone(&pool, &ledger),
        "{} tasks left, {} functions",
        pool.task_count(),
        Arc::strong_count(&ledger)
    );
    Ok(())
}

fn pool_first(plan: &Plan, readings: &[Reading], size: usize) -> Result<(), TestCaseError> {
    let _watch = Watch::over(&(plan, readings, size));
    let pool = workers::pool(size);
    let mut builder = Builder::new(&pool, plan);
    let mut reader = builder.build(plan);
    let ledger = builder.ledger;
    read_some(&mut reader, readings);
    drop(pool);
    let calls = ledger.all();
    prop_assert!(reader.read(1).is_err() || size > 0 || !matches!(reader.read(1), Ok(items) if items.is_empty()));
    prop_assert!(size > 0 || calls == ledger.all(), "a pool that is gone ran something");
    drop(reader);
    prop_assert!(comes_true(|| Arc::strong_count(&ledger) == 1), "functions left: {}", Arc::strong_count(&ledger));
    Ok(())
}

proptest! {
    #![proptest_config(config(100, "tests/properties/regressions/drops.txt"))]

    /// P7: a reader dropped at any moment, read from or not, takes all tasks, sources and functions with it; so nothing is called any
    /// more. In serial mode at once, otherwise when the workers have left.
    #[test]
    fn a_dropped_reader_takes_all_with_it(plan in plans(Flavour::ALL), readings in readings(), count in 0..4_usize) {
        for size in SIZES {
            let readings = &readings[..count.min(readings.len())];
            dropped(&plan, readings, size).map_err(|error| TestCaseError::fail(format!("size {size}: {error}")))?;
        }
    }

    /// P7, P12: the same where the pool is dropped first.
    #[test]
    fn a_dropped_pool_takes_all_with_it(plan in plans(Flavour::ALL), readings in readings(), count in 0..4_usize) {
        for size in SIZES {
            let readings = &readings[..count.min(readings.len())];
            pool_first(&plan, readings, size).map_err(|error| TestCaseError::fail(format!("size {size}: {error}")))?;
        }
    }

    /// P7: of two branches of a tee one is dropped, at any moment: its tasks go and the other gives all; when that has come to its end,
    /// sources are gone although its reader is held.
    #[test]
    fn a_dropped_branch_goes_alone(
        plan in plans(Flavour { has_faults: false, is_open: false, ..Flavour::ALL }),
        left in steps(Flavour { has_faults: false, is_open: false, ..Flavour::ALL }),
        right in steps(Flavour { has_faults: false, is_open: false, ..Flavour::ALL }),
        readings in readings(),
        count in 0..4_usize,
        size in prop_oneof![Just(0_usize), Just(1), Just(2), Just(8)],
    ) {
        let _watch = Watch::over(&(&plan, &left, &right, &readings, count, size));
        let whole = Plan::Pipe(Box::new(plan.clone()), left.iter().chain(&right).cloned().collect());
        let pool = workers::pool(size);
        let mut builder = Builder::new(&pool, &whole);
        let flag = Arc::new(AtomicBool::new(false));
        let held = Arc::clone(&flag);
        builder.made = Some(Arc::new(move || held.store(true, std::sync::atomic::Ordering::Relaxed)));
        let input = builder.build(&plan);
        let mut branches = input.tee(2);
        let (second, first) = (branches.pop().expect("two"), branches.pop().expect("two"));
        let mut kept = builder.pipe(first, &left);
        let tasks = pool.task_count();
        let mut other = builder.pipe(second, &right);
        builder.made = None;
        read_some(&mut other, &readings[..count.min(readings.len())]);
        let reading = thread::scope(|scope| {
            if size > 0 {
                scope.spawn(move || drop(other));
            } else {
                drop(other);
            }
            exhaust(&mut kept, &readings)
        });
        let kept_plan = Plan::Pipe(Box::new(plan.clone()), left.clone());
        let mut model = interpret(&kept_plan, &mut 0);
        // The operators have the same numbers as in the model: the kept branch was built first.
        model.is_open = false;
        compare(&reading, &model)?;
        prop_assert!(comes_true(|| pool.task_count() == tasks), "{} tasks where {} are held", pool.task_count(), tasks);
        prop_assert!(comes_true(|| Arc::strong_count(&flag) == 1), "a source is held after the end");
        drop(kept);
        prop_assert!(are_gone(&pool, &builder.ledger), "tasks left: {}", pool.task_count());
    }
}
