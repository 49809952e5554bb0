//! Permits of a semaphore, given back when they are dropped.

use crate::semaphore::Semaphore;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Permits of a [`Semaphore`], given back when it is dropped.
///
/// `P` is a borrowed semaphore or an `Arc` of one. You meet it as [`Permit`] and [`ArcPermit`].
#[must_use = "dropping permits gives them back at once"]
pub struct PermitOf<P: Deref<Target = Semaphore>> {
    semaphore: P,
    count: u64,
}

/// Permits of a borrowed [`Semaphore`].
pub type Permit<'a> = PermitOf<&'a Semaphore>;

/// Permits of a [`Semaphore`] in an `Arc`, so they are bound to no lifetime.
pub type ArcPermit = PermitOf<Arc<Semaphore>>;

impl<P: Deref<Target = Semaphore>> PermitOf<P> {
    #[inline]
    pub(crate) const fn of(semaphore: P, count: u64) -> Self {
        Self { semaphore, count }
    }

    /// How many permits these are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Takes `count` of these permits out, as permits of their own; `None`, and nothing changes, if there are fewer.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = millpond_sync::Semaphore::new(5);
    /// let mut permits = semaphore.acquire_many(5).unwrap();
    /// let two = permits.split(2).unwrap();
    /// drop(permits);
    /// assert_eq!(semaphore.available(), 3);
    /// # drop(two);
    /// ```
    pub fn split(&mut self, count: u64) -> Option<Self>
    where
        P: Clone,
    {
        self.count = self.count.checked_sub(count)?;
        Some(Self::of(self.semaphore.clone(), count))
    }

    /// Adds others' permits to these.
    ///
    /// # Panics
    /// If they are of another semaphore.
    #[track_caller]
    pub fn merge(&mut self, mut others: Self) {
        let are_of_one = std::ptr::eq(&*self.semaphore, &*others.semaphore);
        assert!(are_of_one, "merging permits of two semaphores; merge those of one");
        self.count += std::mem::take(&mut others.count);
    }

    /// Does not give them back, now or ever. [`Semaphore::release`] can.
    pub fn forget(mut self) {
        self.count = 0;
    }
}

impl<P: Deref<Target = Semaphore>> Drop for PermitOf<P> {
    #[inline]
    fn drop(&mut self) {
        if self.count > 0 {
            self.semaphore.release(self.count);
        }
    }
}

impl<P: Deref<Target = Semaphore>> fmt::Debug for PermitOf<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Permit").field("count", &self.count).finish_non_exhaustive()
    }
}
