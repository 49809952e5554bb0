//! What code that takes any reader needs.

use crate::error::{ReadError, ReadTimeoutError, TryReadError};
use crate::reader::Reader;
use std::time::Instant;

/// Something that items are read from: a [`Reader`], an iterator, either with callbacks.
///
/// In all methods a count of 0 means all until the end.
pub trait ReadItems {
    /// What is read.
    type Item;

    /// Reads what is there now, at least one item and at most `count`.
    ///
    /// # Errors
    /// `Empty` if there is nothing now, `Closed` if there never will be.
    fn try_read(&mut self, count: usize) -> Result<Vec<Self::Item>, TryReadError>;

    /// Reads `count` items, waiting for them; fewer only at the end.
    ///
    /// # Errors
    /// `WouldWaitForever` if nobody could ever write what is missing.
    ///
    /// # Blocking
    /// Until they are there or the end is reached.
    fn read(&mut self, count: usize) -> Result<Vec<Self::Item>, ReadError>;

    /// Reads `count` items, waiting at most until `deadline`; fewer only at the end.
    ///
    /// # Errors
    /// `TimedOut` if there were too few in time: they can still be read. `WouldWaitForever` as for
    /// [`read`](Self::read).
    ///
    /// # Blocking
    /// Until they are there or the end is reached, at most until `deadline`.
    fn read_deadline(&mut self, count: usize, deadline: Instant) -> Result<Vec<Self::Item>, ReadTimeoutError>;
}

impl<T> ReadItems for Reader<T> {
    type Item = T;

    fn try_read(&mut self, count: usize) -> Result<Vec<T>, TryReadError> {
        Self::try_read(self, count)
    }

    fn read(&mut self, count: usize) -> Result<Vec<T>, ReadError> {
        Self::read(self, count)
    }

    fn read_deadline(&mut self, count: usize, deadline: Instant) -> Result<Vec<T>, ReadTimeoutError> {
        Self::read_deadline(self, count, deadline)
    }
}

impl<R: ReadItems + ?Sized> ReadItems for &mut R {
    type Item = R::Item;

    fn try_read(&mut self, count: usize) -> Result<Vec<Self::Item>, TryReadError> {
        (**self).try_read(count)
    }

    fn read(&mut self, count: usize) -> Result<Vec<Self::Item>, ReadError> {
        (**self).read(count)
    }

    fn read_deadline(&mut self, count: usize, deadline: Instant) -> Result<Vec<Self::Item>, ReadTimeoutError> {
        (**self).read_deadline(count, deadline)
    }
}

impl<R: ReadItems + ?Sized> ReadItems for Box<R> {
    type Item = R::Item;

    fn try_read(&mut self, count: usize) -> Result<Vec<Self::Item>, TryReadError> {
        (**self).try_read(count)
    }

    fn read(&mut self, count: usize) -> Result<Vec<Self::Item>, ReadError> {
        (**self).read(count)
    }

    fn read_deadline(&mut self, count: usize, deadline: Instant) -> Result<Vec<Self::Item>, ReadTimeoutError> {
        (**self).read_deadline(count, deadline)
    }
}
