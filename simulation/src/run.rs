//! The simulation of a thread: how it begins with a pool and ends with the last one.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use millpond_workers::Workers;

use super::faults::Mischief;
use super::fiber::Job;
use super::installed::{enter, install, remove, scheduler};
use super::options::Simulation;
use super::report::{self, Report};
use super::schedule::Schedule;
use super::scheduler::{Scheduler, Started};
use super::trace::Trace;
use super::workers::SimulatedWorkers;

/// The part in a simulation of a pool, or of whatever else runs in it: the simulation of a thread begins with the first and ends
/// with the last.
#[derive(Clone)]
#[must_use = "a part lasts until it is ended"]
pub struct Simulated(Arc<SimulatedWorkers>);

impl Simulated {
    /// Joins the calling thread's simulation, or begins one.
    pub fn begin(options: Simulation) -> Self {
        end_if_unused();
        let threads = options.workers;
        let scheduler = scheduler().unwrap_or_else(|| {
            let scheduler = Scheduler::new(options, enter);
            install(&scheduler);
            scheduler
        });
        scheduler.add_pool();
        let shared = Arc::clone(&scheduler.shared);
        Self(Arc::new(SimulatedWorkers::new(shared, threads)))
    }

    /// Starts a thread of the simulation that calls `perform` with what is to go wrong beside the functions of tasks, when it is due.
    pub fn begin_mischief(&self, mut perform: impl FnMut(Mischief) + Send + 'static) {
        let Some(begun) = scheduler().filter(|scheduler| scheduler.has_mischief()) else { return };
        let job = move || {
            while let Some(mischief) = scheduler().and_then(|scheduler| scheduler.next_mischief()) {
                perform(mischief);
            }
        };
        begun.start(Started::Mischief, Job::Anywhere(Box::new(job)));
    }

    /// Workers whose threads are simulated.
    #[must_use]
    pub fn workers(&self) -> Arc<dyn Workers> {
        Arc::clone(&self.0) as Arc<dyn Workers>
    }

    /// It is gone. Where it was the last one, all threads run to their ends.
    ///
    /// # Panics
    /// When they cannot, or nobody can go on.
    pub fn end(&self) {
        if let Some(scheduler) = scheduler().filter(|scheduler| Arc::ptr_eq(&scheduler.shared, self.0.shared())) {
            scheduler.lose_pools(1);
            end_if_unused();
        } else {
            self.0.shared().lose_pool();
        }
    }
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Calls `body` in a simulation of its own, or in the one that the calling thread is in: for code that needs no pool.
///
/// # Panics
/// When the threads that it started do not end.
///
/// # Examples
///
/// ```
/// use millpond_simulation::{simulate, spawn, yield_now};
///
/// let sum = simulate(7, || {
///     let threads = [1, 2, 3].map(|number| {
///         spawn(move || {
///             yield_now();
///             number
///         })
///     });
///     threads.into_iter().map(|thread| thread.join().expect("nobody panics")).sum::<u32>()
/// });
/// assert_eq!(sum, 6);
/// ```
pub fn simulate<R>(simulation: impl Into<Simulation>, body: impl FnOnce() -> R) -> R {
    /// Ends the part, also when the body panics.
    struct Part(Simulated);

    impl Drop for Part {
        fn drop(&mut self) {
            self.0.end();
        }
    }

    let _part = Part(Simulated::begin(simulation.into()));
    body()
}

/// Ends the calling thread's simulation if all of its pools are gone and this is the thread that it began in.
pub(super) fn end_if_unused() {
    let Some(scheduler) = scheduler() else { return };
    scheduler.lose_pools(scheduler.shared.take_lost_pools());
    if scheduler.has_pools() || !scheduler.is_of_caller() {
        return;
    }
    if scheduler.is_elsewhere() {
        // A copy of a simulation whose threads this process has not got.
        remove();
        std::mem::forget(scheduler);
        return;
    }
    scheduler.finish();
    remove();
    scheduler.end_fibers();
    let report = scheduler.take_report();
    let verdict = report.verdict.clone();
    let is_failing = std::thread::panicking();
    let is_quiet = scheduler.options.is_quiet;
    if (is_failing || verdict.is_some()) && !is_quiet && !scheduler.has_told() {
        eprintln!("{report}");
    }
    let seed = report.seed;
    let was_told = scheduler.has_told();
    report::keep(report);
    if let Some(verdict) = verdict.filter(|_| !is_failing && !was_told) {
        let text = format!("the simulation of seed {seed} came to no good end: {verdict}");
        if is_quiet {
            std::panic::resume_unwind(Box::new(text));
        }
        panic!("{text}");
    }
}

/// The simulation that runs in the calling thread. See [`current`].
pub struct Run(Rc<Scheduler>);

/// The simulation that runs in the calling thread, if one does.
#[must_use]
pub fn current() -> Option<Run> {
    scheduler().map(Run)
}

impl Run {
    /// Its seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.options.seed
    }

    /// How many steps it has had.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.0.steps()
    }

    /// How much time has passed by its clock.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// What was drawn so far.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        self.report().schedule
    }

    /// What has happened, as far as it is kept.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.report().trace
    }

    /// All that can be said of it so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.0.report()
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("seed", &self.seed()).field("steps", &self.steps()).finish_non_exhaustive()
    }
}
