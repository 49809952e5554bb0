//! A graph that is being run by the careful loop: the run's own one, or one that a task put into it.

use millpond_sync::shim::Mutex;
use millpond_sync::shim::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::branching::Branching;
use super::cells::{BodyRef, Slot};
use super::graph::Graph;
use super::plan::Plan;

/// What the loop notes of a graph while it runs.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// How many tasks are ready, waiting for a limit, or running. Who brings it to 0 is alone with the graph.
    pub(super) outstanding: AtomicUsize,
    /// Whether a task of it failed.
    pub(super) has_failed: AtomicBool,
    /// Which tasks need something that failed; empty unless the run goes on after failures.
    spoiled: Vec<AtomicBool>,
    /// Which tasks have run, and which were picked, in this round; empty unless there are choices.
    has_run: Vec<AtomicBool>,
    is_picked: Vec<AtomicBool>,
    /// Loops that were closed and not begun anew.
    rounds: Mutex<Vec<u32>>,
    /// For each task whose value is let go, by its number in ascending order: how many consumers have not run.
    consumers: Vec<(u32, AtomicUsize)>,
}

fn flags(count: usize) -> Vec<AtomicBool> {
    std::iter::repeat_with(|| AtomicBool::new(false)).take(count).collect()
}

fn flag(flags: &[AtomicBool], task: u32, set: Option<bool>) -> bool {
    let Some(flag) = flags.get(task as usize) else { return false };
    match set {
        Some(value) => {
            // Published by whatever makes the next task ready.
            flag.store(value, Ordering::Relaxed);
            value
        }
        None => flag.load(Ordering::Relaxed),
    }
}

impl Notes {
    pub(super) fn new(graph: &Graph<'_>, plan: &Plan<'_>, is_going_on: bool) -> Self {
        let with_choices = if plan.branching.is_some() { plan.len() } else { 0 };
        let has_loops = plan.branching.as_ref().is_some_and(|branching| branching.has_loops());
        let let_go = graph.extras.iter().filter(|(_, extras)| extras.is_let_go).map(|(task, _)| *task);
        let mut consumers: Vec<_> = let_go
            .filter_map(|task| graph.local_of(plan, task))
            .filter(|local| (*local as usize) >= plan.targets)
            // In a loop a value has consumers again and again: then it is kept until the end.
            .map(|local| (local, AtomicUsize::new(if has_loops { usize::MAX } else { plan.degree(local) })))
            .collect();
        consumers.sort_unstable_by_key(|(local, _)| *local);
        Self {
            outstanding: AtomicUsize::new(plan.sources.len()),
            spoiled: flags(if is_going_on { plan.len() } else { 0 }),
            has_run: flags(with_choices),
            is_picked: flags(with_choices),
            consumers,
            ..Self::default()
        }
    }

    pub(super) fn spoiled(&self, task: u32, set: Option<bool>) -> bool {
        flag(&self.spoiled, task, set)
    }

    pub(super) fn has_run(&self, task: u32, set: Option<bool>) -> bool {
        flag(&self.has_run, task, set)
    }

    pub(super) fn is_picked(&self, task: u32, set: Option<bool>) -> bool {
        flag(&self.is_picked, task, set)
    }

    pub(super) fn close_loop(&self, number: u32) {
        self.rounds.lock().push(number);
    }

    /// Begins the next round, if a loop was closed. Contract: `outstanding` is 0 and this worker brought it there.
    pub(super) fn next_round(&self, plan: &Plan<'_>, branching: &Branching) -> Option<u32> {
        let number = self.rounds.lock().pop()?;
        Some(
            branching.begin_round(number, plan, &|task, set| self.has_run(task, set), &|task, set| {
                self.is_picked(task, set)
            }),
        )
    }

    /// Counts one consumer of `task`; true when it was the last of a value that is let go.
    pub(super) fn consumed(&self, task: u32) -> bool {
        match self.consumers.binary_search_by_key(&task, |(local, _)| *local) {
            Ok(place) => self.consumers[place].1.fetch_sub(1, Ordering::AcqRel) == 1,
            Err(_) => false,
        }
    }

    pub(super) fn lets_go(&self) -> bool {
        !self.consumers.is_empty()
    }

    /// The tasks whose values are let go.
    pub(super) fn let_go(&self) -> impl Iterator<Item = u32> + '_ {
        self.consumers.iter().map(|(local, _)| *local)
    }
}

/// A graph inside the run.
pub(super) struct Frame<'env> {
    pub(super) graph: Slot<Graph<'env>>,
    pub(super) notes: Notes,
    /// The task that put it there: its frame and its number.
    pub(super) parent: (u32, u32),
    /// Whether that task waits for it.
    pub(super) is_joined: bool,
}

/// A graph, its plan, and what is noted of it.
#[derive(Clone, Copy)]
pub(super) struct View<'a, 'env> {
    pub(super) graph: &'a Graph<'env>,
    pub(super) plan: &'a Plan<'env>,
    pub(super) bodies: &'a [BodyRef<'env>],
    pub(super) notes: &'a Notes,
}

impl<'env> Frame<'env> {
    /// Contract: somebody holds a task of this frame, so that its graph is not taken away.
    pub(super) fn view(&self) -> Option<View<'_, 'env>> {
        let graph = self.graph.get()?;
        Some(View { graph, plan: &graph.whole, bodies: graph.bodies.list(), notes: &self.notes })
    }
}
