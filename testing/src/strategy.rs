//! Random graphs of a user's functions, for proptest.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use super::check::Check;
use super::functions::Functions;
use super::graph::{GraphPlan, Options, Shape};

fn options() -> impl Strategy<Value = Options> {
    (
        prop::option::weighted(0.2, 2..20_usize),
        prop::option::weighted(0.3, 1..20_usize),
        prop::option::weighted(0.2, 1..4_usize),
        prop::option::weighted(0.1, 1..50_usize),
    )
        .prop_map(|(min_count, max_chunksize, concurrency, read_ahead)| Options {
            min_count: min_count.unwrap_or(1),
            max_chunksize,
            concurrency,
            read_ahead: read_ahead.unwrap_or(0),
        })
}

/// Random graphs of the functions, with random options: chains, forks and joins over sources of `items`.
///
/// The functions must give the same for the same item (those with state, for the same items in the same order). What a graph gives is
/// then determined, whoever works on it: [`GraphPlan::expected`].
///
/// # Panics
/// When there are no functions besides those that join.
#[track_caller]
pub fn graphs<T, S>(items: S, functions: &Functions<T>) -> impl Strategy<Value = GraphPlan<T>> + use<T, S>
where
    T: Clone + Debug + Send + Sync + 'static,
    S: Strategy<Value = Vec<T>> + 'static,
{
    assert!(!functions.0.functions.is_empty(), "random graphs take at least `1` function and were given `0`");
    let has_joins = !functions.0.joins.is_empty();
    let functions = functions.clone();
    let leaf = items.prop_map(Shape::Source).boxed();
    let shapes = leaf.prop_recursive(6, 40, 3, move |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let task =
            (boxed(), 0..64_usize, options()).prop_map(|(input, number, options)| Shape::Task(input, number, options));
        let zip = if has_joins {
            (boxed(), boxed(), 0..64_usize).prop_map(|(left, right, number)| Shape::Zip(left, right, number)).boxed()
        } else {
            inner.clone().boxed()
        };
        prop_oneof![
            8 => task,
            1 => (boxed(), 1..9_usize).prop_map(|(input, size)| Shape::Regroup(input, size)),
            1 => (boxed(), 0..60_usize).prop_map(|(input, count)| Shape::Take(input, count)),
            1 => (boxed(), 0..20_usize).prop_map(|(input, count)| Shape::Skip(input, count)),
            1 => prop::collection::vec(inner.clone(), 1..4).prop_map(Shape::Chain),
            2 => zip,
            1 => (boxed(), 0..64_usize).prop_map(|(input, number)| Shape::Tee(input, number)),
        ]
    });
    shapes.prop_map(move |shape| GraphPlan { shape, functions: functions.clone() })
}

/// Checks `cases` random graphs of the functions: each gives what a plain loop gives, in serial mode, on threads and in simulations.
///
/// A graph that does not is made as small as can be, and its schedule as short as can be.
///
/// # Panics
/// When one does not: with the graph, and how it failed.
#[track_caller]
pub fn check_graphs<T, S>(cases: u32, items: S, functions: &Functions<T>, check: &Check)
where
    T: Clone + Debug + PartialEq + Send + Sync + 'static,
    S: Strategy<Value = Vec<T>> + 'static,
{
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    // What is taken early leaves open how much is made before.
    let check = check.clone().without_calls();
    let test = |plan: GraphPlan<T>| {
        let expected = plan.expected();
        let body = |trial: &super::Trial| {
            let mut reader = plan.build(trial);
            let items = reader.read_all().map_err(|error| error.to_string());
            items.map(|items| (items == expected, items))
        };
        match check.find(body) {
            Err(failure) => Err(TestCaseError::fail(failure.to_string())),
            Ok(()) => {
                let trial = super::Trial::new(millpond_pool::Pool::serial());
                let items = plan.build(&trial).read_all();
                let is_right = items.is_ok_and(|items| items == expected);
                if is_right { Ok(()) } else { Err(TestCaseError::fail("serial mode gives something else than a loop")) }
            }
        }
    };
    match TestRunner::new(config).run(&graphs(items, functions), test) {
        Ok(()) => {}
        Err(TestError::Fail(reason, plan)) => panic!("{reason}\nthe smallest graph that fails: {plan:#?}"),
        Err(error) => panic!("{error}"),
    }
}
