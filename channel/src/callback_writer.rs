//! A writer that may change an item before it is written.

use crate::error::{TryWriteError, WriteError, WriteTimeoutError};
use crate::write_items::WriteItems;
use std::fmt;
use std::time::Instant;

/// Called with an item before it is written; gives what is written instead.
pub type BeforeWrite<T> = Box<dyn FnMut(T) -> T + Send>;

/// A writer with a callback before another one.
///
/// If the callback panics, nothing is written. An item that comes back in an error is the one that the callback gave.
///
/// # Examples
/// ```
/// use millpond_channel::{CallbackWriter, WriteItems, unbounded};
///
/// let (writer, reader) = unbounded();
/// let mut writer = CallbackWriter::new(writer);
/// assert!(writer.set_before(|item: u32| item + 1).is_none());
/// writer.write(1).unwrap();
/// assert_eq!(reader.read_one(), Ok(2));
/// ```
#[must_use = "dropping the last writer closes the channel"]
pub struct CallbackWriter<W: WriteItems> {
    writer: W,
    before: Option<BeforeWrite<W::Item>>,
}

impl<W: WriteItems> CallbackWriter<W> {
    /// Around `writer`, without a callback yet.
    pub const fn new(writer: W) -> Self {
        Self { writer, before: None }
    }

    /// Sets what is called before a write; returns the one that was set before.
    pub fn set_before(
        &mut self,
        callback: impl FnMut(W::Item) -> W::Item + Send + 'static,
    ) -> Option<BeforeWrite<W::Item>> {
        self.before.replace(Box::new(callback))
    }

    /// Removes what is called before a write, and returns it.
    pub fn clear_before(&mut self) -> Option<BeforeWrite<W::Item>> {
        self.before.take()
    }

    /// The writer inside.
    #[must_use]
    pub const fn get_ref(&self) -> &W {
        &self.writer
    }

    fn change(&mut self, item: W::Item) -> W::Item {
        match &mut self.before {
            Some(before) => before(item),
            None => item,
        }
    }
}

impl<W: WriteItems> WriteItems for CallbackWriter<W> {
    type Item = W::Item;

    fn try_write(&mut self, item: W::Item) -> Result<(), TryWriteError<W::Item>> {
        let item = self.change(item);
        self.writer.try_write(item)
    }

    fn write(&mut self, item: W::Item) -> Result<(), WriteError<W::Item>> {
        let item = self.change(item);
        self.writer.write(item)
    }

    fn write_deadline(&mut self, item: W::Item, deadline: Instant) -> Result<(), WriteTimeoutError<W::Item>> {
        let item = self.change(item);
        self.writer.write_deadline(item, deadline)
    }

    fn close(&mut self) -> bool {
        self.writer.close()
    }
}

impl<W: WriteItems + fmt::Debug> fmt::Debug for CallbackWriter<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CallbackWriter")
            .field("writer", &self.writer)
            .field("has_before", &self.before.is_some())
            .finish()
    }
}
