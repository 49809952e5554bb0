//! Callbacks around a reader, by the channel's adaptor.

use std::time::Instant;

use millpond_channel::{CallbackReader, ReadItems};

use super::ScopedReader;
use crate::error::ReadError;

impl<'env, T: Send + 'env> ScopedReader<'env, T> {
    /// This reader with callbacks before a read, which get the count, and after a read, which may change the items.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_channel::ReadItems;
    ///
    /// let pool = millpond_pool::Pool::serial();
    /// let mut reader = pool.source(1..=3).with_callbacks();
    /// reader.set_after(|items| items.iter_mut().for_each(|item| *item *= 10));
    /// assert_eq!(reader.read(2)?, [10, 20]);
    /// # Ok::<(), millpond_pool::ReadError>(())
    /// ```
    pub fn with_callbacks(self) -> CallbackReader<Self> {
        CallbackReader::new(self)
    }
}

impl<T: Send> ReadItems for ScopedReader<'_, T> {
    type Item = T;
    type Error = ReadError;
    type TryError = ReadError;
    type TimeoutError = ReadError;

    /// As [`ScopedReader::try_read`], with [`ReadError::NotYet`] where nothing is there.
    fn try_read(&mut self, count: usize) -> Result<Vec<T>, ReadError> {
        match Self::try_read(self, count) {
            Ok(Some(items)) => Ok(items),
            Ok(None) => Err(ReadError::NotYet { task: self.task_name() }),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self, count: usize) -> Result<Vec<T>, ReadError> {
        Self::read(self, count)
    }

    fn read_deadline(&mut self, count: usize, deadline: Instant) -> Result<Vec<T>, ReadError> {
        Self::read_deadline(self, count, deadline)
    }
}
