//! What only a process of its own can show: which threads there are, and what a forked child gets.
//!
//! One test alone, because the threads of others would be counted and forked along.

#![cfg(target_os = "linux")]

#[path = "../workers/mod.rs"]
mod workers;

use millpond_pool::{Pool, ReadError};

/// How many threads the process has.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("the process can be looked at").count()
}

/// Forks, runs `body` in the child and says whether it returned true.
#[expect(unsafe_code, reason = "fork, waitpid and _exit are C functions")]
fn in_a_forked_child(body: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child runs `body`, which reads from a pool of its parent and so touches no lock, and leaves without running
    // anything else of its parent's.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "the process can be forked");
    if child == 0 {
        let status = i32::from(!std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(false));
        // SAFETY: leaving has no conditions.
        unsafe { libc::_exit(status) };
    }
    let mut status = 0;
    // SAFETY: `status` is a place for an `int`, and `child` is ours.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    waited == child && status == 0
}

fn serial_mode_starts_no_thread() {
    let before = threads();
    let pool = Pool::serial();
    let [left, right] = pool.source(0_u64..100_000).map(|n| n).tee(2).try_into().unwrap();
    let reader = left.sequential(|n| n).zip(right.filter(|_| true)).map(|(a, b)| a + b).read_ahead(100);
    assert_eq!(reader.count().unwrap(), 100_000);
    assert_eq!((threads(), pool.wakes()), (before, 0));
}

fn small_reads_start_no_thread() {
    let before = threads();
    let pool = workers::pool(8);
    let mut reader = pool.source(0_u64..).map(|n| n).sequential(|n| n);
    for n in 0..1000 {
        assert_eq!(reader.read(1).unwrap(), [n]);
    }
    assert_eq!((threads(), pool.wakes()), (before, 0));
}

fn a_forked_child_is_told_so(size: usize) {
    let pool = workers::pool(size);
    let mut read = pool.source(0..9).map(|n| n).named("read");
    let mut unread = pool.source(0..9).named("unread");
    assert_eq!(read.read(2).unwrap(), [0, 1]);
    let text =
        "reading from task `read` whose pool was made before this process was forked; make a pool after the fork";
    let is_told = in_a_forked_child(|| {
        let said = read.read(1).unwrap_err().to_string() == text
            && matches!(read.try_read(1), Err(ReadError::Forked { .. }))
            && matches!(read.next(), Some(Err(ReadError::Forked { .. })))
            && matches!(unread.read(1), Err(ReadError::Forked { task }) if &*task == "unread");
        // A pool of its own works.
        said && Pool::serial().source(0..3).map(|n| n).read_all().is_ok_and(|items| items == [0, 1, 2])
    });
    assert!(is_told, "size {size}");
    // The parent does not notice.
    assert_eq!(read.read(2).unwrap(), [2, 3]);
    assert_eq!(unread.read(1).unwrap(), [0]);
}

fn a_forked_child_may_drop_what_its_parent_made(size: usize) {
    let pool = workers::pool(size);
    let mut reader = pool.source(0..9).map(|n| n);
    assert_eq!(reader.read(2).unwrap(), [0, 1]);
    let other = pool.source(0..9).batch(3);
    assert!(in_a_forked_child(move || {
        drop((other, reader, pool));
        true
    }));
}

#[test]
fn threads_are_started_when_needed_only_and_forked_children_are_told() {
    serial_mode_starts_no_thread();
    small_reads_start_no_thread();
    for size in [0, 1, 2] {
        a_forked_child_is_told_so(size);
        a_forked_child_may_drop_what_its_parent_made(size);
    }
}
