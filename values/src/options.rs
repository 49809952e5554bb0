//! How a run is watched and stopped.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millpond_sync::shim::atomic::{AtomicBool, Ordering};

use millpond_sync::host;

/// Stops runs from outside: clones share one state.
///
/// # Examples
/// ```
/// use millpond_values::{Runner, CancelToken, Graph, RunError, RunOptions};
///
/// let token = CancelToken::new();
/// let mut graph = Graph::new();
/// let stop = token.clone();
/// let first = graph.task("first", (), move |()| stop.cancel());
/// let second = graph.task("second", first, |()| 2);
/// let error = Runner::alone().get_with(&mut graph, second, &RunOptions::new().cancel(&token)).unwrap_err();
/// assert_eq!(error.to_string(), "running the graph: cancelled after 1 of 2 tasks");
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    is_cancelled: Arc<AtomicBool>,
}

impl CancelToken {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops every run that was given this token: what has not started does not start. Stays so.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
    }

    /// Whether somebody cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }
}

/// What happened to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// It begins to run.
    Started,
    /// It ran.
    Finished,
    /// It ran and failed.
    Failed,
    /// It did not run, since something that it needs failed.
    Skipped,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// What just happened.
    pub step: Step,
    /// To which task.
    pub name: &'a str,
    /// How many tasks the run has, those of subflows since they are known.
    pub total: usize,
    /// How many have run or were skipped.
    pub done: usize,
    /// How many are running.
    pub running: usize,
    /// How many have failed.
    pub failed: usize,
}

type ProgressCallback<'a> = dyn Fn(&Progress<'_>) + Sync + 'a;

/// How to run. The default stops at the first failure, quietly.
#[derive(Clone, Default)]
#[must_use = "options do nothing until they are given to a run"]
pub struct RunOptions<'a> {
    pub(super) cancel: Option<CancelToken>,
    pub(super) is_going_on: bool,
    pub(super) progress: Option<&'a ProgressCallback<'a>>,
}

impl<'a> RunOptions<'a> {
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops when `token` is cancelled.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Goes on after a failure with everything that does not need what failed.
    pub fn keep_going(mut self) -> Self {
        self.is_going_on = true;
        self
    }

    /// Calls `callback` when a task starts and when it ends, on the thread that runs it.
    ///
    /// Calls may overlap and overtake each other. They hold up the worker, so they should be short.
    /// One that panics stops the run, as the failure of the task that it is about.
    pub fn progress(mut self, callback: &'a ProgressCallback<'a>) -> Self {
        self.progress = Some(callback);
        self
    }

    pub(super) fn is_plain(&self) -> bool {
        self.cancel.is_none() && !self.is_going_on && self.progress.is_none()
    }
}

impl fmt::Debug for RunOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions")
            .field("cancel", &self.cancel)
            .field("keep_going", &self.is_going_on)
            .field("progress", &self.progress.is_some())
            .finish()
    }
}

millpond_sync::local! {
    /// Until when the task that this thread runs may run.
    const DEADLINE: Cell<Option<Instant>> = Cell::new(None);
}
millpond_sync::local! {
    /// What cancels the task that this thread runs.
    const TOKEN: RefCell<Option<CancelToken>> = RefCell::new(None);
}

/// How much time the task that calls this has left, if it has a [time
/// limit](super::Graph::time_limit).
#[must_use]
pub fn time_left() -> Option<Duration> {
    DEADLINE.with(Cell::get).map(|deadline| deadline.saturating_duration_since(host::now()))
}

/// Whether the task that calls this should give up: its run was cancelled, or its time is over.
#[must_use]
pub fn is_cancelled() -> bool {
    time_left() == Some(Duration::ZERO)
        || TOKEN.with(|token| token.borrow().as_ref().is_some_and(CancelToken::is_cancelled))
}

/// Sets what [`time_left`] and [`is_cancelled`] tell until dropped; a task may itself run a graph,
/// so the former comes back.
pub(super) struct Around {
    deadline: Option<Instant>,
    token: Option<CancelToken>,
}

impl Around {
    pub(super) fn task(limit: Option<Duration>, token: Option<&CancelToken>) -> Self {
        let deadline = limit.and_then(|limit| host::now().checked_add(limit));
        let (deadline, token) = (DEADLINE.with(|place| place.replace(deadline)), token.cloned());
        Self { deadline, token: TOKEN.with(|place| place.replace(token)) }
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        DEADLINE.with(|place| place.set(self.deadline));
        TOKEN.with(|place| place.replace(self.token.take()));
    }
}
