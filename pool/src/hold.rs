//! What helpers hold while they work for a reader.
//!
//! A helper comes from the list of jobs, so it knows a reader's lane and nothing of who has the reader. Where functions and items
//! belong to somebody who may take them apart while the lane still stands, such as a garbage collector, a helper must have
//! its hands on them before it enters. A caller has the reader, which is hold enough.

use std::sync::Arc;

/// What a helper must hold while it works for a reader. See [`ScopedReader::helped_within`](crate::ScopedReader::helped_within).
///
/// ```
/// use std::sync::{Arc, Weak};
///
/// use millpond_pool::{Hold, Pool};
///
/// /// Helpers come in as long as somebody has the owner, and keep it meanwhile.
/// struct Owned(Weak<String>);
/// impl Hold for Owned {
///     fn within(&self, work: &mut dyn FnMut()) {
///         if let Some(_owner) = self.0.upgrade() {
///             work();
///         }
///     }
/// }
///
/// let pool = Pool::new(2);
/// let owner = Arc::new("somebody".to_owned());
/// let mut reader = pool.source(0..9).helped_within(Arc::new(Owned(Arc::downgrade(&owner))));
/// assert_eq!(reader.read(9)?, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
/// # Ok::<(), millpond_pool::ReadError>(())
/// ```
pub trait Hold: Send + Sync {
    /// Takes hold, calls `work` once and lets go; where there is nothing to take hold of any more, returns without the call.
    ///
    /// Then the reader is not helped until it asks for help the next time.
    fn within(&self, work: &mut dyn FnMut());
}

/// Calls `work` within `hold`, or just so where there is none; says whether it did.
pub(crate) fn within(hold: Option<&Arc<dyn Hold>>, work: impl FnOnce()) -> bool {
    let Some(hold) = hold else {
        work();
        return true;
    };
    let mut work = Some(work);
    hold.within(&mut || {
        if let Some(work) = work.take() {
            work();
        }
    });
    work.is_none()
}
