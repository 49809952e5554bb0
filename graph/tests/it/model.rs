//! The naive model: a set of edges and a reachability matrix's worth of patience.

use std::collections::{BTreeMap, BTreeSet};

use millpond_graph::{AddEdgeError, Dag, NodeId};
use proptest::prelude::*;

/// One change to a graph; numbers choose among the nodes present.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    AddNode,
    RemoveNode(usize),
    AddEdge(usize, usize),
    RemoveEdge(usize, usize),
}

pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        3 => Just(Change::AddNode),
        1 => any::<usize>().prop_map(Change::RemoveNode),
        12 => any::<(usize, usize)>().prop_map(|(from, to)| Change::AddEdge(from, to)),
        2 => any::<(usize, usize)>().prop_map(|(from, to)| Change::RemoveEdge(from, to)),
    ];
    prop::collection::vec(change, 0..120)
}

/// A graph and what it should be.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) dag: Dag<u64>,
    /// Each node with its value.
    pub(crate) nodes: BTreeMap<NodeId, u64>,
    pub(crate) edges: BTreeSet<(NodeId, NodeId)>,
    pub(crate) removed: Vec<NodeId>,
    added: u64,
}

impl Model {
    pub(crate) fn after(changes: &[Change]) -> Model {
        let mut model = Model::default();
        changes.iter().for_each(|change| model.apply(change));
        model
    }

    /// Makes a change on both sides, which must agree on what comes of it.
    pub(crate) fn apply(&mut self, change: &Change) {
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        let pick = |number: usize| ids[number % ids.len()];
        match *change {
            Change::AddNode => {
                self.added += 1;
                let value = self.added * 7919 % 5;
                let id = self.dag.add_node(value);
                assert_eq!(self.nodes.insert(id, value), None, "an id is given out once");
            }
            _ if ids.is_empty() => {}
            Change::RemoveNode(number) => {
                let id = pick(number);
                assert_eq!(self.dag.remove_node(id).ok(), self.nodes.remove(&id));
                self.edges.retain(|&(from, to)| from != id && to != id);
                self.removed.push(id);
            }
            Change::AddEdge(one, other) => self.add_edge(pick(one), pick(other)),
            Change::RemoveEdge(one, other) => {
                let edge = (pick(one), pick(other));
                assert_eq!(self.dag.remove_edge(edge.0, edge.1), Ok(self.edges.remove(&edge)));
            }
        }
    }

    fn add_edge(&mut self, from: NodeId, to: NodeId) {
        let closes_cycle = from == to || self.reachable(to).contains(&from);
        match self.dag.add_edge(from, to) {
            Ok(()) => {
                assert!(!closes_cycle, "{from} -> {to} closes a cycle and was added");
                self.edges.insert((from, to));
            }
            Err(AddEdgeError::Cycle(cycle)) => {
                assert!(closes_cycle, "{from} -> {to} closes no cycle and was refused");
                assert_eq!(cycle.edge(), (from, to));
                let nodes = cycle.nodes();
                assert_eq!((nodes[0], nodes[nodes.len() - 1]), (to, from));
                assert!(nodes.windows(2).all(|pair| self.edges.contains(&(pair[0], pair[1]))), "{nodes:?}");
                assert_eq!(nodes.iter().collect::<BTreeSet<_>>().len(), nodes.len(), "each node once: {nodes:?}");
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// All nodes that a path of at least one edge leads to.
    pub(crate) fn reachable(&self, from: NodeId) -> BTreeSet<NodeId> {
        let mut reachable = BTreeSet::new();
        let mut stack = vec![from];
        while let Some(node) = stack.pop() {
            stack.extend(
                self.edges.iter().filter(|&&(from, to)| from == node && reachable.insert(to)).map(|edge| edge.1),
            );
        }
        reachable
    }

    /// All nodes from which a path of at least one edge leads to this one.
    pub(crate) fn reaching(&self, to: NodeId) -> BTreeSet<NodeId> {
        self.nodes.keys().copied().filter(|&node| self.reachable(node).contains(&to)).collect()
    }

    pub(crate) fn inputs(&self, of: NodeId) -> impl Iterator<Item = NodeId> {
        self.edges.iter().filter(move |&&(_, to)| to == of).map(|&(from, _)| from)
    }

    pub(crate) fn outputs(&self, of: NodeId) -> impl Iterator<Item = NodeId> {
        self.edges.iter().filter(move |&&(from, _)| from == of).map(|&(_, to)| to)
    }

    /// Every edge between two of these nodes leads forward, and each node is there once.
    pub(crate) fn assert_in_order(&self, nodes: &[NodeId]) {
        let ranks: BTreeMap<NodeId, usize> = nodes.iter().enumerate().map(|(rank, &node)| (node, rank)).collect();
        assert_eq!(ranks.len(), nodes.len(), "each node once: {nodes:?}");
        for (from, to) in &self.edges {
            if let (Some(one), Some(other)) = (ranks.get(from), ranks.get(to)) {
                assert!(one < other, "{from} -> {to} goes backwards in {nodes:?}");
            }
        }
    }
}

/// A number that looks random, for choices that follow from an id.
pub(crate) fn scramble(id: NodeId, seed: u64) -> u64 {
    (id.number() ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
}
