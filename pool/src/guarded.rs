//! State that is locked in shared mode and plain memory in serial mode.
//!
//! The one place of the stream engine that needs `unsafe`: a [`Guarded`] value is reached through a [`Pass`] of the
//! gate that it was made for. A shared pass takes the lock. A serial pass takes nothing, because the gate gives out
//! serial passes to one thread only and never while a shared pass is out.

#![allow(unsafe_code, reason = "interior mutability that is a lock in one mode and nothing in the other")]

use std::cell::{Cell, UnsafeCell};
use std::sync::Arc;

use parking_lot::RawMutex;
use parking_lot::lock_api::RawMutex as _;

use crate::gate::{Gate, Pass};

/// A value behind a [`Gate`]. See the [module documentation](self).
///
/// What runs inside [`with`](Guarded::with) is the engine's own code and short: user code (functions, iterators,
/// clones, drops of items) never runs in there, so it can neither meet a held lock nor see a half-made change. It may in
/// [`try_with`](Guarded::try_with), which takes no lock.
pub(crate) struct Guarded<T> {
    gate: Arc<Gate>,
    lock: RawMutex,
    /// Whether a serial pass is inside: entering again would make a second `&mut`.
    entered: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: `with` gives out one `&mut T` at a time: in shared mode under `lock`, in serial mode to one thread at a time
// (`Gate` hands serial passes to one thread only, releasing with `Release` and taking over with `Acquire`, and a `Pass`
// cannot leave its thread). `entered` is touched by serial passes only. So sharing the cell is sharing a mutex, which
// asks that `T` may move between threads.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    /// Puts `value` behind `gate`.
    pub(crate) fn new(gate: &Arc<Gate>, value: T) -> Self {
        Self { gate: Arc::clone(gate), lock: RawMutex::INIT, entered: Cell::new(false), value: UnsafeCell::new(value) }
    }

    /// Runs `body` on the value.
    ///
    /// # Panics
    /// When `pass` is another gate's, or when called within itself in serial mode: both are faults of the engine.
    #[inline]
    pub(crate) fn with<R>(&self, pass: &Pass<'_>, body: impl FnOnce(&mut T) -> R) -> R {
        assert!(pass.is_of(&self.gate), "a pass of one pool was used on another");
        if pass.is_shared() {
            self.lock.lock();
            let _unlock = Unlock(&self.lock);
            // SAFETY: the lock is held until `_unlock` is dropped, after `body`; serial passes are not out while a shared
            // pass of the same gate (checked above) is, so every other access goes through the same lock.
            body(unsafe { &mut *self.value.get() })
        } else {
            assert!(!self.entered.replace(true), "guarded state was entered twice");
            let _leave = Leave(&self.entered);
            // SAFETY: a serial pass of this gate (checked above) is held by this thread alone and no shared pass is out;
            // `entered` was false, so no other reference made here is alive on this thread.
            body(unsafe { &mut *self.value.get() })
        }
    }
}

impl<T> Guarded<T> {
    /// Runs `body`, which may be the user's code, on the value: in serial mode, unless somebody is inside already, further up on this
    /// thread. Nobody waits for it, and whoever comes meanwhile by [`is_entered`](Self::is_entered) finds the value gone.
    #[inline]
    pub(crate) fn try_with<R>(&self, pass: &Pass<'_>, body: impl FnOnce(&mut T) -> R) -> Option<R> {
        assert!(pass.is_of(&self.gate), "a pass of one pool was used on another");
        if pass.is_shared() || self.entered.get() {
            return None;
        }
        self.entered.set(true);
        let _leave = Leave(&self.entered);
        // SAFETY: as in `with`: a serial pass of this gate, and nobody else is inside on this thread.
        Some(body(unsafe { &mut *self.value.get() }))
    }

    /// Whether somebody is inside, further up on this thread.
    pub(crate) fn is_entered(&self, pass: &Pass<'_>) -> bool {
        assert!(pass.is_of(&self.gate), "a pass of one pool was used on another");
        !pass.is_shared() && self.entered.get()
    }
}

/// Unlocks when dropped, so also when `body` panics.
struct Unlock<'lock>(&'lock RawMutex);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        // SAFETY: made only where the lock was just taken by this thread, and dropped once.
        unsafe { self.0.unlock() }
    }
}

/// Marks the cell as left when dropped, so also when `body` panics.
struct Leave<'cell>(&'cell Cell<bool>);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
