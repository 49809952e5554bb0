//! The fourth kind of workers: none. What they would do is done in the thread that reads, in turns.

use std::fmt;
use std::sync::Arc;

use millpond_sync::host::{self, Site};

use super::fiber::Job;
use super::installed::scheduler;
use super::scheduler::Started;
use super::shared::Shared;
use millpond_workers::{Help, Workers};

/// Workers that a simulation runs. See the [module documentation](super).
pub(crate) struct SimulatedWorkers {
    shared: Arc<Shared>,
    threads: usize,
}

impl SimulatedWorkers {
    pub(super) fn new(shared: Arc<Shared>, threads: usize) -> Self {
        Self { shared, threads }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Workers for SimulatedWorkers {
    fn lend(&self, count: usize, job: Arc<dyn Help>) {
        let scheduler = scheduler().filter(|scheduler| Arc::ptr_eq(&scheduler.shared, &self.shared));
        for _ in 0..count {
            let job = Arc::clone(&job);
            match &scheduler {
                Some(scheduler) => scheduler.start(Started::Helper, Job::Anywhere(Box::new(move || job.help()))),
                None => self.shared.lend(job),
            }
        }
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        let mut order: Vec<usize> = (0..count).collect();
        if let Some(scheduler) = scheduler() {
            for place in (1..count).rev() {
                order.swap(place, scheduler.draw(place as u64 + 1) as usize);
            }
        }
        for index in order {
            host::step(Site::new("calls"));
            body(index);
        }
    }

    fn threads(&self) -> usize {
        self.threads
    }
}

impl fmt::Debug for SimulatedWorkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedWorkers").field("threads", &self.threads).finish_non_exhaustive()
    }
}
