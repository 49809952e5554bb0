//! Group `graph`: building with the cycle check on, in good and bad orders, and the questions that
//! a pool asks.
//!
//! Rivals: petgraph with a topological sort after every edge, which is what is done where no
//! incremental order is at hand; petgraph's own `Acyclic`, which keeps one by Pearce and Kelly's
//! algorithm, on sizes at which it ends (its search is recursive besides: a chain of 100,000 nodes
//! in random order overflows the stack); and its depth-first search for the inputs of a node.
//! Building is nodes and edges together, dropping is not timed.
#![forbid(unsafe_code)]

use std::any::Any;
use std::collections::HashMap;
use std::fmt;

use millpond_benches::harness::{Case, Group, Unit};
use millpond_graph::{Dag, NodeId};
use petgraph::acyclic::Acyclic;
use petgraph::algo::toposort;
use petgraph::data::Build;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::{DfsPostOrder, Reversed};

/// The edges of a graph of `nodes` nodes, in the order of adding.
struct Plan {
    nodes: usize,
    edges: Vec<(usize, usize)>,
}

/// A xorshift generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as usize % end
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        (1..items.len()).rev().for_each(|last| items.swap(last, self.below(last + 1)));
    }
}

impl Plan {
    /// A chain in order, node by node and edge by edge.
    fn chain(nodes: usize) -> Plan {
        Plan { nodes, edges: (1..nodes).map(|node| (node - 1, node)).collect() }
    }

    /// A chain whose nodes were added last first.
    fn reverse_chain(nodes: usize) -> Plan {
        Plan { nodes, edges: (1..nodes).rev().map(|node| (node, node - 1)).collect() }
    }

    /// Each node has `inputs` inputs among the `reach` before it; nodes and edges are added in
    /// random order.
    fn random(nodes: usize, inputs: usize, reach: usize) -> Plan {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut names: Vec<usize> = (0..nodes).collect();
        random.shuffle(&mut names);
        let mut edges = Vec::with_capacity(nodes * inputs);
        for node in 1..nodes {
            for _ in 0..inputs {
                let input = node - 1 - random.below(reach.min(node));
                edges.push((names[input], names[node]));
            }
        }
        edges.sort_unstable();
        edges.dedup();
        random.shuffle(&mut edges);
        Plan { nodes, edges }
    }

    /// Each node has the one before as an input and one more, anywhere before; all in order.
    fn braid(nodes: usize) -> Plan {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let edges = (1..nodes).flat_map(|node| [(node - 1, node), (random.below(node), node)]).collect();
        Plan { nodes, edges }
    }

    fn ours(&self) -> (Dag<usize>, Vec<NodeId>) {
        let mut dag = Dag::new();
        let ids: Vec<NodeId> = (0..self.nodes).map(|value| dag.add_node(value)).collect();
        for &(from, to) in &self.edges {
            dag.add_edge(ids[from], ids[to]).expect("the plan has no cycle");
        }
        (dag, ids)
    }

    fn acyclic(&self) -> Acyclic<StableDiGraph<usize, ()>> {
        let mut graph = Acyclic::<StableDiGraph<usize, ()>>::new();
        let ids: Vec<NodeIndex> = (0..self.nodes).map(|value| graph.add_node(value)).collect();
        for &(from, to) in &self.edges {
            graph.try_update_edge(ids[from], ids[to], ()).expect("the plan has no cycle");
        }
        graph
    }

    fn sorted_after_every_edge(&self) -> StableDiGraph<usize, ()> {
        let mut graph = self.unchecked();
        graph.clear_edges();
        for &(from, to) in &self.edges {
            graph.update_edge(NodeIndex::new(from), NodeIndex::new(to), ());
            toposort(&graph, None).expect("the plan has no cycle");
        }
        graph
    }

    fn unchecked(&self) -> StableDiGraph<usize, ()> {
        let mut graph = StableDiGraph::new();
        (0..self.nodes).for_each(|value| _ = graph.add_node(value));
        for &(from, to) in &self.edges {
            graph.update_edge(NodeIndex::new(from), NodeIndex::new(to), ());
        }
        graph
    }
}

/// A count to be compared, and what was counted, to be dropped after the clock has stopped.
struct Built(usize, #[expect(dead_code, reason = "kept for its drop")] Box<dyn Any>);

impl PartialEq for Built {
    fn eq(&self, other: &Built) -> bool {
        self.0 == other.0
    }
}

impl fmt::Debug for Built {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} counted", self.0)
    }
}

/// Which rivals finish a plan in reasonable time.
#[derive(Clone, Copy, PartialEq)]
enum Rivals {
    None,
    Acyclic,
    AcyclicAndSorting,
}

