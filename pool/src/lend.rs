//! Helpers of a pool, which may borrow from its scope.

#![allow(unsafe_code, reason = "threads that outlive the scope run functions that borrow from it")]

use std::sync::Arc;

use millpond_workers::Help;
use millpond_workers::lend::{self, Count};

use crate::core::Core;

/// A thread's hold on a pool while it helps.
struct Helping<'env>(Arc<Core<'env>>);

impl Help for Helping<'_> {
    fn help(&self) {
        self.0.help();
    }
}

/// A helper of `core` for [`Workers::lend`](millpond_workers::Workers::lend); none when the count is closed.
pub(crate) fn helper<'env>(core: &Arc<Core<'env>>, count: &Arc<Count>) -> Option<Arc<dyn Help>> {
    // SAFETY: where `'env` is not `'static` the pool was made by `ScopedPool::scope`, which closes the count before it returns or
    // unwinds, and `'env` outlives the scope.
    unsafe { lend::helper(Helping(Arc::clone(core)), count) }
}
