//! Group `values`: graphs of tasks that give one value each, run again and again, built and run
//! once, and asked for a target.
//!
//! Rivals: oneTBB's flow graph (a C++ program, built here when oneTBB is installed), dagrs, a
//! hand-written scheduler on rayon's scope, and our own serial mode. Two workers on each side.
//! Empty bodies unless the name tells their length.
#![forbid(unsafe_code)]

mod flows;
mod onetbb;
mod rayon_scope;
mod shape;

use std::path::PathBuf;
use std::time::Instant;

use millpond::Pool;
use millpond::values::{Graph, Task};
use millpond_benches::harness::{Case, Group, Measured, Unit, median};
use millpond_benches::heap::Heap;
use rayon::ThreadPool;
use tokio::runtime::Runtime;

use self::flows::Dagrs;
use self::onetbb::Flow;
use self::rayon_scope::Scoped;
use self::shape::{Shape, run, spin};

const THREADS: usize = 2;

#[global_allocator]
static HEAP: Heap = Heap::new();

/// What the sides run on.
struct Stage {
    pool: Pool,
    serial: Pool,
    rayon: ThreadPool,
    runtime: Runtime,
    onetbb: Option<PathBuf>,
    /// Rounds of [`spin`] in a microsecond.
    rounds_per_microsecond: f64,
}

fn main() {
    let mut group = Group::new("values");
    let stage = Stage {
        pool: Pool::new(THREADS),
        serial: Pool::serial(),
        rayon: rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().expect("two threads can be started"),
        runtime: tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .build()
            .expect("two threads can be started"),
        onetbb: onetbb::build(),
        rounds_per_microsecond: calibrate(),
    };
    for (case, shape, tasks) in [
        ("chain-256", "chain", 256),
        ("chain-1m", "chain", 1 << 20),
        ("tree-255", "tree", 255),
        ("tree-1m", "tree", (1 << 20) - 1),
        ("wave-256", "wave", 256),
        ("wave-1m", "wave", 1 << 20),
        ("level-256", "level", 256),
        ("level-16k", "level", 1 << 14),
        ("empty-16", "none", 16),
    ] {
        stage.again(&mut group, case, &Shape::new(shape, tasks), 0.0);
    }
    for (case, shape, tasks, microseconds) in [
        ("tree-150ns", "tree", (1 << 16) - 1, 0.15),
        ("wave-150ns", "wave", 1 << 16, 0.15),
        ("tree-500ns", "tree", (1 << 14) - 1, 0.5),
        ("wave-500ns", "wave", 1 << 14, 0.5),
        ("tree-1us", "tree", (1 << 14) - 1, 1.0),
        ("wave-1us", "wave", 1 << 14, 1.0),
        ("wave-256-1us", "wave", 256, 1.0),
        ("16-of-20us", "none", 16, 20.0),
    ] {
        stage.again(&mut group, case, &Shape::new(shape, tasks), microseconds);
    }
    for (case, shape, tasks) in [
        ("typed-chain-1m", "chain", 1 << 20),
        ("typed-tree-1m", "tree", (1 << 20) - 1),
        ("typed-wave-1m", "wave", 1 << 20),
        ("typed-wave-256", "wave", 256),
    ] {
        stage.typed(&mut group, case, &Shape::new(shape, tasks));
    }
    for (case, shape) in [("build-1m", "chain"), ("build-tree-1m", "tree"), ("build-wave-1m", "wave")] {
        stage.build(&mut group, case, &Shape::new(shape, 1 << 20));
    }
    stage.bytes(&mut group);
    stage.get(&mut group);
    group.finish();
}

