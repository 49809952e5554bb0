//! Ways to break the engine's protocols on purpose, so that tests show that the model checkers find it.

pub(crate) use millpond_sync::fault::is;

/// What can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
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
