//! Values whose drops panic: they leave nothing behind that is out of date.

use std::panic::{AssertUnwindSafe, catch_unwind};

use millpond_pool::Pool;
use millpond_pool::values::{Graph, RunError, RunOptions, Task};

use crate::pools;

/// A value that panics when it is dropped, if it says so.
struct Touchy(u32, bool);

impl Drop for Touchy {
    fn drop(&mut self) {
        if self.1 {
            panic!("{} is touchy", self.0);
        }
    }
}

/// Drops all that is left of a graph, which may panic, too.
fn discard(graph: Graph<'_>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(graph)));
}

/// An input and values computed from it, which are touchy while `is_touchy` of the input's value.
fn graph(touchy: fn(u32) -> bool) -> (Graph<'static>, Task<Touchy>, [Task<Touchy>; 3]) {
    let mut graph = Graph::new();
    let input = graph.value("input", Touchy(1, touchy(1)));
    let next = move |n: u32| Touchy(n, touchy(n));
    let a = graph.task("a", input, move |input| next(input.0 + 10));
    let b = graph.task("b", a, move |a| next(a.0 + 10));
    let c = graph.task("c", (a, b), move |(a, b)| next(a.0 + b.0));
    (graph, input, [a, b, c])
}

fn numbers(pool: &Pool, graph: &mut Graph<'_>, tasks: &[Task<Touchy>]) -> Vec<u32> {
    pool.get_many(graph, tasks).unwrap().into_iter().map(|value| value.0).collect()
}

#[test]
fn a_panic_while_an_input_is_set_leaves_no_value_computed_from_the_old_one() {
    for touchy in [|n| n < 5, |n| n < 40, |n| (10..20).contains(&n), |n| (20..40).contains(&n)] {
        for pool in pools() {
            let (mut graph, input, tasks) = graph(touchy);
            assert_eq!(numbers(&pool, &mut graph, &tasks), [11, 21, 32]);
            let set = catch_unwind(AssertUnwindSafe(|| graph.set(input, Touchy(100, false))));
            assert!(set.unwrap_err().downcast_ref::<String>().unwrap().ends_with("is touchy"));
            for task in tasks {
                assert!(graph.peek(task).unwrap().is_none());
            }
            assert_eq!(numbers(&pool, &mut graph, &tasks), [110, 120, 230]);
        }
    }
}

#[test]
fn a_panic_while_values_are_forgotten_forgets_them_all() {
    for pool in pools() {
        let (mut graph, _, tasks) = graph(|n| n > 5);
        for round in 0..3 {
            assert_eq!(numbers(&pool, &mut graph, &tasks), [11, 21, 32]);
            let (forgotten, message) = match round {
                0 => (catch_unwind(AssertUnwindSafe(|| graph.forget(tasks[0]).unwrap())), "11 is touchy"),
                1 => (catch_unwind(AssertUnwindSafe(|| graph.forget_all())), "11 is touchy"),
                _ => (catch_unwind(AssertUnwindSafe(|| graph.forget(tasks[1]).unwrap())), "21 is touchy"),
            };
            assert_eq!(forgotten.unwrap_err().downcast_ref::<String>().unwrap(), message);
            let left = tasks.map(|task| graph.peek(task).unwrap().is_some());
            assert_eq!(left, [round == 2, false, false]);
        }
        discard(graph);
    }
}

#[test]
fn a_panic_while_a_run_replaces_values_leaves_none() {
    for pool in pools() {
        let (mut graph, _, tasks) = graph(|n| n > 5);
        for options in [RunOptions::new(), RunOptions::new().keep_going()] {
            assert_eq!(numbers(&pool, &mut graph, &tasks), [11, 21, 32]);
            let error = pool.run_with(&mut graph, &options).unwrap_err();
            let RunError::Failed(failures) = &error else { panic!("{error}") };
            assert!(failures[0].to_string().contains("is touchy"), "{error}");
            for task in tasks {
                assert!(graph.peek(task).unwrap().is_none());
            }
        }
        discard(graph);
    }
}

#[test]
fn a_panic_of_a_value_that_is_let_go_is_told_and_what_was_computed_from_it_stays() {
    for pool in pools() {
        let (mut graph, _, [a, b, c]) = graph(|n| (10..20).contains(&n));
        graph.let_go(a).unwrap();
        let error = pool.get(&mut graph, c).err().expect("the value of `a` panics");
        assert_eq!(error.to_string(), "running the graph: task `a` failed: panicked: 11 is touchy (needed by `c`)");
        assert_eq!([b, c].map(|task| graph.peek(task).unwrap().map(|value| value.0)), [Some(21), Some(32)]);
        assert_eq!(pool.get(&mut graph, c).unwrap().0, 32);
    }
}

/// A loop whose second round does not come to its end.
fn broken_loop(breaks: impl Fn(u32) -> Result<Touchy, String> + Send + 'static) -> (Graph<'static>, [Task<Touchy>; 3]) {
    let mut graph = Graph::new();
    let mut n = 0;
    let count = graph.attempt("count", (), move |()| {
        n += 1;
        breaks(n)
    });
    let twice = graph.task("twice", count, |n| Touchy(2 * n.0, false));
    let again = graph.choice("again", (count, twice), |(n, _)| usize::from(n.0 % 4 == 0));
    let done = graph.task("done", (count, twice), |(n, twice)| Touchy(n.0 + twice.0, false));
    graph.branches(again, [count.id(), done.id()]).unwrap();
    (graph, [count, twice, done])
}

#[test]
fn a_round_that_fails_leaves_no_value_of_an_earlier_round() {
    type Breaks = fn(u32) -> Result<Touchy, String>;
    let fails: Breaks = |n| if n == 3 { Err("no".to_owned()) } else { Ok(Touchy(n, false)) };
    let panics: Breaks = |n| Ok(Touchy(n, n == 2));
    for breaks in [fails, panics] {
        for options in [RunOptions::new(), RunOptions::new().keep_going()] {
            for pool in pools() {
                let (mut graph, tasks) = broken_loop(breaks);
                assert!(pool.get_many_with(&mut graph, &tasks[..], &options).is_err());
                for task in tasks {
                    assert!(graph.peek(task).unwrap().is_none());
                }
                assert_eq!(numbers(&pool, &mut graph, &tasks), [4, 8, 12]);
            }
        }
    }
}

#[test]
fn an_input_that_was_taken_has_to_be_set_again() {
    for pool in pools() {
        let (mut graph, input, tasks) = graph(|_| false);
        assert_eq!(numbers(&pool, &mut graph, &tasks), [11, 21, 32]);
        assert_eq!(graph.take(input).unwrap().0, 1);
        assert!(graph.take(input).is_none());
        // What was computed is still there.
        assert_eq!(pool.get(&mut graph, tasks[2]).unwrap().0, 32);
        let message = "running a graph whose input `input` has no value: set it first";
        assert_eq!(pool.get(&mut graph, input).err().unwrap().to_string(), message);
        assert_eq!(pool.run(&mut graph).unwrap_err().to_string(), message);
        graph.set(input, Touchy(2, false)).unwrap();
        assert_eq!(numbers(&pool, &mut graph, &tasks), [12, 22, 34]);
    }
}
