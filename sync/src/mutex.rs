//! A value that one thread or task uses at a time.

use crate::deadline::Deadline;
use crate::guard::sealed::{Acquire, Parts, Wishes};
use crate::guard::{Acquiring, Guard, Guarded, Lock, MappedGuard};
use crate::held::Exclusively;
use crate::owner::Owner;
use crate::policy::Policy;
use crate::raw_mutex::{RawMutex, Wish};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A value that one thread or task uses at a time.
///
/// Threads and tasks stand in one list, on no particular runtime. A panic while it is held releases
/// it. Whether a newcomer may overtake a waiter is the [`Policy`]; [`Policy::Eventual`] unless you
/// say otherwise.
///
/// Guards may be kept across awaits and sent to other threads.
///
/// # Examples
///
/// ```
/// use millpond_sync::Mutex;
///
/// static TOTAL: Mutex<u64> = Mutex::new(0);
///
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| *TOTAL.lock() += 1);
///     }
/// });
/// assert_eq!(*TOTAL.lock(), 4);
/// ```
#[derive(Default)]
pub struct Mutex<T: ?Sized> {
    raw: RawMutex,
    value: Guarded<T>,
}

/// Holds a borrowed [`Mutex`].
pub type MutexGuard<'a, T> = Guard<&'a Mutex<T>, Exclusively>;

/// Holds a [`Mutex`] in an `Arc`, so it is bound to no lifetime.
pub type ArcMutexGuard<T> = Guard<Arc<Mutex<T>>, Exclusively>;

/// Holds a borrowed [`Mutex`] and shows a part of its value.
pub type MappedMutexGuard<'a, T, U> = MappedGuard<&'a Mutex<T>, Exclusively, U>;

impl Acquire for Exclusively {
    type Raw = RawMutex;

    #[inline]
    fn try_acquire(raw: &RawMutex) -> bool {
        raw.try_lock(Owner::of_simulated_thread())
    }

    #[inline]
    fn acquire(raw: &RawMutex, deadline: Deadline) -> bool {
        raw.lock_deadline(Owner::of_simulated_thread(), deadline)
    }

    #[inline]
    fn release(raw: &RawMutex) {
        raw.release_held();
    }
}

impl Wishes for Exclusively {
    fn wish() -> Wish {
        RawMutex::wish(Owner::of_simulated_thread())
    }
}

impl<T: ?Sized> Parts for Mutex<T> {
    type Raw = RawMutex;
    type Value = T;

    #[inline]
    #[expect(private_interfaces, reason = "sealed")]
    fn parts(&self) -> (&RawMutex, &Guarded<T>) {
        (&self.raw, &self.value)
    }
}

impl<T: ?Sized> Lock for Mutex<T> {}

impl<T> Mutex<T> {
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
            Self { raw: RawMutex::new(policy), value: Guarded::new(value) }
        }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Takes the lock if it is free. Never waits.
    ///
    /// # Examples
    ///
    /// ```
    /// let mutex = millpond_sync::Mutex::new(1);
    /// let guard = mutex.lock();
    /// assert!(mutex.try_lock().is_none());
    /// drop(guard);
    /// assert_eq!(mutex.try_lock().as_deref(), Some(&1));
    /// ```
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        Guard::try_acquire(self)
    }

    /// Takes the lock.
    ///
    /// # Blocking
    /// Until it is free. A thread that locks a mutex that it holds waits for ever.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        Guard::acquire(self, Deadline::NEVER).expect("a wait without a deadline ends with the lock")
    }

    /// Takes the lock, or gives up when `timeout` has passed.
    ///
    /// # Blocking
    /// Until it is free, or that long.
    pub fn lock_timeout(&self, timeout: Duration) -> Option<MutexGuard<'_, T>> {
        self.try_lock().or_else(|| self.lock_deadline(Deadline::after(timeout)))
    }

    /// Takes the lock, or gives up at `deadline`. Tries once if that has passed.
    ///
    /// # Blocking
    /// Until it is free, or until then.
    pub fn lock_deadline(&self, deadline: impl Into<Deadline>) -> Option<MutexGuard<'_, T>> {
        Guard::acquire(self, deadline.into())
    }

    /// Takes the lock, awaiting it.
    ///
    /// Dropping the future gives up its place in the list; a lock that it was handed and did not
    /// take goes to the next.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_sync::{Mutex, Parker};
    ///
    /// let mutex = Mutex::new(vec![1]);
    /// Parker::block_on(async {
    ///     let mut guard = mutex.lock_async().await;
    ///     guard.push(2);
    /// });
    /// assert_eq!(mutex.into_inner(), [1, 2]);
    /// ```
    pub const fn lock_async(&self) -> Acquiring<&Self, Exclusively> {
        Acquiring::new(self)
    }

    /// Takes the lock if it is free, with a guard that keeps the `Arc`.
    pub fn try_lock_arc(self: &Arc<Self>) -> Option<ArcMutexGuard<T>> {
        Guard::try_acquire(Arc::clone(self))
    }

    /// Takes the lock, with a guard that keeps the `Arc`.
    ///
    /// # Blocking
    /// Until it is free.
    pub fn lock_arc(self: &Arc<Self>) -> ArcMutexGuard<T> {
        Guard::acquire(Arc::clone(self), Deadline::NEVER).expect("a wait without a deadline ends with the lock")
    }

    /// Takes the lock, or gives up at `deadline`, with a guard that keeps the `Arc`.
    ///
    /// # Blocking
    /// Until it is free, or until then.
    pub fn lock_arc_deadline(self: &Arc<Self>, deadline: impl Into<Deadline>) -> Option<ArcMutexGuard<T>> {
        Guard::acquire(Arc::clone(self), deadline.into())
    }

    /// Takes the lock, awaiting it, with a guard that keeps the `Arc`: `'static`, so it can go to
    /// another task.
    ///
    /// Dropping the future gives up its place in the list.
    pub fn lock_arc_async(self: &Arc<Self>) -> Acquiring<Arc<Self>, Exclusively> {
        Acquiring::new(Arc::clone(self))
    }

    /// The value, by exclusive access: nobody holds the lock.
    pub const fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Whether somebody holds it. A moment's view.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    /// How many wait for it. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.raw.waiting()
    }

    /// Releases the lock to the first waiter, whatever the policy.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_sync::Mutex;
    ///
    /// let mutex = Mutex::new(5);
    /// Mutex::unlock_fair(mutex.lock());
    /// assert!(!mutex.is_locked());
    /// ```
    pub fn unlock_fair(guard: MutexGuard<'_, T>) {
        let mutex = Guard::into_pointer(guard);
        mutex.raw.release_held_fairly();
    }

    /// Releases the lock under a guard that is not used before [`lock_again`](Self::lock_again).
    pub(crate) fn unlock_for_a_while(&self) {
        self.raw.release_held();
    }

    pub(crate) fn lock_again(&self) {
        self.raw.lock(Owner::of_simulated_thread());
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Mutex");
        match self.try_lock() {
            Some(guard) => shown.field("value", &&*guard),
            None => shown.field("value", &format_args!("<locked>")),
        };
        shown.finish_non_exhaustive()
    }
}
