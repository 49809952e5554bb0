//! Owners that wait for each other in a ring are found by the one that closes it.

use crate::mutex::poll;
use millpond_sync::{Deadline, Owner, Policy, RawMutex, Waits, chain};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

fn locks<const N: usize>() -> [(Arc<RawMutex>, Owner); N] {
    [(); N].map(|()| (Arc::new(RawMutex::new(Policy::Eventual)), Owner::new()))
}

fn wait_until_blocked(lock: &RawMutex, count: usize) {
    while lock.waiting() < count {
        thread::yield_now();
    }
}

#[test]
fn two_threads_that_take_two_locks_in_opposite_order_are_told() {
    let [(one, first), (two, second)] = locks();
    one.lock(Some(first));
    two.lock(Some(second));
    thread::scope(|scope| {
        let waits = scope.spawn(|| two.lock_detecting(first, Deadline::NEVER));
        wait_until_blocked(&two, 1);
        let error = one.lock_detecting(second, Deadline::NEVER).unwrap_err();
        assert_eq!(error.ring.iter().map(|link| link.owner).collect::<Vec<_>>(), [second, first]);
        let (first, second) = (first.get(), second.get());
        assert_eq!(
            error.to_string(),
            format!(
                "waiting for ever: owner {second} waits for a lock, which owner {first} holds, owner {first} waits \
                 for a lock, which owner {second} holds; take the locks in one order everywhere"
            )
        );
        two.unlock_anyones();
        assert!(waits.join().unwrap().unwrap());
    });
    assert!(chain(first).is_empty(), "nothing is listed after a wait");
}

#[test]
fn a_ring_of_threads_and_tasks_is_found() {
    let [(one, first), (two, second), (three, third)] = locks();
    for (lock, owner) in [(&one, first), (&two, second), (&three, third)] {
        assert!(lock.try_lock(Some(owner)));
    }
    let mut task = Box::pin(two.lock_detecting_async(first));
    assert!(poll(&mut task, Waker::noop()).is_pending());
    let mut other = Box::pin(three.lock_detecting_async(second));
    assert!(poll(&mut other, Waker::noop()).is_pending());
    assert_eq!(chain(first).iter().map(|link| link.owner).collect::<Vec<_>>(), [first, second]);
    assert_eq!(one.lock_detecting(third, Deadline::NEVER).unwrap_err().ring.len(), 3);
    drop(other);
    assert!(one.lock_detecting(third, Deadline::after(Duration::ZERO)).is_ok_and(|is_held| !is_held));
    two.unlock_anyones();
    assert!(matches!(poll(&mut task, Waker::noop()), Poll::Ready(Ok(()))));
}

#[test]
fn a_wait_with_a_deadline_is_no_deadlock() {
    let [(one, first), (two, second)] = locks();
    one.lock(Some(first));
    two.lock(Some(second));
    let listed = Waits::list(first, two.clone(), false).unwrap();
    let waits = Waits::list(second, one.clone(), true).unwrap();
    assert!(waits.check().is_ok());
    assert_eq!(chain(second).len(), 2);
    drop(listed);
    let _endless = Waits::list(first, two.clone(), true).unwrap_err();
}

#[test]
fn who_was_granted_and_has_not_run_yet_waits_for_nothing() {
    let [(one, first), (two, second)] = locks();
    one.lock(Some(first));
    let mut task = Box::pin(one.lock_detecting_async(second));
    assert!(poll(&mut task, Waker::noop()).is_pending());
    one.unlock(Some(first)).unwrap();
    assert_eq!(one.owner(), Some(second));
    two.lock(Some(second));
    // `first` waits for `second`, which is listed as waiting and has its lock.
    let waits = Waits::list(first, two, true).unwrap();
    assert!(waits.check().is_ok() && chain(first).len() == 1);
    assert!(poll(&mut task, Waker::noop()).is_ready());
}

#[test]
fn orders_that_are_the_same_everywhere_are_never_called_a_deadlock() {
    let [(one, _), (two, _)] = locks();
    let (send, receive) = channel();
    thread::scope(|scope| {
        for _ in 0..4 {
            let (one, two, send) = (&one, &two, send.clone());
            scope.spawn(move || {
                let me = Owner::new();
                for _ in 0..1_000 {
                    assert!(one.lock_detecting(me, Deadline::NEVER).unwrap());
                    assert!(two.lock_detecting(me, Deadline::NEVER).unwrap());
                    two.unlock(Some(me)).unwrap();
                    one.unlock(Some(me)).unwrap();
                }
                send.send(()).unwrap();
            });
        }
    });
    drop(send);
    assert_eq!(receive.iter().count(), 4);
}
