//! Threads of libdispatch in place of the package's own.
//!
//! They belong to the library: it names them and ends them, and a thread state lasts as long as a job. How many are in a job is
//! counted by [`Threads`](crate::threads::Threads), so that the end of the program waits for them too.

use std::sync::{Arc, Mutex, PoisonError};

use millpond::workers::{GcdWorkers, Help, LibdispatchMissing, QualityOfService, Workers};

/// A pool's threads of libdispatch, as many as its size was last.
pub(crate) struct Dispatch(Mutex<Arc<GcdWorkers>>);

impl Dispatch {
    pub(crate) fn new(threads: usize) -> Result<Self, LibdispatchMissing> {
        Ok(Self(Mutex::new(Arc::new(workers(threads)?))))
    }

    /// From now on so many threads; jobs of those before are still helped.
    pub(crate) fn resize(&self, threads: usize) {
        if let Ok(workers) = workers(threads) {
            let before = std::mem::replace(&mut *self.lock(), Arc::new(workers));
            drop(before);
        }
    }

    /// Lends a thread to the job.
    pub(crate) fn lend(&self, job: Arc<dyn Help>) {
        let workers = Arc::clone(&self.lock());
        workers.lend(1, job);
    }

    pub(crate) fn avoid(&self, processor: usize) {
        let workers = Arc::clone(&self.lock());
        workers.avoid(processor);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<GcdWorkers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn workers(threads: usize) -> Result<GcdWorkers, LibdispatchMissing> {
    GcdWorkers::new(threads, QualityOfService::default())
}
