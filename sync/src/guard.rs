//! How a value behind a lock is reached: the one file of this crate with unsafe code.
//!
//! A lock's type says what it guards ([`Lock`]), an [`Access`] how it is acquired and whether alone
//! or with others. A [`Guard`] is made here and nowhere else, by acquiring, and releases when it is
//! dropped. So there is no way to reach a value without its lock, and no way to have a guard of one
//! lock for the value of another.

mod convert;

use crate::claim::Claim;
use crate::deadline::Deadline;
use crate::granting::{Granting, Waiting};
use crate::held::{Again, Exclusively, Reading, Upgradable, Writing};
use crate::select::Selectable;
use std::cell::UnsafeCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// The place of a value behind a lock.
#[derive(Default)]
pub(crate) struct Guarded<T: ?Sized>(UnsafeCell<T>);

// SAFETY: the value is reached by guards only. A lock that gives one guard at a time only moves the
// value's use from thread to thread; a lock that gives several at a time demands `T: Sync` itself
// (see `RwLock`).
unsafe impl<T: ?Sized + Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Guarded<T> {
    pub(crate) const fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

/// A lock with a value behind it: [`Mutex`](crate::Mutex), [`RwLock`](crate::RwLock),
/// [`ReentrantMutex`](crate::ReentrantMutex). Sealed.
pub trait Lock: sealed::Parts {}

/// How a guard was acquired. Sealed.
///
/// # Safety
/// From the moment that an acquisition succeeds until `release` is called, nobody has an access to
/// the same lock with which this one conflicts: one that is [`Alone`] conflicts with every other.
/// Nor is the lock's value moved.
pub unsafe trait Access: sealed::Acquire {}

/// An access that no other goes beside, so that the value may be written.
///
/// # Safety
/// As [`Access`] says.
pub unsafe trait Alone: Access {}

// SAFETY: there is one way to hold a mutex, and its raw lock, which nobody but guards reaches, is
// held by one at a time.
unsafe impl Access for Exclusively {}
// SAFETY: as above.
unsafe impl Alone for Exclusively {}

// SAFETY: `RawRwLock` lets in a writer alone, and readers and one that is upgradable beside each
// other.
unsafe impl Access for Reading {}
// SAFETY: as above.
unsafe impl Access for Upgradable {}
// SAFETY: as above.
unsafe impl Access for Writing {}
// SAFETY: as above.
unsafe impl Alone for Writing {}

// SAFETY: the raw lock is held by one owner at a time, which is a thread that the guards stay in;
// none of them is alone.
unsafe impl Access for Again {}

pub(crate) mod sealed {
    use super::{Deadline, Granting, Guarded};

    /// What a lock is made of.
    pub trait Parts {
        type Raw;
        type Value: ?Sized;

        #[expect(private_interfaces, reason = "sealed")]
        fn parts(&self) -> (&Self::Raw, &Guarded<Self::Value>);
    }

    /// How a lock is acquired and released in one way.
    pub trait Acquire {
        type Raw;

        fn try_acquire(raw: &Self::Raw) -> bool;
        fn acquire(raw: &Self::Raw, deadline: Deadline) -> bool;
        fn release(raw: &Self::Raw);
    }

