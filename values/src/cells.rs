//! The memory that a graph's tasks share.
//!
//! A task and its value lie in one record ([`records`](super::records)). Nothing here is locked and
//! nothing is counted: **the schedule is the lock**. What the schedule guarantees is argued in
//! `README.md`; the SAFETY comments of this file, of `records.rs` and of `gate.rs` name it by
//! number:
//!
//! * **I1 claim**: between two arrivals of all its inputs a task is handed to exactly one worker,
//!   which alone runs it.
//! * **I2 publication**: whatever happened in a task's inputs happens before the task runs (arrival
//!   counters and queues release and acquire), so a value is never written while it is read.
//! * **I3 exclusion**: outside a run, and at a frame's end, nobody but the owner of the graph
//!   touches its records.
//! * **I4 gate**: a session is visible to helpers only while the gate is open or a helper is
//!   inside, and its owner does not leave before both are over.
//!
//! This file does not know what is ready, or who runs what: it trusts the scheduler with its
//! contracts.

#[cfg(debug_assertions)]
use millpond_sync::shim::atomic::{AtomicBool, Ordering};
use std::cell::UnsafeCell;
use std::ptr::NonNull;

/// The place of one task's value.
pub(super) struct Slot<T> {
    value: UnsafeCell<Option<T>>,
}

// SAFETY: by I1 and I2 a slot is written by one worker while no other looks, and read by several
// afterwards, so sharing it needs what sharing a `RwLock<T>` needs.
unsafe impl<T: Send + Sync> Sync for Slot<T> {}

impl<T> Slot<T> {
    pub(super) const fn new(value: Option<T>) -> Self {
        Self { value: UnsafeCell::new(value) }
    }

    /// The value. Contract: called by a consumer (I2) or by the graph's owner (I3).
    pub(super) fn get(&self) -> Option<&T> {
        // SAFETY: I2 and I3: nobody writes while a consumer or the owner looks.
        unsafe { &*self.value.get() }.as_ref()
    }

    /// Puts the value in, dropping an earlier one. Contract: called by the worker that has the task
    /// (I1), or by the owner (I3).
    pub(super) fn set(&self, value: T) {
        // SAFETY: I1 and I3: this worker alone has the task, and its consumers have not started.
        unsafe { *self.value.get() = Some(value) }
    }

    /// Takes the value out. Contract: called by the last consumer, once all others have finished
    /// (I2), or by the owner (I3).
    pub(super) fn take(&self) -> Option<T> {
        // SAFETY: I2 and I3: nobody else looks any more.
        unsafe { (*self.value.get()).take() }
    }
}

/// The address of another task's value: what a consumer keeps of an input.
pub struct Source<T> {
    slot: NonNull<Slot<T>>,
}

impl<T> Clone for Source<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Source<T> {}

// SAFETY: a source is a `&Slot<T>` whose lifetime is the graph's.
unsafe impl<T: Send + Sync> Send for Source<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Source<T> {}

impl<T> Source<T> {
    /// Contract: `slot` is the address of a [`Slot<T>`], in a record that lives as long as what
    /// keeps the source.
    pub(super) const fn new(slot: NonNull<()>) -> Self {
        Self { slot: slot.cast() }
    }

    /// The value. Contract: as [`Slot::get`], and the reference is not kept beyond the task's run
    /// or the borrow of the graph.
    ///
    /// # Panics
    /// When the input has no value, which the schedule rules out.
    pub(super) fn get<'value>(self) -> &'value T {
        // SAFETY: the record lives as long as the graph's arena, which holds the task that reads,
        // too; it never moves.
        let slot = unsafe { self.slot.as_ref() };
        slot.get().expect("an input is there before its consumer runs")
    }

    /// Replaces the value. Contract: called by the graph's owner (I3).
    pub(super) fn set(self, value: T) {
        // SAFETY: as in `get`.
        unsafe { self.slot.as_ref() }.set(value);
    }

    /// Takes the value out. Contract: called by the graph's owner (I3).
    pub(super) fn take(self) -> Option<T> {
        // SAFETY: as in `get`.
        unsafe { self.slot.as_ref() }.take()
    }
}

/// A task's function: called by one worker at a time.
pub(super) struct Owned<F> {
    function: UnsafeCell<F>,
    /// Catches a scheduler that gives one task to two workers at once.
    #[cfg(debug_assertions)]
    is_busy: AtomicBool,
}

// SAFETY: by I1 one worker at a time enters, and I2 orders the visits: it moves between threads, it
// is not shared.
unsafe impl<F: Send> Sync for Owned<F> {}

impl<F> Owned<F> {
    pub(super) fn new(function: F) -> Self {
        Self {
            function: UnsafeCell::new(function),
            #[cfg(debug_assertions)]
            is_busy: AtomicBool::new(false),
        }
    }

    /// Lends the function. Contract: called by the worker that has the task (I1), or by the owner
    /// (I3), and not from within `visit`.
    #[inline]
    pub(super) fn with<R>(&self, visit: impl FnOnce(&mut F) -> R) -> R {
        #[cfg(debug_assertions)]
        let _visit = self.visit_once();
        // SAFETY: I1 and I3: nobody else is here.
        visit(unsafe { &mut *self.function.get() })
    }

    #[cfg(debug_assertions)]
    fn visit_once(&self) -> impl Drop + '_ {
        struct Visit<'a>(&'a AtomicBool);
        impl Drop for Visit<'_> {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Relaxed);
            }
        }
        assert!(!self.is_busy.swap(true, Ordering::Relaxed), "a task is given to two workers at once");
        Visit(&self.is_busy)
    }
}
