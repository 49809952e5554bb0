//! The topological order holds after any sequence of changes.

use std::collections::{BTreeSet, HashMap};

use millpond_graph::{Dag, NodeId};
use proptest::prelude::*;

use crate::model::{Model, changes};

proptest! {
    #[test]
    fn the_order_is_valid_and_complete_after_every_change(changes in changes()) {
        let mut model = Model::default();
        for change in &changes {
            model.apply(change);
            let order: Vec<NodeId> = model.dag.node_ids().collect();
            prop_assert_eq!(order.len(), model.nodes.len());
            model.assert_in_order(&order);
        }
    }

    #[test]
    fn the_order_is_valid_after_every_edge_of_a_sparse_graph(
        order in prop::collection::vec(any::<u32>(), 2..60),
        edges in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..90),
    ) {
        // Edges agree with a random order that the graph does not know.
        let mut dag = Dag::new();
        let ids: Vec<NodeId> = order.iter().map(|_| dag.add_node(())).collect();
        let mut added = Vec::new();
        for (one, other) in edges {
            let (one, other) = (one.index(order.len()), other.index(order.len()));
            if order[one] >= order[other] {
                continue;
            }
            dag.add_edge(ids[one], ids[other]).unwrap();
            added.push((ids[one], ids[other]));
            let ranks: HashMap<NodeId, usize> = dag.node_ids().enumerate().map(|(rank, id)| (id, rank)).collect();
            for (from, to) in &added {
                prop_assert!(ranks[from] < ranks[to], "{} -> {} goes backwards after {:?}", from, to, added);
            }
        }
    }

    #[test]
    fn nodes_edges_and_values_are_those_that_were_added_and_not_removed(changes in changes()) {
        let model = Model::after(&changes);
        let nodes: BTreeSet<(NodeId, u64)> = model.dag.iter().map(|(id, &value)| (id, value)).collect();
        prop_assert_eq!(nodes, model.nodes.clone().into_iter().collect::<BTreeSet<_>>());
        let edges: Vec<(NodeId, NodeId)> = model.dag.edges().collect();
        prop_assert_eq!(edges.len(), model.dag.edge_count());
        prop_assert_eq!(&edges.into_iter().collect::<BTreeSet<_>>(), &model.edges);
        prop_assert_eq!(model.dag.node_count(), model.nodes.len());
        prop_assert_eq!(model.dag.is_empty(), model.nodes.is_empty());
        for &one in model.nodes.keys() {
            prop_assert_eq!(BTreeSet::from_iter(model.dag.inputs(one).unwrap()), model.inputs(one).collect());
            prop_assert_eq!(BTreeSet::from_iter(model.dag.outputs(one).unwrap()), model.outputs(one).collect());
            for &other in model.nodes.keys() {
                prop_assert_eq!(model.dag.contains_edge(one, other), model.edges.contains(&(one, other)));
            }
        }
    }

    #[test]
    fn a_clone_goes_its_own_way(changes in changes(), more in changes()) {
        let mut model = Model::after(&changes);
        let clone = model.dag.clone();
        let (nodes, edges) = (model.nodes.clone(), model.edges.clone());
        more.iter().for_each(|change| model.apply(change));
        prop_assert_eq!(clone.iter().map(|(id, &value)| (id, value)).collect::<BTreeSet<_>>(), nodes.into_iter().collect());
        prop_assert_eq!(clone.edges().collect::<BTreeSet<_>>(), edges);
    }
}

#[test]
fn inputs_and_outputs_come_in_the_order_in_which_edges_were_added() {
    let mut dag = Dag::new();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| dag.add_node(name));
    for input in [c, a, b] {
        dag.add_edge(input, d).unwrap();
    }
    assert_eq!(dag.inputs(d), Ok(vec![c, a, b]));
    dag.remove_edge(a, d).unwrap();
    dag.add_edge(a, d).unwrap();
    assert_eq!(dag.inputs(d), Ok(vec![c, b, a]));
    dag.add_edge(a, c).unwrap();
    assert_eq!(dag.outputs(a), Ok(vec![d, c]));
}

#[test]
fn an_edge_added_twice_is_there_once() {
    let mut dag = Dag::new();
    let [a, b] = ["a", "b"].map(|name| dag.add_node(name));
    dag.add_edge(a, b).unwrap();
    dag.add_edge(a, b).unwrap();
    assert_eq!(dag.edge_count(), 1);
    assert_eq!(dag.remove_edge(a, b), Ok(true));
    assert_eq!(dag.remove_edge(a, b), Ok(false));
    assert!(!dag.contains_edge(a, b));
}

#[test]
fn a_value_can_be_changed_in_place() {
    let mut dag = Dag::new();
    let node = dag.add_node(1);
    dag[node] += 1;
    *dag.get_mut(node).unwrap() += 1;
    assert_eq!(dag[node], 3);
}

#[test]
fn debug_shows_the_counts_and_needs_no_debug_of_the_values() {
    struct Opaque;
    let mut dag = Dag::new();
    let [a, b] = [Opaque, Opaque].map(|value| dag.add_node(value));
    dag.add_edge(a, b).unwrap();
    assert_eq!(format!("{dag:?}"), "Dag { nodes: 2, edges: 1, .. }");
}

/// The backward search expands `v` and `b`, then the forward search leaps from `f` over `b` to `u`,
/// where they part. `b`, which the forward search has passed, must stay before its output `x`.
#[test]
fn a_node_that_the_other_search_has_passed_stays_in_its_place() {
    let mut dag = Dag::new();
    let [w, f, a, c, b, x, u, v, y] = ["w", "f", "a", "c", "b", "x", "u", "v", "y"].map(|name| dag.add_node(name));
    for (from, to) in [(w, f), (w, y), (f, u), (a, b), (c, b), (b, v), (b, x)] {
        dag.add_edge(from, to).unwrap();
    }
    dag.add_edge(v, w).unwrap();
    assert_eq!(dag.node_ids().collect::<Vec<_>>(), [a, c, b, x, v, w, f, u, y]);
}
