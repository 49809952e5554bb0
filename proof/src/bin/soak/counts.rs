//! What a run has done, and what was found wrong.

use std::fmt;

use millpond_proof::program::Tally;

/// Things that were made to go wrong, and what was done, by kind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Items that came out of readers, each compared with what had to come.
    pub(crate) items: u64,
    pub(crate) graphs: u64,
    pub(crate) programs: u64,
    pub(crate) flows: u64,
    pub(crate) live: u64,
    /// Calls of functions that failed or panicked.
    pub(crate) failures: u64,
    /// Calls that took long.
    pub(crate) slow: u64,
    /// Reads whose time was up.
    pub(crate) timed_out: u64,
    /// Futures dropped before their end.
    pub(crate) abandoned: u64,
    /// Readers dropped before their end, with their tasks.
    pub(crate) dropped: u64,
    pub(crate) resizes: u64,
    /// Tasks removed while they were read from.
    pub(crate) removed: u64,
    pub(crate) pools_dropped: u64,
    /// Reads that found a serial pool in use.
    pub(crate) busy: u64,
    /// Faults that simulations drew.
    pub(crate) simulated: u64,
}

impl Counts {
    /// Everything that was made to go wrong.
    pub(crate) fn faults(&self) -> u64 {
        self.by_kind().into_iter().map(|(_, count)| count).sum()
    }

    pub(crate) fn by_kind(&self) -> [(&'static str, u64); 10] {
        [
            ("functions that failed or panicked", self.failures),
            ("slow calls", self.slow),
            ("reads whose time was up", self.timed_out),
            ("futures dropped", self.abandoned),
            ("readers dropped", self.dropped),
            ("pools resized", self.resizes),
            ("tasks removed", self.removed),
            ("pools dropped", self.pools_dropped),
            ("reads of a serial pool in use", self.busy),
            ("faults in simulations", self.simulated),
        ]
    }

    pub(crate) fn cases(&self) -> u64 {
        self.graphs + self.programs + self.flows + self.live
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.items += other.items;
        self.graphs += other.graphs;
        self.programs += other.programs;
        self.flows += other.flows;
        self.live += other.live;
        self.failures += other.failures;
        self.slow += other.slow;
        self.timed_out += other.timed_out;
        self.abandoned += other.abandoned;
        self.dropped += other.dropped;
        self.resizes += other.resizes;
        self.removed += other.removed;
        self.pools_dropped += other.pools_dropped;
        self.busy += other.busy;
        self.simulated += other.simulated;
    }

    pub(crate) fn add_tally(&mut self, tally: &Tally) {
        self.items += tally.items;
        self.failures += tally.failures;
        self.timed_out += tally.timed_out;
        self.abandoned += tally.abandoned;
        self.dropped += tally.dropped;
        self.resizes += tally.resizes;
        self.removed += tally.removed;
        self.pools_dropped += tally.pools_dropped;
        self.busy += tally.busy;
        self.simulated += tally.simulated;
    }
}

/// A number with its thousands apart.
pub(crate) struct Thousands(pub(crate) u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}
