//! A body in every mode.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use millpond_pool::Pool;
use millpond_simulation::{Faults, Simulation};
use millpond_testing::{Check, Mode};

#[test]
fn a_body_is_run_once_in_each_mode_and_for_each_seed() {
    let sizes = Mutex::new(HashMap::<usize, u32>::new());
    Check::new().seeds(0..30).threads([3, 5]).workers(7).run(|trial| {
        *sizes.lock().unwrap().entry(trial.size()).or_default() += 1;
    });
    let sizes = sizes.into_inner().unwrap();
    assert_eq!(sizes, HashMap::from([(0, 1), (3, 1), (5, 1), (7, 30)]));
}

#[test]
fn a_count_that_differs_is_found() {
    // The second of two workers finds the work done, or not.
    let failure = Check::new().threads([]).seeds(0..100).workers(2).find(|trial| {
        let done = AtomicU64::new(0);
        let work = trial.counted("work", |n: u64| n);
        let mut reader = trial.source(0..50_u64).map(move |n| {
            if done.load(Ordering::Relaxed) <= n {
                done.store(n + 1, Ordering::Relaxed);
                return work(n);
            }
            n
        });
        reader.read_all().unwrap()
    });
    let failure = failure.expect_err("an order of calls shows in the count");
    assert!(matches!(failure.mode, Mode::Seed(_)));
    assert!(failure.message.starts_with("`work` was called `"), "{}", failure.message);
    assert!(failure.message.ends_with(" times, and in serial mode `50` times"), "{}", failure.message);
}

#[test]
fn a_seed_that_was_found_fails_again_and_its_schedule_too() {
    let body = |pool: &Pool| {
        let last = AtomicU64::new(0);
        pool.source(1..60_u64).map(move |n| n - last.swap(n, Ordering::Relaxed).min(n)).read_all().unwrap()
    };
    let failure = Check::new().threads([]).seeds(0..300).find(|trial| body(trial)).expect_err("hidden state");
    let Mode::Seed(seed) = failure.mode else { panic!("{}", failure.mode) };
    let expected = body(&Pool::serial());
    assert_ne!(body(&Pool::simulated(seed)), expected);
    let report = failure.report.expect("a run");
    assert!(report.schedule.choices() <= 3, "{}", report.schedule);
    assert_ne!(body(&Pool::simulated_with(Simulation::replay(&report.schedule))), expected);
}

#[test]
fn a_panic_in_one_mode_is_told_with_its_message() {
    let failure = Check::new().seeds(0..0).threads([2]).find(|trial| assert!(trial.size() < 2, "two are too many"));
    assert_eq!(failure.expect_err("it panics").to_string(), "in a pool of 2: the body panicked: two are too many");
}

#[test]
fn faults_come_in_simulations_only() {
    let check = Check::new().seeds(0..40).faults(Faults::none().fail(10));
    let failure = check.find(|trial| trial.source(0..500_u32).map(|n| n).read_all().map(|items| items.len()).ok());
    assert!(matches!(failure.expect_err("a fault").mode, Mode::Seed(_)));
    Check::new()
        .seeds(0..40)
        .faults(Faults::harmless())
        .run(|trial| trial.source(0..500_u32).map(|n| n + 1).sequential(|n| n).read_all().unwrap());
}
