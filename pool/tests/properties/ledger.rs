//! What is noted of the calls that functions get.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::plan::mix;

/// The calls of one operator.
#[derive(Debug, Default)]
struct Calls {
    count: AtomicUsize,
    /// The items, in a sum that does not depend on their order.
    sum: AtomicU64,
}

/// The calls of all operators of a graph. Every function and every source holds on to it, so that it tells when all are gone.
#[derive(Debug)]
pub(crate) struct Ledger(Vec<Calls>);

/// What an item adds to a sum of calls.
pub(crate) fn weight(item: u64) -> u64 {
    mix(item, 4_711)
}

impl Ledger {
    pub(crate) fn new(operators: usize) -> Self {
        Self((0..operators).map(|_| Calls::default()).collect())
    }

    pub(crate) fn note(&self, operator: usize, item: u64) {
        self.0[operator].count.fetch_add(1, Ordering::Relaxed);
        self.0[operator].sum.fetch_add(weight(item), Ordering::Relaxed);
    }

    /// How many calls an operator got, and the sum of their items.
    pub(crate) fn calls(&self, operator: usize) -> (usize, u64) {
        let Calls { count, sum } = &self.0[operator];
        (count.load(Ordering::Relaxed), sum.load(Ordering::Relaxed))
    }

    pub(crate) fn all(&self) -> Vec<(usize, u64)> {
        (0..self.0.len()).map(|operator| self.calls(operator)).collect()
    }
}
