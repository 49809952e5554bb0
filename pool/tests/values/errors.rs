//! Failing tasks: what stops, what is said, what can be had back.

use std::sync::atomic::{AtomicUsize, Ordering};

use millpond_pool::values::{Cause, Graph, RunError};

use crate::pools;

#[test]
fn an_error_names_the_path_from_the_failed_task_to_the_target() {
    for pool in pools() {
        let mut graph = Graph::new();
        let number = graph.attempt("parse", (), |()| "x".parse::<u32>());
        let twice = graph.task("twice", number, |n| n * 2);
        let text = graph.task("text", twice, |n| n.to_string());
        let error = pool.get(&mut graph, text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "running the graph: task `parse` failed: invalid digit found in string (needed by `twice` -> `text`)"
        );
        let [failure] = error.failures() else { panic!("{error}") };
        assert_eq!(failure.path(), ["parse", "twice", "text"]);
        assert!(failure.added().file().ends_with("errors.rs"));
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.downcast_ref::<std::num::ParseIntError>().is_some());
    }
}

#[test]
fn a_failed_target_stands_alone_in_the_message() {
    for pool in pools() {
        let mut graph = Graph::new();
        let number = graph.attempt("parse", (), |()| "".parse::<u32>());
        let message = "running the graph: task `parse` failed: cannot parse integer from empty string";
        assert_eq!(pool.get(&mut graph, number).unwrap_err().to_string(), message);
        assert_eq!(pool.run(&mut graph).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_panic_is_caught_and_its_payload_kept() {
    for pool in pools() {
        let mut graph = Graph::new();
        let bad = graph.task("bad", (), |()| -> u32 { std::panic::panic_any(42_u64) });
        let next = graph.task("next", bad, |n| n + 1);
        let error = pool.get(&mut graph, next).unwrap_err();
        assert_eq!(
            error.to_string(),
            "running the graph: task `bad` failed: panicked: (no message) (needed by `next`)"
        );
        let RunError::Failed(mut failures) = error else { panic!("{error}") };
        let Cause::Panic(panic) = failures.remove(0).into_cause() else { panic!("no panic") };
        assert_eq!(panic.take_payload().unwrap().downcast_ref::<u64>(), Some(&42));
    }
}

#[test]
fn a_run_can_be_tried_again_after_a_failure() {
    for pool in pools() {
        let attempts = AtomicUsize::new(0);
        let mut graph = Graph::new();
        let start = graph.task("start", (), |()| 1);
        let flaky = graph.attempt("flaky", start, |n| match attempts.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err("not yet"),
            _ => Ok(n + 1),
        });
        let side = graph.task("side", start, |n| n + 10);
        let end = graph.task("end", (flaky, side), |(a, b)| a + b);
        assert!(pool.run(&mut graph).is_err());
        assert_eq!(graph.peek(start).unwrap(), None);
        assert!(pool.get(&mut graph, end).is_err());
        assert_eq!(graph.peek(start).unwrap(), Some(&1));
        assert_eq!(*pool.get(&mut graph, end).unwrap(), 13);
        pool.run(&mut graph).unwrap();
        assert_eq!(graph.peek(end).unwrap(), Some(&13));
    }
}

#[test]
fn a_failure_stops_what_has_not_started() {
    for pool in pools() {
        let ran = AtomicUsize::new(0);
        let mut graph = Graph::new();
        let first = graph.attempt("first", (), |()| Err::<u32, _>("no"));
        let rest: Vec<_> =
            (0..10_000).map(|_| graph.task("rest", first, |n| ran.fetch_add(*n as usize, Ordering::Relaxed))).collect();
        assert!(pool.get_many(&mut graph, &rest).is_err());
        assert!(pool.run(&mut graph).is_err());
        drop(graph);
        assert_eq!(ran.into_inner(), 0);
    }
}

#[test]
fn a_panic_in_the_destructor_of_an_old_value_is_the_failure_of_its_task() {
    struct Touchy(bool);
    impl Drop for Touchy {
        fn drop(&mut self) {
            if self.0 {
                panic!("not me");
            }
        }
    }
    for pool in pools() {
        let mut rounds = 0;
        let mut graph = Graph::new();
        let touchy = graph.task("touchy", (), move |()| {
            rounds += 1;
            Touchy(rounds == 1)
        });
        let next = graph.task("next", touchy, |_| 1);
        pool.run(&mut graph).unwrap();
        let error = pool.run(&mut graph).unwrap_err();
        assert_eq!(error.to_string(), "running the graph: task `touchy` failed: panicked: not me");
        assert_eq!(*pool.get(&mut graph, next).unwrap(), 1);
    }
}
