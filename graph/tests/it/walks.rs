//! What a node needs and what needs it, against the naive model.

use std::collections::BTreeSet;

use millpond_graph::{Dag, NodeId};
use proptest::prelude::*;

use crate::model::{Model, changes};

proptest! {
    #[test]
    fn inputs_first_is_valid_and_complete(changes in changes()) {
        let model = Model::after(&changes);
        for &node in model.nodes.keys() {
            let found = model.dag.inputs_first(node).unwrap();
            model.assert_in_order(&found);
            prop_assert_eq!(found.last(), Some(&node));
            let ancestors = model.reaching(node);
            prop_assert_eq!(&BTreeSet::from_iter(found[..found.len() - 1].iter().copied()), &ancestors);
            prop_assert_eq!(&model.dag.ancestors(node).unwrap()[..], &found[..found.len() - 1]);
        }
    }

    #[test]
    fn inputs_first_of_several_is_valid_and_complete(changes in changes(), choice in any::<u64>()) {
        let model = Model::after(&changes);
        let targets: Vec<NodeId> = model.nodes.keys().copied().filter(|id| choice >> (id.number() % 64) & 1 == 1).collect();
        let found = model.dag.inputs_first_of(targets.iter().copied()).unwrap();
        model.assert_in_order(&found);
        let mut expected: BTreeSet<NodeId> = targets.iter().flat_map(|&target| model.reaching(target)).collect();
        expected.extend(targets);
        prop_assert_eq!(BTreeSet::from_iter(found), expected);
    }

    #[test]
    fn descendants_and_paths_are_those_of_the_model(changes in changes()) {
        let model = Model::after(&changes);
        for &node in model.nodes.keys() {
            let reachable = model.reachable(node);
            let found = model.dag.descendants(node).unwrap();
            model.assert_in_order(&found);
            prop_assert_eq!(&BTreeSet::from_iter(found), &reachable);
            for &other in model.nodes.keys() {
                prop_assert_eq!(model.dag.has_path(node, other), Ok(reachable.contains(&other)));
            }
        }
    }
}

#[test]
fn what_is_independent_comes_in_the_order_of_the_edges() {
    let mut dag = Dag::new();
    let [join, right, left, deep] = ["join", "right", "left", "deep"].map(|name| dag.add_node(name));
    dag.add_edge(left, join).unwrap();
    dag.add_edge(right, join).unwrap();
    dag.add_edge(deep, left).unwrap();
    assert_eq!(dag.inputs_first(join), Ok(vec![deep, left, right, join]));
    assert_eq!(dag.inputs_first_of([right, join, right]), Ok(vec![right, deep, left, join]));
}
