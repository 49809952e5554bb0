//! What code that takes any writer needs.

use crate::error::{TryWriteError, WriteError, WriteTimeoutError};
use crate::writer::Writer;
use std::time::Instant;

/// Something that items are written to: a [`Writer`], with callbacks or without.
pub trait WriteItems {
    /// What is written.
    type Item;

    /// Writes an item if there is room now.
    ///
    /// # Errors
    /// `Full` if there is no room, `Closed` if nothing can be written any more; with the item.
    fn try_write(&mut self, item: Self::Item) -> Result<(), TryWriteError<Self::Item>>;

    /// Writes an item, waiting for room.
    ///
    /// # Errors
    /// If nothing can be written any more; with the item.
    ///
    /// # Blocking
    /// While there is no room.
    fn write(&mut self, item: Self::Item) -> Result<(), WriteError<Self::Item>>;

    /// Writes an item, waiting for room at most until `deadline`.
    ///
    /// # Errors
    /// `TimedOut` if there was no room in time, `Closed` as for [`write`](Self::write); with the item.
    ///
    /// # Blocking
    /// While there is no room, at most until `deadline`.
    fn write_deadline(&mut self, item: Self::Item, deadline: Instant) -> Result<(), WriteTimeoutError<Self::Item>>;

    /// Says that nothing more will be written; tells whether that was news.
    fn close(&mut self) -> bool;
}

impl<T> WriteItems for Writer<T> {
    type Item = T;

    fn try_write(&mut self, item: T) -> Result<(), TryWriteError<T>> {
        Self::try_write(self, item)
    }

    fn write(&mut self, item: T) -> Result<(), WriteError<T>> {
        Self::write(self, item)
    }

    fn write_deadline(&mut self, item: T, deadline: Instant) -> Result<(), WriteTimeoutError<T>> {
        Self::write_deadline(self, item, deadline)
    }

    fn close(&mut self) -> bool {
        Self::close(self)
    }
}

impl<W: WriteItems + ?Sized> WriteItems for &mut W {
    type Item = W::Item;

    fn try_write(&mut self, item: Self::Item) -> Result<(), TryWriteError<Self::Item>> {
        (**self).try_write(item)
    }

    fn write(&mut self, item: Self::Item) -> Result<(), WriteError<Self::Item>> {
        (**self).write(item)
    }

    fn write_deadline(&mut self, item: Self::Item, deadline: Instant) -> Result<(), WriteTimeoutError<Self::Item>> {
        (**self).write_deadline(item, deadline)
    }

    fn close(&mut self) -> bool {
        (**self).close()
    }
}
