//! dagrs: a node per task, a channel per edge. Its graphs run once, so that building is part of a
//! run; see `Dagrs::time`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use dagrs::{Action, Content, DefaultNode, EnvVar, Graph, InChannels, Node, NodeTable, OutChannels, Output};
use millpond_benches::harness::Measured;
use tokio::runtime::Runtime;

use crate::shape::{Shape, spin};

/// Waits for all inputs, works, tells all successors.
struct Step {
    rounds: u64,
    ran: Arc<AtomicU64>,
}

#[dagrs::async_trait::async_trait]
impl Action for Step {
    async fn run(&self, inputs: &mut InChannels, outputs: &mut OutChannels, _env: Arc<EnvVar>) -> Output {
        inputs.map(|_| ()).await;
        if self.rounds > 0 {
            spin(self.rounds);
        }
        self.ran.fetch_add(1, Ordering::Relaxed);
        outputs.broadcast(Content::new(())).await;
        Output::empty()
    }
}

pub(crate) struct Dagrs<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) shape: &'a Shape,
    pub(crate) rounds: u64,
}

impl Dagrs<'_> {
    fn build(&self, ran: &Arc<AtomicU64>) -> Graph {
        let mut table = NodeTable::default();
        let mut graph = Graph::new();
        let mut ids = Vec::with_capacity(self.shape.tasks);
        for number in 0..self.shape.tasks {
            let step = Step { rounds: self.rounds, ran: Arc::clone(ran) };
            let node = DefaultNode::with_action(number.to_string(), step, &mut table);
            ids.push(node.id());
            graph.add_node(node).expect("names differ");
        }
        let mut edges = self.shape.edges.clone();
        edges.sort_unstable();
        edges.dedup();
        for successors in edges.chunk_by(|a, b| a.0 == b.0) {
            let to = successors.iter().map(|(_, to)| ids[*to as usize]);
            graph.add_edge(ids[successors[0].0 as usize], to).expect("the nodes are there");
        }
        graph.set_env(EnvVar::new(table));
        graph
    }

    /// Runs once; nanoseconds per task, without building unless `with_build`.
    pub(crate) fn time(&self, with_build: bool) -> Measured<u64> {
        let ran = Arc::new(AtomicU64::new(0));
        let before = Instant::now();
        let mut graph = self.build(&ran);
        let built = Instant::now();
        self.runtime.block_on(graph.async_start()).expect("the tasks do not fail");
        drop(graph);
        let begin = if with_build { before } else { built };
        let value = begin.elapsed().as_secs_f64() * 1e9 / self.shape.tasks as f64;
        Measured { value, result: ran.load(Ordering::Relaxed) }
    }
}
