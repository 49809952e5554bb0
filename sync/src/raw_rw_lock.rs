//! A lock for many readers or one writer, without a value.
//!
//! One word counts the readers and says whether there is a writer, one who may become it, and
//! somebody who waits. A release is one subtraction; if it was the last one in the way of a waiter,
//! it looks at the list afterwards. Nobody slips in between, since newcomers enter the list while
//! the mark is set.

use crate::deadline::Deadline;
use crate::granting::{Granting, Waiting};
use crate::grants::{Grants, Turn};
use crate::host::{self, Site};
use crate::shim::atomic::{AtomicU64, Ordering};
use crate::state::WaiterState;
use std::fmt;

const WAITERS: u64 = 1;
const WRITER: u64 = 2;
const UPGRADABLE: u64 = 4;
const READER: u64 = 8;

/// How a [`RawRwLock`] is held, or asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Beside other readers.
    Read,
    /// Alone.
    Write,
    /// Beside readers, and the only one that may become the writer without releasing.
    Upgradable,
    /// Alone, by who is upgradable. In front of all others.
    Upgrade,
}

impl Mode {
    /// Whether it can be had beside what the word says, if nobody waits.
    const fn fits(self, word: u64) -> bool {
        match self {
            Self::Read => word & WRITER == 0,
            Self::Write => word & !WAITERS == 0,
            Self::Upgradable => word & (WRITER | UPGRADABLE) == 0,
            Self::Upgrade => word < READER,
        }
    }

    /// What having it adds to the word.
    const fn weight(self) -> u64 {
        match self {
            Self::Read => READER,
            Self::Write => WRITER,
            Self::Upgradable => UPGRADABLE,
            Self::Upgrade => WRITER.wrapping_sub(UPGRADABLE),
        }
    }
}

/// A lock for many readers or one writer, without a value and without guards, for bindings.
///
/// Waiters are served in the order in which they came: readers that stand together go in together,
/// and neither side starves. So a thread that reads and asks to read again behind a waiting writer
/// would wait for ever; it uses [`read_again`](Self::read_again).
///
/// # Examples
///
/// ```
/// use millpond_sync::{Mode, RawRwLock};
///
/// let lock = RawRwLock::new();
/// assert!(lock.try_lock(Mode::Read) && lock.try_lock(Mode::Read));
/// assert!(!lock.try_lock(Mode::Write));
/// lock.unlock(Mode::Read);
/// lock.unlock(Mode::Read);
/// assert!(lock.try_lock(Mode::Write));
/// ```
pub struct RawRwLock {
    word: AtomicU64,
    grants: Grants<(), Mode>,
}

impl RawRwLock {
    crate::shim::const_fn! {
        /// A free lock.
        #[must_use]
        pub const fn new() -> Self {
            Self { word: AtomicU64::new(0), grants: Grants::new(()) }
        }
    }

