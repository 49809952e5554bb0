//! What a node needs and what needs it.
//!
//! Walks use stacks of their own, so depth is bounded by memory alone, and a set that grows with
//! what it holds ([`crate::seen`]), so a walk costs what it visits, not what the graph holds.

use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::stable_graph::NodeIndex;

use crate::seen::Seen;
use crate::{Dag, NodeId, UnknownNode};

impl<N> Dag<N> {
    /// The node with all that it needs, inputs first: every node stands behind its inputs, and the
    /// node itself is last. What is independent comes in the order in which the edges were added.
    ///
    /// Takes time and memory in proportion to the nodes returned and their edges, however large the
    /// graph is.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when the node was removed or belongs to another graph.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut dag = millpond_graph::Dag::new();
    /// let [left, right, join, other] = ["left", "right", "join", "other"].map(|name| dag.add_node(name));
    /// dag.add_edge(left, join)?;
    /// dag.add_edge(right, join)?;
    /// dag.add_edge(right, other)?;
    /// assert_eq!(dag.inputs_first(join)?, [left, right, join]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inputs_first(&self, id: NodeId) -> Result<Vec<NodeId>, UnknownNode> {
        self.inputs_first_of([id])
    }

    /// Several nodes with all that they need, each node once and behind its inputs.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when one of the nodes was removed or belongs to another graph.
    pub fn inputs_first_of(&self, ids: impl IntoIterator<Item = NodeId>) -> Result<Vec<NodeId>, UnknownNode> {
        let mut entered = Seen::new(self.slot_bound());
        let mut left = Seen::new(self.slot_bound());
        let mut found = Vec::new();
        let mut stack: Vec<NodeIndex> = Vec::new();
        for id in ids {
            stack.push(self.index(id)?);
            while let Some(&node) = stack.last() {
                if entered.insert(node) {
                    // Petgraph gives the input that was added last first, so the first one is on
                    // top.
                    let inputs = self.graph.neighbors_directed(node, Incoming);
                    stack.extend(inputs.filter(|&input| !entered.contains(input)));
                } else {
                    // Its inputs have been left, or it was on the stack more than once.
                    stack.pop();
                    if left.insert(node) {
                        found.push(self.id(node));
                    }
                }
            }
        }
        Ok(found)
    }

    /// All nodes from which a path leads to this one, without the node itself, in topological
    /// order.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when the node was removed or belongs to another graph.
    pub fn ancestors(&self, id: NodeId) -> Result<Vec<NodeId>, UnknownNode> {
        let mut ancestors = self.inputs_first(id)?;
        ancestors.pop();
        Ok(ancestors)
    }

    /// All nodes to which a path leads from this one, without the node itself, in topological
    /// order.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when the node was removed or belongs to another graph.
    pub fn descendants(&self, id: NodeId) -> Result<Vec<NodeId>, UnknownNode> {
        let mut reached = self.reach([self.index(id)?], Outgoing).1;
        reached.sort_unstable_by_key(|&node| self.order.tag(node));
        Ok(self.ids(reached.into_iter().skip(1)))
    }

    /// Whether a path of at least one edge leads from one node to the other.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when either was removed or belongs to another graph.
    pub fn has_path(&self, from: NodeId, to: NodeId) -> Result<bool, UnknownNode> {
        let (source, target) = (self.index(from)?, self.index(to)?);
        let end = self.order.tag(target);
        let mut seen = Seen::new(self.slot_bound());
        let mut stack = vec![source];
        while let Some(node) = stack.pop() {
            for output in self.graph.neighbors_directed(node, Outgoing) {
                if output == target {
                    return Ok(true);
                }
                if self.order.tag(output) < end && seen.insert(output) {
                    stack.push(output);
                }
            }
        }
        Ok(false)
    }

    /// The nodes that can be reached from some, those included, as a set and in the order of
    /// finding.
    pub(crate) fn reach(
        &self,
        from: impl IntoIterator<Item = NodeIndex>,
        direction: Direction,
    ) -> (Seen, Vec<NodeIndex>) {
        let mut seen = Seen::new(self.slot_bound());
        let mut found: Vec<NodeIndex> = from.into_iter().filter(|&node| seen.insert(node)).collect();
        let mut next = 0;
        while let Some(&node) = found.get(next) {
            next += 1;
            found.extend(self.graph.neighbors_directed(node, direction).filter(|&other| seen.insert(other)));
        }
        (seen, found)
    }
}
