//! Layers against the naive model.

use std::collections::BTreeMap;

use millpond_graph::{Dag, NodeId};
use proptest::prelude::*;

use crate::model::{Model, changes};

proptest! {
    #[test]
    fn a_node_is_in_the_layer_behind_its_last_input(changes in changes()) {
        let model = Model::after(&changes);
        let layers = model.dag.layers();
        let layer_of: BTreeMap<NodeId, usize> =
            layers.iter().enumerate().flat_map(|(layer, nodes)| nodes.iter().map(move |&id| (id, layer))).collect();
        prop_assert_eq!(layers.iter().map(Vec::len).sum::<usize>(), model.nodes.len());
        for &node in model.nodes.keys() {
            let expected = model.inputs(node).map(|input| layer_of[&input] + 1).max().unwrap_or(0);
            prop_assert_eq!(layer_of[&node], expected);
        }
        prop_assert!(layers.iter().all(|layer| !layer.is_empty()));
    }
}

#[test]
fn an_empty_graph_has_no_layers() {
    assert_eq!(Dag::<()>::new().layers(), Vec::<Vec<NodeId>>::new());
}
