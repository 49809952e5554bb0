//! Threads of a rayon pool.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rayon::ThreadPool;

use crate::seats::Seats;
use crate::{Help, Workers, lend, stripes};

/// Threads of a rayon pool: either one of its own, started when first needed, or one that the user
/// brings.
pub struct RayonWorkers {
    /// How many threads the pool has (or will have).
    threads: usize,
    /// Where its own threads wake; a pool that the user brings is left alone.
    seats: Option<Arc<Seats>>,
    /// Started at the first call that needs it, so that a pool that only ever reads little starts
    /// no thread.
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
                .start_handler(move |number| seats.iter().for_each(|seats| seats.take(number)))
                .build()
                .unwrap_or_else(|error| panic!("starting {} worker threads failed: {error}", self.threads));
            Arc::new(pool)
        })
    }
}

impl Workers for RayonWorkers {
    fn lend(&self, count: usize, job: Arc<dyn Help>) {
        let (pool, count) = (self.pool(), count.min(self.threads));
        let Some(seats) = &self.seats else {
            for _ in 0..count {
                let job = Arc::clone(&job);
                pool.spawn(move || job.help());
            }
            return;
        };
        seats.wake_some(count, || {
            for _ in 0..count {
                let (seats, job) = (Arc::clone(seats), Arc::clone(&job));
                pool.spawn(move || seats.work(|| job.help()));
            }
        });
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        let width = count.min(self.threads + 1);
        stripes::apply(count, width, body, |stripe| {
            lend::together(stripe, |guest| self.lend(width - 1, guest));
        });
    }

    fn avoid(&self, processor: usize) {
        if let Some(seats) = &self.seats {
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
