//! Choices and loops.

use std::sync::atomic::{AtomicUsize, Ordering};

use millpond_pool::Pool;
use millpond_pool::values::{Graph, GraphError, RunError};
use parking_lot::Mutex;

use crate::{pools, spin};

#[test]
fn what_is_picked_runs_and_the_rest_does_not() {
    for pool in pools() {
        for picked in 0..3 {
            let log = Mutex::new(Vec::new());
            let mut graph = Graph::new();
            let value = graph.value("value", picked);
            let choice = graph.choice("choice", value, |value| *value);
            let branches: Vec<_> = (0..3)
                .map(|number| {
                    let log = &log;
                    graph.control("branch", move || log.lock().push(number))
                })
                .collect();
            for branch in &branches {
                let log = &log;
                let after = graph.control("after", move || log.lock().push(10));
                graph.before(*branch, after);
            }
            graph.branches(choice, branches.iter().map(|branch| branch.id())).unwrap();
            pool.run_n(&mut graph, 2).unwrap();
            drop(graph);
            assert_eq!(log.into_inner(), [picked, 10, picked, 10]);
        }
    }
}

#[test]
fn a_picked_task_waits_for_its_inputs_too() {
    for pool in pools() {
        let mut graph = Graph::new();
        let choice = graph.choice("choice", (), |()| 0);
        let slow = graph.task("slow", (), |()| {
            spin(100_000);
            5
        });
        let picked = graph.task("picked", slow, |n| n + 1);
        graph.branches(choice, [picked.id()]).unwrap();
        assert_eq!(*pool.get(&mut graph, picked).unwrap(), 6);
    }
}

#[test]
fn a_target_behind_another_branch_is_not_reached() {
    for pool in pools() {
        let ran = AtomicUsize::new(0);
        let mut graph = Graph::new();
        let choice = graph.choice("choice", (), |()| 1);
        let left = graph.task("left", (), |()| ran.fetch_add(1, Ordering::Relaxed));
        let right = graph.task("right", (), |()| ran.fetch_add(1, Ordering::Relaxed));
        let target = graph.task("target", left, |n| n + 1);
        graph.branches(choice, [left.id(), right.id()]).unwrap();
        let error = pool.get(&mut graph, target).unwrap_err();
        assert!(matches!(error, RunError::NotReached { .. }));
        assert_eq!(error.to_string(), "getting `target`: a choice took another way, so it has no value");
        assert_eq!(*pool.get(&mut graph, right).unwrap(), 0);
        drop(graph);
        assert_eq!(ran.into_inner(), 1);
    }
}

#[test]
fn a_choice_is_made_anew_for_what_hangs_on_it() {
    for pool in pools() {
        let mut graph = Graph::new();
        let way = graph.input::<usize>("way");
        let choice = graph.choice("choice", way, |way| *way);
        let left = graph.task("left", (), |()| "left");
        let right = graph.task("right", (), |()| "right");
        graph.branches(choice, [left.id(), right.id()]).unwrap();
        graph.set(way, 0).unwrap();
        assert_eq!(*pool.get(&mut graph, left).unwrap(), "left");
        graph.set(way, 1).unwrap();
        assert_eq!(*pool.get(&mut graph, right).unwrap(), "right");
        assert!(pool.get(&mut graph, left).is_err());
    }
}

#[test]
fn a_loop_goes_round_until_its_choice_leaves_it() {
    for pool in pools() {
        let mut n = 0;
        let mut graph = Graph::new();
        let step = graph.value("step", 3);
        let add = graph.task("add", step, move |step| {
            n += step;
            n
        });
        let twice = graph.task("twice", add, |n| n * 2);
        let again = graph.choice("again", (add, twice), |(n, twice)| {
            assert_eq!(*twice, n * 2);
            usize::from(*twice >= 60)
        });
        let done = graph.task("done", (twice, step), |(twice, step)| twice + step);
        graph.branches(again, [add.id(), done.id()]).unwrap();
        assert_eq!(*pool.get(&mut graph, done).unwrap(), 63);
        assert_eq!(graph.peek(add).unwrap(), Some(&30));
    }
}

