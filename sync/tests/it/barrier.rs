//! The barrier: each index once in each round, and broken for all by one that goes away.

use crate::mutex::poll;
use millpond_sync::{Barrier, BrokenBarrier, Parker};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

#[test]
fn each_round_gives_each_index_once_to_threads_and_tasks() {
    const ROUNDS: usize = 500;
    let barrier = Barrier::new(4);
    let passed = thread::scope(|scope| {
        let threads = [0; 2].map(|_| scope.spawn(|| (0..ROUNDS).map(|_| barrier.wait().unwrap()).collect::<Vec<_>>()));
        let tasks = [0; 2].map(|_| {
            scope.spawn(|| (0..ROUNDS).map(|_| Parker::block_on(barrier.wait_async()).unwrap()).collect::<Vec<_>>())
        });
        threads.into_iter().chain(tasks).map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for round in 0..ROUNDS {
        let mut indices: Vec<_> = passed.iter().map(|passed| passed[round].index()).collect();
        indices.sort_unstable();
        assert_eq!(indices, [0, 1, 2, 3]);
        let leaders: Vec<_> = passed.iter().filter(|passed| passed[round].is_leader()).collect();
        assert_eq!(leaders.len(), 1);
        assert_eq!(leaders[0][round].index(), 3, "the last one lets the others go on");
    }
}

#[test]
fn one_that_times_out_breaks_it_for_all() {
    let barrier = Barrier::new(3);
    let mut waits = barrier.wait_async();
    assert!(poll(&mut waits, Waker::noop()).is_pending());
    assert_eq!(barrier.wait_timeout(Duration::from_millis(1)), Err(BrokenBarrier));
    assert_eq!(poll(&mut waits, Waker::noop()), Poll::Ready(Err(BrokenBarrier)));
    assert!(barrier.is_broken());
    assert_eq!(barrier.wait(), Err(BrokenBarrier));
    barrier.reset();
    assert_eq!((barrier.is_broken(), barrier.waiting(), barrier.parties()), (false, 0, 3));
}

#[test]
fn one_that_is_dropped_breaks_it_and_one_that_has_passed_does_not() {
    let barrier = Barrier::new(2);
    let (mut one, mut two) = (barrier.wait_async(), barrier.wait_async());
    assert!(poll(&mut one, Waker::noop()).is_pending());
    assert!(poll(&mut two, Waker::noop()).is_ready());
    drop(one);
    assert!(!barrier.is_broken(), "the round was complete");
    let mut one = barrier.wait_async();
    assert!(poll(&mut one, Waker::noop()).is_pending());
    drop(one);
    assert!(barrier.is_broken());
}

#[test]
fn an_abort_and_a_reset_end_all_waits() {
    for ends in [Barrier::abort, Barrier::reset] {
        let barrier = Barrier::new(2);
        thread::scope(|scope| {
            let thread = scope.spawn(|| barrier.wait());
            while barrier.waiting() < 1 {
                thread::yield_now();
            }
            ends(&barrier);
            assert_eq!(thread.join().unwrap(), Err(BrokenBarrier));
        });
    }
}

#[test]
#[should_panic(expected = "a barrier has at least 1 party")]
fn a_barrier_for_nobody_is_refused() {
    let _barrier = Barrier::new(0);
}
