//! Giving a task more than its function: limits, a priority, a time limit.

use std::time::Duration;

use super::attributes::{Attributes, Limit};
use super::error::GraphError;
use super::graph::Graph;
use super::task::{Task, TaskId};

impl Graph<'_> {
    fn attributes_mut(&mut self, task: TaskId) -> Result<&mut Attributes, GraphError> {
        self.check_handle(task)?;
        self.is_stale = true;
        Ok(self.attributes.entry(task.index).or_default())
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
        let limits = &mut self.attributes_mut(task)?.limits;
        limits.retain(|(other, _)| other.number() != limit.number());
        if units > 0 {
            limits.push((limit.clone(), units));
        }
        Ok(())
    }

    /// Makes `task` start before tasks of lower priority that are ready at the same time; the
    /// others have 0.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`].
    pub fn priority(&mut self, task: impl Into<TaskId>, priority: i32) -> Result<(), GraphError> {
        self.attributes_mut(task.into())?.priority = priority;
        self.has_priorities = true;
        Ok(())
    }

    /// Makes `task` fail when it runs longer than `limit`.
    ///
    /// A thread cannot be stopped from outside: the function goes on to its end, and its value is
    /// thrown away. It can ask [`time_left`](super::time_left) and give up by itself.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`].
    pub fn time_limit(&mut self, task: impl Into<TaskId>, limit: Duration) -> Result<(), GraphError> {
        self.attributes_mut(task.into())?.time_limit = Some(limit);
        Ok(())
    }

    /// Says that nobody will ask for the value of `task`: it is dropped as soon as the last of its
    /// consumers has run.
    ///
    /// A later run that needs it computes it again. A value that is itself a target is kept.
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
        self.attributes_mut(task.id)?.is_let_go = true;
        Ok(())
    }

    /// Notes what `choice` picks from.
    pub(super) fn set_branches(&mut self, choice: TaskId, branches: Vec<TaskId>) -> Result<(), GraphError> {
        branches.iter().try_for_each(|branch| self.check_handle(*branch))?;
        let former =
            self.attributes_mut(choice)?.branches.replace(branches.iter().map(|branch| branch.index).collect());
        for branch in former.into_iter().flatten() {
            self.attributes.entry(branch).or_default().picked_by.retain(|by| *by != choice.index);
        }
        for branch in branches {
            let picked_by = &mut self.attributes.entry(branch.index).or_default().picked_by;
            if !picked_by.contains(&choice.index) {
                picked_by.push(choice.index);
            }
        }
        Ok(())
    }
}
