//! What the threads of a program share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use millpond_pool::{Pool, simulation};
use parking_lot::Mutex;

use super::stream::{Stream, Wrong};
use super::tally::Tally;

/// What a thread of a program comes to.
pub(super) type Outcome = Result<(), Wrong>;

/// What the threads of a program share.
pub(super) struct World {
    pub(super) pool: Pool,
    pub(super) is_simulated: bool,
    /// Every function holds on to it, so that it tells when all are gone.
    pub(super) alive: Arc<()>,
    /// How often functions were called.
    pub(super) calls: Arc<AtomicU64>,
    /// How often functions failed or panicked.
    pub(super) failures: Arc<AtomicU64>,
    pub(super) tasks: AtomicUsize,
    /// Whether several threads are at it, so that a serial pool may be in use.
    pub(super) is_shared: AtomicBool,
    /// Readers that were handed over and not picked up.
    pub(super) handed: Mutex<Vec<Stream>>,
    pub(super) tally: Mutex<Tally>,
}

/// A thread that was started.
pub(super) enum Started {
    Real(thread::JoinHandle<Outcome>),
    Simulated(simulation::Thread<Outcome>),
}

impl Started {
    pub(super) fn join(self) -> Outcome {
        let outcome = match self {
            Self::Real(thread) => thread.join(),
            Self::Simulated(thread) => thread.join(),
        };
        outcome.unwrap_or_else(|payload| Err(Wrong::because(message(&*payload))))
    }
}

/// The message of a panic.
pub(super) fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!("a panic: {}", text.unwrap_or_else(|| "(no message)".to_owned()))
}

impl World {
    /// Starts a thread of the system, or of the simulation.
    pub(super) fn start(&self, body: impl FnOnce() -> Outcome + Send + 'static) -> Started {
        if self.is_simulated { Started::Simulated(simulation::spawn(body)) } else { Started::Real(thread::spawn(body)) }
    }

    /// Lets others go on.
    pub(super) fn yield_now(&self) {
        if self.is_simulated {
            simulation::yield_now();
        } else {
            thread::yield_now();
        }
    }

    pub(super) fn may_be_busy(&self) -> bool {
        self.is_shared.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut Tally)) {
        note(&mut self.tally.lock());
    }

    /// The next task's name.
    pub(super) fn name(&self) -> String {
        format!("task {}", self.tasks.fetch_add(1, Ordering::Relaxed))
    }

    /// What a function does before it fails.
    pub(super) fn failure(&self) -> impl Fn() + Clone + Send + Sync + 'static + use<> {
        let failures = Arc::clone(&self.failures);
        move || {
            failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What a function of a task holds on to and does at each call.
    pub(super) fn witness(&self) -> impl Fn() + Clone + Send + Sync + 'static + use<> {
        let (alive, calls) = (Arc::clone(&self.alive), Arc::clone(&self.calls));
        move || {
            let _ = &alive;
            calls.fetch_add(1, Ordering::Relaxed);
        }
    }
}
