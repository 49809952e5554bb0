//! Any iterator as a reader.

use crate::error::{ReadError, ReadTimeoutError, TryReadError};
use crate::read_items::ReadItems;
use std::fmt;
use std::iter::Fuse;
use std::time::Instant;

/// Reads what an iterator gives; its end is the close.
///
/// It waits as long as the iterator takes and not longer, so a deadline changes nothing. If the iterator panics, what it
/// gave before that in the same read comes with the next read.
///
/// # Examples
/// ```
/// use millpond_channel::{IteratorReader, ReadItems, TryReadError};
///
/// let mut reader = IteratorReader::new(1..=3);
/// assert_eq!(reader.read(2).unwrap(), [1, 2]);
/// assert_eq!(reader.read_all().unwrap(), [3]);
/// assert_eq!(reader.try_read(1), Err(TryReadError::Closed));
/// ```
#[must_use = "an iterator reader is lazy: it does nothing unless it is read"]
pub struct IteratorReader<I: Iterator> {
    iterator: Fuse<I>,
    /// What was taken from the iterator for a read that did not return.
    kept: Vec<I::Item>,
}

impl<I: Iterator> IteratorReader<I> {
    /// A reader of what `items` gives.
    pub fn new(items: impl IntoIterator<IntoIter = I>) -> Self {
        Self { iterator: items.into_iter().fuse(), kept: Vec::new() }
    }

    fn take(&mut self, count: usize) -> Vec<I::Item> {
        while self.kept.len() < count {
            let Some(item) = self.iterator.next() else { break };
            self.kept.push(item);
        }
        let rest = self.kept.split_off(count.min(self.kept.len()));
        std::mem::replace(&mut self.kept, rest)
    }
}

impl<I: Iterator> ReadItems for IteratorReader<I> {
    type Item = I::Item;
    type Error = ReadError;
    type TryError = TryReadError;
    type TimeoutError = ReadTimeoutError;

    fn try_read(&mut self, count: usize) -> Result<Vec<I::Item>, TryReadError> {
        let items = self.take(count);
        if items.is_empty() && count > 0 { Err(TryReadError::Closed) } else { Ok(items) }
    }

    fn read(&mut self, count: usize) -> Result<Vec<I::Item>, ReadError> {
        Ok(self.take(count))
    }

    fn read_deadline(&mut self, count: usize, _deadline: Instant) -> Result<Vec<I::Item>, ReadTimeoutError> {
        Ok(self.take(count))
    }
}

impl<I: Iterator> fmt::Debug for IteratorReader<I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("IteratorReader").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}
