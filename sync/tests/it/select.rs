//! Waiting for the first of several: exactly one is taken.

use crate::counting_waker::Count;
use crate::mutex::poll;
use millpond_sync::{Mutex, Select};
use std::task::Poll;
use std::thread;
use std::time::Duration;

#[test]
fn the_leftmost_that_can_be_had_is_taken() {
    let (left, right) = (Mutex::new(1), Mutex::new(2));
    let select = Select::new().on(left.lock_async(), |guard| *guard).on(right.lock_async(), |guard| *guard);
    assert_eq!(select.wait(), 1);
    assert!(!left.is_locked() && !right.is_locked());
}

#[test]
fn one_release_is_granted_and_the_other_goes_to_whoever_is_next() {
    let (left, right) = (Mutex::new(1), Mutex::new(2));
    let guards = (left.lock(), right.lock());
    let (count, waker) = Count::waker();
    let mut select = Select::new().on(left.lock_async(), |guard| *guard).on(right.lock_async(), |guard| *guard);
    let mut select = std::mem::take(&mut select).wait_async();
    assert!(poll(&mut select, &waker).is_pending());
    let mut other = left.lock_async();
    assert!(poll(&mut other, &waker).is_pending());
    drop(guards.1);
    assert_eq!(count.get(), 1, "the release of the right lock has won");
    drop(guards.0);
    assert!(poll(&mut other, &waker).is_ready(), "the left lock passes the select over");
    assert_eq!(poll(&mut select, &waker), Poll::Ready(2));
    assert!(!left.is_locked() && !right.is_locked());
}

#[test]
fn a_select_that_times_out_or_is_dropped_has_taken_nothing() {
    let (left, right) = (Mutex::new(1), Mutex::new(2));
    let guards = (left.lock(), right.lock());
    let select = || Select::new().on(left.lock_async(), |guard| *guard).on(right.lock_async(), |guard| *guard);
    assert_eq!(select().wait_timeout(Duration::from_millis(1)), None);
    assert_eq!(select().try_now(), None);
    let (_, waker) = Count::waker();
    let mut dropped = select().wait_async();
    assert!(poll(&mut dropped, &waker).is_pending());
    drop(guards);
    assert!(left.try_lock().is_none(), "granted to the select");
    drop(dropped);
    assert!(!left.is_locked() && !right.is_locked());
}

#[test]
fn every_round_of_two_selecting_threads_takes_one_lock_each() {
    const ROUNDS: usize = 3_000;
    let (left, right) = (Mutex::new(0), Mutex::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    Select::new()
                        .on(left.lock_async(), |mut guard| *guard += 1)
                        .on(right.lock_async(), |mut guard| *guard += 1)
                        .wait();
                }
            });
        }
    });
    assert_eq!(left.into_inner() + right.into_inner(), 3 * ROUNDS);
}
