//! The parallel-for.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use millpond_workers::{GcdWorkers, Workers};
use parking_lot::Mutex;

use crate::job::Job;
use crate::workers;

/// How often each of `0..count` is called.
fn calls(workers: &GcdWorkers, count: usize) -> Vec<usize> {
    let calls: Vec<_> = (0..count).map(|_| AtomicUsize::new(0)).collect();
    workers.apply(count, &|index| {
        calls[index].fetch_add(1, Ordering::Relaxed);
    });
    calls.into_iter().map(AtomicUsize::into_inner).collect()
}

#[test]
fn each_index_is_called_once_whatever_the_count_and_the_threads() {
    for threads in 0..5 {
        let workers = workers(threads);
        for count in (0..70).chain([1000, 99_991]) {
            assert_eq!(calls(&workers, count), vec![1; count], "{count} indices, {threads} threads");
        }
    }
}

/// Two bodies wait for each other where there are processors for both, so they run on two threads,
/// and on no third.
#[test]
fn the_caller_takes_part() {
    let workers = workers(1);
    let width = thread::available_parallelism().map_or(1, |processors| processors.get().min(2));
    let barrier = Barrier::new(width);
    let threads = Mutex::new(HashSet::new());
    workers.apply(width, &|_| {
        threads.lock().insert(thread::current().id());
        barrier.wait();
    });
    let threads = threads.into_inner();
    assert_eq!(threads.len(), width);
    assert!(threads.contains(&thread::current().id()));
}

#[test]
fn no_more_bodies_run_at_once_than_threads_and_the_caller() {
    let workers = workers(1);
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for _ in 0..100 {
        workers.apply(1000, &|_| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            running.fetch_sub(1, Ordering::SeqCst);
        });
    }
    assert!((1..=2).contains(&most.into_inner()));
}

#[test]
fn without_threads_the_caller_does_everything_in_order() {
    let order = Mutex::new(Vec::new());
    workers(0).apply(100, &|index| order.lock().push((thread::current().id(), index)));
    let caller = thread::current().id();
    assert_eq!(order.into_inner(), (0..100).map(|index| (caller, index)).collect::<Vec<_>>());
}

#[test]
fn apply_makes_progress_while_every_thread_is_lent() {
    let workers = workers(2);
    let turnstile = crate::job::Turnstile::new();
    workers.lend(2, Arc::clone(&turnstile.job));
    turnstile.entered.recv().unwrap();
    turnstile.entered.recv().unwrap();
    assert_eq!(calls(&workers, 1000), vec![1; 1000]);
}

#[test]
fn applies_nest() {
    let workers = workers(3);
    let calls: Vec<_> = (0..8 * 8 * 100).map(|_| AtomicUsize::new(0)).collect();
    workers.apply(8, &|outer| {
        workers.apply(8, &|middle| {
            workers.apply(100, &|inner| {
                calls[(outer * 8 + middle) * 100 + inner].fetch_add(1, Ordering::Relaxed);
            });
        });
    });
    assert!(calls.iter().all(|calls| calls.load(Ordering::Relaxed) == 1));
}

#[test]
fn several_threads_apply_at_once() {
    let workers = workers(2);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for count in 0..200 {
                    assert_eq!(calls(&workers, count), vec![1; count]);
                }
            });
        }
    });
}

#[test]
fn a_lent_thread_may_apply() {
    let workers = Arc::new(workers(2));
    let (say, said) = channel();
    let job = Job::new({
        let workers = Arc::clone(&workers);
        move || say.send(calls(&workers, 5000)).unwrap()
    });
    workers.lend(2, job);
    assert_eq!(said.recv().unwrap(), vec![1; 5000]);
    assert_eq!(said.recv().unwrap(), vec![1; 5000]);
}

#[test]
fn a_panic_reaches_the_caller_after_every_other_index_was_called() {
    for threads in [0, 1, 3] {
        let workers = workers(threads);
        let calls = AtomicUsize::new(0);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            workers.apply(1000, &|index| {
                calls.fetch_add(1, Ordering::Relaxed);
                assert_ne!(index, 437, "no luck");
            });
        }));
        let message = *outcome.unwrap_err().downcast::<String>().unwrap();
        assert!(message.starts_with("assertion `left != right` failed: no luck"), "{message}");
        assert_eq!(calls.into_inner(), 1000);
    }
}

#[test]
fn of_many_panics_one_reaches_the_caller_and_the_workers_still_work() {
    let workers = workers(2);
    for _ in 0..20 {
        let called = AtomicUsize::new(0);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            workers.apply(100, &|index| {
                called.fetch_add(1, Ordering::Relaxed);
                std::panic::resume_unwind(Box::new(index));
            });
        }));
        assert!(*outcome.unwrap_err().downcast::<usize>().unwrap() < 100);
        assert_eq!(called.into_inner(), 100);
        assert_eq!(calls(&workers, 100), vec![1; 100]);
    }
}

#[test]
fn a_panic_in_a_nested_apply_passes_through_both() {
    let workers = workers(2);
    let called = AtomicUsize::new(0);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        workers.apply(4, &|outer| {
            workers.apply(50, &|inner| {
                called.fetch_add(1, Ordering::Relaxed);
                if (outer, inner) == (2, 33) {
                    std::panic::resume_unwind(Box::new("inner"));
                }
            });
        });
    }));
    assert_eq!(*outcome.unwrap_err().downcast::<&str>().unwrap(), "inner");
    assert_eq!(called.into_inner(), 200);
}
