//! Turns, time, ends.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use millpond_simulation::{Simulation, current, last, now, shrink, simulate, sleep, spawn, spawn_named, yield_now};
use millpond_sync::{Deadline, Event, Mutex, WaitList};

use crate::message;

/// Three threads that note their numbers between turns of others.
fn order_of_three() -> Vec<u32> {
    let order = Rc::new(RefCell::new(Vec::new()));
    let threads = [0, 1, 2].map(|number| {
        let order = Rc::clone(&order);
        spawn(move || {
            for _ in 0..4 {
                order.borrow_mut().push(number);
                yield_now();
            }
        })
    });
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    order.take()
}

#[test]
fn the_same_seed_is_the_same_run_and_other_seeds_are_others() {
    let run = |seed| (simulate(seed, order_of_three), last().expect("it has ended").trace);
    for seed in 0..50 {
        assert_eq!(run(seed), run(seed));
    }
    let orders: HashSet<_> = (0..50).map(|seed| run(seed).0).collect();
    assert!(orders.len() > 20, "only {} orders", orders.len());
}

#[test]
fn a_run_is_had_again_from_its_schedule() {
    let order = simulate(11, order_of_three);
    let schedule = last().expect("it has ended").schedule;
    assert_eq!(simulate(Simulation::replay(&schedule), order_of_three), order);
    let text = schedule.to_string();
    assert_eq!(simulate(&text.parse().expect("a schedule"), order_of_three), order);
}

#[test]
fn hours_of_sleep_take_no_time() {
    let began = std::time::Instant::now();
    simulate(3, || {
        let since = now();
        let other = spawn(|| sleep(Duration::from_secs(7_200)));
        sleep(Duration::from_secs(3_600));
        assert!(now().duration_since(since) >= Duration::from_secs(3_600));
        other.join().expect("no panic");
        assert!(current().expect("there is one").elapsed() >= Duration::from_secs(7_200));
    });
    assert!(began.elapsed() < Duration::from_secs(600));
}

#[test]
fn a_wait_that_is_over_by_its_deadline_ends_by_it() {
    simulate(5, || {
        let list = WaitList::new();
        let deadline = Deadline::after(Duration::from_secs(60));
        assert_eq!(list.wait_until_deadline(deadline, || None::<()>), None);
        assert!(deadline.has_passed());
    });
}

#[test]
fn locks_of_the_layer_below_are_simulated_without_a_line_of_their_own() {
    for seed in 0..200 {
        let total = simulate(seed, || {
            let (total, opened) = (Rc::new(Mutex::new(0)), Rc::new(Event::new()));
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (total, opened) = (Rc::clone(&total), Rc::clone(&opened));
                    spawn(move || {
                        opened.wait();
                        let mut total = total.lock();
                        let before = *total;
                        yield_now();
                        *total = before + 1;
                    })
                })
                .collect();
            opened.set();
            threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
            *total.lock()
        });
        assert_eq!(total, 4, "seed {seed}");
    }
}

#[test]
fn threads_that_nobody_wakes_are_named() {
    let text = message(|| {
        simulate(Simulation::new(1).patience(Duration::ZERO).quiet(), || {
            let waits = spawn_named("forgotten", || WaitList::new().wait_until(|| None::<()>));
            drop(waits.join());
        });
    });
    assert!(text.contains("the simulation of seed 1") && text.contains("forgotten"), "{text}");
}

#[test]
fn an_order_that_fails_is_shrunk_to_the_turns_that_matter() {
    // Both read before either writes.
    let loses_one = |simulation: Simulation| {
        simulate(simulation, || {
            let count = Rc::new(Cell::new(0));
            let threads = [0, 1].map(|_| {
                let count = Rc::clone(&count);
                spawn(move || {
                    let before = count.get();
                    yield_now();
                    count.set(before + 1);
                })
            });
            threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
            count.get() < 2
        })
    };
    let seed = (0..100).find(|&seed| loses_one(Simulation::new(seed))).expect("one of them");
    assert!(loses_one(Simulation::new(seed)));
    let schedule = last().expect("it has ended").schedule;
    let shrunk = shrink(&schedule, loses_one).expect("it fails again");
    assert!(shrunk.schedule.choices() <= 2, "{}", shrunk.schedule);
}
