//! What is done around each wait of a thread.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millpond_sync::{Deadline, Parker, WaitList, set_around_wait, waiting};

thread_local! {
    static WAITS: Cell<u32> = const { Cell::new(0) };
}

fn count(wait: &mut dyn FnMut()) {
    WAITS.set(WAITS.get() + 1);
    wait();
}

/// For the whole test program, whose other tests are not in the way: each counts on its own thread.
fn set() {
    set_around_wait(count);
}

#[test]
fn a_thread_that_sleeps_does_so_inside_what_was_named() {
    set();
    let (list, is_open) = (WaitList::new(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            list.wait_until(|| is_open.load(Ordering::Relaxed).then_some(()));
            WAITS.get()
        });
        while list.waiting() == 0 {
            std::thread::yield_now();
        }
        is_open.store(true, Ordering::Relaxed);
        list.notify_all();
        // It may not have come to sleep, but it never sleeps outside.
        assert!(waiter.join().is_ok());
    });
    let parked = Parker::with(|parker| parker.park_deadline(Deadline::after(Duration::from_millis(1))));
    assert!(!parked);
    assert!(WAITS.get() > 0);
}

#[test]
fn a_wait_gives_what_its_body_gives() {
    set();
    let before = WAITS.get();
    assert_eq!(waiting(|| 7), 7);
    assert_eq!(WAITS.get(), before + 1);
}

#[test]
fn the_first_to_be_named_counts() {
    set();
    assert!(!set_around_wait(|wait| wait()));
    let before = WAITS.get();
    waiting(|| ());
    assert_eq!(WAITS.get(), before + 1);
}
