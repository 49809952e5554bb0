//! The handle of a task.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU64;

/// Names one task of one [`Graph`](super::Graph), whatever its value.
///
/// Every [`Task`] turns into one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    pub(super) graph: NonZeroU64,
    pub(super) index: u32,
}

impl TaskId {
    /// The task's number: tasks are counted from 0 in the order in which they were added.
    #[must_use]
    pub fn index(self) -> usize {
        self.index as usize
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({} of graph {})", self.index, self.graph)
    }
}

/// The handle of a task whose value is a `T`.
///
/// It is what a graph's methods return when they add a task, and what other tasks take as an input.
/// It is two numbers, so it is copied freely; it does not keep the graph alive.
pub struct Task<T> {
    pub(super) id: TaskId,
    /// Invariant: what is set through a handle is what the task's consumers were made for.
    value: PhantomData<fn(T) -> T>,
}

impl<T> Task<T> {
    pub(super) fn new(id: TaskId) -> Self {
        Self { id, value: PhantomData }
    }

    /// The handle without the type of the value.
    #[must_use]
    pub fn id(self) -> TaskId {
        self.id
    }
}

impl<T> Clone for Task<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Task<T> {}

impl<T> PartialEq for Task<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<T> Eq for Task<T> {}

impl<T> From<Task<T>> for TaskId {
    fn from(task: Task<T>) -> Self {
        task.id
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task({} of graph {})", self.id.index, self.id.graph)
    }
}
