//! Limits, priorities, cancelling, going on, time limits, progress, values that are let go.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use millpond_pool::Pool;
use millpond_pool::values::{CancelToken, Cause, Graph, Limit, RunError, RunOptions, Step, is_cancelled, time_left};
use parking_lot::Mutex;

use crate::{pools, spin, workers};

#[test]
fn no_more_tasks_run_at_once_than_a_limit_has_units() {
    for pool in pools() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let limit = Limit::new("link", 3).unwrap();
        let mut graph = Graph::new();
        let parts: Vec<_> = (0..60_u32)
            .map(|number| {
                let (running, most) = (&running, &most);
                let units = number % 3 + 1;
                let part = graph.task("part", (), move |()| {
                    let now = running.fetch_add(units as usize, Ordering::SeqCst) + units as usize;
                    most.fetch_max(now, Ordering::SeqCst);
                    spin(3_000);
                    running.fetch_sub(units as usize, Ordering::SeqCst);
                    1
                });
                graph.limit(part, &limit, units).unwrap();
                part
            })
            .collect();
        let sum = graph.task("sum", &parts, |parts| parts.iter().sum::<u32>());
        for _ in 0..3 {
            graph.forget_all();
            assert_eq!(*pool.get(&mut graph, sum).unwrap(), 60);
        }
        drop(graph);
        assert!(most.into_inner() <= 3);
    }
}

#[test]
fn several_limits_are_taken_together() {
    for pool in pools() {
        let (a, b) = (Limit::new("a", 1).unwrap(), Limit::new("b", 1).unwrap());
        let mut graph = Graph::new();
        let parts: Vec<_> = (0..40)
            .map(|number| {
                let part = graph.task("part", (), |()| spin(2_000));
                let (first, second) = if number % 2 == 0 { (&a, &b) } else { (&b, &a) };
                graph.limit(part, first, 1).unwrap();
                graph.limit(part, second, 1).unwrap();
                part
            })
            .collect();
        assert_eq!(pool.get_many(&mut graph, &parts).unwrap().len(), 40);
    }
}

#[test]
fn a_limit_that_cannot_be_met_is_refused() {
    assert_eq!(
        Limit::new("link", 0).unwrap_err().to_string(),
        "making the limit `link` of 0 units: its tasks could never run, give it at least 1"
    );
    let mut graph = Graph::new();
    let task = graph.control("huge", || ());
    let limit = Limit::new("memory", 4).unwrap();
    assert_eq!(
        graph.limit(task, &limit, 5).unwrap_err().to_string(),
        "letting task `huge` take `5` units of the limit `memory`: there are only 4, ask for less or raise the limit"
    );
}

#[test]
fn what_is_ready_runs_by_priority() {
    for pool in [Pool::serial(), workers::pool(1)] {
        let log = Mutex::new(Vec::new());
        let mut graph = Graph::new();
        let start = graph.control("start", || ());
        for number in 0..20 {
            let log = &log;
            let task = graph.control("task", move || log.lock().push(number % 5));
            graph.priority(task, number % 5).unwrap();
            graph.after(task, start);
        }
        pool.run(&mut graph).unwrap();
        drop(graph);
        let log = log.into_inner();
        assert_eq!(log.len(), 20);
        assert!(log.is_sorted_by(|a, b| a >= b), "{log:?}");
    }
}

#[test]
fn priorities_lose_nothing_with_many_workers() {
    for pool in pools() {
        let count = AtomicUsize::new(0);
        let mut graph = Graph::new();
        let parts: Vec<_> = (0..200)
            .map(|number| {
                let part = graph.task("part", (), |()| {
                    spin(1_000);
                    count.fetch_add(1, Ordering::Relaxed)
                });
                graph.priority(part, number % 7).unwrap();
                part
            })
            .collect();
        let end = graph.task("end", &parts, |parts| parts.len());
        assert_eq!(*pool.get(&mut graph, end).unwrap(), 200);
        drop(graph);
        assert_eq!(count.into_inner(), 200);
    }
}

#[test]
fn a_cancelled_run_starts_nothing_more() {
    for pool in pools() {
        let token = CancelToken::new();
        let ran = AtomicUsize::new(0);
        let mut graph = Graph::new();
        let first = graph.task("first", (), |()| token.cancel());
        let rest: Vec<_> =
            (0..1_000).map(|_| graph.task("rest", first, |()| ran.fetch_add(1, Ordering::Relaxed))).collect();
        let options = RunOptions::new().cancel(&token);
        let error = pool.get_many_with(&mut graph, &rest, &options).unwrap_err();
        assert_eq!(error.to_string(), "running the graph: cancelled after 1 of 1001 tasks");
        assert_eq!(ran.load(Ordering::Relaxed), 0);
        // The values that there are stay, and another run goes on from them.
        assert_eq!(pool.get_many(&mut graph, &rest).unwrap().len(), 1_000);
        assert_eq!(graph.last_run().tasks, 1_000);
    }
}

#[test]
fn a_token_that_is_cancelled_too_late_changes_nothing() {
    for pool in pools() {
        let token = CancelToken::new();
        let mut graph = Graph::new();
        let last = graph.task("last", (), |()| {
            token.cancel();
            is_cancelled()
        });
        assert!(*pool.get_with(&mut graph, last, &RunOptions::new().cancel(&token)).unwrap());
        assert!(!is_cancelled());
    }
}

