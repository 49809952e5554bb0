//! Which nodes could run at the same time.

use petgraph::Direction::Incoming;

use crate::{Dag, NodeId};

impl<N> Dag<N> {
    /// The nodes by layers: in the first those without inputs, in each other one the nodes whose
    /// last inputs are in the layer before. Nothing in a layer needs anything else in it. There are
    /// as many layers as the longest path has nodes.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut dag = millpond_graph::Dag::new();
    /// let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| dag.add_node(name));
    /// dag.add_edge(a, b)?;
    /// dag.add_edge(b, d)?;
    /// dag.add_edge(c, d)?;
    /// assert_eq!(dag.layers(), [vec![a, c], vec![b], vec![d]]);
    /// # Ok::<(), millpond_graph::AddEdgeError>(())
    /// ```
    #[must_use]
    pub fn layers(&self) -> Vec<Vec<NodeId>> {
        let mut layers: Vec<Vec<NodeId>> = Vec::new();
        let mut layer_of = vec![0; self.slot_bound()];
        for node in self.order.iter() {
            let inputs = self.graph.neighbors_directed(node, Incoming);
            let layer = inputs.map(|input| layer_of[input.index()] + 1).max().unwrap_or(0);
            layer_of[node.index()] = layer;
            if layer == layers.len() {
                layers.push(Vec::new());
            }
            layers[layer].push(self.id(node));
        }
        layers
    }
}
