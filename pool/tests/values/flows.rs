//! Subflows and modules.

use std::sync::atomic::{AtomicUsize, Ordering};

use millpond_pool::Pool;
use millpond_pool::values::{Graph, RunOptions, Task};

use crate::{pools, spin, workers};

fn fibonacci<'env>(graph: &mut Graph<'env>, n: u64) -> Task<u64> {
    match n {
        0 | 1 => graph.value("end", n),
        _ => {
            let a = graph.subflow("a", (), move |graph, ()| fibonacci(graph, n - 1));
            let b = graph.subflow("b", (), move |graph, ()| fibonacci(graph, n - 2));
            graph.task("sum", (a, b), |(a, b)| {
                spin(50);
                a + b
            })
        }
    }
}

#[test]
fn subflows_nest() {
    for pool in pools() {
        let mut graph = Graph::new();
        let target = fibonacci(&mut graph, 12);
        assert_eq!(*pool.get(&mut graph, target).unwrap(), 144);
        pool.run_n(&mut graph, 2).unwrap();
        assert_eq!(graph.peek(target).unwrap(), Some(&144));
    }
}

#[test]
fn a_deep_line_of_subflows_needs_no_stack() {
    fn deeper<'env>(graph: &mut Graph<'env>, n: u32) -> Task<u32> {
        match n {
            0 => graph.value("end", 0),
            _ => {
                let below = graph.subflow("below", (), move |graph, ()| deeper(graph, n - 1));
                graph.task("plus", below, |n| n + 1)
            }
        }
    }
    for pool in [Pool::serial(), workers::pool(2)] {
        let mut graph = Graph::new();
        let target = deeper(&mut graph, 20_000);
        assert_eq!(*pool.get(&mut graph, target).unwrap(), 20_000);
    }
}

