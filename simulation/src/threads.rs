//! Threads of the user's within a simulation.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millpond_sync::{Parker, WaitList, host};

use super::fiber::Job;
use super::installed::scheduler;
use super::scheduler::{Scheduler, Started};
use super::trace::Event;

/// What a thread gave, or the payload of its panic.
type Outcome<T> = Result<T, Box<dyn Any + Send>>;

/// A simulated thread that was started by [`spawn`].
#[must_use = "a thread that is not joined may be in the middle of its work when the simulation ends"]
pub struct Thread<T> {
    outcome: Rc<RefCell<Option<Outcome<T>>>>,
    ended: Arc<WaitList>,
}

/// Starts a thread of the current simulation: it has its turns as the simulation's order says, beside the caller and the helpers.
///
/// It shares the thread that the simulation began in with all others, also where helpers have [threads of their own](
/// super::Simulation::on_threads), so what it does must not wait for them by means that are not millpond's: it can read
/// from pools, read and write channels, [`sleep`] and [`join`](Thread::join), but not wait for a lock or a barrier of std's.
///
/// # Panics
/// When the calling thread runs no simulation.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
///
/// use millpond_simulation::{simulate, spawn};
/// use millpond_sync::Event;
///
/// simulate(7, || {
///     let event = Rc::new(Event::new());
///     let other = Rc::clone(&event);
///     let thread = spawn(move || other.wait());
///     event.set();
///     thread.join().expect("no panic");
/// });
/// ```
#[track_caller]
pub fn spawn<T: 'static>(body: impl FnOnce() -> T + 'static) -> Thread<T> {
    start(None, body)
}

/// Like [`spawn`], with a name for the trace.
///
/// # Panics
/// As [`spawn`].
#[track_caller]
pub fn spawn_named<T: 'static>(name: impl Into<Arc<str>>, body: impl FnOnce() -> T + 'static) -> Thread<T> {
    start(Some(name.into()), body)
}

/// Starts a thread of the current simulation on a thread of the system's, where the simulation is
/// [on threads](super::Simulation::on_threads); as [`spawn`] does where it is not. Nobody joins it, and a panic of its own ends the
/// simulation: what it gives has to leave it by other ways.
///
/// # Panics
/// As [`spawn`].
#[track_caller]
pub fn spawn_apart(name: Option<Arc<str>>, body: impl FnOnce() + Send + 'static) {
    current_scheduler().start(Started::Thread(name), Job::Anywhere(Box::new(body)));
}

#[track_caller]
fn current_scheduler() -> Rc<Scheduler> {
    scheduler().unwrap_or_else(|| {
        panic!(
            "starting a simulated thread failed: this thread runs no simulation; make a pool with `Pool::simulated` first"
        )
    })
}

#[track_caller]
fn start<T: 'static>(name: Option<Arc<str>>, body: impl FnOnce() -> T + 'static) -> Thread<T> {
    let scheduler = current_scheduler();
    assert!(
        scheduler.is_begun_here(),
        "starting a simulated thread on the thread that the simulation began in failed: this is another one; use `spawn_apart`"
    );
    let thread = Thread { outcome: Rc::default(), ended: Arc::default() };
    let (outcome, ended) = (Rc::clone(&thread.outcome), Arc::clone(&thread.ended));
    let job = move || {
        *outcome.borrow_mut() = Some(catch_unwind(AssertUnwindSafe(body)));
        ended.notify_all();
    };
    scheduler.start(Started::Thread(name), Job::Here(Box::new(job)));
    thread
}

impl<T> Thread<T> {
    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.outcome.borrow().is_some()
    }

    /// Waits until it has ended and gives what it gave.
    ///
    /// # Errors
    /// The payload of its panic, if it panicked.
    ///
    /// # Blocking
    /// Until then; the simulation goes on meanwhile.
    pub fn join(self) -> Outcome<T> {
        let outcome = self.ended.wait_until(|| self.outcome.borrow_mut().take());
        super::run::end_if_unused();
        outcome
    }
}

impl<T> fmt::Debug for Thread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").field("is_finished", &self.is_finished()).finish_non_exhaustive()
    }
}

/// Sleeps by the clock of the current simulation, which costs no time; by the system's where there is none.
pub fn sleep(duration: Duration) {
    host::sleep(duration);
}

/// This moment by the clock of the current simulation; by the system's where there is none.
#[must_use]
pub fn now() -> Instant {
    host::now()
}

/// A place where another thread of the current simulation may have its turn: to be put where threads meet by other means than
/// millpond's.
pub fn yield_now() {
    host::give_way();
}

/// Puts a line of the user's into the current simulation's trace.
pub fn note(what: impl Into<String>) {
    if let Some(scheduler) = scheduler() {
        scheduler.note(Event::Note(what.into().into()));
    }
}

/// Polls a future to its end; while it is pending the others of the current simulation go on.
///
/// # Blocking
/// Until the future is ready.
pub fn block_on<F: Future>(future: F) -> F::Output {
    Parker::block_on(future)
}
