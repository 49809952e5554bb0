//! Ways to break a run on purpose, so that tests show that the model checkers find it.
//!
//! Outside of model checking no fault is ever set, which the compiler knows.

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(any(loom, shuttle)),
    expect(dead_code, unreachable_pub, reason = "only tests of the model checkers break anything")
)]
pub enum Fault {
    /// Nothing.
    None,
    /// Two arrivals at a task may be counted as one.
    ArrivalsLost,
    /// The last worker to count itself out does not wake the caller.
    EndsInSilence,
}

#[cfg(any(loom, shuttle))]
// The threads of a model all run in one thread of the system.
thread_local!(static FAULT: std::cell::Cell<Fault> = const { std::cell::Cell::new(Fault::None) });

/// Breaks this, for all that the calling thread of the system explores from now on.
#[cfg(any(loom, shuttle))]
pub fn set(fault: Fault) {
    FAULT.set(fault);
}

/// Whether this is broken.
#[cfg(any(loom, shuttle))]
pub(crate) fn is(fault: Fault) -> bool {
    FAULT.get() == fault
}

/// Whether this is broken: it is not.
#[cfg(not(any(loom, shuttle)))]
#[inline(always)]
pub(crate) const fn is(_fault: Fault) -> bool {
    false
}
