//! A number of permits that threads and tasks take and give back.
//!
//! One word holds how many permits are free, whether it is closed, and whether a release must look
//! at the waiters. A request for several permits stands in the list with all others: those behind
//! it do not pass it, even if there is enough for them.

use crate::deadline::Deadline;
use crate::granting::{Granting, Waiting};
use crate::grants::{Grants, Turn};
use crate::host::{self, Site};
use crate::shim::atomic::{AtomicU64, Ordering};
use crate::state::WaiterState;
use std::error::Error;
use std::fmt;

/// Whether a release must take the list's lock, and a newcomer must enter the list.
const WAITERS: u64 = 1;
/// Whether nothing is granted any more.
const CLOSED: u64 = 2;
/// One permit.
const PERMIT: u64 = 4;

/// A number of permits that threads and tasks take and give back.
///
/// Waiters are served in the order in which they came, whatever they ask for; nobody overtakes.
/// Releasing never waits, and anybody may do it.
///
/// # Examples
///
/// ```
/// use millpond_sync::Semaphore;
///
/// let connections = Semaphore::new(2);
/// let one = connections.acquire().unwrap();
/// let other = connections.acquire().unwrap();
/// assert!(connections.try_acquire().is_err());
/// drop(one);
/// assert!(connections.try_acquire().is_ok());
/// # drop(other);
/// ```
pub struct Semaphore {
    word: AtomicU64,
    grants: Grants<(), Request>,
}

/// What a waiter for a [`Semaphore`] carries.
#[derive(Debug)]
pub struct Request {
    count: u64,
    pub(crate) is_closed: bool,
}

impl Request {
    /// Whether the semaphore was closed before the permits could be had; they were not taken then.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }
}

/// Acquiring permits of a semaphore that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("acquiring permits of a semaphore that is closed")
    }
}

impl Error for Closed {}

/// Why no permits were acquired in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcquireError {
    /// There were too few permits, or others waited before.
    TimedOut,
    /// The semaphore is closed.
    Closed,
}

impl fmt::Display for AcquireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => formatter.write_str("acquiring permits of a semaphore timed out; none were taken"),
            Self::Closed => Closed.fmt(formatter),
        }
    }
}

impl Error for AcquireError {}

impl From<Closed> for AcquireError {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

impl Semaphore {
    /// The largest number of permits that a semaphore can hold.
    pub const MAX_PERMITS: u64 = u64::MAX / PERMIT;

    crate::shim::const_fn! {
        /// A semaphore with so many permits, at most [`MAX_PERMITS`](Self::MAX_PERMITS).
        ///
        /// # Panics
        /// With more.
        #[must_use]
        pub const fn new(permits: u64) -> Self {
            assert!(permits <= Self::MAX_PERMITS, "a semaphore holds at most `Semaphore::MAX_PERMITS` permits");
            Self { word: AtomicU64::new(permits * PERMIT), grants: Grants::new(()) }
        }
    }

