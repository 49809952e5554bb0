//! Values that are streams, and streams that begin with a value: one pool serves both.

use std::sync::Arc;

use millpond_pool::PoolReader;
use millpond_pool::values::Graph;

use crate::pools;

#[test]
fn a_value_may_be_a_stream() {
    for pool in pools() {
        let streams = &pool;
        let mut graph = Graph::new();
        let factor = graph.task("factor", (), |()| 3_u64);
        let numbers = graph.task("numbers", factor, move |factor| -> PoolReader<u64> {
            let factor = *factor;
            streams.source(0_u64..1_000).map(move |n| n * factor).named("times")
        });
        // Readers are shared by cloning: each item goes to one of them.
        let first = graph.attempt("first", numbers, |numbers| numbers.clone().read(10));
        let rest = graph.attempt("rest", numbers, |numbers| numbers.clone().read_all());
        graph.before(first, rest);
        let (first, rest) = pool.get_many(&mut graph, (first, rest)).unwrap();
        assert_eq!(*first, (0..10).map(|n| n * 3).collect::<Vec<_>>());
        assert_eq!(*rest, (10..1_000).map(|n| n * 3).collect::<Vec<_>>());
    }
}

#[test]
fn a_stream_may_begin_with_a_value() {
    for pool in pools() {
        let mut graph = Graph::new();
        let words = graph.task("words", (), |()| vec!["mill", "pond", "wheel"]);
        let words = pool.get(&mut graph, words).unwrap().clone();
        let lengths = pool.source(words).map(str::len).read_all().unwrap();
        assert_eq!(lengths, [4, 4, 5]);
    }
}

#[test]
fn tasks_of_a_graph_pull_streams_of_the_same_pool_at_the_same_time() {
    for pool in pools() {
        let mut graph = Graph::new();
        let parts: Vec<_> = (0..6_u64)
            .map(|part| {
                let pool = &pool;
                graph.attempt("part", (), move |()| {
                    let mut numbers = pool.source(0..2_000_u64).map(move |n| {
                        crate::spin(50);
                        n + part
                    });
                    numbers.read_all().map(|all| all.into_iter().sum::<u64>())
                })
            })
            .collect();
        let sum = graph.task("sum", &parts, |parts| parts.iter().sum::<u64>());
        assert_eq!(*pool.get(&mut graph, sum).unwrap(), 6 * 1_999_000 + 15 * 2_000);
    }
}

#[test]
fn a_stream_may_get_values_while_it_runs() {
    for pool in pools() {
        let pool = Arc::new(pool);
        let values = Arc::clone(&pool);
        let mut squares = pool.source(0..100_u64).map(move |n| {
            let mut graph = Graph::new();
            let root = graph.value("root", n);
            let square = graph.task("square", root, |root| root * root);
            *values.get(&mut graph, square).unwrap()
        });
        assert_eq!(squares.read_all().unwrap(), (0..100).map(|n| n * n).collect::<Vec<u64>>());
    }
}
