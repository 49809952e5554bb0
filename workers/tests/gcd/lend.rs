//! Threads that are lent.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use millpond_workers::{Help, Workers};
use parking_lot::Mutex;

use crate::job::{Job, Turnstile};
use crate::workers;

#[test]
fn a_lent_thread_calls_help_and_is_not_the_caller() {
    let workers = workers(1);
    let (say, said) = channel();
    workers.lend(1, Job::new(move || say.send(thread::current().id()).unwrap()));
    assert_ne!(said.recv().unwrap(), thread::current().id());
}

/// Each of twelve helps waits for two others, so three run at once, on however few processors; none
/// ever sees a fourth.
#[test]
fn as_many_threads_help_at_once_as_the_pool_has_and_no_more() {
    let workers = workers(3);
    let barrier = Arc::new(Barrier::new(3));
    let running = Arc::new(AtomicUsize::new(0));
    let (say, said) = channel();
    for _ in 0..12 {
        let (barrier, running, say) = (Arc::clone(&barrier), Arc::clone(&running), say.clone());
        let help = move || {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            barrier.wait();
            running.fetch_sub(1, Ordering::SeqCst);
            say.send(now).unwrap();
        };
        workers.lend(1, Job::new(help));
    }
    let most = said.iter().take(12).max();
    assert_eq!(most, Some(3));
}

#[test]
fn more_threads_than_there_are_come_once_each() {
    let workers = workers(2);
    let calls = Arc::new(AtomicUsize::new(0));
    let counting = Job::new({
        let calls = Arc::clone(&calls);
        move || {
            calls.fetch_add(1, Ordering::SeqCst);
        }
    });
    workers.lend(usize::MAX, counting);
    // Both threads in the turnstile at once: both have come back from the job before it.
    let turnstile = Turnstile::new();
    workers.lend(2, Arc::clone(&turnstile.job));
    turnstile.entered.recv().unwrap();
    turnstile.entered.recv().unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[test]
fn a_thousand_lends_of_a_job_that_is_over_cost_one_call_while_the_thread_is_busy() {
    let workers = workers(1);
    let turnstile = Turnstile::new();
    workers.lend(1, Arc::clone(&turnstile.job));
    turnstile.entered.recv().unwrap();

    let calls = Arc::new(AtomicUsize::new(0));
    let over: Arc<dyn Help> = Job::new({
        let calls = Arc::clone(&calls);
        move || {
            calls.fetch_add(1, Ordering::SeqCst);
        }
    });
    for _ in 0..1000 {
        workers.lend(1, Arc::clone(&over));
    }
    assert_eq!(Arc::strong_count(&over), 2);

    let next = Turnstile::new();
    workers.lend(1, Arc::clone(&next.job));
    turnstile.leave.send(()).unwrap();
    next.entered.recv().unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(Arc::strong_count(&over), 1);
}

#[test]
fn a_thousand_lends_of_a_job_that_is_over_leave_the_threads_to_the_next() {
    let workers = workers(2);
    let over: Arc<dyn Help> = Job::new(|| ());
    for _ in 0..1000 {
        workers.lend(2, Arc::clone(&over));
    }
    let turnstile = Turnstile::new();
    workers.lend(2, Arc::clone(&turnstile.job));
    turnstile.entered.recv().unwrap();
    turnstile.entered.recv().unwrap();
    assert_eq!(Arc::strong_count(&over), 1);
}

/// Whatever the timing of lends and of threads that run out of work, a job lent last is helped.
#[test]
fn no_lend_is_forgotten() {
    let workers = workers(2);
    for _ in 0..10_000 {
        let (say, said) = channel();
        workers.lend(1, Job::new(move || say.send(()).unwrap()));
        said.recv().unwrap();
    }
}

#[test]
fn lends_from_several_threads_are_all_helped() {
    let workers = workers(2);
    let (say, said) = channel();
    thread::scope(|scope| {
        for lender in 0..4 {
            let (say, workers) = (say.clone(), &workers);
            scope.spawn(move || {
                for number in 0..500 {
                    let say = say.clone();
                    workers.lend(1, Job::new(move || say.send((lender, number)).unwrap()));
                }
            });
        }
    });
    let helped: HashSet<_> = said.iter().take(2000).collect();
    assert_eq!(helped.len(), 2000);
}

#[test]
fn jobs_are_helped_in_the_order_of_their_lends() {
    let workers = workers(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let turnstile = Turnstile::new();
    workers.lend(1, Arc::clone(&turnstile.job));
    for number in 0..100 {
        let order = Arc::clone(&order);
        workers.lend(1, Job::new(move || order.lock().push(number)));
    }
    let last = Turnstile::new();
    workers.lend(1, Arc::clone(&last.job));
    turnstile.leave.send(()).unwrap();
    last.entered.recv().unwrap();
    assert_eq!(*order.lock(), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_job_may_lend_threads_to_another() {
    let workers = Arc::new(workers(1));
    let (say, said) = channel();
    let lender = Job::new({
        let workers = Arc::clone(&workers);
        move || {
            let say = say.clone();
            workers.lend(1, Job::new(move || say.send(()).unwrap()));
        }
    });
    workers.lend(1, lender);
    said.recv().unwrap();
}

#[test]
fn nothing_is_asked_of_no_thread() {
    let job: Arc<dyn Help> = Job::new(|| panic!("there is no thread to call this"));
    workers(0).lend(3, Arc::clone(&job));
    workers(2).lend(0, Arc::clone(&job));
    assert_eq!(Arc::strong_count(&job), 1);
}

#[test]
fn two_pools_do_not_share_their_threads() {
    let (one, other) = (workers(2), workers(2));
    let (first, second) = (Turnstile::new(), Turnstile::new());
    one.lend(2, Arc::clone(&first.job));
    other.lend(2, Arc::clone(&second.job));
    // All four are in their turnstiles at once: neither pool has kept a thread from the other.
    for turnstile in [&first, &second, &first, &second] {
        turnstile.entered.recv().unwrap();
    }
}

/// Waits until no thread is at work.
fn wait_until_idle(workers: &impl Workers) {
    while !format!("{workers:?}").contains("busy: Some(0)") {
        thread::yield_now();
    }
}

#[test]
fn a_thread_that_has_helped_is_kept_for_the_next_job() {
    let workers = workers(2);
    let helped_by = || {
        wait_until_idle(&workers);
        let (say, said) = channel();
        workers.lend(1, Job::new(move || say.send(thread::current().id()).unwrap()));
        said.recv().unwrap()
    };
    let first = helped_by();
    for _ in 0..100 {
        assert_eq!(helped_by(), first);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_is_kept_off_a_processor_while_it_is_woken_finds_all_of_them() {
    let allowed = || {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:\t"));
        line.unwrap().to_owned()
    };
    let all = allowed();
    let first: usize = all.split(['-', ',']).next().unwrap().parse().unwrap();
    let workers = workers(1);
    for avoided in [usize::MAX, first, first, usize::MAX, first].repeat(20) {
        wait_until_idle(&workers);
        workers.avoid(avoided);
        let (say, said) = channel();
        workers.lend(1, Job::new(move || say.send(allowed()).unwrap()));
        assert_eq!(said.recv().unwrap(), all, "kept off `{avoided}`");
    }
}