    /// How a lock is asked for in one way by who awaits it.
    pub trait Wishes: Acquire<Raw: Granting> {
        fn wish() -> <Self::Raw as Granting>::Entry;
    }
}

use sealed::{Parts, Wishes};

/// What a lock holds.
pub(crate) type Value<P> = <<P as Deref>::Target as Parts>::Value;

/// The right to use a value behind a lock, until it is dropped.
///
/// `P` is a borrowed lock or an `Arc` of one, `A` the way in which it is held. You meet it as
/// [`MutexGuard`](crate::MutexGuard), [`ArcMutexGuard`](crate::ArcMutexGuard) and the like.
#[must_use = "dropping a guard releases its lock at once"]
pub struct Guard<P, A>
where
    P: Deref<Target: Lock>,
    A: Access<Raw = <P::Target as Parts>::Raw>,
{
    lock: P,
    access: PhantomData<A>,
    reach: PhantomData<Reach<Value<P>>>,
}

/// May be shared between threads if the value may.
struct Reach<T: ?Sized>(PhantomData<*const T>);

// SAFETY: it holds nothing.
unsafe impl<T: ?Sized> Send for Reach<T> {}
// SAFETY: it holds nothing; the bound is what a shared guard, which gives out shared references,
// needs.
unsafe impl<T: ?Sized + Sync> Sync for Reach<T> {}

impl<P, A> Guard<P, A>
where
    P: Deref<Target: Lock>,
    A: Access<Raw = <P::Target as Parts>::Raw>,
{
    /// The access was just acquired.
    const fn held(lock: P) -> Self {
        Self { lock, access: PhantomData, reach: PhantomData }
    }

    pub(crate) fn try_acquire(lock: P) -> Option<Self> {
        if A::try_acquire(lock.parts().0) { Some(Self::held(lock)) } else { None }
    }

    pub(crate) fn acquire(lock: P, deadline: Deadline) -> Option<Self> {
        if A::acquire(lock.parts().0, deadline) { Some(Self::held(lock)) } else { None }
    }

    /// The lock that it holds.
    ///
    /// A function, not a method, so that it cannot hide one of the value.
    pub fn lock(guard: &Self) -> &P::Target {
        &guard.lock
    }

    pub(crate) const fn pointer(guard: &Self) -> &P {
        &guard.lock
    }

    /// Ends the guard without releasing what it holds.
    pub(crate) fn into_pointer(guard: Self) -> P {
        let guard = ManuallyDrop::new(guard);
        // SAFETY: the guard is never dropped or used again, so this is the only use of its pointer.
        unsafe { std::ptr::read(&raw const guard.lock) }
    }

    fn value(&self) -> NonNull<Value<P>> {
        let pointer = self.lock.parts().1.0.get();
        NonNull::new(pointer).expect("a cell has an address")
    }

    /// A guard of a part of the value, which keeps the whole lock held.
    ///
    /// A function, not a method, so that it cannot hide one of the value.
    pub fn map<U: ?Sized>(guard: Self, part: impl FnOnce(&mut Value<P>) -> &mut U) -> MappedGuard<P, A, U>
    where
        A: Alone,
    {
        // SAFETY: the access is alone until the guard is dropped, and the guard is borrowed by
        // nobody: it is moved here.
        let value = NonNull::from(part(unsafe { guard.value().as_mut() }));
        MappedGuard { value, guard }
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard, if there is none.
    pub fn try_map<U: ?Sized>(
        guard: Self,
        part: impl FnOnce(&mut Value<P>) -> Option<&mut U>,
    ) -> Result<MappedGuard<P, A, U>, Self>
    where
        A: Alone,
    {
        // SAFETY: as in `map`.
        match part(unsafe { guard.value().as_mut() }).map(NonNull::from) {
            Some(value) => Ok(MappedGuard { value, guard }),
            None => Err(guard),
        }
    }
}

impl<P, A> Deref for Guard<P, A>
where
    P: Deref<Target: Lock>,
    A: Access<Raw = <P::Target as Parts>::Raw>,
{
    type Target = Value<P>;

    #[inline]
    fn deref(&self) -> &Value<P> {
        // SAFETY: the access, which lasts until the guard is dropped, keeps writers away.
        unsafe { self.value().as_ref() }
    }
}

impl<P, A> DerefMut for Guard<P, A>
where
    P: Deref<Target: Lock>,
    A: Alone<Raw = <P::Target as Parts>::Raw>,
{
    #[inline]
    fn deref_mut(&mut self) -> &mut Value<P> {
        // SAFETY: the access, which lasts until the guard is dropped, is alone, and the guard is
        // borrowed exclusively.
        unsafe { self.value().as_mut() }
    }
}

impl<P, A> Drop for Guard<P, A>
where
    P: Deref<Target: Lock>,
    A: Access<Raw = <P::Target as Parts>::Raw>,
{
    #[inline]
    fn drop(&mut self) {
        A::release(self.lock.parts().0);
    }
}

impl<P, A> fmt::Debug for Guard<P, A>
where
    P: Deref<Target: Lock>,
    A: Access<Raw = <P::Target as Parts>::Raw>,
    Value<P>: fmt::Debug,
{
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

impl<P, A> fmt::Display for Guard<P, A>
where
    P: Deref<Target: Lock>,
    A: Access<Raw = <P::Target as Parts>::Raw>,
    Value<P>: fmt::Display,
{
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, formatter)
    }
}

/// The right to use a part of a value behind a lock, which is held until it is dropped. Made by
/// [`Guard::map`].
#[must_use = "dropping a guard releases its lock at once"]
pub struct MappedGuard<P, A, U: ?Sized>
where
    P: Deref<Target: Lock>,
    A: Alone<Raw = <P::Target as Parts>::Raw>,
{
    value: NonNull<U>,
    #[expect(dead_code, reason = "it holds the lock until it is dropped")]
    guard: Guard<P, A>,
}

// SAFETY: it is an exclusive reference to a `U` and a guard.
unsafe impl<P, A, U: ?Sized + Send> Send for MappedGuard<P, A, U>
where
    P: Deref<Target: Lock>,
    A: Alone<Raw = <P::Target as Parts>::Raw>,
    Guard<P, A>: Send,
{
}

// SAFETY: shared, it gives shared references to a `U` only.
unsafe impl<P, A, U: ?Sized + Sync> Sync for MappedGuard<P, A, U>
where
    P: Deref<Target: Lock>,
    A: Alone<Raw = <P::Target as Parts>::Raw>,
{
}

impl<P, A, U: ?Sized> Deref for MappedGuard<P, A, U>
where
    P: Deref<Target: Lock>,
    A: Alone<Raw = <P::Target as Parts>::Raw>,
{
    type Target = U;

    fn deref(&self) -> &U {
        // SAFETY: it is a part of the value that only this guard reaches.
        unsafe { self.value.as_ref() }
    }
}

impl<P, A, U: ?Sized> DerefMut for MappedGuard<P, A, U>
where
    P: Deref<Target: Lock>,
    A: Alone<Raw = <P::Target as Parts>::Raw>,
{
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: as above, and the guard is borrowed exclusively.
        unsafe { self.value.as_mut() }
    }
}

