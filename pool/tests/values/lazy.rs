//! What a get runs, and what the graph remembers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millpond_pool::Pool;
use millpond_pool::values::{Graph, Task};

use crate::pools;

/// A counter and what to add to it.
fn counter() -> (Arc<AtomicUsize>, impl Fn() + Clone + Send) {
    let count = Arc::new(AtomicUsize::new(0));
    let clone = Arc::clone(&count);
    (count, move || _ = clone.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn adding_tasks_runs_nothing() {
    let mut graph = Graph::new();
    let a = graph.task("a", (), |()| -> u32 { panic!("nobody asked") });
    graph.task("b", a, |_| -> u32 { panic!("nobody asked") });
    assert_eq!(graph.peek(a).unwrap(), None);
}

#[test]
fn a_get_runs_the_ancestors_of_its_target_only() {
    for pool in pools() {
        let (count, add) = counter();
        let mut graph = Graph::new();
        let mut tasks: Vec<Task<u64>> = Vec::new();
        for number in 0..1_000_u64 {
            let add = add.clone();
            tasks.push(match number {
                0 => graph.task("first", (), move |()| {
                    add();
                    1
                }),
                _ => graph.task("next", tasks[(number as usize - 1) / 2], move |before| {
                    add();
                    before + 1
                }),
            });
        }
        assert_eq!(*pool.get(&mut graph, tasks[511]).unwrap(), 10);
        assert_eq!(count.load(Ordering::Relaxed), 10);
        assert_eq!(graph.last_run().tasks, 10);
    }
}

#[test]
fn values_are_remembered() {
    for pool in pools() {
        let (count, add) = counter();
        let mut graph = Graph::new();
        let shared = graph.task("shared", (), move |()| {
            add();
            7
        });
        let a = graph.task("a", shared, |n| n + 1);
        let b = graph.task("b", shared, |n| n + 2);
        assert_eq!(*pool.get(&mut graph, a).unwrap(), 8);
        assert_eq!(*pool.get(&mut graph, b).unwrap(), 9);
        assert_eq!(*pool.get(&mut graph, a).unwrap(), 8);
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert_eq!(graph.peek(shared).unwrap(), Some(&7));
    }
}

#[test]
fn get_many_gives_values_in_the_shape_of_its_targets() {
    for pool in pools() {
        let (count, add) = counter();
        let mut graph = Graph::new();
        let seed = graph.task("seed", (), move |()| {
            add();
            3_u64
        });
        let parts: Vec<_> = (0..50_u64).map(|factor| graph.task("part", seed, move |seed| seed * factor)).collect();
        let text = graph.task("text", seed, |seed| seed.to_string());
        let (all, text, [first, second]) = pool.get_many(&mut graph, (&parts, text, [parts[1], parts[2]])).unwrap();
        assert_eq!(all.into_iter().copied().sum::<u64>(), 3 * 49 * 50 / 2);
        assert_eq!((text.as_str(), *first, *second), ("3", 3, 6));
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn forgetting_a_task_forgets_what_depends_on_it() {
    for pool in pools() {
        let (count, add) = counter();
        let mut graph = Graph::new();
        let a = graph.task("a", (), {
            let add = add.clone();
            move |()| {
                add();
                1
            }
        });
        let b = graph.task("b", a, {
            let add = add.clone();
            move |a| {
                add();
                a + 1
            }
        });
        let after = graph.control("after", add.clone());
        graph.after(after, b);
        let aside = graph.task("aside", a, move |a| {
            add();
            a + 10
        });
        pool.get_many(&mut graph, (b, after, aside)).unwrap();
        assert_eq!(count.swap(0, Ordering::Relaxed), 4);
        graph.forget(b).unwrap();
        assert_eq!(
            (graph.peek(a).unwrap(), graph.peek(b).unwrap(), graph.peek(after).unwrap()),
            (Some(&1), None, None)
        );
        assert_eq!(graph.peek(aside).unwrap(), Some(&11));
        pool.get(&mut graph, after).unwrap();
        assert_eq!(count.swap(0, Ordering::Relaxed), 2);
        graph.forget_all();
        pool.get_many(&mut graph, (after, aside)).unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 4);
    }
}

#[test]
fn a_value_can_be_taken_out() {
    let mut graph = Graph::new();
    let text = graph.task("text", (), |()| String::from("once"));
    let pool = Pool::serial();
    assert_eq!(graph.take(text), None);
    pool.get(&mut graph, text).unwrap();
    assert_eq!(graph.take(text), Some(String::from("once")));
    assert_eq!(pool.get(&mut graph, text).unwrap(), "once");
}

#[test]
fn every_value_is_dropped_once() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for pool in pools() {
        let dropped = Arc::new(AtomicUsize::new(0));
        let mut graph = Graph::new();
        let mut last = None;
        for _ in 0..100 {
            let dropped = Arc::clone(&dropped);
            last = Some(match last {
                None => graph.task("first", (), move |()| Counted(Arc::clone(&dropped))),
                Some(last) => graph.task("next", last, move |_| Counted(Arc::clone(&dropped))),
            });
        }
        pool.get(&mut graph, last.unwrap()).unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        pool.run(&mut graph).unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 100);
        drop(graph);
        assert_eq!(dropped.load(Ordering::Relaxed), 200);
    }
}

#[test]
fn a_graph_grows_between_gets() {
    for pool in pools() {
        let mut graph = Graph::new();
        let mut last = graph.value("zero", 0_u64);
        for round in 1..=3_000 {
            last = graph.task("plus", last, |n| n + 1);
            if round % 100 == 0 {
                assert_eq!(*pool.get(&mut graph, last).unwrap(), round);
                assert_eq!(graph.last_run().tasks, 100);
            }
        }
        pool.run(&mut graph).unwrap();
        assert_eq!(graph.peek(last).unwrap(), Some(&3_000));
    }
}

#[test]
fn overaligned_and_empty_values_lie_where_they_should() {
    #[repr(align(128))]
    struct Wide(u64);
    for pool in pools() {
        let mut graph = Graph::new();
        let wide: Vec<_> = (0..500).map(|n| graph.task("wide", (), move |()| Wide(n))).collect();
        let large = graph.task("large", (), |()| [7_u8; 5_000]);
        let huge = graph.task("huge", large, |large| [large[4_999]; 300_000]);
        let unit = graph.task("unit", huge, |_| ());
        let sum = graph.task("sum", (&wide, unit, huge), |(wide, (), huge)| {
            let aligned = wide.iter().all(|wide| std::ptr::from_ref(wide).addr() % 128 == 0);
            (aligned, wide.iter().map(|wide| wide.0).sum::<u64>(), huge[299_999])
        });
        assert_eq!(*pool.get(&mut graph, sum).unwrap(), (true, 499 * 500 / 2, 7));
    }
}
