//! An edge that would close a cycle is refused, and the error says which. (That this happens if and
//! only if there is a cycle is asserted by every change of the model.)

use millpond_graph::{AddEdgeError, Dag, NodeId};
use proptest::prelude::*;

use crate::model::{Change, Model, changes};

fn chain(names: &[&'static str]) -> (Dag<&'static str>, Vec<NodeId>) {
    let mut dag = Dag::new();
    let ids: Vec<NodeId> = names.iter().map(|name| dag.add_node(*name)).collect();
    for pair in ids.windows(2) {
        dag.add_edge(pair[0], pair[1]).unwrap();
    }
    (dag, ids)
}

proptest! {
    #[test]
    fn an_edge_is_refused_exactly_when_it_would_close_a_cycle(changes in changes()) {
        Model::after(&changes);
    }

    #[test]
    fn the_cycle_is_a_shortest_one(changes in changes()) {
        let mut model = Model::after(&changes);
        for &from in &model.nodes.keys().copied().collect::<Vec<_>>() {
            for to in model.reaching(from) {
                let Err(AddEdgeError::Cycle(cycle)) = model.dag.add_edge(from, to) else { panic!("{from} -> {to}") };
                let mut steps = 1;
                let mut frontier = std::collections::BTreeSet::from([to]);
                while !frontier.contains(&from) {
                    frontier = frontier.iter().flat_map(|&node| model.outputs(node).collect::<Vec<_>>()).collect();
                    steps += 1;
                }
                prop_assert_eq!(cycle.nodes().len(), steps);
            }
        }
    }

    #[test]
    fn a_refused_edge_changes_nothing(changes in changes(), from in any::<usize>(), to in any::<usize>()) {
        let mut model = Model::after(&changes);
        let before: Vec<NodeId> = model.dag.node_ids().collect();
        let edges = model.edges.len();
        model.apply(&Change::AddEdge(from, to));
        if model.edges.len() == edges {
            prop_assert_eq!(model.dag.node_ids().collect::<Vec<_>>(), before);
            prop_assert_eq!(model.dag.edge_count(), edges);
        }
    }
}

#[test]
fn shortcuts_are_legal_in_any_order() {
    let (mut dag, ids) = chain(&["a", "b", "c"]);
    dag.add_edge(ids[0], ids[2]).unwrap();
    let mut other = Dag::new();
    let [c, b, a] = ["c", "b", "a"].map(|name| other.add_node(name));
    other.add_edge(a, c).unwrap();
    other.add_edge(b, c).unwrap();
    other.add_edge(a, b).unwrap();
    assert_eq!(other.node_ids().collect::<Vec<_>>(), [a, b, c]);
}

#[test]
fn a_refused_edge_is_welcome_once_the_cycle_is_open() {
    let (mut dag, ids) = chain(&["a", "b", "c"]);
    assert!(dag.add_edge(ids[2], ids[0]).is_err());
    dag.remove_edge(ids[0], ids[1]).unwrap();
    dag.add_edge(ids[2], ids[0]).unwrap();
    assert_eq!(dag.node_ids().collect::<Vec<_>>(), [ids[1], ids[2], ids[0]]);
}

#[test]
fn the_message_names_the_edge_the_cycle_and_the_way_out() {
    let (mut dag, ids) = chain(&["read", "parse", "write"]);
    let error = dag.add_edge(ids[2], ids[0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "adding the edge `#3` -> `#1`, which would close the cycle `#1` -> `#2` -> `#3` -> `#1`; \
         leave it out, or remove an edge of the cycle first"
    );
    assert_eq!(
        error.named(|id| dag[id]).to_string(),
        "adding the edge `write` -> `read`, which would close the cycle `read` -> `parse` -> `write` -> `read`; \
         leave it out, or remove an edge of the cycle first"
    );
}

#[test]
fn the_message_for_a_node_joined_to_itself_says_so() {
    let (mut dag, ids) = chain(&["read"]);
    let error = dag.add_edge(ids[0], ids[0]).unwrap_err();
    assert_eq!(
        error.clone().named(|id| dag[id]).to_string(),
        "adding the edge `read` -> `read`, which would make the node its own input; leave it out"
    );
    let AddEdgeError::Cycle(cycle) = error else { panic!("a cycle of one") };
    assert_eq!(cycle.nodes(), [ids[0]]);
    assert_eq!(cycle.edge(), (ids[0], ids[0]));
}

#[test]
fn the_message_of_a_long_cycle_shows_its_ends() {
    let names = vec!["node"; 1000];
    let (mut dag, ids) = chain(&names);
    let error = dag.add_edge(ids[999], ids[0]).unwrap_err();
    let ends = "`1` -> `2` -> `3` -> `4` -> `5` -> `6` -> … 988 more … -> \
                `995` -> `996` -> `997` -> `998` -> `999` -> `1000` -> `1`";
    assert_eq!(
        error.clone().named(NodeId::number).to_string(),
        format!(
            "adding the edge `1000` -> `1`, which would close the cycle {ends}; \
             leave it out, or remove an edge of the cycle first"
        )
    );
    let AddEdgeError::Cycle(cycle) = error else { panic!("a cycle") };
    assert_eq!(cycle.nodes(), ids);
}
