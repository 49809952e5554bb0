//! The pool's methods for graphs of values.

use std::panic::{AssertUnwindSafe, catch_unwind};

use millpond_sync::shim::atomic::Ordering;

use super::careful::Careful;
use super::error::{Cause, Failure, GraphError, RunError};
use super::graph::Graph;
use super::heartbeat::Pace;
use super::inputs::{Found, Inputs, Link, Read};
use super::options::RunOptions;
use super::session::{Noted, Session};
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
    /// were computed until then are remembered, but for those of loops.
    ///
    /// # Blocking
    /// Until the value is there. After a failure no further function is called, and this waits for
    /// those that other threads are in, since they may borrow what the graph borrows.
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

    /// [`get`](Self::get) with options.
    ///
    /// # Errors
    /// As `get`, and [`RunError::Cancelled`]. A run that keeps going names all tasks that failed.
    ///
    /// # Blocking
    /// As `get`; likewise when the run is cancelled.
    pub fn get_with<'graph, T: Send + Sync + 'static>(
        &self,
        graph: &'graph mut Graph<'_>,
        target: Task<T>,
        options: &RunOptions<'_>,
    ) -> Result<&'graph T, RunError> {
        self.get_many_with(graph, target, options)
    }

    /// Returns the values of several targets, in the shape in which they are given: a tuple for a tuple, a vector for a slice.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Blocking
    /// As `get`, until all values are there.
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
        self.get_many_with(graph, targets, &RunOptions::new())
    }

    /// [`get_many`](Self::get_many) with options.
    ///
    /// # Errors
    /// As [`get_with`](Self::get_with). After a run that kept going, [`Graph::peek`] gives the values that there are.
    ///
    /// # Blocking
    /// As `get_with`.
    pub fn get_many_with<'graph, I: Inputs>(
        &self,
        graph: &'graph mut Graph<'_>,
        targets: I,
        options: &RunOptions<'_>,
    ) -> Result<Found<'graph, I>, RunError> {
        let mut wanted = std::mem::take(&mut graph.search.targets);
        wanted.clear();
        let link = targets.link(&mut Link { graph: graph.key, bodies: graph.bodies.list(), inputs: &mut wanted });
        let result = graph.compile_wanted(&wanted);
        graph.search.targets = wanted;
        let sources = link?;
        result?;
        if graph.wanted.len() > 0 {
            self.run_plan(graph, false, options)?;
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
    /// Until all tasks have run. After a failure as [`get`](Self::get).
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
        self.run_with(graph, &RunOptions::new())
    }

    /// [`run`](Self::run) with options.
    ///
    /// # Errors
    /// As [`get_with`](Self::get_with). A run that keeps going leaves the values that it could compute.
    ///
    /// # Blocking
    /// As `get_with`.
    pub fn run_with(&self, graph: &mut Graph<'_>, options: &RunOptions<'_>) -> Result<(), RunError> {
        if let Some(unset) = graph.unset.first() {
            let name = graph.names.name(*unset).to_owned();
            return Err(GraphError::MissingInput { name }.into());
        }
        graph.check()?;
        graph.whole.reset();
        if !options.is_plain() || !graph.choices.is_empty() {
            // What does not run this time must not show what it gave last time.
            let panics = graph.forget_noting(0..graph.len() as u32);
            if !panics.is_empty() {
                return Err(RunError::Failed(panics));
            }
        }
        let result = self.run_plan(graph, true, options);
        if result.is_err() && !options.is_going_on {
            return with_more(result, graph.forget_noting(0..graph.len() as u32));
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

    fn run_plan(&self, graph: &mut Graph<'_>, is_whole: bool, options: &RunOptions<'_>) -> Result<(), RunError> {
        let (workers, size) = (self.workers(), self.size());
        if let (Some(crew), Some(workers)) = (graph.crew.get(), &workers)
            && !crew.is_of(workers, size)
        {
            graph.crew.take();
        }
        let stack = std::mem::take(&mut graph.stack);
        let plan = if is_whole { &mut graph.whole } else { &mut graph.wanted };
        // Until it has come to its end, also where a panic leaves this function.
        plan.is_dirty = true;
        let plan = if is_whole { &graph.whole } else { &graph.wanted };
        let is_careful = graph.has_flows || !graph.extras.is_empty() || !options.is_plain();
        let careful = is_careful.then(|| Careful::new(graph, plan, options));
        let session = Session::new(graph, plan, workers.as_ref().map(|workers| (workers, size)), careful);
        let pace = if plan.unknown > 1 { Pace::Unknown } else { Pace::Nanoseconds(graph.pace) };
        let (stack, pace) = session.run(stack, pace);
        let report = session.report();
        let result = session.result(report.tasks);
        let is_torn = result.is_err() && session.is_stopped();
        drop(session);
        graph.stack = stack;
        graph.last_run = report;
        graph.pace = pace.unwrap_or(graph.pace);
        let plan = if is_whole { &mut graph.whole } else { &mut graph.wanted };
        plan.is_dirty = result.is_err() || plan.branching.is_some();
        if result.is_ok() {
            graph.note_run(is_whole);
        }
        if is_torn {
            return with_more(result, graph.forget_torn_rounds(is_whole));
        }
        result
    }
}

/// Adds failures to an error.
fn with_more(result: Result<(), RunError>, more: Vec<Failure>) -> Result<(), RunError> {
    if more.is_empty() {
        return result;
    }
    let mut all = match result {
        Err(RunError::Failed(failures)) => failures,
        _ => Vec::new(),
    };
    all.extend(more);
    Err(RunError::Failed(all))
}

impl Graph<'_> {
    /// Forgets the values of some tasks. A drop that panics is a failure of the task.
    fn forget_noting(&mut self, tasks: impl IntoIterator<Item = u32>) -> Vec<Failure> {
        let clear = |task| catch_unwind(AssertUnwindSafe(|| self.bodies.list()[task as usize].get().clear()));
        let panics = tasks.into_iter().filter_map(|task| Some((task, clear(task).err()?)));
        let fail = |(task, payload)| Failure {
            path: vec![self.names.name(task).to_owned()],
            added: self.names.added(task),
            cause: Cause::panic(payload),
        };
        panics.map(fail).collect()
    }

    /// Forgets what a run that was broken off has computed in rounds: some of it may be of an
    /// earlier round.
    fn forget_torn_rounds(&mut self, is_whole: bool) -> Vec<Failure> {
        let plan = if is_whole { &self.whole } else { &self.wanted };
        let torn = plan.branching.as_ref().map_or_else(Vec::new, |branching| branching.behind_loops(plan));
        let torn: Vec<u32> = torn.into_iter().map(|local| plan.task(local)).collect();
        self.forget_noting(torn)
    }
}

