//! Graphs of values without a pool: the caller alone, and on workers that a user wrote.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use millpond_values::{CancelToken, Graph, RunError, RunOptions, Runner, Task, Threads, get_many_with, run_with};
use millpond_workers::{Help, RayonWorkers, Workers};

/// Workers that start a thread for each helper.
#[derive(Debug, Default)]
struct Started(AtomicUsize);

impl Workers for Started {
    fn lend(&self, count: usize, job: Arc<dyn Help>) {
        for _ in 0..count {
            let job = Arc::clone(&job);
            self.0.fetch_add(1, Ordering::Relaxed);
            thread::spawn(move || job.help());
        }
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(body);
    }

    fn threads(&self) -> usize {
        usize::MAX
    }
}

/// A wide graph: the sum of so many numbers, of which each takes some hundred microseconds.
fn wide(graph: &mut Graph<'static>, width: u64) -> Task<u64> {
    let parts: Vec<_> = (0..width)
        .map(|number| {
            graph.task("part", (), move |()| {
                (0..50_000_u64).fold(0, |sum, step| std::hint::black_box(sum + step));
                number
            })
        })
        .collect();
    graph.task("sum", &parts[..], |parts| parts.iter().sum::<u64>())
}

#[test]
fn every_runner_gives_the_same_values() {
    let runners =
        [Runner::alone(), Runner::new(2, Arc::new(RayonWorkers::new(2))), Runner::new(4, Arc::new(Started::default()))];
    for runner in runners {
        let mut graph = Graph::new();
        let sum = wide(&mut graph, 200);
        assert_eq!(*runner.get(&mut graph, sum).unwrap(), 199 * 200 / 2, "{runner:?}");
        assert_eq!(graph.last_run().tasks, 201);
        assert_eq!(*runner.get(&mut graph, sum).unwrap(), 199 * 200 / 2);
        assert_eq!(graph.last_run().tasks, 201, "what is remembered is not run again");
        runner.run(&mut graph).unwrap();
        assert_eq!(*graph.peek(sum).unwrap().unwrap(), 199 * 200 / 2);
    }
}

#[test]
fn a_caller_that_is_alone_asks_nobody() {
    let mut graph = Graph::new();
    let sum = wide(&mut graph, 100);
    Runner::alone().get(&mut graph, sum).unwrap();
    assert_eq!((graph.last_run().helpers_asked, graph.last_run().is_shared), (0, false));
}

/// Says who it was asked for, as a pool does whose size may change.
struct Asked(AtomicUsize);

impl Threads for Asked {
    fn size(&self) -> usize {
        1
    }

    fn workers(&self) -> Option<Arc<dyn Workers>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[test]
fn a_run_asks_for_threads_once_and_only_if_it_has_something_to_do() {
    let asked = Asked(AtomicUsize::new(0));
    let mut graph = Graph::new();
    let sum = wide(&mut graph, 3);
    let options = RunOptions::new();
    for _ in 0..3 {
        assert_eq!(*get_many_with(&asked, &mut graph, sum, &options).unwrap(), 3);
    }
    assert_eq!(asked.0.load(Ordering::Relaxed), 1);
    run_with(&asked, &mut graph, &options).unwrap();
    assert_eq!(asked.0.load(Ordering::Relaxed), 2);
}

#[test]
fn a_run_that_is_cancelled_says_so() {
    let token = CancelToken::new();
    let mut graph = Graph::new();
    let own = token.clone();
    let first = graph.task("first", (), move |()| own.cancel());
    let second = graph.task("second", first, |()| ());
    let result = Runner::alone().get_with(&mut graph, second, &RunOptions::new().cancel(&token));
    assert!(matches!(result, Err(RunError::Cancelled { .. })), "{result:?}");
}
