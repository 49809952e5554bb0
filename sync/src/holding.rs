//! Which simulated thread holds which lock and waits for which: what a simulation says of a
//! deadlock.
//!
//! Kept for threads of a simulation alone. Locks are known by their addresses, which belong to
//! nobody else while they are held or waited for.

use crate::owner::Owner;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock that a simulated thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Awaited {
    /// Who waits.
    pub owner: Owner,
    lock: usize,
}

/// Who holds which lock.
static HELD: Mutex<BTreeMap<usize, Owner>> = Mutex::new(BTreeMap::new());

fn held() -> MutexGuard<'static, BTreeMap<usize, Owner>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Awaited {
    pub(crate) fn new<L>(owner: Owner, lock: &L) -> Self {
        Self { owner, lock: address(lock) }
    }

    /// Who holds the lock.
    #[must_use]
    pub fn holder(&self) -> Option<Owner> {
        held().get(&self.lock).copied()
    }

    /// Whether both wait for the same lock.
    #[must_use]
    pub const fn is_for_the_lock_of(&self, other: &Self) -> bool {
        self.lock == other.lock
    }
}

fn address<L>(lock: &L) -> usize {
    std::ptr::from_ref(lock).addr()
}

/// The lock is this owner's from now on, or nobody's.
#[cold]
pub(crate) fn note<L>(lock: &L, owner: Option<Owner>) {
    match owner {
        Some(owner) => held().insert(address(lock), owner),
        None => held().remove(&address(lock)),
    };
}
