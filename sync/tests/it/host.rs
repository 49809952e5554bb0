//! The host of a process: what it does around each wait of a thread.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millpond_sync::host::{self, Host, set_process_host, wait};
use millpond_sync::{Deadline, Parker, WaitList};

thread_local! {
    static WAITS: Cell<u32> = const { Cell::new(0) };
}

/// Counts the waits of each thread.
struct Counting;

impl Host for Counting {
    fn wait(&self, wait: &mut dyn FnMut()) {
        WAITS.set(WAITS.get() + 1);
        wait();
    }
}

/// Is nobody's host.
struct Second;

impl Host for Second {}

/// For the whole test program, whose other tests are not in the way: each counts on its own thread.
fn set() {
    set_process_host(&Counting);
}

#[test]
fn a_thread_that_sleeps_does_so_inside_the_wait_of_the_processs_host() {
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
    assert_eq!(wait(|| 7), 7);
    assert_eq!(WAITS.get(), before + 1);
}

#[test]
fn the_first_host_of_a_process_counts() {
    set();
    assert!(!set_process_host(&Second));
    let before = WAITS.get();
    wait(|| ());
    assert_eq!(WAITS.get(), before + 1);
}

#[test]
fn a_sleep_is_a_wait() {
    set();
    let before = WAITS.get();
    host::sleep(Duration::from_micros(1));
    assert_eq!(WAITS.get(), before + 1);
}
