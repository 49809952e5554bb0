//! What nobody can ask for any more, against the naive model.

use std::collections::BTreeSet;

use millpond_graph::{Dag, NodeId};
use proptest::prelude::*;

use crate::model::{Model, changes, scramble};

fn expected(model: &Model, wanted: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let is_needed = |id: &NodeId| wanted.contains(id) || !model.reachable(*id).is_disjoint(wanted);
    model.nodes.keys().copied().filter(|id| !is_needed(id)).collect()
}

proptest! {
    #[test]
    fn orphans_are_the_nodes_from_which_nothing_wanted_can_be_reached(changes in changes(), seed in any::<u64>()) {
        let model = Model::after(&changes);
        let wanted: BTreeSet<NodeId> = model.nodes.keys().copied().filter(|&id| scramble(id, seed).is_multiple_of(5)).collect();
        let mut asked = Vec::new();
        let mut orphans = model.dag.orphans(|id, &value| {
            assert_eq!(value, model.nodes[&id]);
            asked.push(id);
            wanted.contains(&id)
        });
        prop_assert_eq!(&BTreeSet::from_iter(orphans.iter().copied()), &expected(&model, &wanted));
        prop_assert_eq!(asked.len(), model.nodes.len());
        orphans.reverse();
        model.assert_in_order(&orphans);
    }

    #[test]
    fn what_one_node_leaves_behind_is_what_then_is_orphaned(changes in changes(), seed in any::<u64>()) {
        let mut model = Model::after(&changes);
        let wanted: BTreeSet<NodeId> = model.nodes.keys().copied().filter(|&id| scramble(id, seed).is_multiple_of(4)).collect();
        for id in model.dag.orphans(|id, _| wanted.contains(&id)) {
            model.dag.remove_node(id).unwrap();
            model.nodes.remove(&id);
            model.edges.retain(|&(from, to)| from != id && to != id);
        }
        for dropped in wanted.iter().copied() {
            let mut left = wanted.clone();
            left.remove(&dropped);
            let mut orphans = model.dag.orphaned_by(dropped, |id, _| left.contains(&id)).unwrap();
            prop_assert_eq!(&BTreeSet::from_iter(orphans.iter().copied()), &expected(&model, &left));
            orphans.reverse();
            model.assert_in_order(&orphans);
        }
    }
}

#[test]
fn orphans_can_be_removed_in_the_order_given_without_one_losing_an_input() {
    let mut dag = Dag::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| dag.add_node(name));
    dag.add_edge(a, b).unwrap();
    dag.add_edge(a, c).unwrap();
    dag.add_edge(b, c).unwrap();
    for orphan in dag.orphans(|_, _| false) {
        assert_eq!(dag.outputs(orphan), Ok(vec![]));
        dag.remove_node(orphan).unwrap();
    }
    assert!(dag.is_empty());
}

#[test]
fn a_wanted_node_leaves_nothing_behind() {
    let mut dag = Dag::new();
    let [a, b] = ["a", "b"].map(|name| dag.add_node(name));
    dag.add_edge(a, b).unwrap();
    assert_eq!(dag.orphaned_by(b, |id, _| id == b), Ok(vec![]));
    assert_eq!(dag.orphaned_by(a, |_, _| false), Ok(vec![]), "b still reads it");
}
