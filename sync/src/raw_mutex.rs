//! A lock without a value: what mutexes and bindings are made of.
//!
//! One word holds whether it is locked, whether a release must look at the waiters, and who owns
//! it. So taking a free lock and releasing one that nobody waits for are one compare-and-swap each,
//! the check of the owner included.
//!
//! | word | means |
//! |---|---|
//! | 0 | free; whoever waits has been told |
//! | `LOCKED`, owner | held; a release need not look |
//! | `LOCKED`, `WAITERS`, owner | held; a release takes the list's lock. Only its holder changes the word |
//!
//! **While somebody waits, the mark is set or a waiter has been told.** A waiter that has been told (notified, not
//! granted) stands in front of the list, and marks the word again, or hands the lock on, when it
//! acts.

use crate::deadline::Deadline;
use crate::fault::{self, WaitFault};
use crate::granting::{Granting, Waiting};
use crate::grants::{Grants, Turn};
use crate::host::{self, Site};
use crate::owner::Owner;
use crate::policy::{OVERTAKEN, Policy};
use crate::shim::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::shim::hint;
use crate::state::WaiterState;
use std::error::Error;
use std::fmt;
use std::time::Instant;

const LOCKED: u64 = 1;
const WAITERS: u64 = 2;
const OWNER_SHIFT: u32 = 2;

/// How many rounds a thread spins before it enters the list, each twice as long as the one before.
const SPINS: u32 = 7;

/// A lock without a value and without guards.
///
/// For bindings, and for locks that are released elsewhere than they were acquired. In Rust a
/// [`Mutex`](crate::Mutex) is mostly what you want.
///
/// Each acquisition names its owner or none. With an owner, [`unlock`](Self::unlock) refuses
/// everybody else.
///
/// # Examples
///
/// ```
/// use millpond_sync::{Owner, Policy, RawMutex};
///
/// static LOCK: RawMutex = RawMutex::new(Policy::Eventual);
///
/// let (me, other) = (Owner::new(), Owner::new());
/// assert!(LOCK.try_lock(Some(me)));
/// assert_eq!(LOCK.owner(), Some(me));
/// assert!(LOCK.unlock(Some(other)).is_err());
/// assert!(LOCK.unlock(Some(me)).is_ok());
/// assert!(!LOCK.is_locked());
/// ```
pub struct RawMutex {
    word: AtomicU64,
    policy: Policy,
    /// Whether a waiter has been notified that the lock is free and has not acted on it yet. Used
    /// in turns only; an atomic beside the list instead of a part of its state saves 8 bytes.
    is_told: AtomicBool,
    grants: Grants<(), Wish>,
}

/// What a waiter for a [`RawMutex`] carries.
#[derive(Debug)]
pub struct Wish {
    owner: Option<Owner>,
    /// Since when it has waited; `None` for a task, which is never overtaken.
    since: Option<Instant>,
    is_task: bool,
}

impl Wish {
    /// Who asks.
    #[must_use]
    pub const fn owner(&self) -> Option<Owner> {
        self.owner
    }
}

/// Releasing a lock that somebody else holds, or nobody; the lock is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotOwner {
    /// Whether it is held at all.
    pub is_locked: bool,
    /// Who holds it, if that one is known.
    pub owner: Option<Owner>,
}

impl fmt::Display for NotOwner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.is_locked {
            true => "releasing a lock that somebody else holds; only its owner may release it",
            false => "releasing a lock that nobody holds; acquire it first",
        })
    }
}

impl Error for NotOwner {}

const fn locked_by(owner: Option<Owner>) -> u64 {
    match owner {
        Some(owner) => owner.get() << OWNER_SHIFT | LOCKED,
        None => LOCKED,
    }
}

