//! What a waiter for one of several things must win before it is given any of them.

use crate::shim::Arc;
use crate::shim::atomic::{AtomicBool, Ordering};

/// A cell that the entries of one waiter in several lists share; whoever grants one of them must
/// win it first.
///
/// It is won once. So exactly one of the entries is granted, although each stands under the lock of
/// another primitive.
#[derive(Clone, Debug)]
pub struct Claim(Arc<AtomicBool>);

impl Claim {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// Whether this call won it.
    pub fn win(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// Whether it was won.
    #[must_use]
    pub fn is_won(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
