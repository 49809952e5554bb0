//! Several readers: P11.

use std::thread;

use millpond_pool::PoolReader;
use proptest::prelude::*;

use crate::build::{Builder, bounded};
use crate::model::{Span, interpret};
use crate::output::{compare, compare_calls};
use crate::plan::{Flavour, Plan, plans};
use crate::reading::{Outcome, Reading, exhaust_beside, readings};
use crate::watch::Watch;
use crate::{config, workers};

/// Reads from each reader in a thread of its own.
fn in_threads(readers: Vec<PoolReader<u64>>, ways: &[Vec<Reading>]) -> Vec<Outcome> {
    thread::scope(|scope| {
        let threads: Vec<_> = readers
            .into_iter()
            .zip(ways)
            .map(|(mut reader, readings)| scope.spawn(move || exhaust_beside(&mut reader, readings)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a reading thread does not panic")).collect()
    })
}

fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0_usize), Just(1), Just(2), Just(8)]
}

/// What a lane of clones gives, all together.
fn together(plan: &Plan, ways: &[Vec<Reading>], size: usize) -> Result<(), TestCaseError> {
    let model = interpret(plan, &mut 0);
    let pool = workers::pool(size);
    let mut builder = Builder::new(&pool, plan);
    let reader = builder.build(plan);
    let readers: Vec<_> = ways.iter().map(|_| reader.clone()).collect();
    let mut outcomes = in_threads(readers, ways);
    // What an abandoned iteration gave back after the others had found the end.
    let mut last = reader;
    outcomes.push(exhaust_beside(&mut last, &[Reading::All]));
    let mut items: Vec<u64> = Vec::new();
    for outcome in &outcomes {
        prop_assert_eq!(&outcome.end, &model.end);
        items.extend(&outcome.items);
    }
    let (mut wanted, mut got) = (model.items.clone(), items);
    wanted.sort_unstable();
    got.sort_unstable();
    prop_assert_eq!(got.len(), wanted.len(), "lost or doubled");
    prop_assert!(got == wanted, "not the same items");
    compare_calls(&builder.ledger, &model, Span::ALL, plan.slack())
}

proptest! {
    #![proptest_config(config(100, "tests/properties/regressions/shared.txt"))]

    /// P11, P3: clones that are read from in several threads share the items: each goes to exactly one, all get the end.
    #[test]
    fn clones_share_every_item_exactly_once(
        plan in plans(Flavour::ALL),
        ways in prop::collection::vec(readings(), 1..4),
        size in sizes(),
    ) {
        let _watch = Watch::over(&(&plan, &ways, size));
        together(&plan, &ways, size)?;
    }

    /// P11, P3, P4: every branch of a tee gives every item, in order, each in a thread of its own,
    /// also where a full branch makes the others wait; functions before it are called once per
    /// item.
    #[test]
    fn branches_of_a_tee_give_all_items_each(
        plan in plans(Flavour { is_open: false, ..Flavour::ALL }),
        ways in prop::collection::vec(readings(), 2..4),
        capacity in prop::option::of(1..300_usize),
        size in sizes(),
    ) {
        let _watch = Watch::over(&(&plan, &ways, capacity, size));
        let model = interpret(&plan, &mut 0);
        let pool = workers::pool(size);
        let mut builder = Builder::new(&pool, &plan);
        // In serial mode a thread that waits for room keeps out the one that could make it.
        let capacity = capacity.filter(|_| size > 0);
        let branches = builder.build(&plan).tee(bounded(ways.len(), capacity));
        for outcome in in_threads(branches, &ways) {
            compare(&outcome, &model)?;
        }
        compare_calls(&builder.ledger, &model, Span::ALL, plan.slack())?;
    }
}
