//! What the two ends of a channel see of each other, and how a test breaks that.

use crate::fault::{self, Fault};
use crate::segment::{Segment, Spares};
use millpond_sync::shim::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// How items are published: what was written before is seen by whoever sees the count.
#[inline(always)]
pub(crate) fn published() -> Ordering {
    if fault::is(Fault::EarlyPublication) {
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
