//! Permits of a semaphore, given back when they are dropped, and how they are acquired.

use crate::claim::Claim;
use crate::deadline::Deadline;
use crate::granting::Waiting;
use crate::select::Selectable;
use crate::semaphore::{AcquireError, Closed, Semaphore};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

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

    /// Takes `count` of these permits out, as permits of their own; `None`, and nothing changes, if
    /// there are fewer.
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

impl Semaphore {
    /// Takes a permit if one is free and nobody waits.
    ///
    /// # Errors
    /// [`AcquireError::TimedOut`] if not, [`AcquireError::Closed`] if it is closed.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, AcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `count` permits if they are free and nobody waits. All or none.
    ///
    /// # Errors
    /// As for [`try_acquire`](Self::try_acquire).
    #[inline]
    pub fn try_acquire_many(&self, count: u64) -> Result<Permit<'_>, AcquireError> {
        self.try_take(count).map(|()| PermitOf::of(self, count))
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// If it is closed, or gets closed meanwhile.
    ///
    /// # Blocking
    /// Until one is free and whoever waited before has been served.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>, Closed> {
        self.acquire_many(1)
    }

    /// Takes `count` permits, all or none.
    ///
    /// # Errors
    /// If it is closed, or gets closed meanwhile.
    ///
    /// # Blocking
    /// Until they are free and whoever waited before has been served; for ever if there are never
    /// so many.
    #[inline]
    pub fn acquire_many(&self, count: u64) -> Result<Permit<'_>, Closed> {
        self.take_deadline(count, Deadline::NEVER).map(|()| PermitOf::of(self, count)).map_err(|_| Closed)
    }

    /// Takes `count` permits, or none and gives up when `timeout` has passed.
    ///
    /// # Errors
    /// [`AcquireError`].
    ///
    /// # Blocking
    /// Until they are free and whoever waited before has been served, or that long.
    pub fn acquire_many_timeout(&self, count: u64, timeout: Duration) -> Result<Permit<'_>, AcquireError> {
        self.acquire_many_deadline(count, Deadline::after(timeout))
    }

    /// Takes `count` permits, or none and gives up at `deadline`. Tries once if that has passed.
    ///
    /// # Errors
    /// [`AcquireError`].
    ///
    /// # Blocking
    /// Until they are free and whoever waited before has been served, or until then.
    pub fn acquire_many_deadline(&self, count: u64, deadline: impl Into<Deadline>) -> Result<Permit<'_>, AcquireError> {
        self.take_deadline(count, deadline.into()).map(|()| PermitOf::of(self, count))
    }

    /// Takes a permit, awaiting it.
    ///
    /// Dropping the future gives up its place in the list; permits that it was granted go to the
    /// next.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_sync::{Closed, Parker, Semaphore};
    ///
    /// let semaphore = Semaphore::new(1);
    /// Parker::block_on(async {
    ///     let permit = semaphore.acquire_async().await?;
    ///     semaphore.close();
    ///     assert_eq!(semaphore.acquire_async().await.err(), Some(Closed));
    ///     drop(permit);
    ///     Ok::<_, Closed>(())
    /// })
    /// .unwrap();
    /// ```
    pub const fn acquire_async(&self) -> AcquirePermit<&Self> {
        self.acquire_many_async(1)
    }

    /// Takes `count` permits, all or none, awaiting them.
    ///
    /// Dropping the future gives up its place in the list; permits that it was granted go to the
    /// next.
    pub const fn acquire_many_async(&self, count: u64) -> AcquirePermit<&Self> {
        AcquirePermit::new(self, count)
    }

    /// Takes `count` permits if they are free and nobody waits, with a permit that keeps the `Arc`.
    ///
    /// # Errors
    /// As for [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_arc(self: &Arc<Self>, count: u64) -> Result<ArcPermit, AcquireError> {
        self.try_take(count).map(|()| PermitOf::of(Arc::clone(self), count))
    }

    /// Takes `count` permits, with a permit that keeps the `Arc`.
    ///
    /// # Errors
    /// If it is closed, or gets closed meanwhile.
    ///
    /// # Blocking
    /// As [`acquire_many`](Self::acquire_many).
    pub fn acquire_arc(self: &Arc<Self>, count: u64) -> Result<ArcPermit, Closed> {
        let taken = self.take_deadline(count, Deadline::NEVER);
        taken.map(|()| PermitOf::of(Arc::clone(self), count)).map_err(|_| Closed)
    }

    /// Takes `count` permits, awaiting them, with a permit that keeps the `Arc`: `'static`, so it
    /// can go to another task.
    ///
    /// Dropping the future gives up its place in the list; permits that it was granted go to the
    /// next.
    pub fn acquire_arc_async(self: &Arc<Self>, count: u64) -> AcquirePermit<Arc<Self>> {
        AcquirePermit::new(Arc::clone(self), count)
    }
}

/// A future of permits. Made by [`Semaphore::acquire_async`] and its like.
///
/// Dropping it gives up its place in the list; permits that it was granted go to the next.
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct AcquirePermit<P: Deref<Target = Semaphore>> {
    waiting: Waiting<P>,
    count: u64,
    is_one_of_several: bool,
}

impl<P: Deref<Target = Semaphore>> AcquirePermit<P> {
    const fn new(semaphore: P, count: u64) -> Self {
        Self { waiting: Waiting::new(semaphore, Semaphore::wish(count)), count, is_one_of_several: false }
    }
}

impl<P: Deref<Target = Semaphore> + Clone> Future for AcquirePermit<P> {
    type Output = Result<PermitOf<P>, Closed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if !this.waiting.has_entered() && !this.is_one_of_several {
            match this.waiting.primitive().try_take(this.count) {
                Ok(()) => return Poll::Ready(Ok(PermitOf::of(this.waiting.primitive().clone(), this.count))),
                Err(AcquireError::Closed) => return Poll::Ready(Err(Closed)),
                Err(AcquireError::TimedOut) => {}
            }
        }
        Pin::new(&mut this.waiting).poll(context).map(|request| match request.is_closed {
            true => Err(Closed),
            false => Ok(PermitOf::of(this.waiting.primitive().clone(), this.count)),
        })
    }
}

impl<P: Deref<Target = Semaphore> + Clone> Selectable for AcquirePermit<P> {
    fn join(&mut self, claim: Claim) {
        self.waiting.join(claim);
        self.is_one_of_several = true;
    }
}
