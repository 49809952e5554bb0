//! The mutex: one holder, in order, for threads and futures, whatever waits, times out or goes
//! away.

use crate::counting_waker::Count;
use millpond_sync::{Guard, Mutex, MutexGuard, NotOwner, Owner, Parker, Policy, RawMutex};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

fn wait_until_blocked<T>(mutex: &Mutex<T>, count: usize) {
    while mutex.waiting() < count {
        thread::yield_now();
    }
}

const POLICIES: [Policy; 3] = [Policy::HandOff, Policy::Eventual, Policy::Barging];

#[test]
fn four_threads_and_two_executors_count_exactly() {
    const ROUNDS: usize = 5_000;
    for policy in POLICIES {
        let mutex = Arc::new(Mutex::with_policy(0_usize, policy));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..ROUNDS).for_each(|_| *mutex.lock() += 1));
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    Parker::block_on(async {
                        for _ in 0..ROUNDS {
                            *mutex.lock_async().await += 1;
                        }
                    });
                });
            }
        });
        assert_eq!((*mutex.lock(), mutex.waiting()), (6 * ROUNDS, 0));
        assert!(!mutex.is_locked());
    }
}

#[test]
fn a_task_that_is_first_is_handed_the_lock_whatever_the_policy() {
    for policy in POLICIES {
        let mutex = Mutex::with_policy(0, policy);
        let guard = mutex.lock();
        let (count, waker) = Count::waker();
        let mut future = mutex.lock_async();
        assert!(poll(&mut future, &waker).is_pending());
        drop(guard);
        assert_eq!(count.get(), 1);
        assert!(mutex.try_lock().is_none(), "it owns the lock before it runs");
        assert!(poll(&mut future, &waker).is_ready());
        assert!(mutex.try_lock().is_some());
    }
}

#[test]
fn a_future_that_is_dropped_with_the_lock_hands_it_on() {
    let mutex = Mutex::new(());
    let guard = mutex.lock();
    let ((_, first), (second_count, second)) = (Count::waker(), Count::waker());
    let (mut one, mut two) = (mutex.lock_async(), mutex.lock_async());
    assert!(poll(&mut one, &first).is_pending());
    assert!(poll(&mut two, &second).is_pending());
    drop(guard);
    drop(one);
    assert_eq!(second_count.get(), 1);
    let guard = poll(&mut two, &second);
    assert!(guard.is_ready());
    drop(guard);
    assert!(!mutex.is_locked());
}

#[test]
fn a_future_that_is_dropped_in_the_list_is_passed_over() {
    let mutex = Mutex::new(());
    let guard = mutex.lock();
    let (mut one, mut two) = (mutex.lock_async(), mutex.lock_async());
    assert!(poll(&mut one, Waker::noop()).is_pending());
    assert!(poll(&mut two, Waker::noop()).is_pending());
    drop(one);
    assert_eq!(mutex.waiting(), 1);
    drop(guard);
    assert!(poll(&mut two, Waker::noop()).is_ready());
}

#[test]
fn threads_get_a_lock_that_is_handed_over_in_the_order_in_which_they_came() {
    let mutex = Mutex::with_policy(Vec::new(), Policy::HandOff);
    thread::scope(|scope| {
        let guard = mutex.lock();
        for number in 0..4 {
            let mutex = &mutex;
            scope.spawn(move || mutex.lock().push(number));
            wait_until_blocked(mutex, number + 1);
        }
        drop(guard);
    });
    assert_eq!(mutex.into_inner(), [0, 1, 2, 3]);
}

#[test]
fn a_waiter_that_others_overtake_gets_the_lock_all_the_same() {
    let mutex = Mutex::new(false);
    thread::scope(|scope| {
        let guard = mutex.lock();
        scope.spawn(|| *mutex.lock() = true);
        wait_until_blocked(&mutex, 1);
        drop(guard);
        // Overtakes it for as long as it does not get in; with barging this might never end.
        while !*mutex.lock() {}
    });
}

#[test]
fn a_fair_unlock_hands_the_lock_over() {
    let mutex = Mutex::with_policy(0, Policy::Barging);
    thread::scope(|scope| {
        let guard = mutex.lock();
        scope.spawn(|| *mutex.lock() = 1);
        wait_until_blocked(&mutex, 1);
        Mutex::unlock_fair(guard);
        assert_eq!(*mutex.lock(), 1);
    });
}