#[test]
fn a_loop_whose_first_task_was_added_last_goes_round_too() {
    for pool in pools() {
        let rounds = AtomicUsize::new(0);
        let mut graph = Graph::new();
        let again = graph.choice("again", (), |()| usize::from(rounds.load(Ordering::Relaxed) == 7));
        let done = graph.control("done", || ());
        let body = graph.control("body", || _ = rounds.fetch_add(1, Ordering::Relaxed));
        let start = graph.control("start", || ());
        graph.before(start, body);
        graph.before(body, again);
        graph.branches(again, [body.id(), done.id()]).unwrap();
        pool.run(&mut graph).unwrap();
        assert!(graph.peek(done).unwrap().is_some());
        drop(graph);
        assert_eq!(rounds.into_inner(), 7);
    }
}

#[test]
fn loops_nest() {
    for pool in pools() {
        let log = Mutex::new(Vec::new());
        let (mut outer_n, mut inner_n) = (0, 0);
        let mut graph = Graph::new();
        let outer = graph.task("outer", (), move |()| {
            outer_n += 1;
            outer_n
        });
        let inner = graph.task("inner", outer, |outer| {
            inner_n += 1;
            log.lock().push((*outer, inner_n));
            inner_n
        });
        let inner_again = graph.choice("inner again", inner, |n| usize::from(n % 3 == 0));
        let outer_again = graph.choice("outer again", outer, |n| usize::from(*n == 2));
        let done = graph.task("done", inner, |n| *n);
        graph.branches(inner_again, [inner.id(), outer_again.id()]).unwrap();
        graph.branches(outer_again, [outer.id(), done.id()]).unwrap();
        assert_eq!(*pool.get(&mut graph, done).unwrap(), 6);
        drop(graph);
        assert_eq!(log.into_inner(), [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (2, 6)]);
    }
}

#[test]
fn what_hangs_beside_a_loop_sees_every_round() {
    for pool in pools() {
        let seen = Mutex::new(Vec::new());
        let mut n = 0;
        let mut graph = Graph::new();
        let other = graph.value("other", 100);
        let count = graph.task("count", (), move |()| {
            n += 1;
            n
        });
        graph.task("beside", (count, other), |(n, other)| {
            spin(20_000);
            seen.lock().push(n + other);
        });
        let again = graph.choice("again", count, |n| usize::from(*n >= 4));
        let end = graph.control("end", || ());
        graph.branches(again, [count.id(), end.id()]).unwrap();
        pool.run(&mut graph).unwrap();
        drop(graph);
        assert_eq!(seen.into_inner(), [101, 102, 103, 104]);
    }
}

#[test]
fn many_rounds_need_no_stack() {
    let mut n = 0;
    let mut graph = Graph::new();
    let count = graph.task("count", (), move |()| {
        n += 1;
        n
    });
    let again = graph.choice("again", count, |n| usize::from(*n >= 50_000));
    let end = graph.task("end", count, |n| *n);
    graph.branches(again, [count.id(), end.id()]).unwrap();
    assert_eq!(*Pool::serial().get(&mut graph, end).unwrap(), 50_000);
}

#[test]
fn a_branch_that_is_not_there_is_a_failure() {
    for pool in pools() {
        let mut graph = Graph::new();
        let choice = graph.choice("choice", (), |()| 2);
        let a = graph.control("a", || ());
        graph.branches(choice, [a.id(), a.id()]).unwrap();
        assert_eq!(
            pool.run(&mut graph).unwrap_err().to_string(),
            "running the graph: task `choice` failed: it picked branch `2` and has 2, counted from 0"
        );
    }
}

#[test]
fn a_cycle_that_no_choice_closes_is_refused() {
    let mut graph = Graph::new();
    let start = graph.control("start", || ());
    let choice = graph.choice("choice", (), |()| 0);
    let body = graph.control("body", || ());
    graph.before(start, choice);
    graph.before(body, choice);
    graph.branches(choice, [body.id()]).unwrap();
    let error = graph.check().unwrap_err();
    assert_eq!(error, GraphError::Cycle { names: vec!["choice".to_owned(), "body".to_owned()] });
}

#[test]
fn branches_of_a_task_that_makes_no_choice_are_refused() {
    let mut graph = Graph::new();
    let number = graph.task("number", (), |()| 0_usize);
    assert_eq!(
        graph.branches(number, [number.id()]).unwrap_err().to_string(),
        "giving branches to `number`, which makes no choice: add it with `choice`"
    );
}
