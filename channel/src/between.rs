//! What the two ends of a channel see of each other, and how a test breaks that.

use crate::segment::{Segment, Spares};
use millpond_sync::shim::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// A way to break a channel on purpose, so that a test shows the model checker finding it.
#[cfg(loom)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The channel as it is.
    None,
    /// A party that waits does not take a turn of the other side's gate.
    NoVisit,
    /// Items are counted as written before they are in their slots, as far as the other side sees.
    EarlyPublication,
    /// A reader does not look again for items after it has seen the close.
    ClosedAtOnce,
}

#[cfg(loom)]
std::thread_local! {
    /// What is broken in the model that runs: all of its threads run in one thread of the system.
    static FAULT: std::cell::Cell<Fault> = const { std::cell::Cell::new(Fault::None) };
}

/// Breaks all channels of the models that this thread runs from now on.
#[cfg(loom)]
pub fn break_channels(fault: Fault) {
    FAULT.set(fault);
}

#[cfg(loom)]
pub(crate) fn has(fault: Fault) -> bool {
    FAULT.get() == fault
}

/// How items are published: what was written before is seen by whoever sees the count.
#[inline(always)]
pub(crate) fn published() -> Ordering {
    #[cfg(loom)]
    if has(Fault::EarlyPublication) {
        return Ordering::Relaxed;
    }
    Ordering::Release
}

/// What one side sees of the other.
pub(crate) struct Between<'a, T> {
    pub(crate) written: &'a AtomicUsize,
    pub(crate) taken: &'a AtomicUsize,
    /// The first segment, until the readers' side has it.
    pub(crate) first: &'a AtomicPtr<Segment<T>>,
    pub(crate) spares: &'a Spares<T>,
}

impl<T> Between<'_, T> {
    /// How many items there are at most of `written` ones: no more come meanwhile.
    pub(crate) fn length(&self, written: usize) -> usize {
        written.wrapping_sub(self.taken.load(Ordering::Acquire))
    }
}