    /// Takes `count` permits without a guard, if they are free and nobody waits; give them back
    /// with [`release`](Self::release).
    ///
    /// # Errors
    /// As for [`try_acquire`](Self::try_acquire).
    #[inline]
    pub fn try_take(&self, count: u64) -> Result<(), AcquireError> {
        host::step(Site::new("tries for permits"));
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Err(AcquireError::Closed);
            }
            if word & WAITERS != 0 || word / PERMIT < count {
                return Err(AcquireError::TimedOut);
            }
            let less = word - count * PERMIT;
            match self.word.compare_exchange_weak(word, less, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Takes `count` permits without a guard, or none and gives up at `deadline`; give them back
    /// with [`release`](Self::release).
    ///
    /// # Errors
    /// [`AcquireError`].
    ///
    /// # Blocking
    /// As [`acquire_many_deadline`](Self::acquire_many_deadline).
    #[inline]
    pub fn take_deadline(&self, count: u64, deadline: impl Into<Deadline>) -> Result<(), AcquireError> {
        match self.try_take(count) {
            Err(AcquireError::TimedOut) => self.take_slowly(count, deadline.into()),
            result => result,
        }
    }

    #[cold]
    fn take_slowly(&self, count: u64, deadline: Deadline) -> Result<(), AcquireError> {
        match Waiting::new(self, Self::wish(count)).block(deadline) {
            Ok(request) if request.is_closed => Err(AcquireError::Closed),
            Ok(_) => Ok(()),
            Err(_) => Err(AcquireError::TimedOut),
        }
    }

    /// What an awaiting waiter asks for; make a [`Waiting`] of it, with a borrowed semaphore or an
    /// `Arc`.
    #[must_use]
    pub const fn wish(count: u64) -> Request {
        Request { count, is_closed: false }
    }

    /// Adds `count` permits: those that were taken without a guard, or new ones. Never waits.
    ///
    /// # Panics
    /// If there are more than [`MAX_PERMITS`](Self::MAX_PERMITS) then; nothing was added.
    #[inline]
    #[track_caller]
    pub fn release(&self, count: u64) {
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WAITERS == 0 {
            let more = Self::with_more(word, count);
            match self.word.compare_exchange_weak(word, more, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return host::step(Site::new("gave permits back")),
                Err(now) => word = now,
            }
        }
        self.release_slowly(count);
        host::step(Site::new("gave permits back"));
    }

    #[track_caller]
    fn with_more(word: u64, count: u64) -> u64 {
        let free = (word / PERMIT).checked_add(count).filter(|&free| free <= Self::MAX_PERMITS);
        let free = free.unwrap_or_else(|| {
            panic!("releasing `{count}` permits with `{}` free: a semaphore holds fewer", word / PERMIT)
        });
        (free * PERMIT) | (word & (WAITERS | CLOSED))
    }

    #[cold]
    #[track_caller]
    fn release_slowly(&self, count: u64) {
        let mut turn = self.grants.turn();
        self.put(count);
        self.settle(&mut turn);
    }

    /// Adds permits to the word, in a turn.
    #[track_caller]
    fn put(&self, count: u64) {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let more = Self::with_more(word, count);
            match self.word.compare_exchange_weak(word, more, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// Grants what can be granted, from the front, and lets the quick paths be quick again if
    /// nobody waits any more.
    fn settle(&self, turn: &mut Turn<'_, (), Request>) {
        loop {
            let word = self.word.load(Ordering::Relaxed);
            let Some(request) = turn.first() else {
                if word & WAITERS == 0 {
                    return;
                }
                let unmarked = word & !WAITERS;
                if self.word.compare_exchange(word, unmarked, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                    return;
                }
                continue;
            };
            let count = request.count;
            if word & CLOSED != 0 {
                if let Some(request) = turn.grant_first() {
                    request.is_closed = true;
                }
            } else if word / PERMIT < count {
                return;
            } else if turn.try_grant_first().is_some() {
                // With the mark set only turns change the number of permits, so they are still
                // there.
                self.word.fetch_sub(count * PERMIT, Ordering::AcqRel);
            }
        }
    }

    /// Takes away `count` permits for good, or as many as are free; returns how many.
    pub fn forget(&self, count: u64) -> u64 {
        let _turn = self.grants.turn();
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let gone = count.min(word / PERMIT);
            let less = word - gone * PERMIT;
            match self.word.compare_exchange_weak(word, less, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return gone,
                Err(now) => word = now,
            }
        }
    }

    /// Grants nothing from now on: whoever waits, and whoever comes, is told that it is closed.
    /// Permits that are out can still be released. Returns whether this call closed it.
    pub fn close(&self) -> bool {
        let mut turn = self.grants.turn();
        let was = self.word.fetch_or(CLOSED, Ordering::AcqRel);
        self.settle(&mut turn);
        was & CLOSED == 0
    }

    /// Whether it is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// How many permits are free. A moment's view.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.word.load(Ordering::Acquire) / PERMIT
    }

    /// How many wait. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.grants.turn().waiting()
    }
}

impl Granting for Semaphore {
    type State = ();
    type Entry = Request;

    fn grants(&self) -> &Grants<(), Request> {
        &self.grants
    }

    fn take(&self, turn: &mut Turn<'_, (), Request>, request: &mut Request) -> bool {
        loop {
            let word = self.word.load(Ordering::Relaxed);
            if word & CLOSED != 0 {
                request.is_closed = true;
                return true;
            }
            let is_first = turn.first().is_none();
            let (after, is_taken) = match is_first && word / PERMIT >= request.count {
                true => (word - request.count * PERMIT, true),
                false => (word | WAITERS, false),
            };
            if self.word.compare_exchange(word, after, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return is_taken;
            }
        }
    }

    fn forsake(&self, turn: &mut Turn<'_, (), Request>, request: &mut Request, was: WaiterState) {
        if was == WaiterState::Granted && !request.is_closed {
            self.put(request.count);
        }
        self.settle(turn);
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Semaphore");
        shown.field("available", &self.available()).field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}
