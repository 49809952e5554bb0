//! What can go wrong with a graph of values: built wrongly, or run without success.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use super::task::TaskId;
use millpond_workers::{BoxError, Panic};

/// A graph was built wrongly, or asked for something that it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GraphError {
    /// A handle belongs to another graph.
    OtherGraph {
        /// The handle.
        task: TaskId,
    },
    /// Tasks wait for each other in a circle.
    Cycle {
        /// The names along the circle: each task waits for the one before it, and the first for the
        /// last.
        names: Vec<String>,
    },
    /// An input was declared and never set.
    MissingInput {
        /// The input's name.
        name: String,
    },
    /// A value was set from outside for a task that computes it.
    NotAnInput {
        /// The task's name.
        name: String,
    },
    /// Branches were given to a task that makes no choice.
    NotAChoice {
        /// The task's name.
        name: String,
    },
    /// A limit of zero units could never be taken.
    LimitOfNothing {
        /// The limit's name.
        name: String,
    },
    /// A task asks for more units of a limit than there are.
    MoreThanTheLimit {
        /// The task's name.
        task: String,
        /// The limit's name.
        limit: String,
        /// How many units the task asks for.
        asked: u32,
        /// How many units there are.
        available: u32,
    },
    /// The graph, or a part of it, is broken because a run of it was torn off by a panic in a
    /// destructor or callback.
    Torn,
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherGraph { task } => write!(
                f,
                "using task number `{}` of another graph: a handle is good in the graph whose method returned it",
                task.index
            ),
            Self::Cycle { names } => {
                write!(f, "ordering tasks closed a cycle: ")?;
                for name in names {
                    write!(f, "`{name}` -> ")?;
                }
                let first = names.first().map_or("", String::as_str);
                write!(f, "`{first}`: remove one of these edges, or make it a choice")
            }
            Self::MissingInput { name } => {
                write!(f, "running a graph whose input `{name}` has no value: set it first")
            }
            Self::NotAnInput { name } => {
                write!(f, "setting the value of `{name}`, which computes it: declare it with `input` or `value`")
            }
            Self::NotAChoice { name } => {
                write!(f, "giving branches to `{name}`, which makes no choice: add it with `choice`")
            }
            Self::LimitOfNothing { name } => {
                write!(f, "making the limit `{name}` of 0 units: its tasks could never run, give it at least 1")
            }
            Self::MoreThanTheLimit { task, limit, asked, available } => write!(
                f,
                "letting task `{task}` take `{asked}` units of the limit `{limit}`: there are only {available}, ask for less or raise the limit"
            ),
            Self::Torn => {
                write!(f, "running a part of a graph that an earlier panic tore: build the graph anew")
            }
        }
    }
}

impl Error for GraphError {}

/// What made a task fail.
#[non_exhaustive]
pub enum Cause {
    /// Its function returned this error.
    Error(BoxError),
    /// Its function panicked.
    Panic(Panic),
    /// It ran longer than it may; see [`Graph::time_limit`](super::Graph::time_limit).
    TimeLimit {
        /// What it was allowed.
        limit: Duration,
        /// What it took.
        took: Duration,
    },
    /// A choice picked a branch that it does not have.
    NoSuchBranch {
        /// The number that it returned.
        picked: usize,
        /// How many branches it has.
        branches: usize,
    },
    /// The graph that it made or holds was built wrongly.
    Graph(GraphError),
    /// A choice in the graph that it made or holds took another way, so there is no value.
    NotReached,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panic(panic) => write!(f, "panicked: {}", panic.message()),
            Self::TimeLimit { limit, took } => {
                write!(f, "it took {took:.1?} and may take {limit:.1?}")
            }
            Self::NoSuchBranch { picked, branches } => {
                write!(f, "it picked branch `{picked}` and has {branches}, counted from 0")
            }
            Self::Graph(error) => error.fmt(f),
            Self::NotReached => write!(f, "a choice in it took another way, so it has no value"),
        }
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cause({self})")
    }
}

impl Cause {
    pub(super) fn panic(payload: Box<dyn Any + Send>) -> Self {
        Self::Panic(Panic::new(payload))
    }
}

/// One task that failed.
#[derive(Debug)]
pub struct Failure {
    pub(super) path: Vec<String>,
    pub(super) added: &'static Location<'static>,
    pub(super) cause: Cause,
}

impl Failure {
    /// The task's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    /// The names from the failed task to the target that needs it, both included.
    ///
    /// When the whole graph was run there is no target, and the task stands alone. A task of a
    /// subflow or module is followed by the task that held it.
    #[must_use]
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// Where the task was added to its graph.
    #[must_use]
    pub fn added(&self) -> &'static Location<'static> {
        self.added
    }

    /// Why it failed.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Why it failed, by value: an error or a panic's payload can be had back from it.
    #[must_use]
    pub fn into_cause(self) -> Cause {
        self.cause
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task `{}` failed: {}", self.name(), self.cause)?;
        if self.path.len() > 1 {
            write!(f, " (needed by ")?;
            for (position, name) in self.path.iter().skip(1).enumerate() {
                let arrow = if position == 0 { "" } else { " -> " };
                write!(f, "{arrow}`{name}`")?;
            }
            write!(f, ")")?;
        }
        Ok(())
    }
}

/// A run that did not succeed.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The graph was built wrongly; nothing ran.
    Graph(GraphError),
    /// Tasks failed: one when the run stops at the first, at least one when it keeps going. The
    /// first is the one that failed first.
    Failed(Vec<Failure>),
    /// The run was cancelled before all was done.
    Cancelled {
        /// How many tasks had been run.
        done: usize,
        /// How many were to be run.
        total: usize,
    },
    /// A choice took another way, so the target was not reached.
    NotReached {
        /// The target's name.
        target: String,
    },
}

impl RunError {
    /// The tasks that failed, if that is what ended the run.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        match self {
            Self::Failed(failures) => failures,
            _ => &[],
        }
    }
}

impl From<GraphError> for RunError {
    fn from(error: GraphError) -> Self {
        Self::Graph(error)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Graph(error) => error.fmt(f),
            Self::Failed(failures) => {
                if let Some(first) = failures.first() {
                    write!(f, "running the graph: {first}")?;
                }
                match failures.len() {
                    0 | 1 => Ok(()),
                    2 => write!(f, ", and 1 more task failed"),
                    more => write!(f, ", and {} more tasks failed", more - 1),
                }
            }
            Self::Cancelled { done, total } => {
                write!(f, "running the graph: cancelled after {done} of {total} tasks")
            }
            Self::NotReached { target } => {
                write!(f, "getting `{target}`: a choice took another way, so it has no value")
            }
        }
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Graph(error) => Some(error),
            Self::Failed(failures) => match &failures.first()?.cause {
                Cause::Error(error) => Some(error.as_ref()),
                Cause::Graph(error) => Some(error),
                _ => None,
            },
            Self::Cancelled { .. } | Self::NotReached { .. } => None,
        }
    }
}