/// Measures how many rounds of `spin` take a microsecond.
fn calibrate() -> f64 {
    const ROUNDS: u64 = 1_000_000;
    let times: Vec<_> = (0..21)
        .map(|_| {
            let begin = Instant::now();
            spin(ROUNDS);
            begin.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    ROUNDS as f64 / median(&times)
}

impl Stage {
    /// Runs a built graph again and again.
    fn again(&self, group: &mut Group, case: &str, shape: &Shape, microseconds: f64) {
        if !group.selects(case) {
            return;
        }
        let rounds = (microseconds * self.rounds_per_microsecond) as u64;
        let repeats = (2e6 / (shape.tasks as f64 * (1.0 + 100.0 * microseconds))).clamp(1.0, 5_000.0) as usize;
        let total = (repeats * shape.tasks) as u64;
        let (mut ours, mut alone) = (shape.control(rounds), shape.control(rounds));
        let mut scoped = Scoped::new(&self.rayon, shape, rounds);
        let scoped_tasks = scoped.count();
        let mut flow = self
            .onetbb
            .as_deref()
            .map(|program| Flow::start(program, shape, (microseconds * 1e3) as u64, repeats, THREADS));
        let mut sides = Case::new(case, Unit::nanoseconds_per("task", total))
            .ours(|| run(&self.pool, &mut ours, repeats))
            .rival("serial", || run(&self.serial, &mut alone, repeats))
            .rival("rayon-scope", || {
                (0..repeats).for_each(|_| scoped.run());
                scoped_tasks * repeats as u64
            });
        if let Some(flow) = &mut flow {
            sides = sides
                .rival_measured("onetbb", || Measured { value: flow.ask("run"), result: flow.tasks * repeats as u64 });
        }
        let dagrs = Dagrs { runtime: &self.runtime, shape, rounds };
        // Larger graphs would take gigabytes.
        if shape.tasks <= 1 << 14 {
            sides = sides.rival_measured("dagrs", || {
                let Measured { value, result } = dagrs.time(false);
                Measured { value, result: result * repeats as u64 }
            });
        }
        sides.run(group);
    }

    /// Values that pass along the edges, beside the same graph without values.
    fn typed(&self, group: &mut Group, case: &str, shape: &Shape) {
        if !group.selects(case) {
            return;
        }
        let repeats = (1 << 20) / shape.tasks;
        let (mut ours, mut control) = (shape.typed(), shape.control(0));
        Case::new(case, Unit::nanoseconds_per("task", (repeats * shape.tasks) as u64))
            .ours(|| run(&self.pool, &mut ours, repeats))
            .rival("control-only", || run(&self.pool, &mut control, repeats))
            .run(group);
    }

    /// Builds, runs once and drops.
    fn build(&self, group: &mut Group, case: &str, shape: &Shape) {
        if !group.selects(case) {
            return;
        }
        let mut flow = self.onetbb.as_deref().map(|program| Flow::start(program, shape, 0, 1, THREADS));
        let mut sides = Case::new(case, Unit::nanoseconds_per("task", shape.tasks as u64))
            .ours(|| run(&self.pool, &mut shape.control(0), 1))
            .rival("serial", || run(&self.serial, &mut shape.control(0), 1));
        if let Some(flow) = &mut flow {
            sides = sides.rival_measured("onetbb", || Measured { value: flow.ask("build"), result: flow.tasks });
        }
        sides.run(group);
    }

    /// What a built graph has on the heap, beside the resident memory of the rival; and what a run
    /// of it allocates.
    fn bytes(&self, group: &mut Group) {
        let shape = Shape::new("chain", 1 << 20);
        let per_task = |bytes: f64| Measured { value: bytes / shape.tasks as f64, result: () };
        let case = "bytes-per-task-1m";
        if group.selects(case) {
            let mut flow = self.onetbb.as_deref().map(|program| Flow::start(program, &shape, 0, 1, 1));
            let mut sides = Case::new(case, Unit::cost("bytes")).ours_measured(|| {
                let (bytes, _graph) = HEAP.left_by(|| {
                    let mut graph = shape.control(0);
                    self.serial.run(&mut graph).expect("the tasks do not fail");
                    graph
                });
                per_task(bytes)
            });
            if let Some(flow) = &mut flow {
                sides = sides.rival_measured("onetbb", || Measured { value: flow.ask("bytes"), result: () });
            }
            sides.run(group);
        }
        let case = "allocated-per-run-1m";
        if group.selects(case) {
            let mut graph = shape.control(0);
            self.pool.run(&mut graph).expect("the tasks do not fail");
            Case::new(case, Unit::cost("bytes"))
                .ours_measured(|| {
                    let (value, ()) = HEAP.peak_of(|| self.pool.run(&mut graph).expect("the tasks do not fail"));
                    Measured { value, result: () }
                })
                .run(group);
        }
    }

    /// One target of a graph of a million tasks, of which it needs ten.
    fn get(&self, group: &mut Group) {
        let case = "get-10-of-1m";
        if !group.selects(case) {
            return;
        }
        const GETS: usize = 20;
        let (mut ours, targets) = lines();
        let (mut alone, same) = lines();
        let (mut next, mut next_alone) = (targets.into_iter(), same.into_iter());
        Case::new(case, Unit::microseconds_per("get", GETS as u64))
            .ours(|| get_some(&self.pool, &mut ours, next.by_ref().take(GETS)))
            .rival("serial", || get_some(&self.serial, &mut alone, next_alone.by_ref().take(GETS)))
            .run(group);
    }
}

/// A thousand lines of a thousand tasks, and the tenth of each.
fn lines() -> (Graph<'static>, Vec<Task<u64>>) {
    let mut graph = Graph::new();
    let mut targets = Vec::new();
    for _ in 0..1_000 {
        let mut last = graph.task("first", (), |()| 1_u64);
        for place in 2..=1_000 {
            last = graph.task("next", last, |before| before + 1);
            if place == 10 {
                targets.push(last);
            }
        }
    }
    (graph, targets)
}

fn get_some(pool: &Pool, graph: &mut Graph<'static>, targets: impl Iterator<Item = Task<u64>>) -> u64 {
    targets.map(|target| *pool.get(graph, target).expect("the tasks do not fail")).sum()
}