fn build(group: &mut Group, name: &str, rivals: Rivals, plan: impl Fn() -> Plan) {
    if !group.selects(name) {
        return;
    }
    let plan = plan();
    let mut case = Case::new(name, Unit::nanoseconds_per("edge", plan.edges.len() as u64)).ours(|| {
        let built = plan.ours();
        Built(built.0.edge_count(), Box::new(built))
    });
    if rivals != Rivals::None {
        case = case.rival("petgraph-acyclic", || {
            let built = plan.acyclic();
            Built(built.edge_count(), Box::new(built))
        });
    }
    if rivals == Rivals::AcyclicAndSorting {
        case = case.rival("petgraph-toposort-per-edge", || {
            let built = plan.sorted_after_every_edge();
            Built(built.edge_count(), Box::new(built))
        });
    }
    case.run(group);
}

fn inputs_first(group: &mut Group, name: &str, target: usize) {
    let plan = Plan::braid(1_000_000);
    let (dag, ids) = plan.ours();
    let rival = plan.unchecked();
    Case::new(name, Unit::nanoseconds_per("node", target as u64 + 1))
        .ours(|| {
            let found = dag.inputs_first(ids[target]).expect("the node is there");
            Built(found.len(), Box::new(found))
        })
        .rival("petgraph-dfs-post-order", || {
            let inputs = Reversed(&rival);
            let mut search = DfsPostOrder::new(inputs, NodeIndex::new(target));
            let found: Vec<NodeIndex> = std::iter::from_fn(|| search.next(inputs)).collect();
            Built(found.len(), Box::new(found))
        })
        .run(group);
}

/// Questions about a whole graph of a million nodes with two inputs each.
fn questions(group: &mut Group) {
    const NODES: usize = 1_000_000;
    let names = ["order-1m", "orphans-1m", "layers-1m", "critical-path-1m", "find-cycle-1m"];
    if !names.iter().any(|name| group.selects(name)) {
        return;
    }
    let (mut dag, ids) = Plan::random(NODES, 2, 100).ours();
    let per_node = || Unit::nanoseconds_per("node", NODES as u64);
    Case::new("order-1m", per_node()).ours(|| dag.node_ids().count()).run(group);
    Case::new("orphans-1m", per_node()).ours(|| dag.orphans(|_, value| value % 1000 == 0).len()).run(group);
    Case::new("layers-1m", per_node()).ours(|| dag.layers().len()).run(group);
    Case::new("critical-path-1m", per_node()).ours(|| dag.critical_path(|_, &value| value as u64).total).run(group);

    // Refused edges, from the end of the order to its beginning.
    let ranks: HashMap<NodeId, usize> = dag.node_ids().enumerate().map(|(rank, id)| (id, rank)).collect();
    let mut random = Random(7);
    let mut backward = Vec::new();
    while backward.len() < 20 {
        let (one, other) = (ids[random.below(NODES)], ids[random.below(NODES)]);
        if ranks[&one] + 1000 < ranks[&other] && dag.has_path(one, other) == Ok(true) {
            backward.push((other, one));
        }
    }
    Case::new("find-cycle-1m", Unit::microseconds_per("refused edge", backward.len() as u64))
        .ours(|| backward.iter().filter(|&&(from, to)| dag.add_edge(from, to).is_err()).count())
        .run(group);
}

fn main() {
    let mut group = Group::new("graph");
    let any = usize::MAX;
    build(&mut group, "build-chain-2k", Rivals::AcyclicAndSorting, || Plan::chain(2_000));
    build(&mut group, "build-random-2k", Rivals::AcyclicAndSorting, || Plan::random(2_000, 3, any));
    build(&mut group, "build-chain-reverse-2k", Rivals::AcyclicAndSorting, || Plan::reverse_chain(2_000));
    build(&mut group, "build-chain-random-order-2k", Rivals::AcyclicAndSorting, || Plan::random(2_000, 1, 1));
    build(&mut group, "build-near-10k", Rivals::Acyclic, || Plan::random(10_000, 2, 100));

    build(&mut group, "build-chain-1m", Rivals::Acyclic, || Plan::chain(1_000_000));
    build(&mut group, "build-chain-reverse-1m", Rivals::None, || Plan::reverse_chain(1_000_000));
    build(&mut group, "build-chain-random-order-1m", Rivals::None, || Plan::random(1_000_000, 1, 1));
    build(&mut group, "build-random-1m", Rivals::None, || Plan::random(1_000_000, 3, any));
    build(&mut group, "build-near-1m", Rivals::None, || Plan::random(1_000_000, 2, 100));

    for (name, target) in [("inputs-first-1m", 999_999), ("inputs-first-10-of-1m", 9)] {
        if group.selects(name) {
            inputs_first(&mut group, name, target);
        }
    }
    questions(&mut group);
    group.finish();
}
