//! The critical path against brute force.

use std::time::Duration;

use millpond_graph::{Dag, NodeId};
use proptest::prelude::*;

use crate::model::{Change, Model};

/// The weight of every path from this node to one without outputs.
fn weights(model: &Model, from: NodeId) -> Vec<u64> {
    let outputs: Vec<NodeId> = model.outputs(from).collect();
    let own = model.nodes[&from];
    if outputs.is_empty() {
        return vec![own];
    }
    outputs.into_iter().flat_map(|output| weights(model, output)).map(|weight| weight + own).collect()
}

/// Small enough to try all paths.
fn changes() -> impl Strategy<Value = Vec<Change>> {
    let edges = prop::collection::vec(any::<(usize, usize)>(), 0..30);
    (1_usize..12, edges).prop_map(|(nodes, edges)| {
        let edges = edges.into_iter().map(|(from, to)| Change::AddEdge(from, to));
        std::iter::repeat_n(Change::AddNode, nodes).chain(edges).collect()
    })
}

proptest! {
    #[test]
    fn no_path_is_heavier_than_the_critical_one(changes in changes()) {
        let model = Model::after(&changes);
        let critical = model.dag.critical_path(|_, &value| value);
        let roots = model.nodes.keys().copied().filter(|&id| model.inputs(id).next().is_none());
        prop_assert_eq!(Some(critical.total), roots.flat_map(|root| weights(&model, root)).max());
        prop_assert_eq!(critical.total, critical.nodes.iter().map(|id| model.nodes[id]).sum::<u64>());
        prop_assert!(critical.nodes.windows(2).all(|pair| model.edges.contains(&(pair[0], pair[1]))));
        prop_assert_eq!(model.inputs(critical.nodes[0]).next(), None);
        prop_assert_eq!(model.outputs(*critical.nodes.last().unwrap()).next(), None);
    }
}

#[test]
fn costs_may_be_floats_or_durations_and_what_is_no_number_counts_as_nothing() {
    let mut dag = Dag::new();
    let [a, b, c] = [1.5, f64::NAN, 0.25].map(|cost| dag.add_node(cost));
    dag.add_edge(a, c).unwrap();
    let critical = dag.critical_path(|_, &cost| cost);
    assert_eq!((critical.nodes, critical.total), (vec![a, c], 1.75));
    let critical = dag.critical_path(|id, _| Duration::from_secs(if id == b { 9 } else { 1 }));
    assert_eq!((critical.nodes, critical.total), (vec![b], Duration::from_secs(9)));
}

#[test]
fn the_first_of_equal_paths_is_taken() {
    let mut dag = Dag::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| dag.add_node(name));
    dag.add_edge(b, c).unwrap();
    dag.add_edge(a, c).unwrap();
    assert_eq!(dag.critical_path(|_, _| 1).nodes, [b, c]);
    dag.remove_edge(b, c).unwrap();
    dag.remove_edge(a, c).unwrap();
    let first = dag.node_ids().next().unwrap();
    assert_eq!(dag.critical_path(|_, _| 1).nodes, [first]);
}

#[test]
fn an_empty_graph_costs_nothing() {
    let critical = Dag::<()>::new().critical_path(|_, ()| 1);
    assert_eq!((critical.nodes.len(), critical.total), (0, 0));
}
