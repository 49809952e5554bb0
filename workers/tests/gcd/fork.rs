//! Workers in a forked child.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millpond_workers::Workers;

use crate::job::{Job, Turnstile};
use crate::workers;

unsafe extern "C" {
    fn fork() -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn _exit(status: c_int) -> !;
}

#[test]
fn a_forked_child_applies_alone_and_lends_nothing() {
    let workers = workers(2);
    // The library has threads at work and is no longer safe to use in a child.
    let turnstile = Turnstile::new();
    workers.lend(2, Arc::clone(&turnstile.job));
    turnstile.entered.recv().unwrap();
    turnstile.entered.recv().unwrap();

    // SAFETY: the child calls the workers, which touch no lock and no thread of the parent there,
    // and `_exit`.
    let child = unsafe { fork() };
    if child == 0 {
        let job = Job::new(|| ());
        workers.lend(2, job.clone());
        let lent = Arc::strong_count(&job) - 1;
        let calls = AtomicUsize::new(0);
        workers.apply(1000, &|_| {
            calls.fetch_add(1, Ordering::Relaxed);
        });
        drop(workers);
        let is_as_promised = lent == 0 && calls.into_inner() == 1000;
        // SAFETY: ends the child without running what belongs to the parent.
        unsafe { _exit(if is_as_promised { 42 } else { 1 }) }
    }
    let mut status = 0;
    // SAFETY: `status` is valid for a write.
    let waited = unsafe { waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    // The exit status is in the second byte, and the first is 0 unless a signal ended the child.
    assert_eq!(status, 42 << 8);

    // The parent's threads are as they were.
    drop(turnstile.leave);
    turnstile.left.recv().unwrap();
    turnstile.left.recv().unwrap();
    workers.apply(100, &|_| ());
}
