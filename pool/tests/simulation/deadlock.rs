//! What cannot go on is found and told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millpond_channel::unbounded;
use millpond_pool::Pool;
use millpond_pool::simulation::{self, Simulation};
use millpond_sync::Parker;

fn message(body: impl FnOnce()) -> Option<String> {
    catch_unwind(AssertUnwindSafe(body)).err().map(|payload| match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().map_or_else(String::new, |text| (*text).to_owned()),
    })
}

fn patient_for_nothing(seed: u64) -> Simulation {
    Simulation::new(seed).patience(Duration::ZERO).quiet()
}

#[test]
fn a_read_of_what_nobody_writes_is_a_deadlock() {
    for seed in 0..20 {
        let told = message(|| {
            let pool = Pool::simulated_with(patient_for_nothing(seed));
            let (_writer, channel) = unbounded::<u32>();
            let _ = pool.channel(channel).map(|n| n).read(1);
        });
        let expected = format!("the simulation of seed {seed} cannot go on: a deadlock: caller can wait for ever");
        assert_eq!(told.as_deref(), Some(&*expected));
        let report = simulation::last().expect("a run has ended");
        assert_eq!(report.verdict.as_deref(), Some("a deadlock: caller can wait for ever"));
        assert!(report.trace.to_string().contains("sleeps"), "{}", report.trace);
    }
}

#[test]
fn threads_that_wait_for_each_other_are_named() {
    let told = message(|| {
        let _pool = Pool::simulated_with(patient_for_nothing(1));
        let ((to_left, left), (to_right, right)) = (unbounded::<u32>(), unbounded::<u32>());
        let one = simulation::spawn_named("one", move || {
            let _ = left.read(1);
            let _ = to_right.write(1);
        });
        let two = simulation::spawn_named("two", move || {
            let _ = right.read(1);
            let _ = to_left.write(1);
        });
        let _ = (one.join(), two.join());
    });
    let told = told.expect("a deadlock");
    assert_eq!(told, "the simulation of seed 1 cannot go on: a deadlock: caller, one, two can wait for ever");
}

#[test]
fn a_thread_that_goes_round_in_circles_is_stopped() {
    let told = message(|| {
        let pool = Pool::simulated_with(patient_for_nothing(1).most_steps(1_000));
        let _reader = pool.source(0..3).map(|n| n);
        loop {
            simulation::yield_now();
        }
    });
    assert_eq!(told.as_deref(), Some("the simulation of seed 1 cannot go on: it goes on after 1000 steps"));
}

/// A gate that somebody opens and somebody waits for: the waiter looks, and then enters the list of who is woken. Right is the other
/// order, or a look in between.
///
/// ```text
/// waiter                      opener
/// looks: closed
///                             opens, wakes nobody
/// enters, sleeps for ever
/// ```
fn gate(simulation: Simulation, looks_again: bool) -> Option<String> {
    message(|| {
        let _pool = Pool::simulated_with(simulation);
        let is_open = Arc::new(AtomicBool::new(false));
        let waiters = Arc::new(millpond_sync::WaitList::new());
        let opener = simulation::spawn({
            let (is_open, waiters) = (Arc::clone(&is_open), Arc::clone(&waiters));
            move || {
                simulation::yield_now();
                is_open.store(true, Ordering::SeqCst);
                waiters.notify_all();
            }
        });
        if !is_open.load(Ordering::SeqCst) {
            simulation::yield_now();
            Parker::with(|parker| {
                let ticket = waiters.enter(parker.waker());
                if !(looks_again && is_open.load(Ordering::SeqCst)) {
                    parker.park();
                }
                let _ = waiters.leave(ticket);
            });
        }
        opener.join().expect("no panic");
    })
}

#[test]
fn a_lost_wakeup_is_found() {
    let lost = (0..200).filter(|&seed| gate(patient_for_nothing(seed), false).is_some()).count();
    assert!(lost > 5, "{lost} of 200 seeds");
    let found = (0..200).find(|&seed| gate(patient_for_nothing(seed), false).is_some()).expect("one of them");
    for _ in 0..3 {
        assert!(gate(patient_for_nothing(found), false).is_some(), "the seed finds it again");
    }
    let fixed = (0..2_000).find(|&seed| gate(patient_for_nothing(seed), true).is_some());
    assert_eq!(fixed, None, "the protocol as it should be");
}
