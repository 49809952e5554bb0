//! The semaphore: permits in order, conserved whatever waits, times out, goes away or closes.

use crate::counting_waker::Count;
use crate::mutex::poll;
use millpond_sync::{AcquireError, Closed, Parker, Permit, Semaphore};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

fn is_granted(polled: &Poll<Result<Permit<'_>, Closed>>) -> bool {
    matches!(polled, Poll::Ready(Ok(_)))
}

#[test]
fn permits_are_taken_and_given_back() {
    let semaphore = Semaphore::new(3);
    let two = semaphore.acquire_many(2).unwrap();
    assert_eq!(semaphore.try_acquire_many(2).err(), Some(AcquireError::TimedOut));
    assert_eq!((semaphore.available(), two.count()), (1, 2));
    drop(two);
    assert_eq!(semaphore.available(), 3);
    semaphore.try_acquire().unwrap().forget();
    assert_eq!((semaphore.available(), semaphore.forget(5), semaphore.available()), (2, 2, 0));
    semaphore.release(1);
    assert!(semaphore.try_take(1).is_ok());
}

#[test]
fn a_large_request_at_the_front_is_not_passed_by_small_ones() {
    let semaphore = Semaphore::new(1);
    let (mut large, mut small) = (semaphore.acquire_many_async(3), semaphore.acquire_async());
    assert!(poll(&mut large, Waker::noop()).is_pending());
    assert!(poll(&mut small, Waker::noop()).is_pending());
    assert_eq!(semaphore.try_acquire().err(), Some(AcquireError::TimedOut), "others wait");
    semaphore.release(2);
    let three = poll(&mut large, Waker::noop());
    assert!(is_granted(&three));
    assert!(poll(&mut small, Waker::noop()).is_pending());
    drop(three);
    assert!(is_granted(&poll(&mut small, Waker::noop())));
    assert_eq!((semaphore.available(), semaphore.waiting()), (3, 0));
}

#[test]
fn a_large_request_that_goes_away_lets_small_ones_pass() {
    let semaphore = Semaphore::new(1);
    let (count, waker) = Count::waker();
    let (mut large, mut small) = (semaphore.acquire_many_async(3), semaphore.acquire_async());
    assert!(poll(&mut large, Waker::noop()).is_pending());
    assert!(poll(&mut small, &waker).is_pending());
    drop(large);
    assert_eq!(count.get(), 1);
    assert!(is_granted(&poll(&mut small, &waker)));
}

#[test]
fn a_large_request_that_times_out_lets_small_ones_pass() {
    let semaphore = Semaphore::new(1);
    thread::scope(|scope| {
        let large = scope.spawn(|| semaphore.acquire_many_timeout(2, Duration::from_millis(5)).map(drop));
        // Waits behind the large one, or comes after it has gone.
        assert!(semaphore.acquire().is_ok());
        assert_eq!(large.join().unwrap(), Err(AcquireError::TimedOut));
    });
    assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
}

#[test]
fn a_future_that_is_dropped_gives_back_what_it_was_granted() {
    let semaphore = Semaphore::new(0);
    let ((_, first), (second_count, second)) = (Count::waker(), Count::waker());
    let (mut one, mut two) = (semaphore.acquire_many_async(2), semaphore.acquire_async());
    assert!(poll(&mut one, &first).is_pending());
    assert!(poll(&mut two, &second).is_pending());
    semaphore.release(2);
    assert_eq!((semaphore.available(), second_count.get()), (0, 0));
    drop(one);
    assert_eq!(second_count.get(), 1);
    assert!(is_granted(&poll(&mut two, &second)));
    assert_eq!(semaphore.available(), 2);
}

#[test]
fn closing_ends_all_waits_and_what_was_granted_before_counts() {
    let semaphore = Semaphore::new(0);
    let (mut granted, mut waits) = (semaphore.acquire_async(), semaphore.acquire_async());
    assert!(poll(&mut granted, Waker::noop()).is_pending());
    assert!(poll(&mut waits, Waker::noop()).is_pending());
    semaphore.release(1);
    thread::scope(|scope| {
        let thread = scope.spawn(|| semaphore.acquire().map(drop));
        while semaphore.waiting() < 2 {
            thread::yield_now();
        }
        assert!(semaphore.close());
        assert_eq!(thread.join().unwrap(), Err(Closed));
    });
    assert!(!semaphore.close() && semaphore.is_closed());
    assert!(is_granted(&poll(&mut granted, Waker::noop())));
    assert!(matches!(poll(&mut waits, Waker::noop()), Poll::Ready(Err(Closed))));
    assert_eq!(semaphore.try_acquire().err(), Some(AcquireError::Closed));
    assert_eq!(semaphore.available(), 1, "what is released is there, although nobody can have it");
}

#[test]
fn permits_split_and_merge() {
    let semaphore = Arc::new(Semaphore::new(4));
    let mut permits = semaphore.acquire_arc(4).unwrap();
    assert!(permits.split(5).is_none());
    let one = permits.split(1).unwrap();
    permits.merge(one);
    assert_eq!(permits.count(), 4);
    thread::spawn(move || drop(permits)).join().unwrap();
    assert_eq!(semaphore.available(), 4);
    let permits = Parker::block_on(semaphore.acquire_arc_async(2)).unwrap();
    assert_eq!(semaphore.try_acquire_arc(3).err(), Some(AcquireError::TimedOut));
    drop(permits);
}

#[test]
#[should_panic(expected = "merging permits of two semaphores; merge those of one")]
fn permits_of_two_semaphores_do_not_merge() {
    let (one, other) = (Semaphore::new(1), Semaphore::new(1));
    one.acquire().unwrap().merge(other.acquire().unwrap());
}

#[test]
#[should_panic(expected = "a semaphore holds fewer")]
fn more_permits_than_it_can_hold_are_refused() {
    Semaphore::new(1).release(Semaphore::MAX_PERMITS);
}

#[test]
fn never_more_are_inside_than_there_are_permits() {
    const ROUNDS: usize = 3_000;
    let (semaphore, inside) = (Semaphore::new(2), AtomicUsize::new(0));
    let visit = |permit: Permit<'_>| {
        let count = permit.count() as usize;
        assert!(inside.fetch_add(count, Ordering::Relaxed) + count <= 2);
        inside.fetch_sub(permit.count() as usize, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for number in 0..4 {
            let (semaphore, visit) = (&semaphore, &visit);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    visit(semaphore.acquire_many(1 + ((round + number) % 2) as u64).unwrap());
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                Parker::block_on(async {
                    for _ in 0..ROUNDS {
                        visit(semaphore.acquire_async().await.unwrap());
                    }
                })
            });
        }
    });
    assert_eq!((semaphore.available(), semaphore.waiting()), (2, 0));
}
