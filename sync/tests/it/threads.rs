//! Threads that block: on one list, on several, one wait inside another.

use millpond_sync::{Deadline, WaitList, Waiter, wait_on_any};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

fn wait_until_blocked(list: &WaitList, count: usize) {
    while list.waiting() < count {
        thread::yield_now();
    }
}

fn take(tokens: &AtomicUsize) -> Option<()> {
    tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| tokens.checked_sub(1)).ok().map(drop)
}

#[test]
fn a_blocked_thread_is_woken_by_a_notification() {
    let (list, is_open) = (WaitList::new(), AtomicBool::new(false));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| list.wait_until(|| is_open.load(Ordering::Relaxed).then_some(5)));
        wait_until_blocked(&list, 1);
        is_open.store(true, Ordering::Relaxed);
        // None if it has entered and only now looks again.
        assert!(list.notify_one() <= 1);
        assert_eq!(waiter.join().unwrap(), 5);
    });
    assert_eq!(list.waiting(), 0);
}

#[test]
fn every_token_finds_a_taker_when_many_threads_wait() {
    const TAKERS: usize = 4;
    const ROUNDS: usize = 20_000;
    let (list, tokens) = (WaitList::new(), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..TAKERS {
            scope.spawn(|| (0..ROUNDS).for_each(|_| list.wait_until(|| take(&tokens))));
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..TAKERS * ROUNDS / 2 {
                    tokens.fetch_add(1, Ordering::Relaxed);
                    list.notify_one();
                }
            });
        }
    });
    assert_eq!((tokens.load(Ordering::Relaxed), list.waiting()), (0, 0));
}

#[test]
fn a_notification_on_any_of_several_lists_ends_the_wait() {
    let lists = [WaitList::new(), WaitList::new(), WaitList::new()];
    let is_open = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let mut waiters = lists.each_ref().map(Waiter::new);
            wait_on_any(&mut waiters, Deadline::NEVER, || is_open.load(Ordering::Relaxed).then_some(()))
        });
        lists.iter().for_each(|list| wait_until_blocked(list, 1));
        assert_eq!(lists[0].notify_one(), 1, "woken, finds nothing, waits again");
        is_open.store(true, Ordering::Relaxed);
        while !waiter.is_finished() {
            lists[1].notify_one();
        }
        assert_eq!(waiter.join().unwrap(), Some(()));
    });
    assert!(lists.iter().all(|list| list.waiting() == 0));
}

#[test]
fn a_wait_inside_an_attempt_does_not_swallow_the_outer_wake_up() {
    let (outer, inner) = (WaitList::new(), WaitList::new());
    let (is_open, is_inner_open) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut attempts = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            wait_until_blocked(&inner, 1);
            // Both wake-ups reach the thread while it sleeps in the inner wait.
            is_open.store(true, Ordering::Relaxed);
            assert_eq!(outer.notify_one(), 1);
            is_inner_open.store(true, Ordering::Relaxed);
            assert_eq!(inner.notify_one(), 1);
        });
        let value = outer.wait_until(|| {
            attempts += 1;
            let is_open_now = is_open.load(Ordering::Relaxed);
            if attempts == 2 {
                inner.wait_until(|| is_inner_open.load(Ordering::Relaxed).then_some(()));
            }
            is_open_now.then_some("open")
        });
        assert_eq!(value, "open");
    });
}

#[test]
fn a_wait_inside_an_attempt_that_was_not_woken_does_not_keep_the_outer_one_awake() {
    let (outer, inner) = (WaitList::new(), WaitList::new());
    let mut attempts = 0;
    let deadline = Deadline::after(std::time::Duration::from_millis(30));
    let value = outer.wait_until_deadline(deadline, || {
        attempts += 1;
        inner.wait_until_deadline(std::time::Instant::now(), || None::<()>)
    });
    assert_eq!(value, None);
    assert!(attempts <= 4, "before, after entering, at the end, and perhaps once for a stale token; not {attempts}");
}

#[test]
fn a_thread_may_wait_while_its_thread_locals_are_destroyed() {
    static LIST: WaitList = WaitList::new();
    static IS_OPEN: AtomicBool = AtomicBool::new(false);
    struct WaitsOnDrop;
    impl Drop for WaitsOnDrop {
        fn drop(&mut self) {
            LIST.wait_until(|| IS_OPEN.load(Ordering::Relaxed).then_some(()));
        }
    }
    thread_local!(static LAST: WaitsOnDrop = const { WaitsOnDrop });
    let thread = thread::spawn(|| {
        LAST.with(|_| ());
        let early = WaitList::new();
        assert_eq!(early.wait_until_deadline(Deadline::at(std::time::Instant::now()), || None::<()>), None);
    });
    wait_until_blocked(&LIST, 1);
    IS_OPEN.store(true, Ordering::Relaxed);
    LIST.notify_one();
    thread.join().unwrap();
}
