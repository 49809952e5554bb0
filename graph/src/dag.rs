//! The graph itself: nodes with values, edges between them, and an order that is always right.
//!
//! Underneath is petgraph's `StableDiGraph`, whose nodes hold their serial numbers only and whose
//! edges hold nothing, so that a search passes over little memory; the values lie beside it.
//! [`crate::order`] and [`crate::insertion`] keep the topological order. The questions are in files
//! of their own: `walk`, `orphans`, `layers`, `critical_path`.
//!
//! Invariants: the slots in use, the values present and the order's nodes are the same set; between
//! two nodes there is at most one edge; every edge agrees with the order.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Index, IndexMut};

use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::stable_graph::{EdgeIndex, NodeIndex, StableDiGraph};

use crate::id::GraphNumber;
use crate::insertion::Insertion;
use crate::order::Order;
use crate::{AddEdgeError, Cycle, NodeId, UnknownNode};

/// A directed acyclic graph whose nodes carry values of type `N`.
///
/// An edge leads from a node to one that needs it: from an input to an output. An edge that would
/// close a cycle is refused when it is added, so the graph is acyclic at any moment and always in
/// topological order.
///
/// # Examples
///
/// ```
/// use millpond_graph::Dag;
///
/// let mut dag = Dag::new();
/// let [read, parse, write, log] = ["read", "parse", "write", "log"].map(|name| dag.add_node(name));
/// dag.add_edge(read, parse)?;
/// dag.add_edge(parse, write)?;
/// dag.add_edge(parse, log)?;
///
/// assert_eq!(dag.inputs_first(write)?, [read, parse, write]);
/// assert_eq!(dag.orphans(|id, _| id == write), [log]);
/// assert!(dag.add_edge(write, read).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Dag<N> {
    /// Which ids are this graph's own.
    number: GraphNumber,
    /// The serial number of the next node.
    next_serial: NonZeroU64,
    pub(crate) graph: StableDiGraph<NonZeroU64, ()>,
    pub(crate) order: Order,
    /// The value of each slot's node.
    pub(crate) values: Vec<Option<N>>,
    insertion: Insertion,
}

impl<N> Dag<N> {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Dag<N> {
        Dag::with_capacity(0, 0)
    }

    /// An empty graph with memory for so many nodes and edges.
    #[must_use]
    pub fn with_capacity(nodes: usize, edges: usize) -> Dag<N> {
        Dag {
            number: GraphNumber::next(),
            next_serial: NonZeroU64::MIN,
            graph: StableDiGraph::with_capacity(nodes, edges),
            order: Order::with_capacity(nodes),
            values: Vec::with_capacity(nodes),
            insertion: Insertion::default(),
        }
    }

    /// Adds a node without edges, behind all others in the order.
    ///
    /// Nodes added in topological order make the cheapest graph: then no edge has to be searched
    /// for a cycle.
    ///
    /// # Panics
    ///
    /// When the graph holds 2³² − 2 nodes.
    pub fn add_node(&mut self, value: N) -> NodeId {
        let serial = self.next_serial;
        self.next_serial = serial.checked_add(1).expect("2^64 nodes are never added");
        let index = self.graph.add_node(serial);
        self.order.push(index);
        match self.values.get_mut(index.index()) {
            Some(slot) => *slot = Some(value),
            None => self.values.push(Some(value)),
        }
        NodeId::new(self.number, index, serial)
    }

    /// Removes a node and its edges and returns its value.
    ///
    /// Takes as long as the neighbours' lists of edges are: each is searched for the edge that goes
    /// away, from the edge added last. So a node with very many outputs is best removed before
    /// them, or they in reverse order.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when the node was removed before or belongs to another graph.
    pub fn remove_node(&mut self, id: NodeId) -> Result<N, UnknownNode> {
        let index = self.index(id)?;
        self.graph.remove_node(index);
        self.order.remove(index);
        Ok(self.values[index.index()].take().expect("a slot in use has a value"))
    }

    /// Adds an edge from an input to the node that needs it. Adding it again changes nothing, and a
    /// shortcut (from `a` to `c` beside `a` → `b` → `c`) is an edge like any other.
    ///
    /// # Errors
    ///
    /// [`AddEdgeError::Cycle`] with the nodes of the cycle that the edge would close,
    /// [`AddEdgeError::UnknownNode`] when an end was removed or belongs to another graph. The graph
    /// is then unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_graph::{AddEdgeError, Dag};
    ///
    /// let mut dag = Dag::new();
    /// let [a, b, c] = ["a", "b", "c"].map(|name| dag.add_node(name));
    /// dag.add_edge(a, b)?;
    /// dag.add_edge(b, c)?;
    ///
    /// let Err(AddEdgeError::Cycle(cycle)) = dag.add_edge(c, a) else { panic!("refused") };
    /// assert_eq!(cycle.nodes(), [a, b, c]);
    /// # Ok::<(), AddEdgeError>(())
    /// ```
    pub fn add_edge(&mut self, from: NodeId, to: NodeId) -> Result<(), AddEdgeError> {
        let (source, target) = (self.index(from)?, self.index(to)?);
        if source == target {
            return Err(AddEdgeError::Cycle(Cycle::new(vec![from])));
        }
        // An edge that goes against the order cannot be there already.
        if self.order.tag(source) < self.order.tag(target) {
            if self.find_edge(source, target).is_none() {
                self.graph.add_edge(source, target, ());
            }
            return Ok(());
        }
        match self.insertion.reorder(&self.graph, &mut self.order, source, target) {
            Ok(()) => {
                self.graph.add_edge(source, target, ());
                Ok(())
            }
            Err(path) => Err(AddEdgeError::Cycle(Cycle::new(self.ids(path)))),
        }
    }

