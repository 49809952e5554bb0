//! State that is locked in shared mode and plain memory in serial mode.
//!
//! The one place of the stream engine that needs `unsafe`: a [`Guarded`] value is reached through a [`Pass`] of the
//! gate that it was made for. A shared pass takes the lock. A serial pass takes nothing, because the gate gives out
//! serial passes to one thread only and never while a shared pass is out.

#![allow(unsafe_code, reason = "interior mutability that is a lock in one mode and nothing in the other")]

use std::cell::Cell;
use std::sync::Arc;

use millpond_sync::shim::Mutex;
use millpond_sync::shim::cell::UnsafeCell;

use crate::gate::{Gate, Pass};

/// A value behind a [`Gate`]. See the [module documentation](self).
///
/// What runs inside [`with`](Guarded::with) is the engine's own code and short: user code (functions, iterators,
/// clones, drops of items) never runs in there, so it can neither meet a held lock nor see a half-made change. It may in
/// [`try_with`](Guarded::try_with), which takes no lock.
pub(crate) struct Guarded<T> {
    gate: Arc<Gate>,
    /// Apart from the value, which serial passes reach without it.
    lock: Mutex<()>,
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
        Self { gate: Arc::clone(gate), lock: Mutex::new(()), entered: Cell::new(false), value: UnsafeCell::new(value) }
    }

    /// Runs `body` on the value.
    ///
    /// # Panics
    /// When `pass` is another gate's, or when called within itself in serial mode: both are faults of the engine.
    #[inline]
    pub(crate) fn with<R>(&self, pass: &Pass<'_>, body: impl FnOnce(&mut T) -> R) -> R {
        assert!(pass.is_of(&self.gate), "a pass of one pool was used on another");
        if pass.is_shared() {
            let _locked = self.lock.lock();
            // SAFETY: the lock is held until `_locked` is dropped, after `body`; serial passes are not out while a shared
            // pass of the same gate (checked above) is, so every other access goes through the same lock.
            self.value.with_mut(|value| body(unsafe { &mut *value }))
        } else {
            self.try_with(pass, body).expect("guarded state is entered once")
        }
    }

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
        // SAFETY: a serial pass of this gate (checked above) is held by this thread alone and no shared pass is out;
        // `entered` was false, so no other reference made here is alive on this thread.
        Some(self.value.with_mut(|value| body(unsafe { &mut *value })))
    }

    /// Runs `body` on the value unless somebody is inside; it waits for nobody.
    pub(crate) fn look<R>(&self, pass: &Pass<'_>, body: impl FnOnce(&T) -> R) -> Option<R> {
        assert!(pass.is_of(&self.gate), "a pass of one pool was used on another");
        if !pass.is_shared() {
            return self.try_with(pass, |value| body(value));
        }
        let _locked = self.lock.try_lock()?;
        // SAFETY: as in `with`: the lock is held until `_locked` is dropped.
        Some(self.value.with_mut(|value| body(unsafe { &*value })))
    }

    /// Whether somebody is inside, further up on this thread.
    pub(crate) fn is_entered(&self, pass: &Pass<'_>) -> bool {
        assert!(pass.is_of(&self.gate), "a pass of one pool was used on another");
        !pass.is_shared() && self.entered.get()
    }
}

/// Marks the cell as left when dropped, so also when `body` panics.
struct Leave<'cell>(&'cell Cell<bool>);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Run by `ci/loom.sh`, as all tests under `cfg(loom)`.
#[cfg(all(test, loom))]
mod tests {
    use loom::thread;

    use super::*;
    use crate::fault::Fault;

    /// Two threads that add one to what is behind the gate, if they are let in, while `meanwhile` is done to the gate.
    fn two_threads_add_one(size: usize, meanwhile: fn(&Gate)) {
        loom::model(move || {
            let gate = Arc::new(Gate::new(size));
            let state = Arc::new(Guarded::new(&gate, 0));
            let add = |gate: &Gate, state: &Guarded<u32>| match gate.enter() {
                Ok(pass) => state.with(&pass, |count| {
                    *count += 1;
                    1
                }),
                Err(_) => 0,
            };
            let there = thread::spawn({
                let (gate, state) = (Arc::clone(&gate), Arc::clone(&state));
                move || add(&gate, &state)
            });
            meanwhile(&gate);
            let added = add(&gate, &state) + there.join().unwrap();
            let pass = gate.enter().expect("nobody is inside");
            assert!(added > 0 && state.with(&pass, |count| *count) == added);
        });
    }

    /// ```text
    /// thread a   takes the gate   +1, no lock   gives it back ──┐
    /// thread b                    refused, or …  takes it ──────┴─ +1
    /// ```
    #[test]
    fn a_serial_gate_hands_its_state_over() {
        two_threads_add_one(0, |_| {});
    }

    /// The same, where giving it back releases nothing.
    #[test]
    #[should_panic(expected = "Causality violation")]
    fn a_gate_that_does_not_release_is_found() {
        millpond_sync::fault::set(Fault::GateRelaxed);
        two_threads_add_one(0, |_| {});
    }

    /// ```text
    /// thread a   shares the gate, locks, +1 … gives it back: the last one, size 0 ── free
    /// thread b             size 0                               takes the gate, no lock, +1
    /// ```
    #[test]
    fn a_gate_that_becomes_serial_is_handed_over_by_the_last_that_shared_it() {
        two_threads_add_one(1, |gate| _ = gate.resize(0));
    }

    /// The same, where it is taken away from those that share it.
    #[test]
    #[should_panic(expected = "Causality violation")]
    fn a_gate_that_is_taken_away_is_found() {
        millpond_sync::fault::set(Fault::GateTakenAway);
        two_threads_add_one(1, |gate| _ = gate.resize(0));
    }

    /// ```text
    /// thread a   takes the gate, +1, no lock … gives it back ── free
    /// thread b             size 1                               shares the gate, locks, +1
    /// ```
    #[test]
    fn a_gate_that_is_shared_again_is_handed_over_by_the_one_that_had_it() {
        two_threads_add_one(0, |gate| _ = gate.resize(1));
    }
}
