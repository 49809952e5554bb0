//! A look at the items that wait for a reader, which takes none and keeps nobody working.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use crate::consumer::Consumer;
use crate::lane::Lane;

/// The outlet of a lane, once that is made.
type Place<'env, T> = OnceLock<(Weak<Lane<'env, T>>, usize)>;

/// The items that wait at a task's output, also when a task reads from there. See [`ScopedReader::contents`](crate::ScopedReader::contents).
pub struct Contents<'env, T: Send + 'env>(Arc<Place<'env, T>>);

impl<'env, T: Send + 'env> Contents<'env, T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// The output is this one.
    pub(crate) fn set(&self, consumer: &Consumer<'env, T>) {
        let _ = self.0.set((Arc::downgrade(consumer.lane()), consumer.outlet()));
    }

    /// Shows `visitor` each item, in no order, where nobody else is at them: a garbage collector comes when nobody is. Not those in the
    /// hands of a worker, or of a reader that iterates. The visitor must be short and must not use the pool.
    pub fn visit(&self, visitor: &mut dyn FnMut(&T)) {
        if let Some((lane, outlet)) = self.0.get()
            && let Some(lane) = lane.upgrade()
        {
            lane.visit(*outlet, visitor);
        }
    }
}

impl<'env, T: Send + 'env> Contents<'env, T> {
    /// Shows `see` what waits within the lane, where the task has one output: items of chunks that were cut, and what was begun of an
    /// item, as far as the [operators](crate::Operator::show) and [expanders](crate::Expander::show) know. Otherwise as [`visit`](Self::visit).
    pub fn begun(&self, see: &mut dyn FnMut(&dyn Any)) {
        if let Some(lane) = self.0.get().and_then(|(lane, _)| lane.upgrade()) {
            lane.show_begun(see);
        }
    }
}

impl<T: Send> Clone for Contents<'_, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send> fmt::Debug for Contents<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").field("is_made", &self.0.get().is_some()).finish_non_exhaustive()
    }
}
