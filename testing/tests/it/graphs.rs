//! Random graphs of a user's functions.

use std::sync::atomic::{AtomicU64, Ordering};

use millpond_pool::Pool;
use millpond_testing::{Check, Functions, check_graphs, graphs};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::message;

fn functions() -> Functions<u64> {
    Functions::new()
        .map("stir", |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17))
        .filter("most", |n| n % 5 != 0)
        .flat_map("some", |n| (0..n % 3).map(|more| n.wrapping_add(more)).collect())
        .sequential("sum", || {
            let mut sum = 0_u64;
            move |n| {
                sum = sum.wrapping_add(n);
                sum
            }
        })
        .zip("mix", |left, right| left.rotate_left(9) ^ right)
}

fn items() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(any::<u64>(), 0..60)
}

#[test]
fn right_functions_pass_in_every_graph() {
    check_graphs(40, items(), &functions(), &Check::new().seeds(0..10));
}

#[test]
fn graphs_are_of_all_sizes_and_give_what_a_loop_gives() {
    let mut runner = TestRunner::deterministic();
    let mut sizes = vec![];
    for _ in 0..60 {
        let plan = graphs(items(), &functions()).new_tree(&mut runner).expect("a graph").current();
        sizes.push(plan.size());
        Check::new().seeds(0..1).threads([2]).without_calls().run(|trial| {
            assert_eq!(plan.build(trial).read_all().unwrap(), plan.expected());
        });
    }
    assert!(sizes.iter().any(|&size| size <= 2) && sizes.iter().any(|&size| size >= 6), "{sizes:?}");
}

/// A function that numbers what it is called with: state that is hidden from the graph.
#[test]
fn hidden_state_is_found_in_a_small_graph() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let bad = Functions::new()
        .map("same", |n: u64| n)
        .map("numbered", |n: u64| n.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed) % 2));
    let told = message(|| check_graphs(200, items(), &bad, &Check::new().threads([]).seeds(0..5)));
    assert!(told.contains("the smallest graph that fails: GraphPlan"), "{told}");
}

#[test]
fn a_plan_is_built_without_being_run() {
    let mut runner = TestRunner::deterministic();
    let plan = graphs(items(), &functions()).new_tree(&mut runner).expect("a graph").current();
    Check::new().seeds(0..5).run(|trial| {
        let reader = plan.build(trial);
        for name in ["stir", "most", "some", "sum", "mix"] {
            trial.assert_calls_at_most(name, 0);
        }
        drop(reader);
        trial.assert_quiet();
    });
    assert!(Pool::serial().task_count() == 0);
}
