//! The name of a node: unmistakable, also after the node is gone.
//!
//! An id is made of the graph's own number, the slot in which the node is kept, and a serial number
//! that no other node of that graph ever had. Slots are used again, serial numbers are not, so an
//! id that outlives its node is recognised as such and never means another node.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::atomic::{AtomicU32, Ordering};

use petgraph::stable_graph::NodeIndex;

/// The name of one node of one [`Dag`](crate::Dag).
///
/// Ids are ordered by age within a graph: a node added later has the greater id. The id of a
/// removed node is refused everywhere with [`UnknownNode`](crate::UnknownNode), and so is that of
/// another graph. The clone of a graph knows the ids that the original had when it was cloned; of
/// those given out later by either it must be shown its own only.
///
/// # Examples
///
/// ```
/// let mut dag = millpond_graph::Dag::new();
/// let read = dag.add_node("read");
/// assert_eq!(read.to_string(), "#1");
/// assert_eq!(dag.remove_node(read), Ok("read"));
///
/// let parse = dag.add_node("parse");
/// assert_ne!(read, parse);
/// assert_eq!(dag.get(read), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// Which graph gave the id out.
    graph: GraphNumber,
    /// How many nodes the graph had given out with this one: 1, 2, 3, …
    serial: NonZeroU64,
    /// The slot of the node, which another node may have had before.
    slot: u32,
}

impl NodeId {
    pub(crate) fn new(graph: GraphNumber, index: NodeIndex, serial: NonZeroU64) -> NodeId {
        NodeId { graph, slot: index.index() as u32, serial }
    }

    /// The number that [`Display`](fmt::Display) shows after `#`: 1 for the first node that the
    /// graph was given, then 2, and so on, never one twice.
    pub fn number(self) -> u64 {
        self.serial.get()
    }

    pub(crate) fn graph(self) -> GraphNumber {
        self.graph
    }

    pub(crate) fn index(self) -> NodeIndex {
        NodeIndex::new(self.slot as usize)
    }

    pub(crate) fn serial(self) -> NonZeroU64 {
        self.serial
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.serial)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "NodeId(#{} of graph {})", self.serial, self.graph.0)
    }
}

/// What distinguishes the graphs of a process from each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct GraphNumber(NonZeroU32);

impl GraphNumber {
    /// A number that no graph of this process has (until four thousand million of them have been
    /// made).
    pub(crate) fn next() -> GraphNumber {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        GraphNumber(NonZeroU32::new(NEXT.fetch_add(1, Ordering::Relaxed)).unwrap_or(NonZeroU32::MIN))
    }
}
