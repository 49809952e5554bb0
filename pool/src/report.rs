//! What a pool's tasks are and what they have done.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use millpond_graph::Dag;
use millpond_sync::shim::atomic::Ordering;

use crate::TaskId;
use crate::registry::Registry;

/// One task of a pool at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskReport {
    /// The task.
    pub id: TaskId,
    /// What it is called.
    pub name: Arc<str>,
    /// Where it was added.
    pub location: &'static Location<'static>,
    /// How many items it was given, or made where it is a source; chunks in flight not counted.
    pub items: u64,
    /// In how many chunks.
    pub chunks: u64,
    /// How long its function ran for them, on all workers together; measured by samples where chunks are short.
    pub busy: Duration,
}

impl fmt::Display for TaskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The tasks as a graph, from the inputs to what reads from them.
pub(crate) fn graph(registry: &Registry<'_>) -> Dag<TaskReport> {
    let dag = registry.dag();
    let mut graph = Dag::new();
    let mut copies = std::collections::HashMap::new();
    for (id, task) in dag.iter() {
        let report = TaskReport {
            id: TaskId::from(id),
            name: Arc::clone(&task.name),
            location: task.location,
            items: task.counters.items.load(Ordering::Relaxed),
            chunks: task.counters.chunks.load(Ordering::Relaxed),
            busy: Duration::from_nanos(task.counters.nanos.load(Ordering::Relaxed)),
        };
        copies.insert(id, graph.add_node(report));
    }
    for (from, to) in dag.edges() {
        graph.add_edge(copies[&from], copies[&to]).expect("a copy of a graph without cycles has none");
    }
    graph
}
