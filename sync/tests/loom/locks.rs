//! Grants: each primitive with a grant, a cancel, a time-out and a close that race, and broken ones
//! that must be found.

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread;
use millpond_sync::fault::{self, WaitFault};
use millpond_sync::{Condvar, Deadline, Event, Mode, Mutex, Policy, RawMutex, RawRwLock, Select, Semaphore, Waiting};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Instant;

/// A lock, and a value that loom watches: two accesses at a time are an error.
struct Watched {
    lock: RawMutex,
    value: UnsafeCell<usize>,
    done: AtomicUsize,
}

// SAFETY: loom's cell reports what is not exclusive.
#[expect(unsafe_code, reason = "loom's cell is how exclusion is watched")]
unsafe impl Sync for Watched {}

impl Watched {
    /// One for an execution of the model. Leaked: after a deadlock loom's own types cannot be
    /// dropped.
    fn new(policy: Policy) -> &'static Self {
        let watched = Self { lock: RawMutex::new(policy), value: UnsafeCell::new(0), done: AtomicUsize::new(0) };
        Box::leak(Box::new(watched))
    }

    /// Uses the value; the lock is held.
    fn touch(&self) {
        self.value.with_mut(|_| ());
        self.done.fetch_add(1, Relaxed);
    }

    fn lock_and_touch(&self) {
        self.lock.lock(None);
        self.touch();
        self.lock.unlock(None).unwrap();
    }
}

/// ```text
/// a, b     lock … touch … unlock          the cell sees no two at a time, and nobody sleeps for ever
/// ```
fn two_threads_and_one_lock(policy: Policy) {
    loom::model(move || {
        let watched = Watched::new(policy);
        let other = thread::spawn(|| watched.lock_and_touch());
        watched.lock_and_touch();
        other.join().unwrap();
        assert_eq!((watched.done.load(Relaxed), watched.lock.is_locked(), watched.lock.waiting()), (2, false, 0));
    });
}

#[test]
fn a_lock_that_is_handed_over_has_one_holder() {
    two_threads_and_one_lock(Policy::HandOff);
}

#[test]
fn a_lock_that_may_be_overtaken_has_one_holder_and_forgets_nobody() {
    two_threads_and_one_lock(Policy::Barging);
}

/// ```text
/// holder   unlock: hands over to the future, or to the thread, or sees nobody
/// fickle   poll: takes it, or enters ───── dropped: passes the lock on ──┐
/// thread                                    lock … ──────────────────────┴─ has it
/// ```
fn a_future_that_goes_away(policy: Policy) {
    loom::model(move || {
        let watched = Watched::new(policy);
        watched.lock.lock(None);
        let fickle = thread::spawn(|| {
            let mut future = watched.lock.lock_async(None);
            let mut context = Context::from_waker(Waker::noop());
            if Pin::new(&mut future).poll(&mut context).is_ready() {
                watched.touch();
                watched.lock.unlock(None).unwrap();
            }
        });
        let waiter = thread::spawn(|| watched.lock_and_touch());
        watched.lock.unlock(None).unwrap();
        fickle.join().unwrap();
        waiter.join().unwrap();
        assert_eq!((watched.lock.is_locked(), watched.lock.waiting()), (false, 0));
    });
}

