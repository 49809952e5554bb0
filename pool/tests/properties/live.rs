//! Changes while reading: P10.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;

use millpond_pool::Pool;
use proptest::prelude::*;

use crate::build::Builder;
use crate::model::{End, Span, interpret};
use crate::output::{compare, compare_calls};
use crate::plan::{Act, Flavour, Plan, plans, steps};
use crate::reading::{Reading, exhaust, readings};
use crate::watch::Watch;
use crate::{config, workers};

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![Just(0), Just(1), Just(2), Just(3), Just(8)], 1..6)
}

/// Calls `change` from another thread, over and over, while `read` runs.
fn beside<R>(change: impl Fn(usize) + Sync, read: impl FnOnce() -> R) -> R {
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 0;
            while !is_over.load(Ordering::Relaxed) {
                change(turn);
                turn += 1;
                for _ in 0..turn % 50 {
                    thread::yield_now();
                }
            }
        });
        let _stop = Stop(&is_over);
        read()
    })
}

/// A callback for sources: every so many items, `act` on the pool.
fn every(
    items: usize,
    pool: &Arc<Pool>,
    act: impl Fn(&Pool, usize) + Send + Sync + 'static,
) -> Arc<dyn Fn() + Send + Sync> {
    let pool: Weak<Pool> = Arc::downgrade(pool);
    let made = AtomicUsize::new(0);
    Arc::new(move || {
        let number = made.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(items)
            && let Some(pool) = pool.upgrade()
        {
            act(&pool, number / items);
        }
    })
}

fn resized(plan: &Plan, readings: &[Reading], sizes: &[usize], is_within: bool) -> Result<(), TestCaseError> {
    let _watch = Watch::over(&(plan, readings, sizes, is_within));
    let model = interpret(plan, &mut 0);
    let pool = Arc::new(workers::pool(sizes[0]));
    let mut builder = Builder::new(&pool, plan);
    if is_within {
        let sizes = sizes.to_vec();
        builder.made = Some(every(7, &pool, move |pool, turn| pool.set_size(sizes[turn % sizes.len()])));
    }
    let mut reader = builder.build(plan);
    let ledger = builder.ledger;
    let outcome = if is_within {
        exhaust(&mut reader, readings)
    } else {
        beside(|turn| pool.set_size(sizes[turn % sizes.len()]), || exhaust(&mut reader, readings))
    };
    compare(&outcome, &model)?;
    compare_calls(&ledger, &model, Span::ALL, plan.slack())
}

/// A chain of tasks that has given a beginning of its output whenever it is cut.
fn chains() -> impl Strategy<Value = Plan> {
    let flavour = Flavour { has_faults: false, is_open: false, ..Flavour::ALL };
    (prop_oneof![0..300_usize, 300..20_000_usize], steps(flavour), steps(flavour)).prop_map(|(items, first, second)| {
        let mut steps: Vec<_> = first.into_iter().chain(second).collect();
        for step in &mut steps {
            if matches!(step.act, Act::Fold | Act::Batch(_)) {
                step.act = Act::Map;
            }
        }
        let mut last = steps[0].clone();
        last.act = Act::Map;
        steps.push(last);
        Plan::Pipe(Box::new(Plan::Source(items % 3_000)), steps)
    })
}

proptest! {
    #![proptest_config(config(100, "tests/properties/regressions/live.txt"))]

    /// P10: the pool's size changes, to serial mode and back too, from another thread or from within a source: as if it had not.
    #[test]
    fn a_pool_that_is_resized_loses_nothing(
        plan in plans(Flavour::ALL),
        readings in readings(),
        sizes in sizes(),
        is_within in any::<bool>(),
    ) {
        resized(&plan, &readings, &sizes, is_within)?;
    }

    /// P10: a task is removed while another thread reads: what was made is read, a beginning of the output, and then its end.
    #[test]
    fn a_task_that_is_removed_loses_nothing_that_was_made(
        plan in chains(),
        readings in readings(),
        which in any::<prop::sample::Index>(),
        size in prop_oneof![Just(1_usize), Just(2), Just(8)],
        when in 0..40_usize,
    ) {
        let _watch = Watch::over(&(&plan, &readings, which, size, when));
        let model = interpret(&plan, &mut 0);
        let pool = workers::pool(size);
        let mut builder = Builder::new(&pool, &plan);
        let mut reader = builder.build(&plan);
        let task = builder.tasks[which.index(builder.tasks.len())];
        let (ledger, last) = (builder.ledger, builder.operators - 1);
        let outcome = beside(
            |turn| {
                if turn == when {
                    pool.remove_task(task).expect("the pool is there");
                }
            },
            || exhaust(&mut reader, &readings),
        );
        prop_assert_eq!(&outcome.end, &End::Complete);
        let count = outcome.items.len();
        prop_assert!(model.items.get(..count) == Some(&outcome.items[..]), "not a beginning of the output: {}", count);
        prop_assert_eq!(ledger.calls(last).0, count, "items that the last task made were not read");
        drop(reader);
        prop_assert!(crate::drops::are_gone(&pool, &ledger), "tasks are left: {}", pool.task_count());
    }

    /// P10, P5: a source that adds tasks to its own pool and reads from them, and drops them, gives what it would have given.
    #[test]
    fn a_source_may_add_tasks_and_read_from_them(
        plan in plans(Flavour::ALL),
        readings in readings(),
        size in prop_oneof![Just(0_usize), Just(1), Just(2), Just(8)],
    ) {
        let _watch = Watch::over(&(&plan, &readings, size));
        let model = interpret(&plan, &mut 0);
        let pool = Arc::new(workers::pool(size));
        let mut builder = Builder::new(&pool, &plan);
        let inner = |pool: &Pool, turn: usize| {
            let mut inner = pool.source(0..turn % 40).map(|number| number + 1).filter(|number| number % 2 == 0);
            let items = inner.read_all().expect("nothing fails here");
            assert_eq!(items, (1..=turn % 40).filter(|number| number % 2 == 0).collect::<Vec<_>>());
        };
        builder.made = Some(every(11, &pool, inner));
        let mut reader = builder.build(&plan);
        let ledger = builder.ledger;
        let outcome = exhaust(&mut reader, &readings);
        compare(&outcome, &model)?;
        compare_calls(&ledger, &model, Span::ALL, plan.slack())?;
    }
}
