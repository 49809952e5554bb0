//! The mutex that its owner may take again.

use crate::mutex::poll;
use millpond_sync::{NotOwner, Owner, Policy, RawReentrantMutex, ReentrantMutex, Waiting};
use std::cell::Cell;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_thread_takes_it_again_and_others_wait() {
    let mutex = ReentrantMutex::new(Cell::new(0));
    thread::scope(|scope| {
        let outer = mutex.lock();
        let inner = mutex.try_lock().unwrap();
        inner.set(1);
        assert_eq!((outer.get(), mutex.count()), (1, 2));
        let is_refused = || mutex.try_lock().is_none() && mutex.lock_timeout(Duration::ZERO).is_none();
        assert!(scope.spawn(is_refused).join().unwrap());
        let late = scope.spawn(|| mutex.lock().get());
        drop(outer);
        inner.set(2);
        assert!(mutex.is_locked());
        drop(inner);
        assert_eq!(late.join().unwrap(), 2);
    });
    assert!(!mutex.is_locked());
    assert!(mutex.lock_deadline(Instant::now()).is_some());
}

#[test]
fn threads_count_exactly() {
    let mutex = Arc::new(ReentrantMutex::new(Cell::new(0)));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let (one, other) = (mutex.lock(), mutex.lock_arc());
                    one.set(other.get() + 1);
                }
            });
        }
    });
    assert_eq!(mutex.lock().get(), 8_000);
}

#[test]
fn a_task_that_is_granted_it_has_taken_it_once() {
    let lock = Arc::new(RawReentrantMutex::new(Policy::Eventual));
    let (me, other) = (Owner::new(), Owner::new());
    assert!(lock.try_lock(me) && lock.try_lock(me));
    let mut waiting = Waiting::new(Arc::clone(&lock), RawReentrantMutex::wish(other));
    assert!(poll(&mut waiting, Waker::noop()).is_pending());
    let mut again = Waiting::new(Arc::clone(&lock), RawReentrantMutex::wish(me));
    assert!(poll(&mut again, Waker::noop()).is_ready());
    assert_eq!((lock.count(me), lock.count(other)), (3, 0));
    assert_eq!(lock.unlock_all(other).unwrap_err().owner, Some(me));
    assert_eq!(lock.unlock_all(me), Ok(3));
    assert!(matches!(poll(&mut waiting, Waker::noop()), Poll::Ready(_)));
    assert_eq!((lock.count(me), lock.count(other)), (0, 1));
    lock.restore(other, 2);
    assert!(lock.unlock(other).is_ok() && lock.unlock(other).is_ok());
    assert_eq!(lock.unlock(other), Err(NotOwner { is_locked: false, owner: None }));
}
