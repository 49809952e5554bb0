//! How workers are interrupted between two items: a word that each of them compares with what it
//! was.
//!
//! A worker that carries a chunk looks at its pool's word before each item: a load of a cache line
//! that nobody writes, which costs nothing that can be measured. Whoever has something to tell (a
//! lane is cancelled, a task has failed) changes the word, and each worker then finds out what it
//! is.
//!
//! Nobody can foresee that a function turns slow, and a look at the clock costs as much as some
//! tens of quick items. So while chunks of several items are made, one thread per process changes
//! the words of the pools at work every two milliseconds, and only a worker that finds its word
//! changed looks at the clock: a chunk that has lasted too long is cut there. It is what Go's
//! `sysmon` does to goroutines that do not give way. The thread sleeps where no pool has been at
//! work for some 60 ms, and ends a second later; a pool in serial mode never starts it, nor does a
//! simulation, whose clock does not run by itself.

use std::sync::Arc;

use crossbeam_utils::CachePadded;
use millpond_sync::shim::atomic::{AtomicU8, AtomicU64, Ordering};

/// The thread does not know the pool.
const UNKNOWN: u8 = 0;
/// It knows the pool, which has made no chunk since the thread looked last.
#[cfg(not(any(loom, shuttle)))]
const IDLE: u8 = 1;
/// It knows the pool, which is at work.
const AT_WORK: u8 = 2;

/// A pool's word. See the [module documentation](self).
#[derive(Debug)]
pub struct Nudges {
    word: CachePadded<AtomicU64>,
    /// What the thread that beats knows of the pool.
    beat: CachePadded<AtomicU8>,
}

/// What a worker remembers of the word. No word is ever [`ALWAYS`](Self::ALWAYS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen(u64);

impl Seen {
    /// Differs from every word: for a worker that looks at each item.
    pub const ALWAYS: Self = Self(u64::MAX);
}

impl Nudges {
    /// A word that nobody has changed.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { word: CachePadded::new(AtomicU64::new(0)), beat: CachePadded::new(AtomicU8::new(UNKNOWN)) })
    }

    /// Has every worker look around before its next item. Call it after the change that they are to
    /// see.
    pub fn nudge(&self) {
        self.word.fetch_add(1, Ordering::AcqRel);
    }

    /// What the word is; what was changed before it became so is seen afterwards.
    pub fn seen(&self) -> Seen {
        Seen(self.word.load(Ordering::Acquire))
    }

    /// Whether nothing has happened since.
    #[inline(always)]
    pub fn is_still(&self, seen: Seen) -> bool {
        self.word.load(Ordering::Relaxed) == seen.0
    }

    /// A chunk of several items begins: from now on the word changes every two milliseconds.
    #[inline]
    pub fn begin(self: &Arc<Self>) {
        if self.beat.load(Ordering::Relaxed) != AT_WORK {
            self.wake_beat();
        }
    }

    #[cold]
    fn wake_beat(self: &Arc<Self>) {
        if self.beat.swap(AT_WORK, Ordering::AcqRel) == UNKNOWN {
            beat::know(self);
        }
    }

    /// Whether the thread that beats is to forget this pool, as nothing has been made for so long.
    #[cfg(not(any(loom, shuttle)))]
    fn has_lapsed(&self) -> bool {
        let goes = |from, to| self.beat.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        !goes(AT_WORK, IDLE) && goes(IDLE, UNKNOWN)
    }
}

/// For a model checker the time passes when it is looked at, and every look is a look at the clock.
#[cfg(any(loom, shuttle))]
mod beat {
    use super::*;

    pub(super) fn know(_nudges: &Arc<Nudges>) {}
}

#[cfg(not(any(loom, shuttle)))]
mod beat {
    use std::sync::{Condvar, Mutex, OnceLock, PoisonError, Weak};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::fork::Process;

    /// How long a worker may be in a chunk before it looks at the clock.
    const BEAT: Duration = Duration::from_millis(2);
    /// After how many beats the thread looks which pools are still at work.
    const LINGER: u32 = 32;

    /// How long the thread stays when no pool is at work: starting another one takes longer than
    /// waking it.
    const STAY: Duration = Duration::from_secs(1);

    /// The thread of one process; a forked child has one of its own.
    struct Beat {
        process: Process,
        known: Mutex<Known>,
        woken: Condvar,
        in_child: OnceLock<Box<Self>>,
    }

    #[derive(Default)]
    struct Known {
        pools: Vec<Weak<Nudges>>,
        has_thread: bool,
    }

    impl Beat {
        fn new() -> Self {
            Self {
                process: Process::current(),
                known: Mutex::default(),
                woken: Condvar::new(),
                in_child: OnceLock::new(),
            }
        }
    }

    /// The calling process's.
    fn current() -> &'static Beat {
        static FIRST: OnceLock<Beat> = OnceLock::new();
        let mut beat = FIRST.get_or_init(Beat::new);
        while !beat.process.is_current() {
            beat = beat.in_child.get_or_init(|| Box::new(Beat::new()));
        }
        beat
    }

    /// Has the thread beat for a pool.
    pub(super) fn know(nudges: &Arc<Nudges>) {
        let beat = current();
        let mut known = beat.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.pools.push(Arc::downgrade(nudges));
        if known.has_thread {
            beat.woken.notify_one();
        } else {
            // Without a thread chunks are not cut, and nothing else is different.
            known.has_thread = thread::Builder::new().name("millpond-beat".into()).spawn(|| run(beat)).is_ok();
        }
    }

    fn run(beat: &'static Beat) {
        let mut beats = 0_u32;
        let mut known = beat.known.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if known.pools.is_empty() {
                known = beat.woken.wait_timeout(known, STAY).unwrap_or_else(PoisonError::into_inner).0;
                if known.pools.is_empty() {
                    known.has_thread = false;
                    return;
                }
            }
            drop(known);
            thread::sleep(BEAT);
            known = beat.known.lock().unwrap_or_else(PoisonError::into_inner);
            beats = beats.wrapping_add(1);
            let is_last = beats.is_multiple_of(LINGER);
            known.pools.retain(|pool| {
                let Some(pool) = pool.upgrade() else { return false };
                pool.nudge();
                !(is_last && pool.has_lapsed())
            });
        }
    }
}
