//! The pool's methods for graphs of values.

use super::error::{Cause, Failure, GraphError, RunError};
use super::graph::Graph;
use super::heartbeat::Pace;
use super::inputs::{Found, Inputs, Link, Read};
use super::plan::Plan;
use super::session::Session;
use super::task::Task;
use crate::ScopedPool;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunReport {
    /// How many tasks were run.
    pub tasks: u64,
    /// How many helpers the pool was asked for. Small runs ask for none.
    pub helpers_asked: usize,
    /// Whether the caller let helpers take part.
    pub is_shared: bool,
}

impl ScopedPool<'_> {
    /// Returns the value of `target`, running what it needs and what is not remembered, each task once.
    ///
    /// Whoever calls works, too. The value stays in the graph, and so do those on the way to it.
    ///
    /// # Errors
    /// [`RunError::Graph`] before anything runs; [`RunError::Failed`] when a task fails, which stops the run; values that
    /// were computed until then are remembered.
    ///
    /// # Blocking
    /// Until the value is there.
    ///
    /// # Examples
    /// ```
    /// use millpond_pool::{Pool, values::Graph};
    ///
    /// let mut graph = Graph::new();
    /// let a = graph.task("a", (), |()| 20);
    /// let b = graph.task("b", a, |a| a + 1);
    /// let unwanted = graph.task("unwanted", a, |_| -> i32 { panic!("nobody asked") });
    ///
    /// let pool = Pool::rayon(2);
    /// assert_eq!(*pool.get(&mut graph, b).unwrap(), 21);
    /// assert_eq!(graph.last_run().tasks, 2);
    /// ```
    pub fn get<'graph, T: Send + Sync + 'static>(
        &self,
        graph: &'graph mut Graph<'_>,
        target: Task<T>,
    ) -> Result<&'graph T, RunError> {
        self.get_many(graph, target)
    }

    /// Returns the values of several targets, in the shape in which they are given: a tuple for a tuple, a vector for a slice.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Blocking
    /// Until all values are there.
    ///
    /// # Examples
    /// ```
    /// use millpond_pool::{Pool, values::Graph};
    ///
    /// let mut graph = Graph::new();
    /// let seed = graph.task("seed", (), |()| 6);
    /// let half = graph.task("half", seed, |n| n / 2);
    /// let text = graph.task("text", seed, |n| n.to_string());
    /// let (half, text) = Pool::rayon(2).get_many(&mut graph, (half, text)).unwrap();
    /// assert_eq!((*half, text.as_str()), (3, "6"));
    /// ```
    pub fn get_many<'graph, I: Inputs>(
        &self,
        graph: &'graph mut Graph<'_>,
        targets: I,
    ) -> Result<Found<'graph, I>, RunError> {
        let mut wanted = std::mem::take(&mut graph.search.targets);
        wanted.clear();
        let link = targets.link(&mut Link { graph: graph.key, bodies: graph.bodies.list(), inputs: &mut wanted });
        let result = graph.compile_wanted(&wanted);
        graph.search.targets = wanted;
        let sources = link?;
        result?;
        if graph.wanted.len() > 0 {
            self.run_plan(graph, false)?;
        }
        Ok(sources.found())
    }

    /// Runs every task of the graph, remembered or not.
    ///
    /// A graph that has been run before is run again without compiling and without allocating.
    ///
    /// # Errors
    /// As [`get`](Self::get), but a run that fails leaves no values behind.
    ///
    /// # Blocking
    /// Until all tasks have run.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use millpond_pool::{Pool, values::Graph};
    ///
    /// let count = AtomicU32::new(0);
    /// let mut graph = Graph::new();
    /// let first = graph.control("first", || _ = count.fetch_add(1, Ordering::Relaxed));
    /// let second = graph.control("second", || _ = count.fetch_add(10, Ordering::Relaxed));
    /// graph.before(first, second);
    /// Pool::rayon(2).run_n(&mut graph, 3).unwrap();
    /// drop(graph);
    /// assert_eq!(count.into_inner(), 33);
    /// ```
    pub fn run(&self, graph: &mut Graph<'_>) -> Result<(), RunError> {
        if let Some(unset) = graph.unset.first() {
            let name = graph.names.name(*unset).to_owned();
            return Err(GraphError::MissingInput { name }.into());
        }
        graph.check()?;
        graph.whole.reset();
        let result = self.run_plan(graph, true);
        if result.is_err() {
            graph.forget_all();
        }
        result
    }

    /// Runs the graph `times` times.
    ///
    /// # Errors
    /// As [`run`](Self::run); the runs after it are left out.
    ///
    /// # Blocking
    /// Until all runs are over.
    pub fn run_n(&self, graph: &mut Graph<'_>, times: usize) -> Result<(), RunError> {
        (0..times).try_for_each(|_| self.run(graph))
    }

    /// Runs the graph again and again until `is_enough`, which is asked after each run.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    ///
    /// # Blocking
    /// Until the last run is over.
    pub fn run_until(
        &self,
        graph: &mut Graph<'_>,
        mut is_enough: impl FnMut(&Graph<'_>) -> bool,
    ) -> Result<(), RunError> {
        loop {
            self.run(graph)?;
            if is_enough(graph) {
                return Ok(());
            }
        }
    }

    fn run_plan(&self, graph: &mut Graph<'_>, is_whole: bool) -> Result<(), RunError> {
        let (workers, size) = (self.workers(), self.size());
        if let (Some(crew), Some(workers)) = (graph.crew.get(), &workers)
            && !crew.is_of(workers, size)
        {
            graph.crew.take();
        }
        let stack = std::mem::take(&mut graph.stack);
        let plan = if is_whole { &graph.whole } else { &graph.wanted };
        let session = Session::new(graph, plan, workers.as_ref().map(|workers| (workers, size)));
        let pace = if plan.unknown > 1 { Pace::Unknown } else { Pace::Nanoseconds(graph.pace) };
        let (stack, pace) = session.run(stack, pace);
        let report = session.report();
        let failures = session.into_failures();
        graph.stack = stack;
        graph.last_run = report;
        graph.pace = pace.unwrap_or(graph.pace);
        if failures.is_empty() {
            graph.note_run(is_whole);
            return Ok(());
        }
        let plan = if is_whole { &mut graph.whole } else { &mut graph.wanted };
        plan.is_dirty = true;
        let plan = if is_whole { &graph.whole } else { &graph.wanted };
        let failures = failures.into_iter().map(|(task, cause)| describe(graph, plan, task, cause)).collect();
        Err(RunError::Failed(failures))
    }
}

fn describe(graph: &Graph<'_>, plan: &Plan<'_>, task: u32, cause: Cause) -> Failure {
    let path = if plan.tasks.is_empty() { vec![task] } else { plan.path_to_target(task, graph.search.targets.len()) };
    Failure {
        path: path.into_iter().map(|local| graph.names.name(plan.task(local)).to_owned()).collect(),
        added: graph.names.added(plan.task(task)),
        cause,
    }
}
