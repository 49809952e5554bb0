//! The simulation of a thread: how it begins with a pool and ends with the last one.

use std::cell::{Cell, RefCell};
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
use crate::workers::Workers;

/// The simulation of the calling thread, and how many pools it has.
struct Current {
    scheduler: Rc<Scheduler>,
    pools: usize,
}

thread_local! {
    /// Whether there is one: what the engine's steps look at where there is none.
    static IS_SIMULATED: Cell<bool> = const { Cell::new(false) };
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

/// Whether the calling thread runs a simulation.
#[inline]
pub(crate) fn is_simulated() -> bool {
    IS_SIMULATED.get()
}

/// The scheduler of the calling thread's simulation.
#[inline]
pub(crate) fn scheduler() -> Option<Rc<Scheduler>> {
    if !IS_SIMULATED.get() {
        return None;
    }
    CURRENT.try_with(|current| current.borrow().as_ref().map(|current| Rc::clone(&current.scheduler))).ok().flatten()
}

/// A pool's part in a simulation.
#[derive(Clone)]
pub(crate) struct Simulated(Arc<SimulatedWorkers>);

impl Simulated {
    /// Joins the calling thread's simulation, or begins one.
    pub(crate) fn begin(options: Simulation) -> Self {
        end_if_unused();
        let threads = options.workers;
        let shared = CURRENT.with_borrow_mut(|current| {
            let current = current.get_or_insert_with(|| {
                let scheduler = Rc::new(Scheduler::new(options));
                host::replace(Some(Rc::clone(&scheduler) as Rc<dyn Host>));
                IS_SIMULATED.set(true);
                Current { scheduler, pools: 0 }
            });
            current.pools += 1;
            Arc::clone(&current.scheduler.shared)
        });
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
        let is_here = CURRENT.try_with(|current| {
            let mut current = current.borrow_mut();
            let current = current.as_mut().filter(|current| Arc::ptr_eq(&current.scheduler.shared, self.0.shared()));
            current.map(|current| current.pools -= 1).is_some()
        });
        if is_here == Ok(true) {
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
    let Some(scheduler) = CURRENT.with_borrow_mut(|current| {
        let current = current.as_mut()?;
        current.pools -= current.scheduler.shared.take_lost_pools();
        (current.pools == 0 && current.scheduler.is_of_caller()).then(|| Rc::clone(&current.scheduler))
    }) else {
        return;
    };
    scheduler.finish();
    IS_SIMULATED.set(false);
    host::replace(None);
    CURRENT.take();
    let report = scheduler.take_report();
    let verdict = report.verdict.clone();
    let is_failing = std::thread::panicking();
    if (is_failing || verdict.is_some()) && !scheduler.options.is_quiet && !scheduler.has_told() {
        eprintln!("{report}");
    }
    let seed = report.seed;
    let was_told = scheduler.has_told();
    report::keep(report);
    if let Some(verdict) = verdict.filter(|_| !is_failing && !was_told) {
        panic!("the simulation of seed {seed} came to no good end: {verdict}");
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
