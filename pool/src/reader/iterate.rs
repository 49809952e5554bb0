//! Reading item by item.

use std::time::Instant;

use millpond_sync::Deadline;
use millpond_sync::shim::atomic::Ordering;

use super::ScopedReader;
use crate::error::ReadError;

impl<'env, T: Send + 'env> ScopedReader<'env, T> {
    /// Has workers keep a window of chunks filled for this reader, as an iteration does, until it is dropped: for reads that
    /// await one item after the other. Does nothing in serial mode.
    pub fn iterate_ahead(&mut self) {
        self.iterates_ahead();
    }

    /// Whether the pool keeps a window of chunks filled for this reader; from the first call on, unless in serial mode.
    pub(super) fn iterates_ahead(&mut self) -> bool {
        if !self.is_iterating && self.core.size() > 0 {
            let consumer = self.consumer();
            consumer.lane().header().iterating[consumer.outlet()].fetch_add(1, Ordering::Relaxed);
            self.is_iterating = true;
        }
        self.is_iterating
    }

    /// The next item, where that takes no waiting and no other worker: one that was made ahead, or in serial mode one that goes
    /// straight through. `None` says nothing: ask [`next_deadline`](Self::next_deadline) then.
    #[inline]
    pub fn next_now(&mut self) -> Option<T> {
        let made = self.local.next();
        if made.is_some() || self.is_over || self.core.size() > 0 {
            return made;
        }
        self.consumer().pull_one()
    }

    /// The next item, as iterating gives it, or [`ReadError::TimedOut`] at `deadline`, which loses nothing.
    ///
    /// # Blocking
    /// Until there is an item or the deadline has passed. The caller works meanwhile.
    pub fn next_deadline(&mut self, deadline: Instant) -> Option<Result<T, ReadError>> {
        self.next_until(Deadline::at(deadline))
    }

    fn next_until(&mut self, deadline: Deadline) -> Option<Result<T, ReadError>> {
        if let Some(item) = self.next_now() {
            return Some(Ok(item));
        }
        if self.is_over {
            return None;
        }
        let most = if self.core.size() == 0 { 1 } else { usize::MAX };
        match self.read_some_until(most, deadline) {
            Ok(items) => {
                self.local = items.into_iter();
                let item = self.local.next();
                self.is_over = item.is_none();
                item.map(Ok)
            }
            Err(error) => {
                self.is_over = matches!(error, ReadError::Task(_));
                Some(Err(error))
            }
        }
    }
}

/// Item by item up to the end; an error comes once, after the items before it, and ends the iteration.
///
/// In serial mode each call makes one item. Otherwise workers keep a window of two chunks per worker filled, because pulling one by
/// one could not be parallel; items that they have made and nobody takes go back when the reader is dropped or cloned.
///
/// # Blocking
/// Until there is an item. The caller works meanwhile.
impl<'env, T: Send + 'env> Iterator for ScopedReader<'env, T> {
    type Item = Result<T, ReadError>;

    fn next(&mut self) -> Option<Result<T, ReadError>> {
        self.next_until(Deadline::NEVER)
    }
}
