//! On which processors helpers may run.

use std::collections::HashSet;
use std::process::Command;
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use millpond_pool::Pool;
use millpond_pool::values::Graph;
use millpond_pool::workers::{RayonWorkers, Workers as _};

use crate::workers;

/// A pool of two on threads of the system's.
fn pool() -> Pool {
    if workers::is_simulation() { Pool::rayon(2) } else { workers::pool(2) }
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Takes so long that a helper is worth waking for what comes after it.
fn dwell() {
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(1) {
        std::hint::spin_loop();
    }
}

watched_tests! {
    fn a_function_on_a_helper_and_what_it_starts_find_all_processors() {
        let all = processors();
        let meeting = Arc::new((Barrier::new(2), Mutex::new(Vec::new())));
        let shared = Arc::clone(&meeting);
        let pool = pool();
        let mut reader = pool
            .source(0..60_usize)
            .map(move |n| {
                if n % 3 == 0 {
                    dwell();
                    return [processors(); 2];
                }
                // The reader and a helper meet here.
                shared.1.lock().unwrap().push(thread::current().id());
                shared.0.wait();
                let started = Command::new("nproc").output().unwrap().stdout;
                [processors(), String::from_utf8(started).unwrap().trim().parse().unwrap()]
            })
            .max_chunksize(1);
        for _ in 0..20 {
            // A helper is lent anew: the last one went home during the pause.
            assert_eq!(reader.read(3).unwrap(), [[all; 2]; 3]);
            thread::sleep(Duration::from_micros(500));
        }
        let threads: HashSet<ThreadId> = meeting.1.lock().unwrap().drain(..).collect();
        assert!(threads.len() > 1, "helpers took part");
        assert_eq!(processors(), all, "the reader may run where it could");
    }

    fn a_task_of_values_and_a_loop_find_all_processors() {
        let all = processors();
        let pool = pool();
        let barrier = Arc::new(Barrier::new(2));
        let mut graph = Graph::new();
        let first = graph.task("first", (), |()| dwell());
        let [left, right] = ["left", "right"].map(|name| {
            let barrier = Arc::clone(&barrier);
            graph.task(name, first, move |()| {
                barrier.wait();
                processors()
            })
        });
        let both = graph.task("both", (left, right), |(left, right)| (*left, *right));
        for _ in 0..20 {
            graph.forget_all();
            assert_eq!(*pool.get(&mut graph, both).unwrap(), (all, all));
            let loops = Barrier::new(2);
            pool.apply(0..2, |_| {
                loops.wait();
                assert_eq!(processors(), all);
            });
            thread::sleep(Duration::from_micros(500));
        }
    }

    fn a_pool_that_a_function_on_a_helper_makes_has_all_processors() {
        let size = Pool::default().size();
        let outer = pool();
        let barrier = Arc::new(Barrier::new(2));
        let mut reader = outer
            .source(0..60_usize)
            .map(move |n| {
                if n % 3 == 0 {
                    dwell();
                } else {
                    barrier.wait();
                }
                let inner = Pool::default();
                let threads = RayonWorkers::new(1);
                (inner.size(), threads.threads())
            })
            .max_chunksize(1);
        for _ in 0..20 {
            assert_eq!(reader.read(3).unwrap(), [(size, 1); 3]);
            thread::sleep(Duration::from_micros(500));
        }
    }
}