#[test]
fn a_time_out_tries_once_and_leaves_the_list() {
    let mutex = Mutex::new(());
    assert!(mutex.lock_timeout(Duration::ZERO).is_some());
    let guard = mutex.lock();
    assert!(mutex.lock_timeout(Duration::ZERO).is_none());
    assert!(mutex.lock_deadline(Instant::now()).is_none());
    assert!(mutex.lock_timeout(Duration::from_millis(2)).is_none());
    assert_eq!(mutex.waiting(), 0);
    drop(guard);
    assert!(mutex.lock_timeout(Duration::MAX).is_some());
}

#[test]
fn a_panic_releases_the_lock() {
    let mutex = Mutex::new(1);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _guard = mutex.lock();
        panic!("while it is held");
    }));
    assert!(outcome.is_err());
    assert_eq!(*mutex.lock(), 1);
}

#[test]
fn a_guard_of_an_arc_goes_to_another_thread() {
    let mutex = Arc::new(Mutex::new(1));
    let mut guard = mutex.lock_arc();
    assert!(mutex.try_lock_arc().is_none());
    thread::spawn(move || *guard += 1).join().unwrap();
    assert_eq!(*mutex.lock(), 2);
    let guard = Parker::block_on(mutex.lock_arc_async());
    assert_eq!(*guard, 2);
    assert!(mutex.lock_arc_deadline(Instant::now()).is_none());
}

#[test]
fn a_guard_of_a_part_holds_the_whole_lock() {
    let mutex = Mutex::new((1, "one"));
    let mut number = Guard::map(mutex.lock(), |pair| &mut pair.0);
    *number += 1;
    assert!(mutex.is_locked());
    drop(number);
    assert_eq!(*mutex.lock(), (2, "one"));
    let refused = Guard::try_map(mutex.lock(), |_| None::<&mut u32>);
    assert_eq!(refused.map(|_| ()).map_err(|guard| guard.0), Err(2));
    assert!(!mutex.is_locked());
}

#[test]
fn values_without_a_size_are_locked_too() {
    let mutex: Arc<Mutex<[u32]>> = Arc::new(Mutex::new([1, 2, 3]));
    mutex.lock()[1] = 5;
    assert_eq!(*mutex.lock(), [1, 5, 3]);
}

#[test]
fn debug_shows_the_value_and_never_waits() {
    let mut mutex = Mutex::new(5);
    assert_eq!(format!("{mutex:?}"), "Mutex { value: 5, .. }");
    let guard = mutex.lock();
    assert_eq!(format!("{mutex:?} {guard:?} {guard}"), "Mutex { value: <locked>, .. } 5 5");
    drop(guard);
    *mutex.get_mut() = 6;
    assert_eq!(mutex.into_inner(), 6);
}

#[test]
fn guards_are_sent_and_shared_as_far_as_their_values_are() {
    const fn is_send<T: Send>() {}
    const fn is_sync<T: Sync>() {}
    is_send::<MutexGuard<'_, std::cell::Cell<u8>>>();
    is_sync::<MutexGuard<'_, u8>>();
    is_sync::<Mutex<std::cell::Cell<u8>>>();
}

#[test]
fn a_raw_lock_is_released_by_its_owner_alone() {
    let lock = RawMutex::new(Policy::HandOff);
    let (me, other) = (Owner::new(), Owner::new());
    assert_eq!(lock.unlock(Some(me)), Err(NotOwner { is_locked: false, owner: None }));
    lock.lock(Some(me));
    assert!(!lock.try_lock(Some(me)));
    assert_eq!(lock.unlock(Some(other)), Err(NotOwner { is_locked: true, owner: Some(me) }));
    assert_eq!(lock.unlock(None), Err(NotOwner { is_locked: true, owner: Some(me) }));
    let mut future = pin!(lock.lock_async(Some(other)));
    assert!(poll(&mut future, Waker::noop()).is_pending());
    lock.unlock(Some(me)).unwrap();
    assert_eq!(lock.owner(), Some(other), "it owns the lock before it runs");
    assert!(poll(&mut future, Waker::noop()).is_ready());
    assert!(lock.unlock_anyones());
    assert!(!lock.unlock_anyones());
}

#[test]
fn a_thread_is_one_owner_and_two_threads_are_two() {
    let me = Owner::of_thread();
    assert_eq!(Owner::of_thread(), me);
    assert_ne!(thread::spawn(Owner::of_thread).join().unwrap(), me);
    assert_eq!(Owner::from_number(me.get()), Some(me));
    assert_eq!(Owner::from_number(0), None);
}