#[test]
fn a_future_that_goes_away_passes_its_lock_on() {
    a_future_that_goes_away(Policy::HandOff);
    a_future_that_goes_away(Policy::Barging);
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_grant_that_a_cancelled_waiter_keeps_is_found() {
    fault::set(WaitFault::GrantKept);
    a_future_that_goes_away(Policy::HandOff);
}

/// ```text
/// holder   poll the future: it enters   unlock ──────────────┐   lock … has it
/// other                                 drop the future ─────┴─ has it: passes it on, or has not
/// ```
fn a_future_that_goes_away_while_the_lock_is_released() {
    loom::model(move || {
        let watched = Watched::new(Policy::HandOff);
        watched.lock.lock(None);
        let mut future = watched.lock.lock_async(None);
        assert!(Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let other = thread::spawn(move || drop(future));
        watched.lock.unlock(None).unwrap();
        watched.lock_and_touch();
        other.join().unwrap();
        assert_eq!((watched.lock.is_locked(), watched.lock.waiting()), (false, 0));
    });
}

#[test]
fn a_release_that_races_with_a_cancel_frees_the_lock() {
    a_future_that_goes_away_while_the_lock_is_released();
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_grant_that_is_made_outside_the_lock_is_found() {
    fault::set(WaitFault::GrantedOutsideTheLock);
    a_future_that_goes_away_while_the_lock_is_released();
}

/// ```text
/// holder   unlock ──────────────┐
/// hasty    lock … time is up ───┴─ granted means it has it; otherwise it has not
/// thread   lock …                  has it in the end
/// ```
fn a_thread_that_times_out(policy: Policy) {
    loom::model(move || {
        let watched = Watched::new(policy);
        let now = Instant::now();
        watched.lock.lock(None);
        let hasty = thread::spawn(move || {
            let has_it = watched.lock.lock_deadline(None, Deadline::at(now));
            if has_it {
                watched.touch();
                watched.lock.unlock(None).unwrap();
            }
        });
        let waiter = thread::spawn(|| watched.lock_and_touch());
        watched.lock.unlock(None).unwrap();
        hasty.join().unwrap();
        waiter.join().unwrap();
        assert_eq!((watched.lock.is_locked(), watched.lock.waiting()), (false, 0));
    });
}

#[test]
fn a_thread_that_times_out_has_the_lock_or_leaves_it() {
    a_thread_that_times_out(Policy::HandOff);
    a_thread_that_times_out(Policy::Barging);
}

/// ```text
/// fickle   poll for two ──── dropped: gives back ──┐
/// thread                     acquire one ──────────┴─ has it
/// main     release(1)   release(1)
/// ```
#[test]
fn permits_are_neither_lost_nor_invented_when_a_large_request_goes_away() {
    loom::model(|| {
        let semaphore: &Semaphore = Box::leak(Box::new(Semaphore::new(0)));
        let mut fickle = semaphore.acquire_many_async(2);
        let is_ready = Pin::new(&mut fickle).poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(!is_ready);
        let thread = thread::spawn(|| semaphore.acquire().map(|permit| permit.forget()));
        let other = thread::spawn(move || drop(fickle));
        semaphore.release(2);
        assert_eq!(thread.join().unwrap(), Ok(()));
        other.join().unwrap();
        assert_eq!((semaphore.available(), semaphore.waiting()), (1, 0));
    });
}

/// ```text
/// thread   acquire … granted, or told that it is closed
/// other    close
/// main     release(1)
/// ```
#[test]
fn a_close_that_races_with_a_release_lets_nobody_sleep() {
    loom::model(|| {
        let semaphore: &Semaphore = Box::leak(Box::new(Semaphore::new(0)));
        let thread = thread::spawn(|| semaphore.acquire().map(|permit| permit.forget()));
        let other = thread::spawn(|| semaphore.close());
        semaphore.release(1);
        let has_one = thread.join().unwrap().is_ok();
        assert!(other.join().unwrap());
        assert_eq!((semaphore.available(), semaphore.waiting()), (u64::from(!has_one), 0));
    });
}

/// ```text
/// thread   take with a deadline: has one in time, or none
/// main     release(1)
/// ```
#[test]
fn a_request_that_times_out_has_its_permit_or_leaves_it() {
    loom::model(|| {
        let semaphore: &Semaphore = Box::leak(Box::new(Semaphore::new(0)));
        let now = Instant::now();
        let thread = thread::spawn(move || semaphore.take_deadline(1, Deadline::at(now)).is_ok());
        semaphore.release(1);
        let has_one = thread.join().unwrap();
        assert_eq!((semaphore.available(), semaphore.waiting()), (u64::from(!has_one), 0));
    });
}

/// ```text
/// a, b     wait
/// main     set   clear       whoever waited at the set goes on; the others at the second one
/// ```
#[test]
fn an_event_lets_everybody_go_on_who_waits() {
    loom::model(|| {
        let event: &Event = Box::leak(Box::new(Event::new()));
        let threads = [0; 2].map(|_| thread::spawn(|| event.wait()));
        event.set();
        event.clear();
        event.set();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(event.waiting(), 0);
    });
}

/// ```text
/// a, b     lock   wait while it is 0   take one
/// main     lock   put two   notify all
/// ```
#[test]
fn a_notification_for_all_reaches_all_through_the_relay() {
    loom::model(|| {
        let mutex: &Mutex<u32> = Box::leak(Box::new(Mutex::new(0)));
        let condvar: &Condvar = Box::leak(Box::new(Condvar::new()));
        let threads = [0; 2].map(|_| {
            thread::spawn(|| {
                let mut guard = mutex.lock();
                condvar.wait_while(&mut guard, |value| *value == 0);
                *guard -= 1;
            })
        });
        *mutex.lock() = 2;
        condvar.notify_all();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!((*mutex.lock(), condvar.waiting()), (0, 0));
    });
}

/// ```text
/// hasty    wait until now: notified in time, or not     \  each notification reaches one of them,
/// thread   wait                                          |  or is passed on by the one that
/// main     notify one; one more if hasty had it         /   goes away
/// ```
#[test]
fn a_notification_is_not_lost_with_a_waiter_that_times_out() {
    loom::model(|| {
        let mutex: &Mutex<u32> = Box::leak(Box::new(Mutex::new(0)));
        let condvar: &Condvar = Box::leak(Box::new(Condvar::new()));
        let now = Instant::now();
        let hasty = thread::spawn(move || {
            let mut guard = mutex.lock();
            condvar.wait_deadline(&mut guard, Deadline::at(now))
        });
        let thread = thread::spawn(|| {
            let mut guard = mutex.lock();
            condvar.wait_while(&mut guard, |value| *value == 0);
        });
        *mutex.lock() = 1;
        condvar.notify_one();
        if hasty.join().unwrap() {
            condvar.notify_one();
        }
        thread.join().unwrap();
        assert_eq!((condvar.waiting(), mutex.is_locked()), (0, false));
    });
}

/// ```text
/// select   of two locks … has one of them
/// main     unlock left   unlock right
/// ```
#[test]
fn a_select_takes_one_of_two_locks_that_are_released_at_once() {
    loom::model(|| {
        let (left, right): (&Mutex<u32>, &Mutex<u32>) = (Box::leak(Box::default()), Box::leak(Box::default()));
        let guards = (left.lock(), right.lock());
        let select = thread::spawn(|| {
            Select::new().on(left.lock_async(), |mut it| *it += 1).on(right.lock_async(), |mut it| *it += 1).wait();
        });
        drop(guards.0);
        drop(guards.1);
        select.join().unwrap();
        assert_eq!(*left.lock() + *right.lock(), 1);
        assert_eq!((left.waiting(), right.waiting()), (0, 0));
    });
}

/// ```text
/// reader     read … touch for reading … release
/// writer     write … touch for writing … release          loom's cell sees no two where one writes
/// fickle     a write that is dropped: in the list, granted, or not there yet
/// ```
#[test]
fn readers_and_writers_are_never_together_and_nobody_sleeps_for_ever() {
    loom::model(|| {
        let watched = Watched::new(Policy::HandOff);
        let lock: &RawRwLock = Box::leak(Box::new(RawRwLock::new()));
        let reader = thread::spawn(move || {
            assert!(lock.lock_deadline(Mode::Read, Deadline::NEVER));
            watched.value.with(|_| ());
            lock.unlock(Mode::Read);
        });
        let mut fickle = Waiting::new(lock, Mode::Write);
        if Pin::new(&mut fickle).poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            lock.unlock(Mode::Write);
        }
        let writer = thread::spawn(move || {
            assert!(lock.lock_deadline(Mode::Write, Deadline::NEVER));
            watched.touch();
            lock.unlock(Mode::Write);
        });
        drop(fickle);
        reader.join().unwrap();
        writer.join().unwrap();
        assert_eq!((lock.is_locked(), lock.waiting()), (false, 0));
    });
}

/// ```text
/// upgrader   upgradable … upgrade … touch for writing … release
/// reader     read … touch for reading … release
/// ```
#[test]
fn an_upgrade_waits_for_readers_and_is_alone() {
    loom::model(|| {
        let watched = Watched::new(Policy::HandOff);
        let lock: &RawRwLock = Box::leak(Box::new(RawRwLock::new()));
        let reader = thread::spawn(move || {
            assert!(lock.lock_deadline(Mode::Read, Deadline::NEVER));
            watched.value.with(|_| ());
            lock.unlock(Mode::Read);
        });
        assert!(lock.lock_deadline(Mode::Upgradable, Deadline::NEVER));
        assert!(lock.lock_deadline(Mode::Upgrade, Deadline::NEVER));
        watched.touch();
        lock.unlock(Mode::Write);
        reader.join().unwrap();
        assert_eq!((lock.is_locked(), lock.waiting()), (false, 0));
    });
}
