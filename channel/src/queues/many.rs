//! Several items in one call.

use super::error::{GetError, PutError};
use super::futures::GetManyFuture;
use super::state::Asked;
use super::store::Store;
use super::{Queue, asking};
use millpond_sync::{Deadline, Waiting};

impl<T, S: Store<T>> Queue<T, S> {
    /// Gets up to `count` items that are in. Never waits.
    ///
    /// # Errors
    /// [`GetError::Empty`] or [`GetError::ShutDown`] if there are none.
    pub fn try_get_many(&self, count: usize) -> Result<Vec<T>, GetError> {
        asking::step();
        let mut turn = self.grants.turn();
        if turn.store.is_empty() && count > 0 {
            return Err(if turn.is_shut_down { GetError::ShutDown } else { GetError::Empty });
        }
        let items = std::iter::from_fn(|| turn.take()).take(count).map(|item| item.item).collect();
        self.end(&mut turn);
        Ok(items)
    }

    /// Waits for one item, and gets up to `count` that are in then.
    ///
    /// # Errors
    /// [`GetError::ShutDown`] if there is none and it is shut down, or gets so meanwhile.
    ///
    /// # Blocking
    /// Until there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue: millpond_channel::Queue<u32> = (0..5).collect();
    /// assert_eq!(queue.get_many(3), Ok(vec![0, 1, 2]));
    /// assert_eq!(queue.get_many(3), Ok(vec![3, 4]));
    /// ```
    pub fn get_many(&self, count: usize) -> Result<Vec<T>, GetError> {
        self.get_many_deadline(count, Deadline::NEVER)
    }

    /// Waits for one item, and gets up to `count` that are in then; or gives up at `deadline`.
    ///
    /// # Errors
    /// [`GetError::TimedOut`] or [`GetError::ShutDown`].
    ///
    /// # Blocking
    /// Until there is one, or until then.
    pub fn get_many_deadline(&self, count: usize, deadline: impl Into<Deadline>) -> Result<Vec<T>, GetError> {
        match self.try_get_many(count) {
            Err(GetError::Empty) => {
                let ended = Waiting::new(self, Asked::get_many(count)).block(deadline.into());
                ended.map_or(Err(GetError::TimedOut), Asked::got_many)
            }
            result => result,
        }
    }

    /// Waits for one item, and gets up to `count` that are in then, awaiting it.
    ///
    /// Dropping the future leaves the list; items that it was given go to the next who waits, or back to their places.
    pub const fn get_many_async(&self, count: usize) -> GetManyFuture<'_, T, S> {
        GetManyFuture::new(self, count)
    }

    /// Puts items in, one after the other.
    ///
    /// # Errors
    /// [`PutError::ShutDown`] with those that are not in.
    ///
    /// # Blocking
    /// Until there was room for each.
    pub fn put_many(&self, items: impl IntoIterator<Item = T>) -> Result<(), PutError<Vec<T>>> {
        self.put_many_deadline(items, Deadline::NEVER)
    }

    /// Puts items in, one after the other, or gives up at `deadline`.
    ///
    /// # Errors
    /// [`PutError::TimedOut`] or [`PutError::ShutDown`], with those that are not in.
    ///
    /// # Blocking
    /// Until there was room for each, or until then.
    pub fn put_many_deadline(
        &self,
        items: impl IntoIterator<Item = T>,
        deadline: impl Into<Deadline>,
    ) -> Result<(), PutError<Vec<T>>> {
        let (deadline, mut items) = (deadline.into(), items.into_iter());
        while let Some(item) = items.next() {
            if let Err(error) = self.put_deadline(item, deadline) {
                return Err(error.map(|item| std::iter::once(item).chain(items).collect()));
            }
        }
        Ok(())
    }

    /// Puts items in, one after the other, awaiting room.
    ///
    /// Dropping the future drops those that are not in.
    ///
    /// # Errors
    /// [`PutError::ShutDown`] with those that are not in.
    pub async fn put_many_async(&self, items: impl IntoIterator<Item = T>) -> Result<(), PutError<Vec<T>>> {
        let mut items = items.into_iter();
        while let Some(item) = items.next() {
            if let Err(error) = self.put_async(item).await {
                return Err(error.map(|item| std::iter::once(item).chain(items).collect()));
            }
        }
        Ok(())
    }
}
