//! The graph of a pool's tasks, as its users see it.
//!
//! Kept beside the lanes, which know their inputs themselves: reading never looks here.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Weak};

use millpond_graph::{Dag, NodeId};

use crate::lane::{AnyLane, TaskCounters, TaskEntry};

/// The name of a task within its pool; not used again when the task is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(NodeId);

impl From<NodeId> for TaskId {
    fn from(id: NodeId) -> Self {
        Self(id)
    }
}

impl TaskId {
    /// 1 for the first task of its pool, then 2, and so on.
    pub(crate) fn number(self) -> u64 {
        self.0.number()
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A task as the graph knows it.
pub(crate) struct TaskNode<'env> {
    pub(crate) name: Arc<str>,
    pub(crate) location: &'static Location<'static>,
    pub(crate) counters: Arc<TaskCounters>,
    /// The lane that the task is in, once it has one.
    lane: Option<Weak<dyn AnyLane<'env> + 'env>>,
    /// Whether it was removed before it had one.
    is_removed: bool,
}

/// See the [module documentation](self).
pub(crate) struct Registry<'env>(Dag<TaskNode<'env>>);

impl Default for Registry<'_> {
    fn default() -> Self {
        Self(Dag::new())
    }
}

impl<'env> Registry<'env> {
    pub(crate) fn dag(&self) -> &Dag<TaskNode<'env>> {
        &self.0
    }

    /// Adds a task that reads from `inputs`.
    pub(crate) fn add(&mut self, name: Arc<str>, location: &'static Location<'static>, inputs: &[TaskId]) -> TaskEntry {
        let counters = Arc::<TaskCounters>::default();
        let node = TaskNode {
            name: Arc::clone(&name),
            location,
            counters: Arc::clone(&counters),
            lane: None,
            is_removed: false,
        };
        let id = self.0.add_node(node);
        for input in inputs {
            // A new task closes no cycle, and an input that is gone meanwhile has no edge to show.
            let _ = self.0.add_edge(input.0, id);
        }
        TaskEntry { id: TaskId(id), name, location, stats: counters }
    }

    pub(crate) fn rename(&mut self, id: TaskId, name: &Arc<str>) {
        if let Some(task) = self.0.get_mut(id.0) {
            task.name = Arc::clone(name);
        }
    }

    /// Takes down which lane the tasks have come to be in; says whether one of them was removed before.
    pub(crate) fn settle(&mut self, tasks: &[TaskEntry], lane: &Weak<dyn AnyLane<'env> + 'env>) -> bool {
        let mut is_any_removed = false;
        for task in tasks {
            if let Some(node) = self.0.get_mut(task.id.0) {
                node.lane = Some(Weak::clone(lane));
                is_any_removed |= node.is_removed;
            }
        }
        is_any_removed
    }

    /// Removes a task that has no lane yet, for when it gets one.
    pub(crate) fn remove_early(&mut self, id: TaskId) {
        if let Some(node) = self.0.get_mut(id.0) {
            node.is_removed = true;
        }
    }

    pub(crate) fn remove(&mut self, tasks: impl Iterator<Item = TaskId>) {
        for task in tasks {
            let _ = self.0.remove_node(task.0);
        }
    }

    /// The lane that a task is in; `None` for a task that is gone, `Some(None)` for one without a lane yet.
    pub(crate) fn lane(&self, id: TaskId) -> Option<Option<Arc<dyn AnyLane<'env> + 'env>>> {
        self.0.get(id.0).map(|task| task.lane.as_ref().and_then(Weak::upgrade))
    }

    /// All lanes, each once for every task in it.
    pub(crate) fn lanes(&self) -> Vec<Arc<dyn AnyLane<'env> + 'env>> {
        self.0.iter().filter_map(|(_, task)| task.lane.as_ref()?.upgrade()).collect()
    }
}
