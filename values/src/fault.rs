//! Ways to break a run on purpose, so that tests show that the model checkers find it.

pub(crate) use millpond_sync::fault::is;

/// What can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Two arrivals at a task may be counted as one.
    ArrivalsLost,
    /// The last worker to count itself out does not wake the caller.
    EndsInSilence,
}