impl RawMutex {
    crate::shim::const_fn! {
        /// A free lock.
        #[must_use]
        pub const fn new(policy: Policy) -> Self {
            Self { word: AtomicU64::new(0), policy, is_told: AtomicBool::new(false), grants: Grants::new(()) }
        }
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self, owner: Option<Owner>) -> bool {
        host::step(Site::new("tries a lock"));
        self.try_word(owner)
    }

    #[inline]
    fn try_word(&self, owner: Option<Owner>) -> bool {
        let is_taken = self.word.compare_exchange(0, locked_by(owner), Ordering::Acquire, Ordering::Relaxed).is_ok();
        if is_taken {
            self.note_holder(owner);
        }
        is_taken
    }

    /// Tells a simulation whose the lock is.
    #[inline(always)]
    fn note_holder(&self, _owner: Option<Owner>) {
        #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
        if host::is_hosted() {
            crate::holding::note(self, _owner);
        }
    }

    /// Takes the lock.
    ///
    /// # Blocking
    /// Until it is free, and whoever waited before has had it.
    #[inline]
    pub fn lock(&self, owner: Option<Owner>) {
        let is_held = self.lock_deadline(owner, Deadline::NEVER);
        debug_assert!(is_held, "a wait without a deadline ends with a grant");
    }

    /// Takes the lock, unless the deadline passes before; returns whether it did.
    ///
    /// # Blocking
    /// Until it is free, and whoever waited before has had it, or the deadline has passed.
    #[inline]
    pub fn lock_deadline(&self, owner: Option<Owner>, deadline: impl Into<Deadline>) -> bool {
        self.try_lock(owner) || self.lock_slowly(owner, deadline.into())
    }

    #[cold]
    fn lock_slowly(&self, owner: Option<Owner>, deadline: Deadline) -> bool {
        self.spin(owner) || Waiting::new(self, Wish { owner, since: None, is_task: false }).block(deadline).is_ok()
    }

    /// Looks for a while whether the lock gets free.
    fn spin(&self, owner: Option<Owner>) -> bool {
        if host::is_simulated() {
            return false;
        }
        for round in 0..SPINS {
            let word = self.word.load(Ordering::Relaxed);
            if word == 0 && self.try_word(owner) {
                return true;
            }
            if word & WAITERS != 0 {
                return false;
            }
            match round {
                0..3 => (0..1 << (round + 1)).for_each(|_| hint::spin_loop()),
                _ => crate::shim::thread::yield_now(),
            }
        }
        false
    }

    /// What an awaiting waiter asks for; make a [`Waiting`] of it, with a borrowed lock or an
    /// `Arc`.
    ///
    /// It does not look at the lock before it is polled; call [`try_lock`](Self::try_lock) first to
    /// save the turn.
    #[must_use]
    pub const fn wish(owner: Option<Owner>) -> Wish {
        Wish { owner, since: None, is_task: true }
    }

    /// What a thread asks for that waits by itself with a [`Waiting`](crate::Waiting), as
    /// [`lock_deadline`](Self::lock_deadline) would: the policy says whether it may be overtaken.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_sync::{Deadline, Policy, RawMutex, Waiting};
    ///
    /// let lock = RawMutex::new(Policy::Eventual);
    /// assert!(Waiting::new(&lock, RawMutex::wish_of_thread(None)).block(Deadline::NEVER).is_ok());
    /// assert!(lock.is_locked());
    /// ```
    #[must_use]
    pub const fn wish_of_thread(owner: Option<Owner>) -> Wish {
        Wish { owner, since: None, is_task: false }
    }

    /// Takes the lock, awaiting it. Dropping the future leaves the list; a lock that it was handed
    /// goes to the next.
    pub const fn lock_async(&self, owner: Option<Owner>) -> Waiting<&Self> {
        Waiting::new(self, Self::wish(owner))
    }

