//! What code that takes any reader needs.

use crate::error::{ReadError, ReadTimeoutError, TryReadError};
use crate::reader::Reader;
use std::time::Instant;

/// Something that items are read from: a [`Reader`], an iterator, either with callbacks.
///
/// In all methods a count of 0 gives nothing, at once, and one of `usize::MAX` means all until the end.
pub trait ReadItems {
    /// What is read.
    type Item;
    /// Why a read that waits gives nothing.
    type Error;
    /// Why a read that does not wait gives nothing.
    type TryError;
    /// Why a read with a deadline gives nothing.
    type TimeoutError;

    /// Reads what is there now, at least one item and at most `count`.
    ///
    /// # Errors
    /// If there is nothing now, or never will be.
    fn try_read(&mut self, count: usize) -> Result<Vec<Self::Item>, Self::TryError>;

    /// Reads `count` items, waiting for them; fewer only at the end.
    ///
    /// # Errors
    /// If what is missing cannot come.
    ///
    /// # Blocking
    /// Until they are there or the end is reached.
    fn read(&mut self, count: usize) -> Result<Vec<Self::Item>, Self::Error>;

    /// Reads `count` items, waiting at most until `deadline`; fewer only at the end.
    ///
    /// # Errors
    /// If there were too few in time: they can still be read. And as [`read`](Self::read).
    ///
    /// # Blocking
    /// Until they are there or the end is reached, at most until `deadline`.
    fn read_deadline(&mut self, count: usize, deadline: Instant) -> Result<Vec<Self::Item>, Self::TimeoutError>;

    /// Reads all items until the end.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Blocking
    /// Until the end is reached.
    fn read_all(&mut self) -> Result<Vec<Self::Item>, Self::Error> {
        self.read(usize::MAX)
    }
}

/// A reader of any kind that fails as a channel's reader does.
pub type AnyReader<'a, T> =
    dyn ReadItems<Item = T, Error = ReadError, TryError = TryReadError, TimeoutError = ReadTimeoutError> + 'a;

impl<T> ReadItems for Reader<T> {
    type Item = T;
    type Error = ReadError;
    type TryError = TryReadError;
    type TimeoutError = ReadTimeoutError;

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
    type Error = R::Error;
    type TryError = R::TryError;
    type TimeoutError = R::TimeoutError;

    fn try_read(&mut self, count: usize) -> Result<Vec<Self::Item>, Self::TryError> {
        (**self).try_read(count)
    }

    fn read(&mut self, count: usize) -> Result<Vec<Self::Item>, Self::Error> {
        (**self).read(count)
    }

    fn read_deadline(&mut self, count: usize, deadline: Instant) -> Result<Vec<Self::Item>, Self::TimeoutError> {
        (**self).read_deadline(count, deadline)
    }
}

impl<R: ReadItems + ?Sized> ReadItems for Box<R> {
    type Item = R::Item;
    type Error = R::Error;
    type TryError = R::TryError;
    type TimeoutError = R::TimeoutError;

    fn try_read(&mut self, count: usize) -> Result<Vec<Self::Item>, Self::TryError> {
        (**self).try_read(count)
    }

    fn read(&mut self, count: usize) -> Result<Vec<Self::Item>, Self::Error> {
        (**self).read(count)
    }

    fn read_deadline(&mut self, count: usize, deadline: Instant) -> Result<Vec<Self::Item>, Self::TimeoutError> {
        (**self).read_deadline(count, deadline)
    }
}
