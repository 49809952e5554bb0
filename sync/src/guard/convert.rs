//! How a guard of a [`RwLock`](crate::RwLock) becomes one of another kind, without a moment in
//! which it holds nothing.

use super::{Guard, Lock, Parts};
use crate::deadline::Deadline;
use crate::granting::Waiting;
use crate::guard::Raw;
use crate::held::{Reading, Upgradable, Writing};
use crate::raw_rw_lock::{Mode, RawRwLock};
use std::ops::Deref;

impl<P: Deref<Target: Lock + Parts<Raw = RawRwLock>>> Guard<P, Writing> {
    /// Holds the lock for reading from now on, and lets other readers in.
    ///
    /// A function, not a method, so that it cannot hide one of the value.
    pub fn downgrade(guard: Self) -> Guard<P, Reading> {
        guard.lock.parts().0.downgrade(Mode::Write, Mode::Read);
        Guard::held(Self::into_pointer(guard))
    }

    /// Holds the lock upgradably from now on, and lets readers in.
    pub fn downgrade_to_upgradable(guard: Self) -> Guard<P, Upgradable> {
        guard.lock.parts().0.downgrade(Mode::Write, Mode::Upgradable);
        Guard::held(Self::into_pointer(guard))
    }
}

impl<P: Deref<Target: Lock + Parts<Raw = RawRwLock>>> Guard<P, Upgradable> {
    /// Holds the lock for reading from now on; another may become upgradable.
    pub fn downgrade_to_read(guard: Self) -> Guard<P, Reading> {
        guard.lock.parts().0.downgrade(Mode::Upgradable, Mode::Read);
        Guard::held(Self::into_pointer(guard))
    }

    /// Becomes the writer if nobody reads.
    ///
    /// # Errors
    /// The guard, if somebody does.
    pub fn try_upgrade(guard: Self) -> Result<Guard<P, Writing>, Self> {
        match guard.lock.parts().0.try_lock(Mode::Upgrade) {
            true => Ok(Guard::held(Self::into_pointer(guard))),
            false => Err(guard),
        }
    }

    /// Becomes the writer, in front of all who wait: the value does not change in between.
    ///
    /// # Blocking
    /// Until those who read have released it.
    pub fn upgrade(guard: Self) -> Guard<P, Writing> {
        let upgraded = Self::upgrade_deadline(guard, Deadline::NEVER);
        upgraded.unwrap_or_else(|_| unreachable!("a wait without a deadline ends with the lock"))
    }

    /// Becomes the writer, or gives up at `deadline`.
    ///
    /// # Errors
    /// The guard, if somebody still reads.
    ///
    /// # Blocking
    /// Until those who read have released it, or until then.
    pub fn upgrade_deadline(guard: Self, deadline: impl Into<Deadline>) -> Result<Guard<P, Writing>, Self> {
        match guard.lock.parts().0.lock_deadline(Mode::Upgrade, deadline) {
            true => Ok(Guard::held(Self::into_pointer(guard))),
            false => Err(guard),
        }
    }

    /// Becomes the writer, awaiting that those who read release it. Dropping the future releases
    /// the lock.
    pub async fn upgrade_async(guard: Self) -> Guard<P, Writing>
    where
        P: Clone,
    {
        // Subtle: dropped in the reverse order, so it leaves the list before the lock is released.
        Waiting::new(Raw(guard.lock.clone()), Mode::Upgrade).await;
        Guard::held(Self::into_pointer(guard))
    }
}

impl<P: Deref<Target: Lock + Parts<Raw = RawRwLock>> + Clone> Clone for Guard<P, Reading> {
    /// Reads once more. Never waits, also when a writer does.
    fn clone(&self) -> Self {
        self.lock.parts().0.read_again();
        Guard::held(self.lock.clone())
    }
}