    /// Removes an edge and says whether there was one.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when an end was removed or belongs to another graph.
    pub fn remove_edge(&mut self, from: NodeId, to: NodeId) -> Result<bool, UnknownNode> {
        let edge = self.find_edge(self.index(from)?, self.index(to)?);
        Ok(edge.and_then(|edge| self.graph.remove_edge(edge)).is_some())
    }

    /// Whether there is an edge from one node to the other; `false` when either is not in the
    /// graph.
    #[must_use]
    pub fn contains_edge(&self, from: NodeId, to: NodeId) -> bool {
        match (self.index(from), self.index(to)) {
            (Ok(source), Ok(target)) => self.find_edge(source, target).is_some(),
            _ => false,
        }
    }

    /// Whether the node is in the graph.
    #[must_use]
    pub fn contains(&self, id: NodeId) -> bool {
        self.index(id).is_ok()
    }

    /// The value of a node, `None` when it is not in the graph. `dag[id]` panics instead.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&N> {
        self.index(id).ok().map(|index| self.value(index))
    }

    /// The value of a node, to be changed.
    #[must_use]
    pub fn get_mut(&mut self, id: NodeId) -> Option<&mut N> {
        let index = self.index(id).ok()?;
        self.values[index.index()].as_mut()
    }

    /// How many nodes there are.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.graph.node_count()
    }

    /// How many edges there are.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.graph.edge_count()
    }

    /// Whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.node_count() == 0
    }

    /// All nodes with their values in a topological order: each behind its inputs.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (NodeId, &N)> {
        self.order.iter().map(|index| (self.id(index), self.value(index)))
    }

    /// The ids of all nodes in a topological order: each behind its inputs.
    pub fn node_ids(&self) -> impl DoubleEndedIterator<Item = NodeId> {
        self.order.iter().map(|index| self.id(index))
    }

    /// All edges, as source and target: by target in topological order, each target's in the order
    /// of adding.
    pub fn edges(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        self.order.iter().flat_map(move |target| {
            self.neighbours(target, Incoming).into_iter().map(move |source| (source, self.id(target)))
        })
    }

    /// The nodes from which an edge leads to this one, in the order in which the edges were added.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when the node was removed or belongs to another graph.
    pub fn inputs(&self, id: NodeId) -> Result<Vec<NodeId>, UnknownNode> {
        Ok(self.neighbours(self.index(id)?, Incoming))
    }

    /// The nodes to which an edge leads from this one, in the order in which the edges were added.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when the node was removed or belongs to another graph.
    pub fn outputs(&self, id: NodeId) -> Result<Vec<NodeId>, UnknownNode> {
        Ok(self.neighbours(self.index(id)?, Outgoing))
    }

    fn neighbours(&self, index: NodeIndex, direction: Direction) -> Vec<NodeId> {
        let mut neighbours = self.ids(self.graph.neighbors_directed(index, direction));
        // Petgraph gives the edge that was added last first.
        neighbours.reverse();
        neighbours
    }

    /// Looks for an edge in the shorter of the two lists that would hold it, so that nodes with a
    /// million edges take new ones quickly.
    fn find_edge(&self, source: NodeIndex, target: NodeIndex) -> Option<EdgeIndex> {
        use petgraph::visit::EdgeRef;
        let mut outgoing = self.graph.edges_directed(source, Outgoing);
        let mut incoming = self.graph.edges_directed(target, Incoming);
        loop {
            let edge = outgoing.next()?;
            if edge.target() == target {
                return Some(edge.id());
            }
            let edge = incoming.next()?;
            if edge.source() == source {
                return Some(edge.id());
            }
        }
    }

    pub(crate) fn index(&self, id: NodeId) -> Result<NodeIndex, UnknownNode> {
        if id.graph() != self.number {
            return Err(UnknownNode::foreign(id));
        }
        match self.graph.node_weight(id.index()) {
            Some(&serial) if serial == id.serial() => Ok(id.index()),
            _ => Err(UnknownNode::removed(id)),
        }
    }

    pub(crate) fn id(&self, index: NodeIndex) -> NodeId {
        NodeId::new(self.number, index, self.graph[index])
    }

    pub(crate) fn ids(&self, indices: impl IntoIterator<Item = NodeIndex>) -> Vec<NodeId> {
        indices.into_iter().map(|index| self.id(index)).collect()
    }

    pub(crate) fn value(&self, index: NodeIndex) -> &N {
        self.values[index.index()].as_ref().expect("a slot in use has a value")
    }

    /// One more than the greatest slot ever used.
    pub(crate) fn slot_bound(&self) -> usize {
        self.values.len()
    }
}

impl<N> Default for Dag<N> {
    fn default() -> Dag<N> {
        Dag::new()
    }
}

impl<N> fmt::Debug for Dag<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Dag")
            .field("nodes", &self.node_count())
            .field("edges", &self.edge_count())
            .finish_non_exhaustive()
    }
}

/// The value of a node.
///
/// # Panics
///
/// When the node was removed or belongs to another graph.
impl<N> Index<NodeId> for Dag<N> {
    type Output = N;

    #[track_caller]
    fn index(&self, id: NodeId) -> &N {
        match Dag::index(self, id) {
            Ok(index) => self.value(index),
            Err(unknown) => panic!("{unknown}"),
        }
    }
}

/// The value of a node, to be changed.
///
/// # Panics
///
/// When the node was removed or belongs to another graph.
impl<N> IndexMut<NodeId> for Dag<N> {
    #[track_caller]
    fn index_mut(&mut self, id: NodeId) -> &mut N {
        match Dag::index(self, id) {
            Ok(index) => self.values[index.index()].as_mut().expect("a slot in use has a value"),
            Err(unknown) => panic!("{unknown}"),
        }
    }
}
