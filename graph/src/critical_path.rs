//! Which nodes decide how long the whole takes.

use std::ops::Add;

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::stable_graph::NodeIndex;

use crate::{Dag, NodeId};

/// The heaviest path of a graph, as [`Dag::critical_path`] finds it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CriticalPath<Cost> {
    /// The nodes on the path, from one without inputs to one without outputs; empty when the graph
    /// is.
    pub nodes: Vec<NodeId>,
    /// What they cost together.
    pub total: Cost,
}

impl<N> Dag<N> {
    /// The path with the highest total cost among those that lead from a node without inputs to one
    /// without outputs; the first found when several are equal. However many workers there are, the
    /// graph takes at least this long.
    ///
    /// `cost` is asked once for each node, inputs first. It may return any number (`u64`, `f64`,
    /// `Duration`, …); one that compares with nothing, such as NaN, counts as no cost.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut dag = millpond_graph::Dag::new();
    /// let [read, parse, index, write] = [3, 40, 50, 1].map(|milliseconds| dag.add_node(milliseconds));
    /// dag.add_edge(read, parse)?;
    /// dag.add_edge(read, index)?;
    /// dag.add_edge(parse, write)?;
    /// dag.add_edge(index, write)?;
    ///
    /// let critical = dag.critical_path(|_, &milliseconds| milliseconds);
    /// assert_eq!(critical.nodes, [read, index, write]);
    /// assert_eq!(critical.total, 54);
    /// # Ok::<(), millpond_graph::AddEdgeError>(())
    /// ```
    pub fn critical_path<Cost>(&self, mut cost: impl FnMut(NodeId, &N) -> Cost) -> CriticalPath<Cost>
    where
        Cost: Copy + Default + PartialOrd + Add<Output = Cost>,
    {
        let nothing = Cost::default();
        // By slot: what the heaviest path to the node costs with it, and the node before it on that
        // path.
        let mut heaviest: Vec<(Cost, Option<NodeIndex>)> = vec![(nothing, None); self.slot_bound()];
        let mut end: Option<NodeIndex> = None;
        for node in self.order.iter() {
            let mut before: Option<NodeIndex> = None;
            for input in self.graph.neighbors_directed(node, Incoming) {
                // Petgraph gives the input that was added last first.
                if before.is_none_or(|best| heaviest[input.index()].0 >= heaviest[best.index()].0) {
                    before = Some(input);
                }
            }
            let own = cost(self.id(node), self.value(node));
            let own = if own.partial_cmp(&nothing).is_some() { own } else { nothing };
            let total = before.map_or(own, |input| heaviest[input.index()].0 + own);
            heaviest[node.index()] = (total, before);
            let is_last = self.graph.neighbors_directed(node, Outgoing).next().is_none();
            if is_last && end.is_none_or(|best| total > heaviest[best.index()].0) {
                end = Some(node);
            }
        }
        let total = end.map_or(nothing, |node| heaviest[node.index()].0);
        let mut nodes = Vec::new();
        while let Some(node) = end {
            nodes.push(self.id(node));
            end = heaviest[node.index()].1;
        }
        nodes.reverse();
        CriticalPath { nodes, total }
    }
}
