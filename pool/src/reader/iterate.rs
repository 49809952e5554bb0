//! Reading item by item.

use std::iter::FusedIterator;
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
        let made = self.next_taken();
        if made.is_some() || self.is_over || self.core.size() > 0 {
            return made;
        }
        self.consumer().pull_one()
    }

    /// The next item that an iteration has taken.
    #[inline]
    pub(super) fn next_taken(&mut self) -> Option<T> {
        let item = self.local.next();
        if self.is_limited && item.is_some() {
            let consumer = self.consumer();
            consumer.lane().header().reads(consumer.outlet());
        }
        item
    }

    /// The next item, as iterating gives it, or [`ReadError::TimedOut`] at `deadline`, which loses nothing and does not
    /// end the iteration.
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
        let next = self.read_ahead_until(deadline);
        self.is_over = match &next {
            Ok(item) => item.is_none(),
            Err(error) => !error.is_timed_out() && !matches!(error, ReadError::Interrupted { .. }),
        };
        next.transpose()
    }

    /// The next item, and the chunk that it is in for the next calls; `None` at the end.
    fn read_ahead_until(&mut self, deadline: Deadline) -> Result<Option<T>, ReadError> {
        let most = if self.core.size() == 0 { 1 } else { usize::MAX };
        self.local = self.read_some_until(most, deadline)?.into_iter();
        self.is_limited = self.consumer().lane().header().is_limited();
        Ok(self.local.next())
    }

    /// The next item, `None` at the end. Pulls ahead as iterating does, but has no end of its own: after a failure it
    /// gives the failure again.
    ///
    /// For whoever keeps apart several iterations over one reader.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`ReadError::TimedOut`] at `deadline`.
    ///
    /// # Blocking
    /// Until there is an item or the deadline has passed. The caller works meanwhile.
    pub fn read_next(&mut self, deadline: Option<Instant>) -> Result<Option<T>, ReadError> {
        match self.next_now() {
            None => self.read_ahead_until(deadline.map_or(Deadline::NEVER, Deadline::at)),
            made => Ok(made),
        }
    }
}

/// Item by item up to the end. An error comes once, after the items before it, and ends the iteration for good; to go on
/// after it, read, or iterate over a [clone](Clone::clone).
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

impl<'env, T: Send + 'env> FusedIterator for ScopedReader<'env, T> {}
