//! Large and deep graphs: no stack overflows, nothing is quadratic. (Quadratic would be hours, so
//! none of these tests looks at a clock.)

use millpond_graph::{AddEdgeError, Dag, NodeId};

const MANY: usize = 200_000;

fn nodes(count: usize) -> (Dag<usize>, Vec<NodeId>) {
    let mut dag = Dag::with_capacity(count, count);
    let ids = (0..count).map(|value| dag.add_node(value)).collect();
    (dag, ids)
}

/// Numbers below `count`, each once, in an order that looks random.
fn shuffled(count: usize) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    let mut state = 1_u64;
    for last in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        numbers.swap(last, (state >> 33) as usize % (last + 1));
    }
    numbers
}

fn assert_chain(dag: &Dag<usize>, chain: &[NodeId]) {
    let last = chain[chain.len() - 1];
    assert!(dag.node_ids().eq(chain.iter().copied()));
    assert_eq!(dag.inputs_first(last).unwrap(), chain);
    assert_eq!(dag.layers().len(), chain.len());
    assert_eq!(dag.critical_path(|_, _| 1_usize).total, chain.len());
    assert_eq!(dag.orphaned_by(last, |_, _| false).unwrap().len(), chain.len());
    assert_eq!(dag.descendants(chain[0]).unwrap().len(), chain.len() - 1);
}

#[test]
fn a_chain_whose_nodes_were_added_in_order() {
    let (mut dag, ids) = nodes(MANY);
    ids.windows(2).for_each(|pair| dag.add_edge(pair[0], pair[1]).unwrap());
    assert_chain(&dag, &ids);
    let Err(AddEdgeError::Cycle(cycle)) = dag.add_edge(ids[MANY - 1], ids[0]) else { panic!("a cycle") };
    assert_eq!(cycle.nodes(), ids);
}

#[test]
fn a_chain_whose_nodes_were_added_last_first() {
    let (mut dag, mut ids) = nodes(MANY);
    ids.reverse();
    ids.windows(2).for_each(|pair| dag.add_edge(pair[0], pair[1]).unwrap());
    assert_chain(&dag, &ids);
}

#[test]
fn a_chain_whose_edges_were_added_in_random_order_between_random_nodes() {
    let (mut dag, ids) = nodes(MANY);
    let chain: Vec<NodeId> = shuffled(MANY).into_iter().map(|number| ids[number]).collect();
    for at in shuffled(MANY - 1) {
        dag.add_edge(chain[at], chain[at + 1]).unwrap();
    }
    assert_chain(&dag, &chain);
}

#[test]
fn a_node_with_many_outputs_takes_each_new_one_quickly() {
    let (mut dag, ids) = nodes(MANY);
    ids[1..].iter().for_each(|&output| dag.add_edge(ids[0], output).unwrap());
    ids[1..].iter().for_each(|&output| dag.add_edge(ids[0], output).unwrap());
    assert_eq!(dag.edge_count(), MANY - 1);
    assert_eq!(dag.orphans(|id, _| id == ids[1]).len(), MANY - 2);
}

#[test]
fn a_node_with_many_inputs_takes_each_new_one_quickly() {
    let (mut dag, ids) = nodes(MANY);
    ids[1..].iter().for_each(|&input| dag.add_edge(input, ids[0]).unwrap());
    assert_eq!(dag.node_ids().last(), Some(ids[0]));
    assert_eq!(dag.inputs_first(ids[0]).unwrap().len(), MANY);
}

#[test]
fn a_window_of_live_nodes_can_slide_for_long() {
    let mut dag = Dag::new();
    let mut before = dag.add_node(0);
    for value in 1..MANY {
        let node = dag.add_node(value);
        dag.add_edge(before, node).unwrap();
        dag.remove_node(before).unwrap();
        before = node;
    }
    assert_eq!((dag.node_count(), dag.edge_count()), (1, 0));
    assert_eq!(before.number(), MANY as u64);
}
