//! Who runs graphs of values: the caller, and threads that are lent to it.

use std::sync::Arc;

use millpond_workers::Workers;

use super::error::RunError;
use super::graph::Graph;
use super::inputs::{Found, Inputs};
use super::options::RunOptions;
use super::run;
use super::task::Task;
use super::threads::Threads;

/// Runs graphs of values without a pool: in the calling thread, alone or with threads of some
/// workers.
///
/// # Examples
/// ```
/// use millpond_values::{Graph, Runner};
///
/// let mut graph = Graph::new();
/// let a = graph.task("a", (), |()| 20);
/// let b = graph.task("b", a, |a| a + 1);
/// assert_eq!(*Runner::alone().get(&mut graph, b).unwrap(), 21);
/// ```
#[derive(Debug, Clone)]
pub struct Runner {
    size: usize,
    workers: Option<Arc<dyn Workers>>,
}

impl Threads for Runner {
    fn size(&self) -> usize {
        self.size
    }

    fn workers(&self) -> Option<Arc<dyn Workers>> {
        self.workers.clone()
    }
}

impl Runner {
    /// The caller does everything.
    #[must_use]
    pub const fn alone() -> Self {
        Self { size: 1, workers: None }
    }

    /// At most `size` threads work at once: the caller, and others that these workers lend.
    #[must_use]
    pub fn new(size: usize, workers: Arc<dyn Workers>) -> Self {
        Self { size, workers: Some(workers) }
    }

    /// The value of a target; see [`get_many_with`](run::get_many_with).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Blocking
    /// As there.
    pub fn get<'graph, T: Send + Sync + 'static>(
        &self,
        graph: &'graph mut Graph<'_>,
        target: Task<T>,
    ) -> Result<&'graph T, RunError> {
        self.get_many(graph, target)
    }

    /// The value of a target, with options; see [`get_many_with`](run::get_many_with).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Blocking
    /// As there.
    pub fn get_with<'graph, T: Send + Sync + 'static>(
        &self,
        graph: &'graph mut Graph<'_>,
        target: Task<T>,
        options: &RunOptions<'_>,
    ) -> Result<&'graph T, RunError> {
        run::get_many_with(self, graph, target, options)
    }

    /// The values of several targets; see [`get_many_with`](run::get_many_with).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Blocking
    /// As there.
    pub fn get_many<'graph, I: Inputs>(
        &self,
        graph: &'graph mut Graph<'_>,
        targets: I,
    ) -> Result<Found<'graph, I>, RunError> {
        run::get_many_with(self, graph, targets, &RunOptions::new())
    }

    /// Runs every task of the graph; see [`run_with`](run::run_with).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Blocking
    /// As there.
    pub fn run(&self, graph: &mut Graph<'_>) -> Result<(), RunError> {
        run::run_with(self, graph, &RunOptions::new())
    }
}
