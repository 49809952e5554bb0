//! One run of a graph: what is wanted is compiled, run, and told of.

use std::panic::{AssertUnwindSafe, catch_unwind};

use millpond_sync::shim::atomic::Ordering;

use super::careful::Careful;
use super::error::{Cause, Failure, GraphError, RunError};
use super::graph::Graph;
use super::heartbeat::Pace;
use super::inputs::{Found, Inputs, Link, Read};
use super::options::RunOptions;
use super::session::{Noted, Session};
use super::threads::Threads;

/// The values of several targets, in the shape in which they are given: a tuple for a tuple, a
/// vector for a slice. Runs what they need and what is not remembered, each task once.
///
/// # Errors
/// [`RunError::Graph`] before anything runs; [`RunError::Failed`] when a task fails, which stops
/// the run; [`RunError::Cancelled`].
///
/// # Blocking
/// Until all values are there. After a failure no further function is called, and this waits for
/// those that other threads are in, since they may borrow what the graph borrows.
pub fn get_many_with<'graph, I: Inputs>(
    threads: &impl Threads,
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
        run_plan(threads, graph, false, options)?;
    }
    Ok(sources.found())
}

/// Runs every task of a graph, remembered or not.
///
/// # Errors
/// As [`get_many_with`]. A run that fails leaves no values behind, and one that keeps going those
/// that it could compute.
///
/// # Blocking
/// Until all tasks have run. After a failure as [`get_many_with`].
pub fn run_with(threads: &impl Threads, graph: &mut Graph<'_>, options: &RunOptions<'_>) -> Result<(), RunError> {
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
    let result = run_plan(threads, graph, true, options);
    if result.is_err() && !options.is_going_on {
        return with_more(result, graph.forget_noting(0..graph.len() as u32));
    }
    result
}

fn run_plan(
    threads: &impl Threads,
    graph: &mut Graph<'_>,
    is_whole: bool,
    options: &RunOptions<'_>,
) -> Result<(), RunError> {
    let (workers, size) = (threads.workers(), threads.size());
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
    let is_careful = graph.has_flows || !graph.attributes.is_empty() || !options.is_plain();
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
