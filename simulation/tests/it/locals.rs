//! Variables that each simulated thread has for itself.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use millpond_simulation::{Simulation, simulate, spawn, spawn_apart, yield_now};
use millpond_sync::Owner;

millpond_sync::local! {
    const COUNT: Cell<u32> = Cell::new(0);
}

fn count_to(most: u32) -> u32 {
    for _ in 0..most {
        COUNT.with(|count| count.set(count.get() + 1));
        yield_now();
    }
    COUNT.with(Cell::get)
}

#[test]
fn a_thread_begins_with_its_own_and_the_caller_keeps_that_of_the_system() {
    COUNT.with(|count| count.set(100));
    for seed in 0..50 {
        simulate(seed, || {
            let threads = [5, 6, 7].map(|most| (most, spawn(move || count_to(most))));
            assert_eq!(COUNT.with(Cell::get), 100);
            for (most, thread) in threads {
                assert_eq!(thread.join().expect("no panic"), most);
            }
        });
    }
    assert_eq!(COUNT.with(Cell::get), 100);
}

/// A thread of the system's that is kept for the next job has had other variables before.
#[test]
fn a_thread_of_the_systems_has_the_variables_of_the_simulated_thread_that_it_is() {
    for simulation in [Simulation::new(2), Simulation::new(2).on_threads()] {
        let most = Arc::new(AtomicU32::new(0));
        simulate(simulation, || {
            for _ in 0..3 {
                let most = Arc::clone(&most);
                spawn_apart(None, move || {
                    most.fetch_max(count_to(4), Ordering::Relaxed);
                });
                (0..50).for_each(|_| yield_now());
            }
        });
        assert_eq!(most.load(Ordering::Relaxed), 4);
    }
}

#[test]
fn each_simulated_thread_is_an_owner_of_its_own() {
    simulate(1, || {
        let caller = Owner::of_thread();
        let [first, second] = [0, 1].map(|_| spawn(|| (Owner::of_thread(), Owner::of_thread())));
        let (first, second) = (first.join().expect("no panic"), second.join().expect("no panic"));
        assert_eq!(first.0, first.1);
        assert!(caller != first.0 && caller != second.0 && first.0 != second.0);
    });
}
