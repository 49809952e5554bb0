//! Graphs of values: their queues, their gate, and when a run is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millpond_pool::values::{Graph, Limit};
use shuttle::thread;

use crate::setup::{explore, with_pool};

/// A tree over eight leaves, gotten twice by a pool of three.
pub(crate) fn trees() {
    with_pool(3, |pool| {
        let calls = Arc::new(AtomicUsize::new(0));
        let mut graph = Graph::new();
        let mut layer: Vec<_> = (0..8_u32)
            .map(|n| {
                let calls = Arc::clone(&calls);
                graph.task("leaf", (), move |()| {
                    calls.fetch_add(1, Ordering::Relaxed);
                    // Somebody else's turn, in the middle of a task.
                    thread::yield_now();
                    n
                })
            })
            .collect();
        while layer.len() > 1 {
            layer = layer.chunks(2).map(|pair| graph.task("sum", (pair[0], pair[1]), |(a, b)| a + b)).collect();
        }
        for round in 1..=2 {
            graph.forget_all();
            assert_eq!(*pool.get(&mut graph, layer[0]).unwrap(), 28);
            assert_eq!(calls.load(Ordering::Relaxed), 8 * round);
        }
    });
}

/// ```text
/// caller   pushes, opens the gate … its queue is empty, counts out … active 0: closes, waits for those inside
/// helper   enters, counts in, steals, runs … counts out, leaves
/// ```
#[test]
fn each_task_runs_once_and_a_run_ends_after_the_last() {
    explore(trees);
}

/// Two tasks that take longer than the caller looks on before it sleeps.
pub(crate) fn slow_pair() {
    with_pool(2, |pool| {
        let mut graph = Graph::new();
        let slow = || (0..300).for_each(|_| thread::yield_now());
        let parts = [0; 2].map(|_| graph.task("slow", (), move |()| slow()));
        let all = graph.task("all", parts.as_slice(), |parts| parts.len());
        assert_eq!(*pool.get(&mut graph, all).unwrap(), 2);
    });
}

/// ```text
/// caller   has no work … sets "asleep"   active? … sleeps ──┐
/// helper   runs the last task … counts out: 0   asleep? ────┘
/// ```
#[test]
fn a_caller_that_sleeps_is_woken_at_the_end() {
    explore(slow_pair);
}

/// Two threads get from graphs of their own on the same workers.
#[test]
fn two_threads_get_from_two_graphs_of_one_pool() {
    explore(|| {
        with_pool(3, |pool| {
            let get = |first: u32| {
                let mut graph = Graph::new();
                let parts: Vec<_> = (first..first + 4).map(|n| graph.task("part", (), move |()| n)).collect();
                let all = graph.task("all", &parts, |parts| parts.iter().copied().sum::<u32>());
                *pool.get(&mut graph, all).unwrap()
            };
            thread::scope(|scope| {
                let there = scope.spawn(|| get(10));
                assert_eq!(get(0), 6);
                assert_eq!(there.join().unwrap(), 46);
            });
        });
    });
}

/// ```text
/// worker a   takes the unit … gives it back: makes the parked task ready
/// worker b   no unit is free: parks its task … looks again before it counts out
/// ```
#[test]
fn tasks_that_wait_for_a_limit_run_by_priority_and_none_is_left() {
    explore(|| {
        with_pool(3, |pool| {
            let running = Arc::new(AtomicUsize::new(0));
            let mut graph = Graph::new();
            let limit = Limit::new("link", 1).unwrap();
            let parts: Vec<_> = (0..5_i32)
                .map(|n| {
                    let running = Arc::clone(&running);
                    let part = graph.task("part", (), move |()| {
                        assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "one unit");
                        thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                        n
                    });
                    graph.priority(part, n % 3).unwrap();
                    graph.limit(part, &limit, 1).unwrap();
                    part
                })
                .collect();
            let all = graph.task("all", &parts, |parts| parts.iter().copied().sum::<i32>());
            assert_eq!(*pool.get(&mut graph, all).unwrap(), 10);
        });
    });
}

/// A task that fails stops the run; the next one begins anew.
#[test]
fn a_failed_run_leaves_nothing_behind() {
    explore(|| {
        with_pool(2, |pool| {
            let mut graph = Graph::new();
            let fails = Arc::new(AtomicUsize::new(1));
            let parts: Vec<_> = (0..4_u32)
                .map(|n| {
                    let fails = Arc::clone(&fails);
                    graph.attempt("part", (), move |()| {
                        if n == 2 && fails.swap(0, Ordering::Relaxed) == 1 { Err("once") } else { Ok(n) }
                    })
                })
                .collect();
            let all = graph.task("all", &parts, |parts| parts.iter().copied().sum::<u32>());
            assert!(pool.get(&mut graph, all).is_err());
            assert_eq!(*pool.get(&mut graph, all).unwrap(), 6);
        });
    });
}
