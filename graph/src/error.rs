//! What can be refused, and how the refusal reads.

use std::error::Error;
use std::fmt;

use crate::NodeId;

/// A node id that means nothing to the graph it was shown to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownNode {
    node: NodeId,
    foreign: bool,
}

impl UnknownNode {
    pub(crate) fn removed(node: NodeId) -> UnknownNode {
        UnknownNode { node, foreign: false }
    }

    pub(crate) fn foreign(node: NodeId) -> UnknownNode {
        UnknownNode { node, foreign: true }
    }

    /// The id that was shown.
    pub fn node(self) -> NodeId {
        self.node
    }

    /// Whether the id belongs to another graph; otherwise the node was removed from this one.
    pub fn is_foreign(self) -> bool {
        self.foreign
    }
}

impl fmt::Display for UnknownNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.foreign {
            write!(
                formatter,
                "looking up node `{}`, which belongs to another graph; ask the graph that made it",
                self.node
            )
        } else {
            write!(
                formatter,
                "looking up node `{}`, which was removed from the graph; add it again for a new id",
                self.node
            )
        }
    }
}

impl Error for UnknownNode {}

/// Why an edge was not added. The graph is as it was before.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AddEdgeError {
    /// The edge would close a cycle, of one node or of many.
    Cycle(Cycle),
    /// One of the two ends is not in the graph.
    UnknownNode(UnknownNode),
}

impl AddEdgeError {
    /// Gives the nodes of a cycle the names by which the message shall speak of them (their ids
    /// otherwise).
    ///
    /// # Examples
    ///
    /// ```
    /// let mut dag = millpond_graph::Dag::new();
    /// let [read, parse] = ["read", "parse"].map(|name| dag.add_node(name));
    /// dag.add_edge(read, parse)?;
    ///
    /// let error = dag.add_edge(parse, read).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "adding the edge `#2` -> `#1`, which would close the cycle `#1` -> `#2` -> `#1`; \
    ///      leave it out, or remove an edge of the cycle first"
    /// );
    /// assert_eq!(
    ///     error.named(|id| dag[id]).to_string(),
    ///     "adding the edge `parse` -> `read`, which would close the cycle `read` -> `parse` -> `read`; \
    ///      leave it out, or remove an edge of the cycle first"
    /// );
    /// # Ok::<(), millpond_graph::AddEdgeError>(())
    /// ```
    #[must_use = "the named error is returned, this one is used up"]
    pub fn named<Name: fmt::Display>(self, name: impl FnMut(NodeId) -> Name) -> AddEdgeError {
        match self {
            AddEdgeError::Cycle(cycle) => AddEdgeError::Cycle(cycle.named(name)),
            other @ AddEdgeError::UnknownNode(_) => other,
        }
    }
}

impl fmt::Display for AddEdgeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddEdgeError::Cycle(cycle) => cycle.fmt(formatter),
            AddEdgeError::UnknownNode(unknown) => unknown.fmt(formatter),
        }
    }
}

impl Error for AddEdgeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            AddEdgeError::Cycle(_) => None,
            AddEdgeError::UnknownNode(unknown) => Some(unknown),
        }
    }
}

impl From<UnknownNode> for AddEdgeError {
    fn from(unknown: UnknownNode) -> AddEdgeError {
        AddEdgeError::UnknownNode(unknown)
    }
}

/// The cycle that a refused edge would have closed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cycle {
    /// From the refused edge's target to its source, along edges that exist; one node for a
    /// self-edge.
    nodes: Vec<NodeId>,
    /// The names of the nodes that the message shows, in its order; empty when ids are to be shown.
    names: Vec<String>,
}

impl Cycle {
    /// A message names at most this many nodes from each end of a long cycle.
    const SHOWN_PER_END: usize = 6;

    pub(crate) fn new(nodes: Vec<NodeId>) -> Cycle {
        debug_assert!(!nodes.is_empty(), "a cycle has a node");
        Cycle { nodes, names: Vec::new() }
    }

    /// The nodes of the cycle, each once: there is an edge from each to the next, and the refused
    /// edge would lead from the last to the first. It is a shortest one.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The two ends of the refused edge, its source first.
    pub fn edge(&self) -> (NodeId, NodeId) {
        (self.nodes[self.nodes.len() - 1], self.nodes[0])
    }

    /// Gives the nodes names by which the message shall speak of them.
    #[must_use = "the named cycle is returned, this one is used up"]
    pub fn named<Name: fmt::Display>(mut self, mut name: impl FnMut(NodeId) -> Name) -> Cycle {
        self.names = self.shown().map(|position| name(self.nodes[position]).to_string()).collect();
        self
    }

    /// The positions of the nodes that the message shows: all, or both ends of a long cycle.
    fn shown(&self) -> impl Iterator<Item = usize> + use<> {
        let count = self.nodes.len();
        let head = if count <= 2 * Self::SHOWN_PER_END { count } else { Self::SHOWN_PER_END };
        let tail = if head == count { count } else { count - Self::SHOWN_PER_END };
        (0..head).chain(tail..count)
    }

    fn write_node(&self, formatter: &mut fmt::Formatter<'_>, rank: usize, position: usize) -> fmt::Result {
        match self.names.get(rank) {
            Some(name) => write!(formatter, "`{name}`"),
            None => write!(formatter, "`{}`", self.nodes[position]),
        }
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<usize> = self.shown().collect();
        let last_rank = shown.len() - 1;
        write!(formatter, "adding the edge ")?;
        self.write_node(formatter, last_rank, shown[last_rank])?;
        write!(formatter, " -> ")?;
        self.write_node(formatter, 0, 0)?;
        if self.nodes.len() == 1 {
            return write!(formatter, ", which would make the node its own input; leave it out");
        }
        write!(formatter, ", which would close the cycle ")?;
        let mut expected = 0;
        for (rank, &position) in shown.iter().enumerate() {
            if position != expected {
                write!(formatter, "… {} more … -> ", position - expected)?;
            }
            self.write_node(formatter, rank, position)?;
            write!(formatter, " -> ")?;
            expected = position + 1;
        }
        self.write_node(formatter, 0, 0)?;
        write!(formatter, "; leave it out, or remove an edge of the cycle first")
    }
}

impl Error for Cycle {}
