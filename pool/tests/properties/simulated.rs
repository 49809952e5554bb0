//! Random graphs, read in random ways, in simulations: every law of a whole run, for as many seeds as `MILLPOND_SEEDS` says.
//!
//! A seed determines all of it: the graph, the ways to read, who reads it (one thread, several that share the items, or several with a
//! branch each), the order of all steps, what goes wrong on the way. When a seed fails, the graph is made smaller and then the
//! schedule shorter, and both are printed, with the last steps.
//!
//! `MILLPOND_SEED=7 MILLPOND_SEEDS=1` runs one seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use millpond_pool::simulation::{self, Faults, Simulation};
use millpond_pool::{Pool, PoolReader};
use proptest::prelude::*;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::build::{Builder, bounded};
use crate::case::{Case, Way, cases};
use crate::model::{Span, interpret};
use crate::output::{compare, compare_calls};
use crate::reading::{Outcome, Reading, exhaust, exhaust_beside, exhaust_in_turns};

/// Reads from each reader in a simulated thread of its own.
fn in_threads(readers: Vec<PoolReader<u64>>, ways: &[Vec<Reading>]) -> Vec<Outcome> {
    let start = |(mut reader, readings): (PoolReader<u64>, &Vec<Reading>)| {
        let readings = readings.clone();
        simulation::spawn(move || exhaust_in_turns(&mut reader, &readings))
    };
    let threads: Vec<_> = readers.into_iter().zip(ways).map(start).collect();
    threads.into_iter().map(|thread| thread.join().expect("a reading thread does not panic")).collect()
}

fn run(Case { plan, way }: &Case, simulation: Simulation) -> Result<(), TestCaseError> {
    let model = interpret(plan, &mut 0);
    let pool = Pool::simulated_with(simulation);
    let mut builder = Builder::new(&pool, plan);
    let reader = builder.build(plan);
    let ledger = Arc::clone(&builder.ledger);
    drop(builder);
    match way {
        Way::Alone(readings) => {
            let mut reader = reader;
            compare(&exhaust(&mut reader, readings), &model)?;
            drop(reader);
        }
        Way::Shared(ways) => {
            let readers = ways.iter().map(|_| reader.clone()).collect();
            let mut outcomes = in_threads(readers, ways);
            let mut last = reader;
            outcomes.push(exhaust_beside(&mut last, &[Reading::All]));
            let mut items: Vec<u64> = Vec::new();
            for outcome in &outcomes {
                prop_assert_eq!(&outcome.end, &model.end);
                items.extend(&outcome.items);
            }
            let mut wanted = model.items.clone();
            wanted.sort_unstable();
            items.sort_unstable();
            prop_assert_eq!(items.len(), wanted.len(), "lost or doubled");
            prop_assert!(items == wanted, "not the same items");
        }
        Way::Branches(ways, capacity) => {
            for outcome in in_threads(reader.tee(bounded(ways.len(), *capacity)), ways) {
                compare(&outcome, &model)?;
            }
        }
    }
    compare_calls(&ledger, &model, Span::ALL, plan.slack())?;
    drop(pool);
    prop_assert_eq!(Arc::strong_count(&ledger), 1, "functions are left");
    Ok(())
}

/// Why a case fails in a simulation, if it does.
fn failure(case: &Case, simulation: Simulation) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| run(case, simulation))) {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(payload) => Some(
            payload
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_else(|| "a panic".to_owned()),
        ),
    }
}

fn simulation(seed: u64) -> Simulation {
    let faults = match seed % 4 {
        0 => Faults::none(),
        1 => Faults::none().slow(20).cancel(4),
        2 => Faults::none().resize(4).cancel(8),
        _ => Faults::harmless().cancel(8),
    };
    limited(Simulation::new(seed).faults(faults).quiet())
}

/// Without patience; on threads, if the environment says so.
fn limited(simulation: Simulation) -> Simulation {
    let simulation = simulation.patience(Duration::ZERO).most_steps(3_000_000);
    if std::env::var_os("MILLPOND_ON_THREADS").is_some() { simulation.on_threads() } else { simulation }
}

/// Runs a seed; makes what fails as small as can be, and panics with it.
fn check(seed: u64) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), random);
    let mut tree = cases(300).new_tree(&mut runner).expect("cases are generated without rejections");
    let mut case = tree.current();
    let Some(mut why) = failure(&case, simulation(seed)) else { return };
    let report = simulation::last();
    eprintln!("seed {seed} fails: {why}\n{case:#?}");
    let mut is_simpler = tree.simplify();
    for _ in 0..2_000 {
        if !is_simpler {
            break;
        }
        match failure(&tree.current(), simulation(seed)) {
            Some(now) => {
                (case, why) = (tree.current(), now);
                is_simpler = tree.simplify();
            }
            None => is_simpler = tree.complicate(),
        }
    }
    let again = failure(&case, simulation(seed));
    let schedule = simulation::last().map(|report| report.schedule).filter(|_| again.is_some());
    let shrunk = schedule
        .and_then(|schedule| simulation::shrink(&schedule, |simulation| failure(&case, limited(simulation)).is_some()));
    let report = shrunk.map(|shrunk| shrunk.report).or(report).map_or_else(String::new, |report| report.to_string());
    panic!("seed {seed} fails: {why}\n{case:#?}\n{report}");
}

/// P1 to P3, P5 to P8, P10, P11: what the model says, whatever the order of steps; with harmless faults too; and nothing is left.
#[test]
fn every_seed_gives_what_the_model_gives() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let first = number("MILLPOND_SEED", 0);
    let count = number("MILLPOND_SEEDS", 300);
    let until = std::env::var("MILLPOND_MINUTES")
        .ok()
        .map(|_| std::time::Instant::now() + Duration::from_secs(60 * number("MILLPOND_MINUTES", 1)));
    let next = std::sync::atomic::AtomicU64::new(first);
    let work = || {
        loop {
            let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if seed >= first + count || until.is_some_and(|until| std::time::Instant::now() >= until) {
                break;
            }
            check(seed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..number("MILLPOND_SEED_THREADS", 1) {
            scope.spawn(work);
        }
        work();
    });
    println!("{} seeds", next.into_inner().min(first + count) - first);
}
