//! A reader that tells before a read and may change items after it.

use crate::read_items::ReadItems;
use std::fmt;
use std::time::Instant;

/// Called before a read with the count that is asked for; `usize::MAX` is all.
pub type BeforeRead = Box<dyn FnMut(usize) + Send>;

/// Called after a read with the items, which it may change, add to or take from.
pub type AfterRead<T> = Box<dyn FnMut(&mut Vec<T>) + Send>;

/// A reader with callbacks around another one.
///
/// * A read of 0 items reads nothing and calls none.
/// * A callback before the read that panics: nothing is read.
/// * A callback after the read that panics: the items as it left them come with the next read, and go through the
///   callback again.
///
/// # Examples
/// ```
/// use millpond_channel::{CallbackReader, IteratorReader, ReadItems};
///
/// let mut reader = CallbackReader::new(IteratorReader::new(1..=3));
/// assert!(reader.set_after(|items| items.iter_mut().for_each(|item| *item *= 10)).is_none());
/// assert_eq!(reader.read(2).unwrap(), [10, 20]);
/// let multiply = reader.clear_after().unwrap();
/// assert_eq!(reader.read(2).unwrap(), [3]);
/// reader.set_after(multiply);
/// ```
#[must_use = "a reader is lazy: it does nothing unless it is read"]
pub struct CallbackReader<R: ReadItems> {
    reader: R,
    before: Option<BeforeRead>,
    after: Option<AfterRead<R::Item>>,
    /// What was read by a read that did not return.
    kept: Vec<R::Item>,
}

impl<R: ReadItems> CallbackReader<R> {
    /// Around `reader`, without callbacks yet.
    pub const fn new(reader: R) -> Self {
        Self { reader, before: None, after: None, kept: Vec::new() }
    }

    /// Sets what is called before a read; returns the one that was set before.
    pub fn set_before(&mut self, callback: impl FnMut(usize) + Send + 'static) -> Option<BeforeRead> {
        self.before.replace(Box::new(callback))
    }

    /// Removes what is called before a read, and returns it.
    pub fn clear_before(&mut self) -> Option<BeforeRead> {
        self.before.take()
    }

    /// Sets what is called after a read; returns the one that was set before.
    pub fn set_after(
        &mut self,
        callback: impl FnMut(&mut Vec<R::Item>) + Send + 'static,
    ) -> Option<AfterRead<R::Item>> {
        self.after.replace(Box::new(callback))
    }

    /// Removes what is called after a read, and returns it.
    pub fn clear_after(&mut self) -> Option<AfterRead<R::Item>> {
        self.after.take()
    }

    /// The reader inside.
    #[must_use]
    pub const fn get_ref(&self) -> &R {
        &self.reader
    }

    /// A read by `read`, which is asked for what is missing beyond what was kept.
    ///
    /// Its error is the result only if nothing was kept, or if `takes_fewer` does not allow to return less.
    fn read_by<E>(
        &mut self,
        count: usize,
        takes_fewer: bool,
        read: impl FnOnce(&mut R, usize) -> Result<Vec<R::Item>, E>,
    ) -> Result<Vec<R::Item>, E> {
        if count == 0 {
            return Ok(Vec::new());
        }
        if let Some(before) = &mut self.before {
            before(count);
        }
        if self.kept.len() < count {
            let missing = if count == usize::MAX { count } else { count - self.kept.len() };
            match read(&mut self.reader, missing) {
                Ok(items) if self.kept.is_empty() => self.kept = items,
                Ok(items) => self.kept.extend(items),
                Err(error) if self.kept.is_empty() || !takes_fewer => return Err(error),
                Err(_) => {}
            }
        }
        let limit = count.min(self.kept.len());
        let rest = self.kept.split_off(limit);
        let mut read = PutBack { items: std::mem::replace(&mut self.kept, rest), kept: &mut self.kept };
        if let Some(after) = &mut self.after {
            after(&mut read.items);
        }
        Ok(std::mem::take(&mut read.items))
    }
}

/// Items on their way out; those that are left when it is dropped go back to the front of what is kept.
struct PutBack<'a, T> {
    items: Vec<T>,
    kept: &'a mut Vec<T>,
}

impl<T> Drop for PutBack<'_, T> {
    fn drop(&mut self) {
        self.kept.splice(..0, self.items.drain(..));
    }
}

impl<R: ReadItems> ReadItems for CallbackReader<R> {
    type Item = R::Item;
    type Error = R::Error;
    type TryError = R::TryError;
    type TimeoutError = R::TimeoutError;

    fn try_read(&mut self, count: usize) -> Result<Vec<R::Item>, R::TryError> {
        self.read_by(count, true, R::try_read)
    }

    fn read(&mut self, count: usize) -> Result<Vec<R::Item>, R::Error> {
        self.read_by(count, false, R::read)
    }

    fn read_deadline(&mut self, count: usize, deadline: Instant) -> Result<Vec<R::Item>, R::TimeoutError> {
        self.read_by(count, false, |reader, count| reader.read_deadline(count, deadline))
    }
}

impl<R: ReadItems + fmt::Debug> fmt::Debug for CallbackReader<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CallbackReader")
            .field("reader", &self.reader)
            .field("has_before", &self.before.is_some())
            .field("has_after", &self.after.is_some())
            .field("kept", &self.kept.len())
            .finish()
    }
}
