//! The condition variable: each notification reaches one waiter, and only one at a time is woken
//! for the mutex.

use crate::counting_waker::Count;
use crate::mutex::poll;
use millpond_sync::{Condvar, Mutex, Parker};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

fn wait_until_blocked(condvar: &Condvar, count: usize) {
    while condvar.waiting() < count {
        thread::yield_now();
    }
}

#[test]
fn every_item_is_taken_once_by_threads_and_tasks() {
    const ITEMS: usize = 4_000;
    let (items, changed) = (Mutex::new(Vec::new()), Condvar::new());
    let taken = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..ITEMS / 4 {
                    let mut guard = items.lock();
                    changed.wait_while(&mut guard, |items| items.is_empty());
                    taken.lock().extend(guard.pop());
                }
            });
        }
        scope.spawn(|| {
            Parker::block_on(async {
                for _ in 0..ITEMS / 4 {
                    let mut guard = items.lock_async().await;
                    while guard.is_empty() {
                        guard = changed.wait_async(guard).await;
                    }
                    taken.lock().extend(guard.pop());
                }
            });
        });
        for item in 0..ITEMS {
            items.lock().push(item);
            changed.notify_one();
        }
    });
    let mut taken = taken.into_inner();
    taken.sort_unstable();
    assert!(taken.into_iter().eq(0..ITEMS));
}

#[test]
fn notifying_all_wakes_them_one_by_one() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let wakers = [(); 3].map(|()| Count::waker());
    let mut futures = Vec::new();
    for (_, waker) in &wakers {
        let mut future = Box::pin(condvar.wait_async(mutex.lock()));
        assert!(poll(&mut future, waker).is_pending());
        futures.push(future);
    }
    let woken = || wakers.each_ref().map(|(count, _)| count.get());
    assert_eq!(condvar.notify_all(), 3);
    assert_eq!(woken(), [1, 0, 0]);
    let guard = poll(&mut futures[0], &wakers[0].1);
    assert!(guard.is_ready());
    assert_eq!(woken(), [1, 1, 0], "the first has the mutex, so the second may come for it");
    assert!(poll(&mut futures[1], &wakers[1].1).is_pending());
    drop(guard);
    assert_eq!(woken(), [1, 2, 0]);
    drop(futures.remove(1));
    assert_eq!(woken(), [1, 2, 1], "one that goes away lets the next one come");
    assert!(poll(&mut futures[1], &wakers[2].1).is_ready());
    assert!(!mutex.is_locked());
}

#[test]
fn a_waiter_that_acts_before_its_turn_does_not_stop_the_others() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let wakers = [(); 3].map(|()| Count::waker());
    let mut futures = Vec::new();
    for (_, waker) in &wakers {
        let mut future = Box::pin(condvar.wait_async(mutex.lock()));
        assert!(poll(&mut future, waker).is_pending());
        futures.push(future);
    }
    condvar.notify_all();
    // A poll that nobody asked for finds the notification.
    assert!(poll(&mut futures[1], &wakers[1].1).is_ready());
    assert!(poll(&mut futures[0], &wakers[0].1).is_ready());
    assert_eq!(wakers[2].0.get(), 1);
    assert!(poll(&mut futures[2], &wakers[2].1).is_ready());
}

#[test]
fn a_notification_that_a_dropped_future_had_goes_to_the_next() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let (count, waker) = Count::waker();
    let mut one = Box::pin(condvar.wait_async(mutex.lock()));
    assert!(poll(&mut one, Waker::noop()).is_pending());
    let mut two = Box::pin(condvar.wait_async(mutex.lock()));
    assert!(poll(&mut two, &waker).is_pending());
    assert!(condvar.notify_one());
    drop(one);
    assert_eq!(count.get(), 1);
    assert!(poll(&mut two, &waker).is_ready());
    assert!(!condvar.notify_one());
}

#[test]
fn a_wait_that_times_out_has_the_mutex_again() {
    let (mutex, condvar) = (Mutex::new(1), Condvar::new());
    let mut guard = mutex.lock();
    assert!(!condvar.wait_timeout(&mut guard, Duration::from_millis(1)));
    assert!(!condvar.wait_deadline(&mut guard, Instant::now()));
    assert!(!condvar.wait_while_deadline(&mut guard, |value| *value == 1, Instant::now()));
    *guard += 1;
    assert!(condvar.wait_while_deadline(&mut guard, |value| *value == 1, Instant::now()));
    assert!(mutex.is_locked());
    assert_eq!((condvar.waiting(), *guard), (0, 2));
}

#[test]
fn a_notification_reaches_a_blocked_thread() {
    let (mutex, condvar) = (Mutex::new(false), Condvar::new());
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut guard = mutex.lock();
            let was_notified = condvar.wait_timeout(&mut guard, Duration::MAX);
            (was_notified, *guard)
        });
        wait_until_blocked(&condvar, 1);
        *mutex.lock() = true;
        assert_eq!(condvar.notify(5), 1);
        assert_eq!(thread.join().unwrap(), (true, true));
    });
}
