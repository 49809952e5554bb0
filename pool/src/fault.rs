//! Ways to break the engine's protocols on purpose, so that tests show that the model checkers find it.
//!
//! Outside of model checking no fault is ever set, which the compiler knows. Each is one condition at the place that it breaks.

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(any(loom, shuttle)),
    expect(dead_code, unreachable_pub, reason = "only tests of the model checkers break anything")
)]
pub enum Fault {
    /// Nothing.
    None,
    /// A helper that has counted itself out goes without looking whether anything changed.
    HelperLeavesBlindly,
    /// A job is taken off the list without a look whether its reader has asked for more meanwhile.
    JobDroppedEarly,
    /// A serial gate is given back without releasing what was done behind it.
    GateRelaxed,
    /// A gate becomes serial although it is shared.
    GateTakenAway,
    /// Nobody is told that a chunk has landed.
    LandsInSilence,
    /// In serial mode nobody is told of a change.
    SerialInSilence,
    /// A change is not counted where helpers look for it.
    ChangeNotCounted,
    /// A walker sleeps without walking again after it has entered the waiters.
    SleepsWithoutLooking,
    /// What a blocked reader lacks is counted one too low.
    DemandShort,
    /// A chunk that has been made is counted as coming only once it has landed.
    MadeNotCounted,
    /// Helpers are asked for while the head is out, so that they find nothing to start.
    LendsBeforeMade,
    /// What came back from a reader is on nobody's list while somebody takes it in.
    ReturnedInTheOpen,
}

#[cfg(any(loom, shuttle))]
mod set {
    use std::cell::Cell;

    use super::Fault;

    // The threads of a model all run in one thread of the system.
    thread_local!(static FAULT: Cell<Fault> = const { Cell::new(Fault::None) });

    /// Breaks this, for all that the calling thread of the system explores from now on.
    pub fn set(fault: Fault) {
        FAULT.set(fault);
    }

    /// Whether this is broken.
    pub(crate) fn is(fault: Fault) -> bool {
        FAULT.get() == fault
    }
}

#[cfg(any(loom, shuttle))]
pub(crate) use set::is;
#[cfg(any(loom, shuttle))]
pub use set::set;

/// Whether this is broken: it is not.
#[cfg(not(any(loom, shuttle)))]
#[inline(always)]
pub(crate) const fn is(_fault: Fault) -> bool {
    false
}
