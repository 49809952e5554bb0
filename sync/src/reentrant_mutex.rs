//! A value that one thread uses at a time, which may take the lock again.

use crate::deadline::Deadline;
use crate::guard::sealed::{Acquire, Parts};
use crate::guard::{Guard, Guarded, Lock};
use crate::held::Again;
use crate::owner::Owner;
use crate::policy::Policy;
use crate::raw_reentrant_mutex::RawReentrantMutex;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A value that one thread uses at a time, which may take the lock again.
///
/// Its guards give shared references only, as a thread may have several: put a `Cell` or `RefCell`
/// into it. For threads; several tasks of one thread would all go in. A binding that knows its
/// tasks uses a [`RawReentrantMutex`](crate::RawReentrantMutex).
///
/// # Examples
///
/// ```
/// use millpond_sync::ReentrantMutex;
/// use std::cell::Cell;
///
/// let total = ReentrantMutex::new(Cell::new(1));
/// let outer = total.lock();
/// let inner = total.lock();
/// inner.set(inner.get() + outer.get());
/// assert_eq!(outer.get(), 2);
/// ```
#[derive(Default)]
pub struct ReentrantMutex<T: ?Sized> {
    raw: RawReentrantMutex,
    value: Guarded<T>,
}

/// Holds a borrowed [`ReentrantMutex`]. Stays in its thread.
pub type ReentrantMutexGuard<'a, T> = Guard<&'a ReentrantMutex<T>, Again>;
/// Holds a [`ReentrantMutex`] in an `Arc`. Stays in its thread.
pub type ArcReentrantMutexGuard<T> = Guard<Arc<ReentrantMutex<T>>, Again>;

impl Acquire for Again {
    type Raw = RawReentrantMutex;

    #[inline]
    fn try_acquire(raw: &RawReentrantMutex) -> bool {
        raw.try_lock(Owner::of_thread())
    }

    #[inline]
    fn acquire(raw: &RawReentrantMutex, deadline: Deadline) -> bool {
        raw.lock_deadline(Owner::of_thread(), deadline)
    }

    #[inline]
    fn release(raw: &RawReentrantMutex) {
        let released = raw.unlock(Owner::of_thread());
        debug_assert!(released.is_ok(), "a guard holds its lock, and stays in its thread");
    }
}

impl<T: ?Sized> Parts for ReentrantMutex<T> {
    type Raw = RawReentrantMutex;
    type Value = T;

    #[inline]
    #[expect(private_interfaces, reason = "sealed")]
    fn parts(&self) -> (&RawReentrantMutex, &Guarded<T>) {
        (&self.raw, &self.value)
    }
}

impl<T: ?Sized> Lock for ReentrantMutex<T> {}

impl<T> ReentrantMutex<T> {
    crate::shim::const_fn! {
        /// A free mutex.
        #[must_use]
        pub const fn new(value: T) -> Self {
            Self::with_policy(value, Policy::Eventual)
        }
    }

    crate::shim::const_fn! {
        /// A free mutex with this policy.
        #[must_use]
        pub const fn with_policy(value: T, policy: Policy) -> Self {
            Self { raw: RawReentrantMutex::new(policy), value: Guarded::new(value) }
        }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> ReentrantMutex<T> {
    /// Takes the lock if it is free, or this thread has it. Never waits.
    #[inline]
    pub fn try_lock(&self) -> Option<ReentrantMutexGuard<'_, T>> {
        Guard::try_acquire(self)
    }

    /// Takes the lock; at once, if this thread has it.
    ///
    /// # Blocking
    /// Until it is free.
    #[inline]
    pub fn lock(&self) -> ReentrantMutexGuard<'_, T> {
        Guard::acquire(self, Deadline::NEVER).expect("a wait without a deadline ends with the lock")
    }

    /// Takes the lock, or gives up when `timeout` has passed.
    ///
    /// # Blocking
    /// Until it is free, or that long.
    pub fn lock_timeout(&self, timeout: Duration) -> Option<ReentrantMutexGuard<'_, T>> {
        Guard::acquire(self, Deadline::after(timeout))
    }

    /// Takes the lock, or gives up at `deadline`. Tries once if that has passed.
    ///
    /// # Blocking
    /// Until it is free, or until then.
    pub fn lock_deadline(&self, deadline: impl Into<Deadline>) -> Option<ReentrantMutexGuard<'_, T>> {
        Guard::acquire(self, deadline.into())
    }

    /// Takes the lock, with a guard that keeps the `Arc`.
    ///
    /// # Blocking
    /// Until it is free.
    pub fn lock_arc(self: &Arc<Self>) -> ArcReentrantMutexGuard<T> {
        Guard::acquire(Arc::clone(self), Deadline::NEVER).expect("a wait without a deadline ends with the lock")
    }

    /// The value, by exclusive access: nobody holds the lock.
    pub const fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// How often the calling thread has taken it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.raw.count(Owner::of_thread())
    }

    /// Whether somebody holds it. A moment's view.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.raw.mutex().is_locked()
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ReentrantMutex<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("ReentrantMutex");
        match self.try_lock() {
            Some(guard) => shown.field("value", &&*guard),
            None => shown.field("value", &format_args!("<locked>")),
        };
        shown.finish_non_exhaustive()
    }
}
