//! What a program did, in numbers.

/// What a program did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Items that were read, each compared with the model.
    pub items: u64,
    /// Reads.
    pub reads: u64,
    /// Reads whose time was up.
    pub timed_out: u64,
    /// Futures dropped before their end.
    pub abandoned: u64,
    /// Readers dropped before their end.
    pub dropped: u64,
    /// Reads refused because a serial pool was in use.
    pub busy: u64,
    /// Functions that failed or panicked.
    pub failures: u64,
    /// Changes of the pool's size.
    pub resizes: u64,
    /// Tasks removed.
    pub removed: u64,
    /// Pools dropped before their readers.
    pub pools_dropped: u64,
    /// What the simulation made go wrong.
    pub simulated: u64,
    /// In a simulation, a number that stands for all that happened.
    pub digest: u64,
}