    /// Releases the lock: to the first waiter, or for whoever comes, as its policy says.
    ///
    /// Never waits. An owner of `None` releases a lock that was acquired without one.
    ///
    /// # Errors
    /// [`NotOwner`] if somebody else holds it, or nobody.
    #[inline]
    pub fn unlock(&self, owner: Option<Owner>) -> Result<(), NotOwner> {
        let released = self.word.compare_exchange(locked_by(owner), 0, Ordering::Release, Ordering::Relaxed);
        let result = if released.is_ok() {
            self.note_holder(None);
            Ok(())
        } else {
            self.unlock_slowly(owner, self.policy)
        };
        host::step(Site::new("gave a lock back"));
        result
    }

    /// Releases the lock to the first waiter, whatever its policy.
    ///
    /// # Errors
    /// As for [`unlock`](Self::unlock).
    pub fn unlock_fair(&self, owner: Option<Owner>) -> Result<(), NotOwner> {
        self.unlock_slowly(owner, Policy::HandOff)
    }

    /// Releases the lock, whoever holds it. False if nobody does.
    ///
    /// For locks that anybody may release.
    pub fn unlock_anyones(&self) -> bool {
        let mut turn = self.grants.turn();
        let word = self.word.load(Ordering::Relaxed);
        if word & LOCKED == 0 {
            return false;
        }
        self.release(&mut turn, self.policy);
        true
    }

    /// Releases a lock that is held on behalf of a guard.
    #[inline]
    pub(crate) fn release_held(&self) {
        if self.word.compare_exchange(LOCKED, 0, Ordering::Release, Ordering::Relaxed).is_err() {
            let was_held = self.unlock_anyones();
            debug_assert!(was_held, "a guard holds its lock");
        }
        host::step(Site::new("gave a lock back"));
    }

    /// The same, to the first waiter whatever the policy.
    pub(crate) fn release_held_fairly(&self) {
        self.release(&mut self.grants.turn(), Policy::HandOff);
        host::step(Site::new("gave a lock back"));
    }

    #[cold]
    fn unlock_slowly(&self, owner: Option<Owner>, policy: Policy) -> Result<(), NotOwner> {
        let mut turn = self.grants.turn();
        if fault::is(WaitFault::GrantedOutsideTheLock) && turn.first().is_some() {
            drop(turn);
            let mut turn = self.grants.turn();
            let owner = turn.grant_first().and_then(|wish| wish.owner);
            self.word.store(locked_by(owner), Ordering::Release);
            return Ok(());
        }
        let word = self.word.load(Ordering::Relaxed);
        if word & !WAITERS != locked_by(owner) {
            return Err(NotOwner { is_locked: word & LOCKED != 0, owner: Self::owner_in(word) });
        }
        self.release(&mut turn, policy);
        Ok(())
    }

    fn is_told(&self) -> bool {
        self.is_told.load(Ordering::Relaxed)
    }

    /// Gives the lock up, in a turn: it is held, by the caller, who may do so.
    fn release(&self, turn: &mut Turn<'_, (), Wish>, policy: Policy) {
        self.note_holder(None);
        // Subtle: without the mark a newcomer may mark the word at any time, but only in a turn; so
        // from here on nobody but this thread changes it.
        if self.is_told() && policy != Policy::HandOff {
            self.word.store(0, Ordering::Release);
            return;
        }
        match turn.first() {
            None => self.word.store(0, Ordering::Release),
            Some(wish) if is_handed_over(wish, policy) => self.hand_over(turn),
            Some(_) => {
                self.is_told.store(true, Ordering::Relaxed);
                self.word.store(0, Ordering::Release);
                turn.notify_first();
            }
        }
    }

    /// Gives the lock, which is nobody's or the caller's, to the first waiter.
    fn hand_over(&self, turn: &mut Turn<'_, (), Wish>) {
        let owner = turn.grant_first().map(|wish| wish.owner);
        let word = match owner {
            Some(owner) => locked_by(owner) | if turn.waiting() > 0 { WAITERS } else { 0 },
            None => 0,
        };
        self.word.store(word, Ordering::Release);
        self.note_holder(owner.flatten());
    }

