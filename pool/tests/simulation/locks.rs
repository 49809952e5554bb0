//! Locks under simulation: every acquire, release and wait is seen, and a deadlock is told with its locks and holders.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use millpond_pool::Pool;
use millpond_pool::simulation::{self, Simulation};
use millpond_sync::{Condvar, Mutex, Policy, Semaphore};

fn message(body: impl FnOnce()) -> Option<String> {
    catch_unwind(AssertUnwindSafe(body)).err().map(|payload| match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().map_or_else(String::new, |text| (*text).to_owned()),
    })
}

fn pool(seed: u64) -> Pool {
    Pool::simulated_with(Simulation::new(seed).patience(Duration::ZERO).quiet())
}

/// Two functions that take two locks in opposite order.
fn opposite(seed: u64, policy: Policy) -> Option<String> {
    message(|| {
        let _pool = pool(seed);
        let locks = Rc::new((Mutex::with_policy(0, policy), Mutex::with_policy(0, policy)));
        let other = Rc::clone(&locks);
        let one = simulation::spawn_named("one", move || {
            let mut left = locks.0.lock();
            let right = locks.1.lock();
            *left += *right + 1;
        });
        let two = simulation::spawn_named("two", move || {
            let mut right = other.1.lock();
            let left = other.0.lock();
            *right += *left + 1;
        });
        let _ = (one.join(), two.join());
    })
}

#[test]
fn two_locks_in_opposite_order_are_found_with_seed_locks_and_holders() {
    for policy in [Policy::HandOff, Policy::Eventual, Policy::Barging] {
        let told: Vec<_> = (0..200).filter_map(|seed| opposite(seed, policy).map(|text| (seed, text))).collect();
        assert!((1..200).contains(&told.len()), "some orders end well and some do not: {}", told.len());
        for (seed, text) in told {
            let expected = format!(
                "the simulation of seed {seed} cannot go on: a deadlock: caller, one, two can wait for ever; one waits \
                 for lock 1, which two holds; two waits for lock 2, which one holds"
            );
            assert_eq!(text, expected);
            assert_eq!(opposite(seed, policy), Some(expected), "the same seed, the same end");
        }
    }
}

#[test]
fn threads_of_a_simulation_count_exactly_and_wait_by_its_clock() {
    for seed in 0..200 {
        let _pool = pool(seed);
        let shared = Rc::new((Mutex::new(0), Condvar::new(), Semaphore::new(2)));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let shared = Rc::clone(&shared);
                simulation::spawn(move || {
                    for _ in 0..5 {
                        let _permit = shared.2.acquire().expect("open");
                        *shared.0.lock() += 1;
                        shared.1.notify_all();
                    }
                })
            })
            .collect();
        let mut count = shared.0.lock();
        shared.1.wait_while(&mut count, |count| *count < 15);
        drop(count);
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        let (mut count, begin) = (shared.0.lock(), simulation::now());
        assert!(!shared.1.wait_timeout(&mut count, Duration::from_secs(3_600)));
        assert!(simulation::now() - begin >= Duration::from_secs(3_600), "an hour that takes no time");
        drop(count);
        assert_eq!((shared.2.available(), shared.0.waiting()), (2, 0));
    }
}
