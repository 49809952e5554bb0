//! What nobody can ask for any more.

use std::collections::HashMap;

use petgraph::Direction::{Incoming, Outgoing};

use crate::{Dag, NodeId, UnknownNode};

impl<N> Dag<N> {
    /// The nodes from which no path leads to a wanted one, outputs first: removed in this order, no
    /// node goes before one that needs it. A wanted node is no orphan.
    ///
    /// `is_wanted` is asked once for each node. Takes time in proportion to the whole graph;
    /// [`orphaned_by`](Dag::orphaned_by) looks only at what one node leaves behind.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut dag = millpond_graph::Dag::new();
    /// let [read, parse, log] = ["read", "parse", "log"].map(|name| dag.add_node(name));
    /// dag.add_edge(read, parse)?;
    /// dag.add_edge(read, log)?;
    /// assert_eq!(dag.orphans(|id, _| id == parse), [log]);
    /// assert_eq!(dag.orphans(|_, _| false), [log, parse, read]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn orphans(&self, mut is_wanted: impl FnMut(NodeId, &N) -> bool) -> Vec<NodeId> {
        let wanted = self.order.iter().filter(|&node| is_wanted(self.id(node), self.value(node)));
        let (needed, _) = self.reach(wanted, Incoming);
        self.ids(self.order.iter().rev().filter(|&node| !needed.contains(node)))
    }

    /// The orphans that there are because this node is not wanted any more: the node itself, when
    /// it is not wanted and has no output, then those of its ancestors of which the same is true
    /// once the orphans are gone; outputs first. `is_wanted` is asked only for nodes that have no
    /// other output left.
    ///
    /// Takes time in proportion to the orphans and their edges.
    ///
    /// # Errors
    ///
    /// [`UnknownNode`] when the node was removed or belongs to another graph.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut dag = millpond_graph::Dag::new();
    /// let [read, parse, log] = ["read", "parse", "log"].map(|name| dag.add_node(name));
    /// dag.add_edge(read, parse)?;
    /// dag.add_edge(parse, log)?;
    /// assert_eq!(dag.orphaned_by(log, |id, _| id == read)?, [log, parse]);
    /// assert_eq!(dag.orphaned_by(parse, |_, _| false)?, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn orphaned_by(
        &self,
        id: NodeId,
        mut is_wanted: impl FnMut(NodeId, &N) -> bool,
    ) -> Result<Vec<NodeId>, UnknownNode> {
        let start = self.index(id)?;
        let mut orphans = Vec::new();
        if self.graph.neighbors_directed(start, Outgoing).next().is_some() || is_wanted(id, self.value(start)) {
            return Ok(orphans);
        }
        let mut outputs_left = HashMap::new();
        let mut next = vec![start];
        while let Some(node) = next.pop() {
            orphans.push(self.id(node));
            for input in self.graph.neighbors_directed(node, Incoming) {
                // Subtle: the outputs are counted off rather than counted, since an input may have
                // a million others.
                let mut others = outputs_left
                    .remove(&input)
                    .unwrap_or_else(|| self.graph.neighbors_directed(input, Outgoing).detach());
                others.next_node(&self.graph);
                if others.clone().next_node(&self.graph).is_some() {
                    outputs_left.insert(input, others);
                } else if !is_wanted(self.id(input), self.value(input)) {
                    next.push(input);
                }
            }
        }
        Ok(orphans)
    }
}
