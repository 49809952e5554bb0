//! Simulated pools: a simulation's workers, and its faults that are not within a task.

use std::sync::{Arc, Weak};

use millpond_simulation::{Mischief, Simulated, Simulation};
use millpond_workers::Workers;

use crate::core::Core;
use crate::pool::{Pool, Threads};
use crate::reader::ScopedReader;
use crate::registry::TaskId;
use crate::task::Task;

impl Pool {
    /// A pool whose helpers run in the thread that reads, in an order drawn from `seed`: the same seed, the same run. See
    /// [`simulation`](crate::simulation).
    ///
    /// ```
    /// use millpond_pool::Pool;
    ///
    /// for seed in 0..100 {
    ///     let pool = Pool::simulated(seed);
    ///     let mut squares = pool.source(1..=50).map(|n| n * n);
    ///     assert_eq!(squares.read(3)?, [1, 4, 9]);
    /// }
    /// # Ok::<(), millpond_pool::ReadError>(())
    /// ```
    #[must_use]
    pub fn simulated(seed: u64) -> Self {
        Self::simulated_with(seed.into())
    }

    /// A pool in a simulation of the caller's making. A thread has one simulation at a time: where it has one already, the pool
    /// joins that.
    ///
    /// ```
    /// use millpond_pool::Pool;
    /// use millpond_pool::simulation::{Faults, Simulation};
    ///
    /// let simulation = Simulation::new(7).workers(3).faults(Faults::none().slow(20));
    /// let pool = Pool::simulated_with(simulation);
    /// assert_eq!(pool.source(0..100).map(|n| n + 1).read_all()?.len(), 100);
    /// # Ok::<(), millpond_pool::ReadError>(())
    /// ```
    #[must_use]
    pub fn simulated_with(simulation: Simulation) -> Self {
        let size = simulation.size();
        let simulated = Simulated::begin(simulation);
        let pool =
            Self::with_threads(size, Threads::Simulated(simulated.clone())).expect("a simulation needs no threads");
        let (core, workers) = (Arc::downgrade(pool.core()), Arc::downgrade(&simulated.workers()));
        simulated.begin_mischief(move |mischief| perform(mischief, &core, &workers));
        pool
    }
}

/// Does to a pool what is to go wrong beside its tasks.
fn perform(mischief: Mischief, core: &Weak<Core<'static>>, workers: &Weak<dyn Workers>) {
    let Some(core) = core.upgrade().filter(|core| !core.is_closed()) else { return };
    match mischief {
        Mischief::Resize(size) => {
            core.resize(size, workers.upgrade().filter(|_| size > 0));
        }
        Mischief::Visit(items) if core.size() > 0 => {
            // In serial mode this would be a second thread in a pool that is one thread's; so it does not become serial meanwhile.
            let Ok(_shared) = core.gate().enter_shared() else { return };
            let numbers = ScopedReader::of_task(&core, Task::source(0..items * 2).name("visitor"));
            let mut visitor = ScopedReader::of_task(&core, Task::map(numbers, |number| number + 1).name("visitor"));
            if let Ok(read) = visitor.read(items) {
                // Other faults may hit the visitor as well; what it read is right all the same.
                assert!(read.iter().copied().eq(1..=read.len()), "a visitor read {read:?}");
            }
        }
        Mischief::Remove(which) => {
            let tasks: Vec<TaskId> = core.registry.lock().dag().iter().map(|(id, _)| TaskId::from(id)).collect();
            if let Some(&task) = tasks.get(which % tasks.len().max(1)) {
                let _ = crate::remove::remove_task(&core, task);
            }
        }
        _ => {}
    }
}
