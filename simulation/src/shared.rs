//! The part of a simulation that other threads of the system may touch.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};

use millpond_sync::Parker;
use parking_lot::Mutex;

use millpond_workers::Help;

/// What comes from outside the thread that a simulation runs in.
pub(crate) struct Shared {
    /// The thread that the simulation runs in.
    owner: Thread,
    has_lends: AtomicBool,
    lends: Mutex<Vec<Arc<dyn Help>>>,
    /// How many of the simulation's pools were dropped elsewhere.
    lost_pools: AtomicUsize,
}

impl Shared {
    /// For a simulation in the calling thread.
    pub(super) fn new() -> Self {
        Self {
            owner: thread::current(),
            has_lends: AtomicBool::new(false),
            lends: Mutex::default(),
            lost_pools: AtomicUsize::new(0),
        }
    }

    /// A parker for one of the simulation's threads, which sleeps when the thread that the simulation runs in does.
    pub(super) fn parker(&self) -> Rc<Parker> {
        Rc::new(Parker::of(self.owner.clone()))
    }

    /// Whether the calling thread is the one that the simulation runs in.
    pub(super) fn is_owner(&self) -> bool {
        self.owner.id() == thread::current().id()
    }

    /// Another thread of the system asks for a helper.
    pub(super) fn lend(&self, help: Arc<dyn Help>) {
        self.lends.lock().push(help);
        self.has_lends.store(true, Ordering::Release);
        self.owner.unpark();
    }

    pub(super) fn has_lends(&self) -> bool {
        self.has_lends.load(Ordering::Acquire)
    }

    pub(super) fn take_lends(&self) -> Vec<Arc<dyn Help>> {
        self.has_lends.store(false, Ordering::Release);
        std::mem::take(&mut *self.lends.lock())
    }

    /// Another thread of the system dropped one of the simulation's pools.
    pub(super) fn lose_pool(&self) {
        self.lost_pools.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn take_lost_pools(&self) -> usize {
        self.lost_pools.swap(0, Ordering::AcqRel)
    }
}
