//! A lock without a value that its owner may take again.

use crate::deadline::Deadline;
use crate::granting::Granting;
use crate::grants::{Grants, Turn};
use crate::owner::Owner;
use crate::policy::Policy;
use crate::raw_mutex::{NotOwner, RawMutex, Wish};
use crate::shim::atomic::{AtomicU64, Ordering};
use crate::state::WaiterState;
use std::fmt;

/// A lock without a value and without guards that its owner may take again, for bindings.
///
/// # Examples
///
/// ```
/// use millpond_sync::{Owner, Policy, RawReentrantMutex};
///
/// let (lock, me) = (RawReentrantMutex::new(Policy::Eventual), Owner::new());
/// assert!(lock.try_lock(me) && lock.try_lock(me));
/// assert_eq!(lock.count(me), 2);
/// assert!(!lock.try_lock(Owner::new()));
/// lock.unlock(me).unwrap();
/// lock.unlock(me).unwrap();
/// assert!(lock.unlock(me).is_err());
/// ```
#[derive(Default)]
pub struct RawReentrantMutex {
    mutex: RawMutex,
    /// How often the owner has taken it beyond the first time. Used by the owner alone.
    again: AtomicU64,
}

impl RawReentrantMutex {
    crate::shim::const_fn! {
        /// A free lock.
        #[must_use]
        pub const fn new(policy: Policy) -> Self {
            Self { mutex: RawMutex::new(policy), again: AtomicU64::new(0) }
        }
    }

    /// Takes the lock if it is free, or once more if `owner` has it.
    #[inline]
    pub fn try_lock(&self, owner: Owner) -> bool {
        self.mutex.try_lock(Some(owner)) || self.lock_again(owner)
    }

    /// Takes it once more, if `owner` has it.
    fn lock_again(&self, owner: Owner) -> bool {
        let is_mine = self.mutex.owner() == Some(owner);
        if is_mine {
            self.again.fetch_add(1, Ordering::Relaxed);
        }
        is_mine
    }

    /// Takes the lock, unless the deadline passes before; returns whether it did. At once if
    /// `owner` has it.
    ///
    /// # Blocking
    /// Until it is free, and whoever waited before has had it, or the deadline has passed.
    #[inline]
    pub fn lock_deadline(&self, owner: Owner, deadline: impl Into<Deadline>) -> bool {
        self.try_lock(owner) || self.mutex.lock_deadline(Some(owner), deadline)
    }

    /// Releases it once.
    ///
    /// # Errors
    /// [`NotOwner`] if somebody else has it, or nobody.
    pub fn unlock(&self, owner: Owner) -> Result<(), NotOwner> {
        if self.mutex.owner() == Some(owner) && self.again.load(Ordering::Relaxed) > 0 {
            self.again.fetch_sub(1, Ordering::Relaxed);
            return Ok(());
        }
        self.mutex.unlock(Some(owner))
    }

    /// Releases it as often as `owner` has taken it; returns how often that was, for
    /// [`restore`](Self::restore).
    ///
    /// # Errors
    /// [`NotOwner`] if somebody else has it, or nobody.
    pub fn unlock_all(&self, owner: Owner) -> Result<u64, NotOwner> {
        let count = self.count(owner);
        if count > 0 {
            self.again.store(0, Ordering::Relaxed);
        }
        self.mutex.unlock(Some(owner)).map(|()| count)
    }

    /// Makes `owner`, which has just taken it, have taken it `count` times.
    pub fn restore(&self, owner: Owner, count: u64) {
        debug_assert_eq!(self.mutex.owner(), Some(owner), "who restores has the lock");
        self.again.store(count.saturating_sub(1), Ordering::Relaxed);
    }

    /// How often `owner` has taken it.
    #[must_use]
    pub fn count(&self, owner: Owner) -> u64 {
        match self.mutex.owner() == Some(owner) {
            true => self.again.load(Ordering::Relaxed) + 1,
            false => 0,
        }
    }

    /// What an awaiting waiter asks for; make a [`Waiting`](crate::Waiting) of it.
    #[must_use]
    pub const fn wish(owner: Owner) -> Wish {
        RawMutex::wish(Some(owner))
    }

    /// The lock itself, to look at.
    #[must_use]
    pub const fn mutex(&self) -> &RawMutex {
        &self.mutex
    }
}

impl Granting for RawReentrantMutex {
    type State = ();
    type Entry = Wish;

    fn grants(&self) -> &Grants<(), Wish> {
        self.mutex.grants()
    }

    #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
    fn awaited(&self, wish: &Wish) -> Option<crate::holding::Awaited> {
        self.mutex.awaited(wish)
    }

    fn take(&self, turn: &mut Turn<'_, (), Wish>, wish: &mut Wish) -> bool {
        wish.owner().is_some_and(|owner| self.lock_again(owner)) || self.mutex.take(turn, wish)
    }

    fn take_again(&self, turn: &mut Turn<'_, (), Wish>, wish: &mut Wish) -> bool {
        self.mutex.take_again(turn, wish)
    }

    fn forsake(&self, turn: &mut Turn<'_, (), Wish>, wish: &mut Wish, was: WaiterState) {
        // Who took it again and then goes away still has it.
        let is_again = was == WaiterState::Granted && self.again.load(Ordering::Relaxed) > 0;
        if is_again && wish.owner().is_some_and(|owner| self.mutex.owner() == Some(owner)) {
            self.again.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        self.mutex.forsake(turn, wish, was);
    }
}

impl fmt::Debug for RawReentrantMutex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("RawReentrantMutex");
        shown.field("is_locked", &self.mutex.is_locked()).field("owner", &self.mutex.owner()).finish_non_exhaustive()
    }
}