    /// Sees to it that whoever waits is told of the next release, or has the lock, if it is free.
    fn settle(&self, turn: &mut Turn<'_, (), Wish>) {
        while !self.is_told() && turn.first().is_some() {
            let word = self.word.load(Ordering::Relaxed);
            if word & LOCKED != 0 {
                let marked = word | WAITERS;
                if self.word.compare_exchange(word, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                    return;
                }
            } else if turn.first().is_some_and(|wish| is_handed_over(wish, self.policy)) {
                // A newcomer may be quicker, which is as if it had come before.
                if self.word.compare_exchange(0, LOCKED | WAITERS, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    self.hand_over(turn);
                    return;
                }
            } else {
                self.is_told.store(true, Ordering::Relaxed);
                turn.notify_first();
            }
        }
    }

    /// Whether somebody holds it. A moment's view.
    #[inline]
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.word.load(Ordering::Relaxed) & LOCKED != 0
    }

    /// Who holds it, if it was acquired with an owner. A moment's view, but exact for the owner
    /// itself.
    #[inline]
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        Self::owner_in(self.word.load(Ordering::Relaxed))
    }

    const fn owner_in(word: u64) -> Option<Owner> {
        Owner::from_number(word >> OWNER_SHIFT)
    }

    /// How many wait. A moment's view; takes the list's lock, never the lock itself.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let turn = self.grants.turn();
        turn.waiting() + usize::from(self.is_told())
    }

    /// Its policy.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }
}

/// Whether the first waiter is given the lock, rather than told that it is free.
fn is_handed_over(wish: &Wish, policy: Policy) -> bool {
    wish.is_task
        || match policy {
            Policy::HandOff => true,
            Policy::Eventual => wish.since.is_some_and(|since| host::now() >= since + OVERTAKEN),
            Policy::Barging => false,
        }
}

impl Granting for RawMutex {
    type State = ();
    type Entry = Wish;

    fn grants(&self) -> &Grants<(), Wish> {
        &self.grants
    }

    #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
    fn awaited(&self, wish: &Wish) -> Option<crate::holding::Awaited> {
        wish.owner.map(|owner| crate::holding::Awaited::new(owner, self))
    }

    fn take(&self, _turn: &mut Turn<'_, (), Wish>, wish: &mut Wish) -> bool {
        loop {
            let word = self.word.load(Ordering::Relaxed);
            if word & LOCKED == 0 {
                if self.try_word(wish.owner) {
                    return true;
                }
                continue;
            }
            // A waiter that has been told marks the word itself, or hands the lock on.
            let marked = if self.is_told() { word } else { word | WAITERS };
            if self.word.compare_exchange(word, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                if !wish.is_task && self.policy == Policy::Eventual {
                    wish.since.get_or_insert_with(host::now);
                }
                return false;
            }
        }
    }

    fn take_again(&self, turn: &mut Turn<'_, (), Wish>, wish: &mut Wish) -> bool {
        self.is_told.store(false, Ordering::Relaxed);
        let is_taken = self.take(turn, wish);
        if is_taken {
            self.settle(turn);
        }
        is_taken
    }

    fn forsake(&self, turn: &mut Turn<'_, (), Wish>, _wish: &mut Wish, was: WaiterState) {
        match was {
            WaiterState::Granted => self.release(turn, self.policy),
            WaiterState::NotifiedOne => {
                self.is_told.store(false, Ordering::Relaxed);
                self.settle(turn);
            }
            _ => {}
        }
    }
}

impl Default for RawMutex {
    fn default() -> Self {
        Self::new(Policy::default())
    }
}

impl fmt::Debug for RawMutex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("RawMutex");
        shown.field("is_locked", &self.is_locked()).field("owner", &self.owner()).field("policy", &self.policy);
        shown.finish_non_exhaustive()
    }
}