    /// Takes the lock in this mode if it can be had now and nobody waits.
    ///
    /// [`Mode::Upgrade`] is for who has [`Mode::Upgradable`], and does not mind who waits.
    #[inline]
    pub fn try_lock(&self, mode: Mode) -> bool {
        host::step(Site::new("tries a lock"));
        let mut word = self.word.load(Ordering::Relaxed);
        while mode.fits(word) && (word & WAITERS == 0 || mode == Mode::Upgrade) {
            let after = word.wrapping_add(mode.weight());
            match self.word.compare_exchange_weak(word, after, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Takes the lock in this mode, unless the deadline passes before; returns whether it did.
    ///
    /// # Blocking
    /// Until it can be had and whoever waited before has been served, or the deadline has passed.
    #[inline]
    pub fn lock_deadline(&self, mode: Mode, deadline: impl Into<Deadline>) -> bool {
        self.try_lock(mode) || self.lock_slowly(mode, deadline.into())
    }

    #[cold]
    fn lock_slowly(&self, mode: Mode, deadline: Deadline) -> bool {
        Waiting::new(self, mode).block(deadline).is_ok()
    }

    /// Takes the lock for reading once more, for who has it for reading. Never waits, also when a
    /// writer does.
    #[inline]
    pub fn read_again(&self) {
        let was = self.word.fetch_add(READER, Ordering::Relaxed);
        debug_assert!(was >= READER, "who reads again has the lock for reading");
    }

    /// Releases the lock, which the caller has in this mode; one that has upgraded has it in
    /// [`Mode::Write`].
    #[inline]
    pub fn unlock(&self, mode: Mode) {
        self.change(0_u64.wrapping_sub(mode.weight()));
        host::step(Site::new("gave a lock back"));
    }

    /// Changes from [`Mode::Write`] to another, or from [`Mode::Upgradable`] to [`Mode::Read`],
    /// without a moment in which others may write.
    pub fn downgrade(&self, from: Mode, to: Mode) {
        self.change(to.weight().wrapping_sub(from.weight()));
    }

    /// Changes the word to what lets more others in, and then lets in who waits.
    #[inline]
    fn change(&self, by: u64) {
        let was = self.word.fetch_add(by, Ordering::Release);
        let is = was.wrapping_add(by);
        // Readers in the way of those who wait are not the last; their release looks.
        if is & WAITERS != 0 && (is < READER || by.wrapping_add(READER) != 0) {
            self.settle(&mut self.grants.turn());
        }
    }

    /// Grants what can be granted, from the front, and lets the quick paths be quick again if
    /// nobody waits any more.
    fn settle(&self, turn: &mut Turn<'_, (), Mode>) {
        loop {
            let word = self.word.load(Ordering::Acquire);
            let Some(&mut mode) = turn.first() else {
                let unmarked = word & !WAITERS;
                if self.word.compare_exchange(word, unmarked, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                    return;
                }
                continue;
            };
            if !mode.fits(word) {
                return;
            }
            // With the mark set nobody but a turn takes the lock, except who reads already; so it
            // still fits.
            if turn.try_grant_first().is_some() {
                self.word.fetch_add(mode.weight(), Ordering::Acquire);
            }
        }
    }

    /// Whether somebody has it, and whether alone. A moment's view.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.word.load(Ordering::Relaxed) & !WAITERS != 0
    }

    /// Whether somebody has it alone. A moment's view.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.word.load(Ordering::Relaxed) & WRITER != 0
    }

    /// How many read, one who may become the writer included. A moment's view.
    #[must_use]
    pub fn readers(&self) -> u64 {
        let word = self.word.load(Ordering::Relaxed);
        word / READER + u64::from(word & UPGRADABLE != 0)
    }

    /// How many wait. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.grants.turn().waiting()
    }
}

impl Granting for RawRwLock {
    type State = ();
    type Entry = Mode;

    fn grants(&self) -> &Grants<(), Mode> {
        &self.grants
    }

    fn take(&self, turn: &mut Turn<'_, (), Mode>, mode: &mut Mode) -> bool {
        let is_first = *mode == Mode::Upgrade || turn.first().is_none();
        loop {
            let word = self.word.load(Ordering::Relaxed);
            let (after, is_taken) = match is_first && mode.fits(word) {
                true => (word.wrapping_add(mode.weight()), true),
                false => (word | WAITERS, false),
            };
            if self.word.compare_exchange(word, after, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return is_taken;
            }
        }
    }

    fn forsake(&self, turn: &mut Turn<'_, (), Mode>, mode: &mut Mode, was: WaiterState) {
        if was == WaiterState::Granted {
            self.word.fetch_sub(mode.weight(), Ordering::Release);
        }
        self.settle(turn);
    }

    fn is_urgent(&self, mode: &Mode) -> bool {
        *mode == Mode::Upgrade
    }
}

impl Default for RawRwLock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RawRwLock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("RawRwLock");
        shown.field("readers", &self.readers()).field("is_written", &self.is_written()).finish_non_exhaustive()
    }
}