impl Session<'_, '_> {
    /// What came of the run, when it is over.
    fn result(&self, done: u64) -> Result<(), RunError> {
        let Some(careful) = &self.careful else {
            let failures = self.take_failures();
            return if failures.is_empty() { Ok(()) } else { Err(self.describe(failures)) };
        };
        debug_assert!(self.is_stopped() || careful.is_idle(), "a run is over while a task waits for a limit");
        careful.abandon(self);
        for local in careful.notes.let_go() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.bodies[local as usize].get().clear())) {
                careful.note_failure(self, (0, local), Cause::panic(payload));
            }
        }
        let failures = self.take_failures();
        if !failures.is_empty() {
            return Err(self.describe(failures));
        }
        if careful.is_cancelled() {
            let total = careful.total.load(Ordering::Relaxed);
            return Err(RunError::Cancelled { done: done as usize, total });
        }
        match (0..self.plan.targets).find(|target| !self.bodies[*target].get().has_value()) {
            Some(target) => {
                let name = self.graph.names.name(self.plan.task(target as u32)).to_owned();
                Err(RunError::NotReached { target: name })
            }
            None => Ok(()),
        }
    }

    fn describe(&self, failures: Vec<Noted>) -> RunError {
        RunError::Failed(failures.into_iter().map(|noted| self.describe_one(noted)).collect())
    }

    fn describe_one(&self, Noted { task, cause, inner, added }: Noted) -> Failure {
        let (names, plan) = (&self.graph.names, self.plan);
        let outer = if plan.targets == 0 { vec![task] } else { plan.path_to_target(task, plan.targets) };
        let outer = outer.into_iter().map(|local| names.name(plan.task(local)).to_owned());
        Failure {
            path: inner.into_iter().chain(outer).collect(),
            added: added.unwrap_or_else(|| names.added(plan.task(task))),
            cause,
        }
    }
}