#[test]
fn keep_going_runs_all_that_does_not_need_what_failed() {
    for pool in pools() {
        let mut graph = Graph::new();
        let start = graph.task("start", (), |()| 1);
        let bad = graph.attempt("bad", start, |_| Err::<i32, _>("broken"));
        let worse = graph.task("worse", start, |_| -> i32 { panic!("oh") });
        let behind = graph.task("behind", (bad, start), |(a, b)| a + b);
        let good: Vec<_> = (0..50)
            .map(|_| {
                graph.task("good", start, |n| {
                    spin(1_000);
                    n + 1
                })
            })
            .collect();
        let sum = graph.task("sum", &good, |good| good.iter().sum::<i32>());
        let options = RunOptions::new().keep_going();
        for _ in 0..2 {
            graph.forget_all();
            let error = pool.get_many_with(&mut graph, (behind, worse, sum), &options).unwrap_err();
            let mut paths: Vec<_> = error.failures().iter().map(|failure| failure.path().join(" ")).collect();
            paths.sort();
            assert_eq!(paths, ["bad behind", "worse"]);
            assert!(error.to_string().ends_with(", and 1 more task failed"), "{error}");
            assert_eq!(graph.peek(sum).unwrap(), Some(&100));
            assert_eq!(graph.peek(behind).unwrap(), None);
        }
        assert!(pool.run_with(&mut graph, &options).is_err());
        assert_eq!(graph.peek(sum).unwrap(), Some(&100));
    }
}

#[test]
fn a_task_over_its_time_fails_and_can_see_it_coming() {
    for pool in pools() {
        let mut graph = Graph::new();
        let slow = graph.task("slow", (), |()| {
            assert!(time_left().unwrap() <= Duration::from_millis(2));
            while !is_cancelled() {
                spin(100);
            }
            1
        });
        graph.time_limit(slow, Duration::from_millis(2)).unwrap();
        let quick = graph.task("quick", (), |()| time_left());
        graph.time_limit(quick, Duration::from_secs(1_000)).unwrap();
        let next = graph.task("next", slow, |n| n + 1);
        assert!(pool.get(&mut graph, quick).unwrap().is_some());
        let error = pool.get(&mut graph, next).unwrap_err();
        assert!(error.to_string().contains("task `slow` failed: it took "), "{error}");
        let RunError::Failed(failures) = error else { panic!("{error}") };
        assert!(matches!(failures[0].cause(), Cause::TimeLimit { limit, took } if took > limit));
        assert_eq!(time_left(), None);
        assert_eq!(graph.peek(slow).unwrap(), None);
    }
}

#[test]
fn progress_tells_every_start_and_end() {
    for pool in pools() {
        let steps = Mutex::new(Vec::new());
        let callback = |progress: &millpond_pool::values::Progress<'_>| {
            assert!(progress.done <= progress.total);
            steps.lock().push((progress.step, progress.name.to_owned(), progress.total));
        };
        let mut graph = Graph::new();
        let a = graph.task("a", (), |()| 1);
        let b = graph.attempt("b", a, |_| Err::<i32, _>("no"));
        let c = graph.task("c", b, |n| n + 1);
        let d = graph.task("d", a, |n| n + 1);
        let options = RunOptions::new().keep_going().progress(&callback);
        assert!(pool.get_many_with(&mut graph, (c, d), &options).is_err());
        let mut steps = steps.into_inner();
        steps.sort_by(|a, b| a.1.cmp(&b.1));
        let expected = [
            (Step::Started, "a"),
            (Step::Finished, "a"),
            (Step::Started, "b"),
            (Step::Failed, "b"),
            (Step::Skipped, "c"),
            (Step::Started, "d"),
            (Step::Finished, "d"),
        ];
        let found: Vec<_> = steps.iter().map(|(step, name, _)| (*step, name.as_str())).collect();
        assert_eq!(found, expected);
        assert!(steps.iter().all(|(_, _, total)| *total == 4));
    }
}

#[test]
fn a_value_that_is_let_go_is_dropped_when_its_last_consumer_has_run() {
    struct Counted<'a>(&'a AtomicUsize);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    static ALIVE: AtomicUsize = AtomicUsize::new(0);
    for pool in [Pool::serial(), workers::pool(1), workers::pool(2)] {
        let mut graph = Graph::new();
        let mut last = graph.value("start", ());
        for _ in 0..20 {
            let large = graph.task("large", last, |()| {
                ALIVE.fetch_add(1, Ordering::SeqCst);
                Counted(&ALIVE)
            });
            graph.let_go(large).unwrap();
            let a = graph.task("a", large, |_| ());
            let b = graph.task("b", (large, large), |_| ());
            last = graph.task("both", (a, b), |_| assert_eq!(ALIVE.load(Ordering::SeqCst), 0));
        }
        pool.get(&mut graph, last).unwrap();
        pool.run(&mut graph).unwrap();
        assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_progress_callback_that_panics_stops_the_run() {
    for pool in pools() {
        let callback = |progress: &millpond_pool::values::Progress<'_>| {
            assert!(progress.name != "b" || progress.step != Step::Started, "no b");
        };
        let mut graph = Graph::new();
        let a = graph.task("a", (), |()| 1);
        let b = graph.task("b", a, |n| n + 1);
        let error = pool.get_with(&mut graph, b, &RunOptions::new().progress(&callback)).unwrap_err();
        assert_eq!(error.to_string(), "running the graph: task `b` failed: panicked: no b");
        assert_eq!(*pool.get(&mut graph, b).unwrap(), 2);
    }
}
