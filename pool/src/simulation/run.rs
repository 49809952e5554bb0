//! The simulation of a thread: how it begins with a pool and ends with the last one.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use millpond_sync::host::{self, Host};

use super::options::Simulation;
use super::report::{self, Report};
use super::schedule::Schedule;
use super::scheduler::Scheduler;
use super::trace::Trace;
use super::workers::SimulatedWorkers;
use crate::core::Core;
use millpond_workers::Workers;

thread_local! {
    /// The simulation that the calling thread is in.
    static CURRENT: RefCell<Option<Rc<Scheduler>>> = const { RefCell::new(None) };
}

/// The scheduler of the calling thread's simulation.
#[inline]
pub(crate) fn scheduler() -> Option<Rc<Scheduler>> {
    if host::is_hosted() { look_up() } else { None }
}

#[cold]
fn look_up() -> Option<Rc<Scheduler>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Makes the calling thread, which is in no simulation, one of this one's.
fn install(scheduler: &Rc<Scheduler>) {
    host::replace(Some(Rc::clone(scheduler) as Rc<dyn Host>));
    CURRENT.set(Some(Rc::clone(scheduler)));
}

/// Takes the calling thread out of its simulation.
fn remove() {
    drop(host::replace(None));
    drop(CURRENT.take());
}

/// The calling thread runs a job of a simulation, until this is dropped.
pub(super) struct Within;

/// Makes the calling thread one of a simulation's, for a job.
pub(super) fn enter(scheduler: Rc<Scheduler>) -> Within {
    install(&scheduler);
    Within
}

impl Drop for Within {
    fn drop(&mut self) {
        remove();
    }
}

/// A pool's part in a simulation.
#[derive(Clone)]
pub(crate) struct Simulated(Arc<SimulatedWorkers>);

impl Simulated {
    /// Joins the calling thread's simulation, or begins one.
    pub(crate) fn begin(options: Simulation) -> Self {
        end_if_unused();
        let threads = options.workers;
        let scheduler = scheduler().unwrap_or_else(|| {
            let scheduler = Rc::new(Scheduler::new(options));
            install(&scheduler);
            scheduler
        });
        scheduler.add_pool();
        let shared = Arc::clone(&scheduler.shared);
        Self(Arc::new(SimulatedWorkers::new(shared, threads)))
    }

    /// Begins what goes wrong beside the pool's tasks.
    pub(crate) fn begin_mischief(&self, core: &Arc<Core<'static>>) {
        if let Some(scheduler) = scheduler() {
            super::mischief::begin(&scheduler, core, &self.workers());
        }
    }

    pub(crate) fn workers(&self) -> Arc<dyn Workers> {
        Arc::clone(&self.0) as Arc<dyn Workers>
    }

    /// The pool is gone.
    pub(crate) fn end(&self) {
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
