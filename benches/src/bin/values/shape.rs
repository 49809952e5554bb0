//! The shapes of the cases: those of Taskflow's own micro-benchmarks.

use std::hint::black_box;

use millpond::Pool;
use millpond::values::{Graph, Task};

/// Tasks and edges; each edge leads to a later task, and edges are sorted by where they lead.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) tasks: usize,
    pub(crate) edges: Vec<(u32, u32)>,
}

impl Shape {
    pub(crate) fn new(name: &'static str, tasks: usize) -> Self {
        let edges = match name {
            "chain" => (1..tasks as u32).map(|task| (task - 1, task)).collect(),
            "tree" => (1..tasks as u32).map(|task| ((task - 1) / 2, task)).collect(),
            "wave" => wave(side(tasks)),
            "level" => level(side(tasks)),
            "none" => Vec::new(),
            _ => panic!("making the shape `{name}`: it is chain, tree, wave, level or none"),
        };
        Self { name, tasks, edges }
    }

    /// The graph with control-only tasks, each of which spins for `rounds`.
    pub(crate) fn control(&self, rounds: u64) -> Graph<'static> {
        let mut graph = Graph::new();
        let mut tasks: Vec<Task<()>> = Vec::with_capacity(self.tasks);
        let mut edges = self.edges.iter().peekable();
        for number in 0..self.tasks as u32 {
            // The number is captured so that the closure has a size, as closures do.
            tasks.push(match rounds {
                0 => graph.control("", move || _ = black_box(number)),
                _ => graph.control("", move || {
                    spin(rounds);
                    black_box(number);
                }),
            });
            while let Some((from, _)) = edges.next_if(|(_, to)| *to == number) {
                graph.before(tasks[*from as usize], tasks[number as usize]);
            }
        }
        graph
    }

    /// The graph with a value per task, passed along the edges.
    pub(crate) fn typed(&self) -> Graph<'static> {
        let mut graph = Graph::new();
        let mut tasks: Vec<Task<u64>> = Vec::with_capacity(self.tasks);
        let mut edges = self.edges.iter().peekable();
        let mut inputs = Vec::new();
        for number in 0..self.tasks as u32 {
            inputs.clear();
            while let Some((from, _)) = edges.next_if(|(_, to)| *to == number) {
                inputs.push(tasks[*from as usize]);
            }
            tasks.push(match *inputs.as_slice() {
                [] => graph.task("", (), |()| 1),
                [a] => graph.task("", a, |a| a.wrapping_add(1)),
                [a, b] => graph.task("", (a, b), |(a, b)| a.wrapping_add(*b)),
                _ => graph.task("", &inputs, |all| all.iter().fold(0_u64, |sum, one| sum.wrapping_add(*one))),
            });
        }
        graph
    }
}

fn side(tasks: usize) -> u32 {
    tasks.isqrt() as u32
}

fn wave(side: u32) -> Vec<(u32, u32)> {
    let mut edges = Vec::new();
    for task in 0..side * side {
        if task >= side {
            edges.push((task - side, task));
        }
        if task % side > 0 {
            edges.push((task - 1, task));
        }
    }
    edges
}

/// Levels of `side` tasks; each takes four of the level before it, drawn by the same numbers as in
/// the C++ program.
fn level(side: u32) -> Vec<(u32, u32)> {
    let mut edges = Vec::new();
    let mut state = 12345_u64;
    for task in side..side * side {
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let from = ((state >> 33) % u64::from(side)) as u32;
            edges.push(((task / side - 1) * side + from, task));
        }
    }
    edges
}

/// A chain of dependent multiplications; never inlined, so that it takes the same time wherever it
/// is called.
#[inline(never)]
pub(crate) fn spin(rounds: u64) {
    let mut state = 1_u64;
    for round in 0..rounds {
        state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round));
    }
}

/// How many tasks `repeats` runs ran.
pub(crate) fn run(pool: &Pool, graph: &mut Graph<'static>, repeats: usize) -> u64 {
    (0..repeats)
        .map(|_| {
            pool.run(graph).expect("the tasks do not fail");
            graph.last_run().tasks
        })
        .sum()
}
