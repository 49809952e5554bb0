//! Where lent threads are woken.

use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};

use crate::placement::{NOWHERE, Thread, keep_off};

/// How often a thread that has been woken looks whether the one that woke it is through: some 20
/// µs.
const MOST_LOOKS: usize = 1_000;

/// The threads of some workers that can be told where to wake, and the processor that they are kept
/// off then.
///
/// A thread is kept off a processor only while it is asleep and being woken: see
/// [`crate::placement`]. Whatever a thread runs for somebody else comes after [`Seats::settle`],
/// which waits until its own processors are its own again.
pub(crate) struct Seats {
    avoided: AtomicUsize,
    placing: Mutex<Sitting>,
}

#[derive(Default)]
struct Sitting {
    /// The threads that belong to the workers for good, by their numbers.
    threads: Vec<(usize, Thread)>,
    /// How many of them are at work.
    busy: usize,
}

impl Seats {
    pub(crate) fn new() -> Self {
        Self { avoided: AtomicUsize::new(NOWHERE), placing: Mutex::default() }
    }

    /// The calling thread belongs to these workers from now on; they wake sleepers of lower numbers
    /// first.
    pub(crate) fn take(&self, number: usize) {
        let threads = &mut self.placing.lock().threads;
        let place = threads.partition_point(|(other, _)| *other < number);
        threads.insert(place, (number, Thread::current()));
    }

    /// Threads that are woken from now on are kept off `processor`. Costs nothing.
    pub(crate) fn avoid(&self, processor: usize) {
        self.avoided.store(processor, Ordering::Relaxed);
    }

    /// Runs `wake`, which wakes up to `count` of the threads that belong here, by their numbers.
    ///
    /// Subtle: only while none of them is at work. A function that runs on one of them may give
    /// work to the others by itself, which they begin without having settled.
    pub(crate) fn wake_some(&self, count: usize, wake: impl FnOnce()) {
        let processor = self.avoided.load(Ordering::Relaxed);
        if processor == NOWHERE {
            return wake();
        }
        let sitting = self.placing.lock();
        if sitting.busy > 0 {
            drop(sitting);
            return wake();
        }
        keep_off(processor, sitting.threads.iter().map(|(_, thread)| *thread).take(count), wake);
    }

    /// Runs `work` on the calling thread, which belongs to these workers.
    pub(crate) fn work(&self, work: impl FnOnce()) {
        self.settled().busy += 1;
        let _busy = Busy(self);
        work();
    }

    /// Has threads that are woken wait in [`settle`](Self::settle) until the answer is dropped.
    #[cfg(feature = "gcd")]
    pub(crate) fn place(&self) -> Placing<'_> {
        Placing { processor: self.avoided.load(Ordering::Relaxed), _sitting: self.placing.lock() }
    }

    /// Waits for the thread that is just waking others, the calling one among them.
    ///
    /// Subtle: it does not sleep if that can be helped. The wait takes two system calls of the
    /// other thread, and a thread that is woken again then is kept off nothing.
    fn settled(&self) -> MutexGuard<'_, Sitting> {
        for _ in 0..MOST_LOOKS {
            if let Some(sitting) = self.placing.try_lock() {
                return sitting;
            }
            hint::spin_loop();
        }
        self.placing.lock()
    }

    /// Waits until the calling thread, which was woken by [`Placing::wake`], may run wherever it
    /// could before.
    #[cfg(feature = "gcd")]
    pub(crate) fn settle(&self) {
        drop(self.settled());
    }
}

/// A thread at work, until dropped.
struct Busy<'a>(&'a Seats);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.placing.lock().busy -= 1;
    }
}

/// Threads that are just being woken; see [`Seats::place`].
#[cfg(feature = "gcd")]
pub(crate) struct Placing<'a> {
    processor: usize,
    _sitting: MutexGuard<'a, Sitting>,
}

#[cfg(feature = "gcd")]
impl Placing<'_> {
    /// Runs `wake`, which wakes these threads.
    pub(crate) fn wake(self, threads: impl Iterator<Item = Thread>, wake: impl FnOnce()) {
        keep_off(self.processor, threads, wake);
    }
}