impl<P, A, U: ?Sized + fmt::Debug> fmt::Debug for MappedGuard<P, A, U>
where
    P: Deref<Target: Lock>,
    A: Alone<Raw = <P::Target as Parts>::Raw>,
{
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, formatter)
    }
}

/// A future of a guard.
///
/// Dropping it leaves the list of waiters; if it was handed the lock already, the lock goes to the
/// next one. It takes nothing before it is polled.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Acquiring<P, A>
where
    P: Deref<Target: Lock>,
    A: Access<Raw = <P::Target as Parts>::Raw> + Wishes,
{
    /// Taken when it is ready.
    lock: Option<P>,
    waiting: Option<Waiting<Raw<P>>>,
    claim: Option<Claim>,
    access: PhantomData<A>,
}

/// A pointer to a lock, as one to its raw lock.
pub(crate) struct Raw<P>(P);

impl<P: Deref<Target: Lock>> Deref for Raw<P> {
    type Target = <P::Target as Parts>::Raw;

    fn deref(&self) -> &Self::Target {
        self.0.parts().0
    }
}

impl<P, A> Acquiring<P, A>
where
    P: Deref<Target: Lock> + Clone,
    A: Access<Raw = <P::Target as Parts>::Raw> + Wishes,
{
    pub(crate) const fn new(lock: P) -> Self {
        Self { lock: Some(lock), waiting: None, claim: None, access: PhantomData }
    }
}

impl<P, A> Unpin for Acquiring<P, A>
where
    P: Deref<Target: Lock>,
    A: Access<Raw = <P::Target as Parts>::Raw> + Wishes,
{
}

impl<P, A> Future for Acquiring<P, A>
where
    P: Deref<Target: Lock> + Clone,
    A: Access<Raw = <P::Target as Parts>::Raw> + Wishes,
{
    type Output = Guard<P, A>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Guard<P, A>> {
        let this = self.get_mut();
        let lock = this.lock.take().expect("a future that is ready is not polled again");
        if this.waiting.is_none() {
            if this.claim.is_none() && A::try_acquire(lock.parts().0) {
                return Poll::Ready(Guard::held(lock));
            }
            this.waiting = Some(Waiting::with_claim(Raw(lock.clone()), A::wish(), this.claim.take()));
        }
        let waiting = this.waiting.as_mut().expect("it was just made");
        match Pin::new(waiting).poll(context) {
            Poll::Ready(_) => {
                this.waiting = None;
                Poll::Ready(Guard::held(lock))
            }
            Poll::Pending => {
                this.lock = Some(lock);
                Poll::Pending
            }
        }
    }
}

impl<P, A> Selectable for Acquiring<P, A>
where
    P: Deref<Target: Lock> + Clone,
    A: Access<Raw = <P::Target as Parts>::Raw> + Wishes,
{
    fn join(&mut self, claim: Claim) {
        self.claim = Some(claim);
    }
}

impl<P, A> fmt::Debug for Acquiring<P, A>
where
    P: Deref<Target: Lock>,
    A: Access<Raw = <P::Target as Parts>::Raw> + Wishes,
{
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Acquiring").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}
