//! Helpers: when they are called, and that they are not.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use millpond_pool::Pool;
use millpond_pool::values::{Graph, Task};

use crate::{spin, workers};

#[test]
fn two_targets_that_wait_for_each_other_run_at_once() {
    let barrier = Barrier::new(2);
    let mut graph = Graph::new();
    let a = graph.task("a", (), |()| barrier.wait().is_leader());
    let b = graph.task("b", (), |()| barrier.wait().is_leader());
    let pool = workers::pool(2);
    for _ in 0..20 {
        graph.forget_all();
        let (a, b) = pool.get_many(&mut graph, (a, b)).unwrap();
        assert!(a ^ b);
    }
}

#[test]
fn slow_tasks_behind_a_quick_one_run_at_once() {
    let barrier = Barrier::new(2);
    let mut graph = Graph::new();
    let quick = graph.task("quick", (), |()| 1);
    let parts: Vec<_> = (0..2).map(|_| graph.task("slow", quick, |_| barrier.wait().is_leader())).collect();
    let all = graph.task("all", &parts, |parts| parts.iter().filter(|leader| **leader).count());
    assert_eq!(*workers::pool(2).get(&mut graph, all).unwrap(), 1);
}

#[test]
fn slow_tasks_behind_slow_tasks_run_at_once_each_time() {
    let pool = workers::pool(2);
    let barrier = Barrier::new(2);
    let mut graph = Graph::new();
    let mut last = graph.task("first", (), |()| spin(30_000));
    for _ in 0..5 {
        last = graph.task("line", last, |()| spin(30_000));
    }
    let parts: Vec<_> = (0..2).map(|_| graph.task("meet", last, |()| _ = barrier.wait())).collect();
    graph.task("all", &parts, |parts| parts.len());
    pool.run_n(&mut graph, 20).unwrap();
}

#[test]
fn eight_workers_meet() {
    let barrier = Barrier::new(8);
    let mut graph = Graph::new();
    let parts: Vec<_> = (0..8).map(|_| graph.task("part", (), |()| barrier.wait().is_leader())).collect();
    let pool = workers::pool(8);
    for _ in 0..5 {
        graph.forget_all();
        let leaders = pool.get_many(&mut graph, &parts).unwrap();
        assert_eq!(leaders.into_iter().filter(|leader| **leader).count(), 1);
    }
    assert!(graph.last_run().is_shared);
}

#[test]
fn small_quick_runs_call_nobody_once_they_are_known() {
    let pool = workers::pool(2);
    let mut graph = Graph::new();
    let tasks: Vec<Task<()>> = (0..4).map(|_| graph.control("empty", || ())).collect();
    graph.before(tasks[0], tasks[1]);
    pool.run(&mut graph).unwrap();
    for _ in 0..1_000 {
        pool.run(&mut graph).unwrap();
        assert_eq!(graph.last_run().tasks, 4);
        if graph.last_run().is_shared {
            // The thread was interrupted in the middle, so the tasks looked slow; that is allowed to be seen, not to last.
            continue;
        }
        assert_eq!(graph.last_run().helpers_asked, 0);
    }
    let any_alone = (0..100).any(|_| {
        pool.run(&mut graph).unwrap();
        !graph.last_run().is_shared
    });
    // Under a sanitizer no task is quick.
    assert!(any_alone || std::env::var_os("MILLPOND_SANITIZER").is_some());
}

#[test]
fn a_chain_calls_nobody_since_it_has_no_surplus() {
    let pool = workers::pool(2);
    let mut graph = Graph::new();
    let mut last = graph.task("first", (), |()| thread::current().id());
    for _ in 0..200 {
        last = graph.task("next", last, |id| {
            spin(2_000);
            assert_eq!(*id, thread::current().id());
            *id
        });
    }
    for _ in 0..3 {
        pool.run(&mut graph).unwrap();
        assert!(!graph.last_run().is_shared);
    }
    assert_eq!(*pool.get(&mut graph, last).unwrap(), thread::current().id());
}

#[test]
fn a_serial_pool_and_a_pool_of_one_run_everything_in_the_caller() {
    for pool in [Pool::serial(), workers::pool(1)] {
        let mut graph = Graph::new();
        let parts: Vec<_> = (0..100)
            .map(|_| {
                graph.task("part", (), |()| {
                    spin(5_000);
                    thread::current().id()
                })
            })
            .collect();
        let ids = pool.get_many(&mut graph, &parts).unwrap();
        assert!(ids.into_iter().all(|id| *id == thread::current().id()));
    }
}

#[test]
fn a_million_tasks_in_a_line_need_no_stack() {
    for pool in [Pool::serial(), workers::pool(2)] {
        let mut graph = Graph::new();
        let mut last = graph.value("zero", 0_u32);
        for _ in 0..1_000_000 {
            last = graph.task("", last, |n| n + 1);
        }
        assert_eq!(*pool.get(&mut graph, last).unwrap(), 1_000_000);
    }
}

#[test]
fn several_threads_run_graphs_of_their_own_on_one_pool() {
    let pool = workers::pool(2);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let count = AtomicUsize::new(0);
                let mut graph = Graph::new();
                let parts: Vec<_> = (0..50)
                    .map(|_| {
                        graph.task("part", (), |()| {
                            spin(3_000);
                            count.fetch_add(1, Ordering::Relaxed)
                        })
                    })
                    .collect();
                graph.task("all", &parts, |parts| assert_eq!(parts.len(), 50));
                pool.run_n(&mut graph, 10).unwrap();
                drop(graph);
                assert_eq!(count.into_inner(), 500);
            });
        }
    });
}

#[test]
fn a_task_may_run_a_graph_of_its_own_on_the_same_pool() {
    let pool = workers::pool(2);
    let mut outer = Graph::new();
    let parts: Vec<_> = (0..8_u64)
        .map(|number| {
            let pool = &pool;
            outer.task("part", (), move |()| {
                let mut inner = Graph::new();
                let leaves: Vec<_> = (0..8_u64)
                    .map(|leaf| {
                        inner.task("leaf", (), move |()| {
                            spin(2_000);
                            leaf * number
                        })
                    })
                    .collect();
                let sum = inner.task("sum", &leaves, |leaves| leaves.iter().sum::<u64>());
                *pool.get(&mut inner, sum).unwrap()
            })
        })
        .collect();
    let sum = outer.task("sum", &parts, |parts| parts.iter().sum::<u64>());
    assert_eq!(*pool.get(&mut outer, sum).unwrap(), 28 * 28);
}
