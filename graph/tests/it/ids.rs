//! An id means one node of one graph, for ever.

use millpond_graph::{AddEdgeError, Dag, NodeId, UnknownNode};
use proptest::prelude::*;

use crate::model::{Model, changes};

/// What every question that takes an id answers for one that it does not know.
fn assert_refused_everywhere(dag: &mut Dag<u64>, known: NodeId, unknown: NodeId) {
    let refusal = |result: Result<(), UnknownNode>| assert_eq!(result.unwrap_err().node(), unknown);
    assert!(!dag.contains(unknown));
    assert_eq!(dag.get(unknown), None);
    assert_eq!(dag.get_mut(unknown), None);
    assert!(!dag.contains_edge(unknown, known) && !dag.contains_edge(known, unknown));
    refusal(dag.inputs(unknown).map(drop));
    refusal(dag.outputs(unknown).map(drop));
    refusal(dag.inputs_first(unknown).map(drop));
    refusal(dag.inputs_first_of([known, unknown]).map(drop));
    refusal(dag.ancestors(unknown).map(drop));
    refusal(dag.descendants(unknown).map(drop));
    refusal(dag.has_path(known, unknown).map(drop));
    refusal(dag.has_path(unknown, known).map(drop));
    refusal(dag.orphaned_by(unknown, |_, _| false).map(drop));
    refusal(dag.remove_node(unknown).map(drop));
    refusal(dag.remove_edge(known, unknown).map(drop));
    refusal(dag.remove_edge(unknown, known).map(drop));
    for (from, to) in [(known, unknown), (unknown, known), (unknown, unknown)] {
        let error = dag.add_edge(from, to).unwrap_err();
        assert!(matches!(error, AddEdgeError::UnknownNode(error) if error.node() == unknown));
    }
}

proptest! {
    #[test]
    fn the_id_of_a_removed_node_never_means_another(changes in changes()) {
        let mut model = Model::after(&changes);
        let known = model.dag.add_node(0);
        for unknown in model.removed {
            assert_refused_everywhere(&mut model.dag, known, unknown);
            prop_assert!(!model.dag.inputs(unknown).unwrap_err().is_foreign());
        }
    }

    #[test]
    fn the_id_of_another_graph_is_refused(changes in changes()) {
        let mut model = Model::after(&changes);
        let known = model.dag.add_node(0);
        for unknown in Model::after(&changes).nodes.into_keys() {
            assert_refused_everywhere(&mut model.dag, known, unknown);
            prop_assert!(model.dag.inputs(unknown).unwrap_err().is_foreign());
        }
    }
}

#[test]
fn ids_are_small_and_ordered_by_age() {
    let mut dag = Dag::new();
    let [a, b] = [dag.add_node(()), dag.add_node(())];
    dag.remove_node(a).unwrap();
    let c = dag.add_node(());
    assert!(a < b && b < c);
    assert_eq!([a, b, c].map(NodeId::number), [1, 2, 3]);
    assert_eq!(size_of::<Option<NodeId>>(), 16);
}

#[test]
fn the_message_for_a_removed_node_says_so() {
    let mut dag = Dag::new();
    let node = dag.add_node(());
    dag.remove_node(node).unwrap();
    assert_eq!(
        dag.remove_node(node).unwrap_err().to_string(),
        "looking up node `#1`, which was removed from the graph; add it again for a new id"
    );
}

#[test]
fn the_message_for_a_node_of_another_graph_says_so() {
    let foreign = Dag::new().add_node(());
    let mut dag = Dag::new();
    let own = dag.add_node(());
    let error = dag.add_edge(own, foreign).unwrap_err();
    assert_eq!(error.to_string(), "looking up node `#1`, which belongs to another graph; ask the graph that made it");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), error.to_string());
}

#[test]
#[should_panic(expected = "looking up node `#1`, which was removed from the graph; add it again for a new id")]
fn indexing_with_the_id_of_a_removed_node_panics() {
    let mut dag = Dag::new();
    let node = dag.add_node(7);
    dag.remove_node(node).unwrap();
    dag.add_node(8);
    let _ = dag[node];
}
