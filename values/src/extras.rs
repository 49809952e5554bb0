//! What some tasks have beyond a function: branches, limits, a priority, a time limit, a value that is let go.
//!
//! Kept apart, since most tasks of most graphs have none of it; a graph that uses any of it is run by the
//! [careful loop](super::careful), others pay nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::error::GraphError;
use super::graph::Graph;
use super::task::{Task, TaskId};

/// What a task has beyond its function.
#[derive(Debug, Default)]
pub(super) struct Extras {
    pub(super) priority: i32,
    pub(super) limits: Vec<(Limit, u32)>,
    pub(super) time_limit: Option<Duration>,
    /// What a choice picks from.
    pub(super) branches: Option<Vec<u32>>,
    /// Which choices may pick this task.
    pub(super) picked_by: Vec<u32>,
    pub(super) is_let_go: bool,
}

static NEXT_LIMIT: AtomicU64 = AtomicU64::new(1);

/// A number of units of something named, of which tasks take some while they run.
///
/// A limit holds within one run: for the graph's tasks, those of its subflows and those of its modules.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use millpond_values::{Runner, Graph, Limit};
/// use millpond_workers::RayonWorkers;
///
/// let link = Limit::new("link", 2)?;
/// let mut graph = Graph::new();
/// let programs: Vec<_> = (0..8).map(|n| graph.task("link", (), move |()| n)).collect();
/// for program in &programs {
///     graph.limit(*program, &link, 1)?;
/// }
/// // However many threads there are, at most two of them run at once.
/// Runner::new(8, Arc::new(RayonWorkers::new(8))).get_many(&mut graph, &programs).unwrap();
/// # Ok::<(), millpond_values::GraphError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Limit {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    number: u64,
    name: String,
    units: u32,
}

impl Limit {
    /// A limit of `units`.
    ///
    /// # Errors
    /// [`GraphError::LimitOfNothing`] for 0 units.
    pub fn new(name: impl Into<String>, units: u32) -> Result<Self, GraphError> {
        let name = name.into();
        if units == 0 {
            return Err(GraphError::LimitOfNothing { name });
        }
        let number = NEXT_LIMIT.fetch_add(1, Ordering::Relaxed);
        Ok(Self { inner: Arc::new(Inner { number, name, units }) })
    }

    /// The limit's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// How many units there are.
    #[must_use]
    pub fn units(&self) -> u32 {
        self.inner.units
    }

    /// What tells limits apart, also when they have the same name.
    pub(super) fn number(&self) -> u64 {
        self.inner.number
    }
}

impl Graph<'_> {
    fn extras_mut(&mut self, task: TaskId) -> Result<&mut Extras, GraphError> {
        self.check_handle(task)?;
        self.is_stale = true;
        Ok(self.extras.entry(task.index).or_default())
    }

    /// Makes `task` take `units` of `limit` while it runs; it starts when the units of all its
    /// limits are free. Replaces what was said of this task and this limit before; 0 takes the task
    /// out of the limit.
    ///
    /// Units are not kept idle: while a task waits for several, tasks that need fewer may pass it.
    /// A task of lower [priority](Self::priority) does not take what it waits for, and after a few
    /// others have passed it, all that it needs is reserved for it.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`], and [`GraphError::MoreThanTheLimit`].
    pub fn limit(&mut self, task: impl Into<TaskId>, limit: &Limit, units: u32) -> Result<(), GraphError> {
        let task = task.into();
        self.check_handle(task)?;
        if units > limit.units() {
            return Err(GraphError::MoreThanTheLimit {
                task: self.names.name(task.index).to_owned(),
                limit: limit.name().to_owned(),
                asked: units,
                available: limit.units(),
            });
        }
        let limits = &mut self.extras_mut(task)?.limits;
        limits.retain(|(other, _)| other.number() != limit.number());
        if units > 0 {
            limits.push((limit.clone(), units));
        }
        Ok(())
    }

    /// Makes `task` start before tasks of lower priority that are ready at the same time; the others have 0.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`].
    pub fn priority(&mut self, task: impl Into<TaskId>, priority: i32) -> Result<(), GraphError> {
        self.extras_mut(task.into())?.priority = priority;
        self.has_priorities = true;
        Ok(())
    }

    /// Makes `task` fail when it runs longer than `limit`.
    ///
    /// A thread cannot be stopped from outside: the function goes on to its end, and its value is thrown away. It can ask
    /// [`time_left`](super::time_left) and give up by itself.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`].
    pub fn time_limit(&mut self, task: impl Into<TaskId>, limit: Duration) -> Result<(), GraphError> {
        self.extras_mut(task.into())?.time_limit = Some(limit);
        Ok(())
    }

    /// Says that nobody will ask for the value of `task`: it is dropped as soon as the last of its consumers has run.
    ///
    /// Who needs it again later computes it again; who gets it all the same gets it.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`].
    ///
    /// # Examples
    /// ```
    /// use millpond_values::{Graph, Runner};
    ///
    /// let mut graph = Graph::new();
    /// let large = graph.task("large", (), |()| vec![1_u8; 1_000_000]);
    /// let sum = graph.task("sum", large, |large| large.iter().map(|n| u64::from(*n)).sum::<u64>());
    /// graph.let_go(large)?;
    /// assert_eq!(*Runner::alone().get(&mut graph, sum).unwrap(), 1_000_000);
    /// assert_eq!(graph.peek(large)?, None);
    /// # Ok::<(), millpond_values::GraphError>(())
    /// ```
    pub fn let_go<T>(&mut self, task: Task<T>) -> Result<(), GraphError> {
        self.extras_mut(task.id)?.is_let_go = true;
        Ok(())
    }

    /// Notes what `choice` picks from.
    pub(super) fn set_branches(&mut self, choice: TaskId, branches: Vec<TaskId>) -> Result<(), GraphError> {
        branches.iter().try_for_each(|branch| self.check_handle(*branch))?;
        let former = self.extras_mut(choice)?.branches.replace(branches.iter().map(|branch| branch.index).collect());
        for branch in former.into_iter().flatten() {
            self.extras.entry(branch).or_default().picked_by.retain(|by| *by != choice.index);
        }
        for branch in branches {
            let picked_by = &mut self.extras.entry(branch.index).or_default().picked_by;
            if !picked_by.contains(&choice.index) {
                picked_by.push(choice.index);
            }
        }
        Ok(())
    }
}
