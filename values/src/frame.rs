//! A graph that is being run by the careful loop: the run's own one, or one that a task put into
//! it.

use std::sync::Arc;

use millpond_sync::shim::Mutex;
use millpond_sync::shim::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::branching::Branching;
use super::cells::Slot;
use super::graph::Graph;
use super::plan::Plan;
use super::records::BodyRef;

/// What the loop notes of a graph while it runs.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// How many tasks are ready, waiting for a limit, or running. Who brings it to 0 is alone with
    /// the graph.
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
    /// For each task whose value is let go, by its number in ascending order: how many consumers
    /// have not run.
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
        let let_go = graph.attributes.iter().filter(|(_, attributes)| attributes.is_let_go).map(|(task, _)| *task);
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

    /// Begins the next round, if a loop was closed. Contract: `outstanding` is 0 and this worker
    /// brought it there.
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
    pub(super) holder: Holder,
    /// In how many others it lies.
    pub(super) depth: u32,
}

/// The task that put a graph into the run.
pub(super) enum Holder {
    /// It waits for the graph, so its own frame stays: that frame and the task's number.
    Joined(u32, u32),
    /// It went on, and its own frame may be gone: the task of the run's plan around both, and the
    /// names from the task that put the graph there outwards, without that one.
    Detached(u32, Vec<String>),
}

/// The graphs inside a run, by their numbers, from 1 on; 0 is the run's own graph. Numbers are used
/// again.
#[derive(Default)]
pub(super) struct Frames<'env> {
    list: Vec<Option<Arc<Frame<'env>>>>,
    free: Vec<u32>,
}

impl<'env> Frames<'env> {
    pub(super) fn add(&mut self, frame: Arc<Frame<'env>>) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.list.push(None);
            u32::try_from(self.list.len()).expect("a run holds fewer than 2^32 graphs at a time")
        });
        self.list[number as usize - 1] = Some(frame);
        number
    }

    pub(super) fn get(&self, number: u32) -> Option<Arc<Frame<'env>>> {
        self.list[number as usize - 1].clone()
    }

    /// Takes a frame out that nothing names any more.
    pub(super) fn remove(&mut self, number: u32) {
        self.list[number as usize - 1] = None;
        self.free.push(number);
    }

    /// All that there are, each before those that it lies in.
    pub(super) fn inner_first(&self) -> Vec<Arc<Frame<'env>>> {
        let mut all: Vec<_> = self.list.iter().flatten().cloned().collect();
        all.sort_by_key(|frame| std::cmp::Reverse(frame.depth));
        all
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Frame, Frames, Graph, Holder, Notes, Slot};

    fn frame(depth: u32) -> Arc<Frame<'static>> {
        let graph = Slot::new(Some(Graph::new()));
        Arc::new(Frame { graph, notes: Notes::default(), holder: Holder::Joined(depth - 1, 0), depth })
    }

    #[test]
    fn a_loop_with_a_subflow_needs_one_number_however_many_rounds_it_has() {
        let mut frames = Frames::default();
        for _ in 0..10_000 {
            let number = frames.add(frame(1));
            assert_eq!(number, 1);
            frames.remove(number);
        }
        assert_eq!(frames.list.len(), 1);
    }

    #[test]
    fn inner_graphs_come_first_whatever_their_numbers() {
        let mut frames = Frames::default();
        let first = frames.add(frame(1));
        frames.add(frame(2));
        frames.remove(first);
        assert_eq!(frames.add(frame(3)), first);
        let depths: Vec<_> = frames.inner_first().iter().map(|frame| frame.depth).collect();
        assert_eq!(depths, [3, 2]);
    }
}
