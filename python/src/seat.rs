//! A value that one thread at a time has, and others do without.
//!
//! A lock that is only ever tried. Whoever takes the seat shows that it is attached to the interpreter. Where that has a lock of its
//! own, nobody else is attached meanwhile, so taking the seat is looking and writing rather than the compare-and-swap of a mutex, and
//! the interpreter's lock is what makes one thread see what another wrote. On an interpreter without a lock it is a swap.
//!
//! Having the seat is no reason to stay attached: whoever sits may wait, and another thread finds the seat taken.

#![allow(unsafe_code, reason = "a lock of its own, which the interpreter's makes cheaper")]

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::Python;

/// See the [module documentation](self).
pub(crate) struct Seat<T> {
    is_taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `try_take` gives out one `Seated` at a time, so sharing the seat is handing the value from thread to thread, which asks
// that it may move between them.
unsafe impl<T: Send> Sync for Seat<T> {}

impl<T> Seat<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { is_taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Takes the seat, unless somebody sits there: another thread, or this one further up.
    #[inline]
    pub(crate) fn try_take(&self, _attached: Python<'_>) -> Option<Seated<'_, T>> {
        #[cfg(Py_GIL_DISABLED)]
        let was_taken = self.is_taken.swap(true, Ordering::Acquire);
        #[cfg(not(Py_GIL_DISABLED))]
        let was_taken = {
            // Subtle: nothing comes between these two, since nothing here lets the interpreter's lock go.
            let was_taken = self.is_taken.load(Ordering::Acquire);
            self.is_taken.store(true, Ordering::Relaxed);
            was_taken
        };
        if was_taken { None } else { Some(Seated(self)) }
    }
}

impl<T: Sync> Seat<T> {
    /// Shows the value to the garbage collector, unless somebody sits there.
    ///
    /// Called from `__traverse__` alone: then the interpreter's lock is held, or the world is stopped.
    pub(crate) fn look<R>(&self, body: impl FnOnce(&T) -> R) -> Option<R> {
        if self.is_taken.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: nobody has the seat, and whoever takes it is attached, which nobody is meanwhile but this thread.
        Some(body(unsafe { &*self.value.get() }))
    }
}

/// The seat's value, until dropped.
pub(crate) struct Seated<'a, T>(&'a Seat<T>);

impl<T> Deref for Seated<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: there is one `Seated` of a seat at a time (see `try_take`), and it is borrowed here.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Seated<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: there is one `Seated` of a seat at a time (see `try_take`), and it is borrowed mutably here.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Seated<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.is_taken.store(false, Ordering::Release);
    }
}
