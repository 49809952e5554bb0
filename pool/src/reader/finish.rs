//! Reading all there is into something.

use millpond_sync::Deadline;

use super::ScopedReader;
use crate::error::ReadError;
use millpond_workers::discard::{Remaining, discard_all};

/// These read up to the end, in the caller, holding no more than the window of an iteration.
///
/// # Errors
/// As [`read`](ScopedReader::read): the first error of a task, or misuse of the pool. The items before it have gone into
/// what is lost with the reader then; to keep them, iterate.
///
/// # Blocking
/// Until the end. For a source without an end that is for ever.
impl<'env, T: Send + 'env> ScopedReader<'env, T> {
    fn chunks(&mut self, function: impl FnMut(Vec<T>)) -> Result<(), ReadError> {
        self.for_chunks(false, Deadline::NEVER, function)
    }

    /// Folds all items, in order, into one value.
    pub fn fold<A>(mut self, start: A, mut function: impl FnMut(A, T) -> A) -> Result<A, ReadError> {
        let mut result = Some(start);
        self.chunks(|items| result = result.take().map(|result| Remaining::new(items).fold(result, &mut function)))?;
        Ok(result.expect("every chunk puts the result back"))
    }

    /// Combines all items, in order, into one; `None` if there are none.
    pub fn reduce(mut self, mut function: impl FnMut(T, T) -> T) -> Result<Option<T>, ReadError> {
        let mut result = None;
        self.chunks(|items| result = result.take().into_iter().chain(Remaining::new(items)).reduce(&mut function))?;
        Ok(result)
    }

    /// Calls `function` with each item, in order.
    pub fn for_each(mut self, mut function: impl FnMut(T)) -> Result<(), ReadError> {
        self.chunks(|items| Remaining::new(items).for_each(&mut function))
    }

    /// Collects all items, in order.
    pub fn collect<C: Extend<T> + Default>(mut self) -> Result<C, ReadError> {
        let mut all = C::default();
        self.chunks(|items| all.extend(items))?;
        Ok(all)
    }

    /// Counts the items.
    pub fn count(mut self) -> Result<usize, ReadError> {
        let mut count = 0;
        self.chunks(|items| {
            count += items.len();
            discard_all(items);
        })?;
        Ok(count)
    }
}
