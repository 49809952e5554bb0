//! Running a whole graph again and again.

use std::sync::atomic::{AtomicUsize, Ordering};

use millpond_pool::values::Graph;

use crate::{pools, workers};

#[test]
fn a_run_runs_everything_every_time() {
    for pool in pools() {
        let count = AtomicUsize::new(0);
        let mut graph = Graph::new();
        let first = graph.task("first", (), |()| count.fetch_add(1, Ordering::Relaxed));
        let parts: Vec<_> =
            (0..20).map(|_| graph.task("part", first, |_| count.fetch_add(1, Ordering::Relaxed))).collect();
        let last = graph.task("last", &parts, |parts| *parts.iter().max().unwrap());
        pool.run(&mut graph).unwrap();
        pool.run_n(&mut graph, 4).unwrap();
        assert_eq!(graph.last_run().tasks, 22);
        assert_eq!(*pool.get(&mut graph, last).unwrap(), 5 * 21 - 1);
        drop(graph);
        assert_eq!(count.into_inner(), 5 * 21);
    }
}

#[test]
fn run_until_asks_after_each_run() {
    for pool in pools() {
        let mut rounds = 0;
        let mut graph = Graph::new();
        let round = graph.task("round", (), move |()| {
            rounds += 1;
            rounds
        });
        pool.run_until(&mut graph, |graph| graph.peek(round).unwrap() == Some(&7)).unwrap();
        assert_eq!(graph.peek(round).unwrap(), Some(&7));
    }
}

#[test]
fn an_empty_graph_runs() {
    for pool in pools() {
        pool.run_n(&mut Graph::new(), 3).unwrap();
        pool.get_many(&mut Graph::new(), ()).unwrap();
    }
}

#[test]
fn a_graph_moves_between_pools_and_threads() {
    let mut graph = Graph::new();
    let parts: Vec<_> = (0..40_u64)
        .map(|n| {
            graph.task("part", (), move |()| {
                crate::spin(3_000);
                n
            })
        })
        .collect();
    let sum = graph.task("sum", &parts, |parts| parts.iter().sum::<u64>());
    for size in [2, 3, 0, 2, 1] {
        let pool = workers::pool(size);
        pool.run(&mut graph).unwrap();
        assert_eq!(graph.take(sum), Some(780));
        graph = std::thread::spawn(move || {
            pool.run(&mut graph).unwrap();
            graph
        })
        .join()
        .unwrap();
        assert_eq!(graph.peek(sum).unwrap(), Some(&780));
    }
}
