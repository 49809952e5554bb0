//! The primitives that model checking replaces: std and parking_lot in a normal build, loom under `cfg(loom)`.
//!
//! Code above this crate that is to be model-checked takes `Arc`, atomics, `Mutex`, threads and cells from here and
//! nowhere else. The [`Mutex`] has parking_lot's shape in both builds (no poisoning: a panic under the lock unlocks
//! it), the [`cell::UnsafeCell`] has loom's (access through closures), so that one source serves both.

#[cfg(not(loom))]
mod real {
    pub use parking_lot::{Mutex, MutexGuard};
    pub use std::hint;
    pub use std::sync::{Arc, atomic};
    pub use std::{thread, thread_local};

    /// Cells with loom's interface.
    pub mod cell {
        pub use std::cell::Cell;

        /// An `UnsafeCell` whose content is reached through closures, so that loom can watch the accesses.
        #[derive(Debug, Default)]
        pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

        impl<T> UnsafeCell<T> {
            /// Wraps `value`.
            pub const fn new(value: T) -> Self {
                Self(std::cell::UnsafeCell::new(value))
            }

            /// Calls `access` with a pointer for reading.
            #[inline]
            pub fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
                access(self.0.get())
            }

            /// Calls `access` with a pointer for reading and writing.
            #[inline]
            pub fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
                access(self.0.get())
            }

            /// Takes the value out.
            pub fn into_inner(self) -> T {
                self.0.into_inner()
            }
        }
    }
}

#[cfg(loom)]
mod real {
    pub use loom::sync::{Arc, MutexGuard, atomic};
    pub use loom::{cell, hint, thread, thread_local};

    /// loom's mutex in parking_lot's shape.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// Wraps `value`.
        #[track_caller]
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        /// Takes the lock, waiting for it.
        #[track_caller]
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
        }

        /// Takes the lock if it is free.
        #[track_caller]
        pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }

        /// The value, by exclusive access.
        pub fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner)
        }
    }
}

pub use real::*;