#[test]
fn what_follows_a_subflow_waits_for_all_of_it() {
    for pool in pools() {
        let count = AtomicUsize::new(0);
        let mut graph = Graph::new();
        let parts = graph.value("parts", 50);
        let flow = graph.subflow("flow", parts, |graph, parts| {
            for _ in 0..*parts {
                graph.control("part", || {
                    spin(500);
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
            graph.value("none", ())
        });
        let after = graph.task("after", flow, |()| count.load(Ordering::Relaxed));
        assert_eq!(*pool.get(&mut graph, after).unwrap(), 50);
    }
}

#[test]
fn a_run_waits_for_detached_graphs() {
    for pool in pools() {
        let count = AtomicUsize::new(0);
        let mut graph = Graph::new();
        let detached = graph.detached("detached", (), |graph, ()| {
            for _ in 0..50 {
                graph.control("part", || {
                    spin(500);
                    count.fetch_add(1, Ordering::Relaxed);
                });
            }
            "told"
        });
        assert_eq!(*pool.get(&mut graph, detached).unwrap(), "told");
        assert_eq!(count.load(Ordering::Relaxed), 50);
    }
}

#[test]
fn a_failure_inside_is_named_from_the_inside_out() {
    for pool in pools() {
        let mut graph = Graph::new();
        let flow = graph.subflow("flow", (), |graph, ()| {
            let bad = graph.attempt("bad", (), |()| Err::<u32, _>("no luck"));
            graph.task("next", bad, |n| n + 1)
        });
        let target = graph.task("target", flow, |n| n + 1);
        let message = "running the graph: task `bad` failed: no luck (needed by `flow` -> `target`)";
        for options in [RunOptions::new(), RunOptions::new().keep_going()] {
            let error = pool.get_with(&mut graph, target, &options).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(error.failures().len(), 1);
        }
    }
}

#[test]
fn a_subflow_that_is_built_wrongly_fails() {
    for pool in pools() {
        let mut graph = Graph::new();
        let flow = graph.subflow("flow", (), |graph, ()| {
            let a = graph.control("a", || ());
            let b = graph.control("b", || ());
            graph.before(b, a);
            graph.before(a, b);
            a
        });
        let error = pool.get(&mut graph, flow).unwrap_err();
        assert_eq!(error.failures()[0].name(), "flow");
        assert!(error.to_string().contains("ordering tasks closed a cycle: "), "{error}");
    }
}

#[test]
fn a_module_runs_as_one_task_again_and_again() {
    for pool in pools() {
        let mut module = Graph::new();
        let side = module.input::<u64>("side");
        let rows: Vec<_> = (0..10_u64).map(|row| module.task("row", side, move |side| side * row)).collect();
        let area = module.task("area", &rows, |rows| rows.iter().sum::<u64>());

        let mut graph = Graph::new();
        let seed = graph.input::<u64>("seed");
        let module =
            graph.module("module", module, area, seed, move |module, seed| module.set(side, *seed).unwrap()).unwrap();
        let target = graph.task("target", module, |area| area + 1);
        for seed_value in 1..5 {
            graph.set(seed, seed_value).unwrap();
            assert_eq!(*pool.get(&mut graph, target).unwrap(), 45 * seed_value + 1);
        }
        pool.run_n(&mut graph, 3).unwrap();
        assert_eq!(graph.peek(target).unwrap(), Some(&181));
    }
}

#[test]
fn a_module_survives_a_failure() {
    for pool in pools() {
        let tries = AtomicUsize::new(0);
        let mut module = Graph::new();
        let first = module.task("first", (), |()| 1);
        let flaky = module.attempt("flaky", first, |n| match tries.fetch_add(1, Ordering::Relaxed) {
            0 => Err("not yet"),
            _ => Ok(n + 1),
        });
        let rest: Vec<_> = (0..20).map(|_| module.task("rest", (flaky, first), |(a, b)| a + b)).collect();
        let all = module.task("all", &rest, |rest| rest.iter().sum::<i32>());
        let mut graph = Graph::new();
        let module = graph.module("module", module, all, (), |_, ()| ()).unwrap();
        assert!(pool.get(&mut graph, module).is_err());
        assert_eq!(*pool.get(&mut graph, module).unwrap(), 60);
    }
}

#[test]
fn a_module_without_its_input_tells_which() {
    let mut module = Graph::new();
    let side = module.input::<u64>("side");
    let mut graph = Graph::new();
    let module = graph.module("module", module, side, (), |_, ()| ()).unwrap();
    assert_eq!(
        Pool::serial().get(&mut graph, module).unwrap_err().to_string(),
        "running the graph: task `module` failed: running a graph whose input `side` has no value: set it first"
    );
}

#[test]
fn a_graph_that_nobody_waits_for_may_outlast_the_one_that_it_came_from() {
    for pool in pools() {
        let ran = AtomicUsize::new(0);
        let mut graph = Graph::new();
        let flows: Vec<_> = (0..20)
            .map(|_| {
                let ran = &ran;
                graph.subflow("flow", (), move |flow, ()| {
                    flow.detached("aside", (), move |aside, ()| {
                        let mut last = aside.control("first", || ());
                        for _ in 0..20 {
                            let next = aside.control("next", move || _ = ran.fetch_add(1, Ordering::Relaxed));
                            aside.before(last, next);
                            last = next;
                        }
                    });
                    flow.value("end", 1)
                })
            })
            .collect();
        let sum = graph.task("sum", &flows, |flows| flows.iter().sum::<i32>());
        for round in 1..4 {
            graph.forget_all();
            assert_eq!(*pool.get(&mut graph, sum).unwrap(), 20);
            assert_eq!(ran.load(Ordering::Relaxed), round * 400);
        }
    }
}

#[test]
fn a_failure_in_a_graph_that_nobody_waits_for_names_what_held_it() {
    for pool in pools() {
        let mut graph = Graph::new();
        let flow = graph.subflow("flow", (), |flow, ()| {
            flow.detached("aside", (), |aside, ()| {
                let start = aside.control("start", || spin(20_000));
                let bad = aside.control("bad", || panic!("no"));
                aside.before(start, bad);
            });
            flow.value("end", 1)
        });
        let next = graph.task("next", flow, |n| n + 1);
        let error = pool.get(&mut graph, next).unwrap_err();
        let [failure] = error.failures() else { panic!("{error}") };
        assert_eq!(failure.path(), ["bad", "aside", "flow", "next"]);
    }
}

#[test]
fn a_detached_graph_that_is_built_wrongly_leaves_no_value() {
    for pool in pools() {
        let mut graph = Graph::new();
        let aside = graph.detached("aside", (), |aside, ()| _ = aside.input::<u32>("missing"));
        for _ in 0..2 {
            let error = pool.get(&mut graph, aside).unwrap_err();
            assert!(error.to_string().contains("input `missing` has no value"), "{error}");
        }
    }
}
