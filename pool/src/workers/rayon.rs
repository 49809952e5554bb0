//! Threads of a rayon pool.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rayon::ThreadPool;

use super::{Help, Workers, stripes};
use crate::lend;
use crate::placement::{Allowed, NOWHERE, Thread};

/// Threads of a rayon pool: either one of its own, started when first needed, or one that the user brings.
pub struct RayonWorkers {
    /// How many threads the pool has (or will have).
    threads: usize,
    /// Where its own threads run; a pool that the user brings is left alone.
    seats: Option<Arc<Seats>>,
    /// Started at the first call that needs it, so that a pool that only ever reads little starts no thread.
    pool: OnceLock<Arc<ThreadPool>>,
}

impl RayonWorkers {
    /// A rayon pool of `threads` threads, started when the first of them is needed.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self { threads, seats: Some(Arc::new(Seats::new())), pool: OnceLock::new() }
    }

    /// The threads of a rayon pool that exists already, shared with whatever else runs there.
    #[must_use]
    pub fn on(pool: Arc<ThreadPool>) -> Self {
        Self { threads: pool.current_num_threads(), seats: None, pool: OnceLock::from(pool) }
    }

    fn pool(&self) -> &Arc<ThreadPool> {
        self.pool.get_or_init(|| {
            let seats = self.seats.clone();
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(self.threads)
                .thread_name(|number| format!("millpond-{number}"))
                .start_handler(move |_| seats.iter().for_each(|seats| seats.take()))
                .build()
                .unwrap_or_else(|error| panic!("starting {} worker threads failed: {error}", self.threads));
            Arc::new(pool)
        })
    }
}

/// Where the threads of a pool may run.
struct Seats {
    allowed: Allowed,
    /// The processor that they are kept off.
    avoided: AtomicUsize,
    /// The threads, as they start.
    threads: Mutex<Vec<Thread>>,
}

impl Seats {
    fn new() -> Self {
        let allowed = Allowed::of_current_thread();
        Self { allowed, avoided: AtomicUsize::new(NOWHERE), threads: Mutex::default() }
    }

    /// The calling thread is one of the pool's.
    fn take(&self) {
        let mut threads = self.threads.lock();
        threads.push(Thread::current());
        self.allowed.grant(Thread::current(), self.avoided.load(Ordering::Relaxed));
    }

    fn avoid(&self, processor: usize) {
        if self.avoided.load(Ordering::Relaxed) == processor {
            return;
        }
        let threads = self.threads.lock();
        self.avoided.store(processor, Ordering::Relaxed);
        threads.iter().for_each(|thread| self.allowed.grant(*thread, processor));
    }
}

impl Workers for RayonWorkers {
    fn lend(&self, count: usize, job: Arc<dyn Help>) {
        for _ in 0..count.min(self.threads) {
            let job = Arc::clone(&job);
            self.pool().spawn(move || job.help());
        }
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        let width = count.min(self.threads + 1);
        stripes::apply(count, width, body, |stripe| {
            lend::together(stripe, |guest| self.lend(width - 1, guest));
        });
    }

    fn avoid(&self, processor: usize) {
        // A helper that asks for another one does not mean its own seat.
        let is_helper = self.pool.get().is_some_and(|pool| pool.current_thread_index().is_some());
        if let Some(seats) = self.seats.as_ref().filter(|_| !is_helper) {
            seats.avoid(processor);
        }
    }

    fn threads(&self) -> usize {
        self.threads
    }
}

impl fmt::Debug for RayonWorkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RayonWorkers")
            .field("threads", &self.threads)
            .field("started", &self.pool.get().is_some())
            .finish()
    }
}
