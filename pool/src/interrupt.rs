//! What stops a read without being a failure of its graph.
//!
//! A function may be interrupted from outside: by Ctrl-C, or by whoever ends the program. That is no property of the item, so the
//! task has not failed; the item is put back, and whoever reads is told. The worker that was interrupted need not be the
//! reader's thread, so an interrupt waits here for the reader that the work was for, and nobody works for that one meanwhile.

use std::sync::Arc;

use millpond_sync::shim::Mutex;
use millpond_sync::shim::atomic::{AtomicUsize, Ordering};

use crate::error::ReadError;
use crate::lane::Header;
use millpond_workers::BoxError;

/// One of them.
struct Interrupt {
    /// The lane that is read from, by the address of its header; none for whichever read comes next.
    root: Option<usize>,
    task: Arc<str>,
    cause: BoxError,
}

/// A pool's. See the [module documentation](self).
#[derive(Default)]
pub(crate) struct Interrupts {
    count: AtomicUsize,
    kept: Mutex<Vec<Interrupt>>,
}

fn address(root: &Header<'_>) -> usize {
    std::ptr::from_ref(root).addr()
}

impl Interrupts {
    /// The function of `task` was interrupted while it worked for readers of `root`.
    pub(crate) fn put(&self, root: Option<&Header<'_>>, task: Arc<str>, cause: BoxError) {
        let mut kept = self.kept.lock();
        kept.push(Interrupt { root: root.map(address), task, cause });
        self.count.store(kept.len(), Ordering::Release);
    }

    /// Whether one waits for a reader of `root`.
    #[inline]
    pub(crate) fn has_one_for(&self, root: &Header<'_>) -> bool {
        self.count.load(Ordering::Acquire) > 0 && self.find(&self.kept.lock(), root).is_some()
    }

    /// What a reader of `root` is told, if one waits for it.
    #[inline]
    pub(crate) fn take(&self, root: &Header<'_>) -> Option<ReadError> {
        if self.count.load(Ordering::Acquire) == 0 { None } else { self.take_one(root) }
    }

    #[cold]
    fn take_one(&self, root: &Header<'_>) -> Option<ReadError> {
        let mut kept = self.kept.lock();
        let place = self.find(&kept, root)?;
        let Interrupt { task, cause, .. } = kept.remove(place);
        self.count.store(kept.len(), Ordering::Release);
        Some(ReadError::Interrupted { task, cause: cause.into() })
    }

    fn find(&self, kept: &[Interrupt], root: &Header<'_>) -> Option<usize> {
        kept.iter().position(|interrupt| interrupt.root.is_none_or(|known| known == address(root)))
    }

    /// The lane that is read from is no more.
    pub(crate) fn forget(&self, root: &Header<'_>) {
        if self.count.load(Ordering::Acquire) > 0 {
            let mut kept = self.kept.lock();
            let (gone, left) =
                std::mem::take(&mut *kept).into_iter().partition(|interrupt| interrupt.root == Some(address(root)));
            *kept = left;
            self.count.store(kept.len(), Ordering::Release);
            drop(kept);
            millpond_workers::discard::discard::<Vec<Interrupt>>(gone);
        }
    }
}
