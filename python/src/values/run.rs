//! One get: the caller and the pool's threads make the values of a plan.
//!
//! The caller begins alone, attached to the interpreter, and goes from value to value without letting go of it. When more are ready
//! than it can take, and their functions are not known to be quick, it asks for a thread; each thread that comes and sees more left
//! asks for the next. A lock around the list of what is ready is all that they share: it is held for some tens of nanoseconds per
//! value, a twentieth of the quickest call.
//!
//! With the interpreter's lock a thread comes in when a function lets go of it, or after the interpreter's own interval, so quick
//! functions all run in the caller. Without that lock a thread first looks how quick the caller is, and naps while it is quick.
//!
//! A failure or an interrupt ends the run for the caller at once, or when the call that it is in
//! itself has ended. No other call is begun. Those in progress in other threads keep what they make
//! in their values.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use millpond::sync::host;
use millpond::workers::{Help, Workers};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::calls::LOOK_AGAIN;
use super::plan::{Missing, Plan};
use super::value::Value;
use crate::context::Context;
use crate::errors::{ReadTimeoutError, note_once};
use crate::interpreter::{attached, staying};
use crate::pool::Pool;
use crate::reader::duration;
use crate::threads::Threads;

/// What is ready must be worth this much for another thread to be asked for: what waking it costs at its worst.
const WORTH_A_THREAD: Duration = Duration::from_micros(60);
/// For how long a thread looks how quick the caller is, and how many values in that time are quick.
const LOOK: Duration = Duration::from_micros(20);
const QUICK: usize = 5;
/// How long the naps of such a thread are, at first and at most.
const FIRST_NAP: Duration = Duration::from_micros(50);
const LONGEST_NAP: Duration = Duration::from_millis(1);

struct Run {
    plan: Plan,
    /// The variables of the thread that gets, as they were when it began.
    context: Context,
    threads: Arc<Threads>,
    /// How many threads may help.
    most_helpers: usize,
    progress: Mutex<Progress>,
    /// Tells the caller, who has nothing to do, that there is something, or that all is over.
    changed: Condvar,
    /// How many values have been made, for who looks on.
    made: AtomicUsize,
    is_over: AtomicBool,
    time: Option<Time>,
}

/// How long the caller waits.
#[derive(Clone, Copy)]
pub(super) struct Time {
    started: Instant,
    longest: Duration,
}

impl Time {
    /// How much of it is left.
    pub(super) fn left(self) -> Duration {
        self.longest.saturating_sub(host::now().saturating_duration_since(self.started))
    }

    pub(super) fn is_up(self) -> bool {
        self.left().is_zero()
    }

    /// What a get of a value of this name raises then.
    pub(super) fn error(self, name: &str) -> PyErr {
        let seconds = host::now().saturating_duration_since(self.started).as_secs_f64();
        ReadTimeoutError::new_err(format!(
            "getting `{name}` timed out after `{seconds:.3}` seconds; what has been made is kept, so get again to go on"
        ))
    }
}

#[derive(Default)]
struct Progress {
    missing: Missing,
    ready: Vec<u32>,
    /// Values that somebody is making.
    running: usize,
    /// Values that are left to make, those that somebody is at included.
    left: usize,
    /// Threads that help or are on their way.
    helpers: usize,
    is_caller_idle: bool,
    /// Nothing more is begun.
    is_stopped: bool,
    /// The caller's time is up.
    is_late: bool,
    /// What failed first.
    failure: Option<Failure>,
}

/// A value whose function raised.
struct Failure {
    number: u32,
    value: Py<Value>,
    error: PyErr,
}

/// Whether the interpreter has its lock.
fn has_lock(py: Python<'_>) -> bool {
    static HAS_LOCK: OnceLock<bool> = OnceLock::new();
    *HAS_LOCK.get_or_init(|| {
        // Before Python 3.13 there is no such question, and there is the lock.
        let asked = py.import("sys").and_then(|sys| sys.call_method0("_is_gil_enabled"));
        asked.and_then(|answer| answer.extract()).unwrap_or(true)
    })
}

/// The values of `values`, of which those that are not there are made now, with all that they need, in
/// so many seconds.
#[pyfunction]
#[pyo3(signature = (pool, values, timeout=None))]
pub(crate) fn _get_values(
    pool: &Bound<'_, Pool>,
    values: Vec<Bound<'_, Value>>,
    timeout: Option<f64>,
) -> PyResult<Vec<Py<PyAny>>> {
    staying(|| get(pool, values, duration(timeout)))
}

pub(super) fn get(
    pool: &Bound<'_, Pool>,
    values: Vec<Bound<'_, Value>>,
    timeout: Option<Duration>,
) -> PyResult<Vec<Py<PyAny>>> {
    let py = pool.py();
    let time = timeout.map(|longest| Time { started: host::now(), longest });
    let most_helpers = pool.get().helpers()?;
    let threads = Arc::clone(pool.get().threads());
    let (plan, missing) = Plan::of(py, &values)?;
    let left = missing.values.len();
    if left > 0 {
        let ready =
            (0..).zip(&missing.inputs).filter(|(_, missing)| **missing == 0).map(|(number, _)| number).collect();
        let progress = Progress { missing, ready, left, ..Progress::default() };
        let run = Arc::new(Run {
            plan,
            context: Context::current(py)?,
            most_helpers,
            threads,
            progress: Mutex::new(progress),
            changed: Condvar::new(),
            made: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            time,
        });
        let ended = run.lead(py, &values);
        run.is_over.store(true, Ordering::Relaxed);
        ended?;
    }
    values.iter().map(|value| value.get().result(py)).collect()
}

impl Run {
    /// Nothing is called, waited for or let go under this lock, so an attached thread may take it.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the caller does: works until all is made, and waits where there is nothing to do.
    fn lead(self: &Arc<Self>, py: Python<'_>, values: &[Bound<'_, Value>]) -> PyResult<()> {
        loop {
            self.work(py, true);
            let mut progress = self.progress();
            if progress.running == 0 || progress.failure.is_some() || progress.is_late {
                progress.is_stopped = true;
                let (failure, is_late, left) = (progress.failure.take(), progress.is_late, progress.left);
                drop(progress);
                return match (failure, self.time) {
                    (Some(failure), _) => Err(self.tell(py, failure)),
                    (None, Some(time)) if left > 0 && is_late => {
                        let names: Vec<_> = values.iter().filter(|value| !value.get().is_done()).collect();
                        Err(time.error(&names.first().map_or_else(String::new, |value| value.get().name(py))))
                    }
                    (None, _) if left > 0 => Err(self.cycle(py)),
                    (None, _) => Ok(()),
                };
            }
            progress.is_caller_idle = true;
            drop(progress);
            py.detach(|| {
                let mut progress = self.progress();
                if progress.is_caller_idle {
                    let longest = self.time.map_or(LOOK_AGAIN, |time| time.left().min(LOOK_AGAIN));
                    (progress, _) =
                        self.changed.wait_timeout(progress, longest).unwrap_or_else(PoisonError::into_inner);
                }
                progress.is_caller_idle = false;
                progress.look_at(self.time);
            });
            if let Err(interrupt) = py.check_signals() {
                self.progress().is_stopped = true;
                return Err(interrupt);
            }
        }
    }

    /// Makes values as long as there are any that are ready.
    fn work(self: &Arc<Self>, py: Python<'_>, is_caller: bool) {
        let mut next = self.next(None, is_caller);
        while let Some((number, value)) = next {
            // Each call has variables of its own.
            let shape = self.plan.shapes[number as usize];
            // Those who help wait for others' calls as long as these take: the caller tells in time.
            let time = self.time.filter(|_| is_caller);
            let result = self.context.run(py, || Value::ensure(value.bind(py), shape, time)).flatten();
            self.made.fetch_add(1, Ordering::Relaxed);
            let failure = result.err().map(|error| Failure { number, value: value.clone_ref(py), error });
            // The arguments of what follows hold on to it now, or nobody does.
            drop(value);
            next = self.next(Some((number, failure)), is_caller);
        }
    }

    /// Notes what became of one value and gives the next; with none a helper has left.
    fn next(self: &Arc<Self>, made: Option<(u32, Option<Failure>)>, is_caller: bool) -> Option<(u32, Py<Value>)> {
        let mut progress = self.progress();
        let has_made = made.is_some();
        let late = made.and_then(|(number, failure)| progress.note(number, failure, &self.plan));
        if is_caller && has_made {
            // After a call at the least, so that whoever gets again and again gets somewhere.
            progress.look_at(self.time);
        }
        let next = progress.take_ready();
        progress.helpers -= usize::from(next.is_none() && !is_caller);
        // Over, or more than this worker can do.
        let is_over = progress.running == 0 || progress.failure.is_some();
        let wakes = progress.is_caller_idle && (is_over || progress.has_ready());
        progress.is_caller_idle &= !wakes;
        let asks = !wakes && progress.helpers < self.most_helpers && progress.is_worth_a_thread(next.as_ref());
        progress.helpers += usize::from(asks);
        drop(progress);
        drop(late);
        if wakes {
            self.changed.notify_one();
        }
        if asks {
            self.threads.lend(1, Arc::new(Helper(Arc::clone(self))));
        }
        next
    }

    /// Looks on until the caller meets something slow; whether it did, and there is something to do.
    fn is_wanted(&self) -> bool {
        let mut nap = FIRST_NAP;
        loop {
            let (started, made) = (Instant::now(), self.made.load(Ordering::Relaxed));
            while started.elapsed() < LOOK {
                std::hint::spin_loop();
            }
            if self.is_over.load(Ordering::Relaxed) {
                return false;
            }
            if self.made.load(Ordering::Relaxed) - made < QUICK {
                return true;
            }
            std::thread::sleep(nap);
            nap = (nap * 2).min(LONGEST_NAP);
        }
    }

    /// The failure with a note of the values that wanted the failed one.
    fn tell(&self, py: Python<'_>, failure: Failure) -> PyErr {
        let Failure { mut number, value, error } = failure;
        let mut note = format!("in value `{}`", value.get().name(py));
        let mut joint = ", needed by";
        let progress = self.progress();
        while let Some(follower) = self.plan.followers(number).first() {
            number = *follower;
            let Some(value) = &progress.missing.values[number as usize] else { break };
            note.push_str(&format!("{joint} `{}`", value.get().name(py)));
            joint = " ->";
        }
        drop(progress);
        note_once(py, &error, &note);
        error
    }

    /// Says which values wait for each other.
    fn cycle(&self, py: Python<'_>) -> PyErr {
        let progress = self.progress();
        let stuck: Vec<_> = progress
            .missing
            .values
            .iter()
            .zip(&progress.missing.inputs)
            .filter(|(_, missing)| **missing > 0)
            .filter_map(|(value, _)| value.as_ref().map(|value| value.clone_ref(py)))
            .take(3)
            .collect();
        drop(progress);
        let names: Vec<String> = stuck.iter().map(|value| format!("`{}`", value.get().name(py))).collect();
        PyRuntimeError::new_err(format!(
            "getting values that need themselves, by a list or dictionary that was changed later: {}",
            names.join(", ")
        ))
    }
}

impl Progress {
    /// One value is made, or failed; gives back a failure that is not the first.
    fn note(&mut self, number: u32, failure: Option<Failure>, plan: &Plan) -> Option<Failure> {
        self.running -= 1;
        if let Some(failure) = failure {
            self.is_stopped = true;
            if self.failure.is_some() {
                return Some(failure);
            }
            self.failure = Some(failure);
            return None;
        }
        self.left -= 1;
        for follower in plan.followers(number) {
            let missing = &mut self.missing.inputs[*follower as usize];
            *missing -= 1;
            if *missing == 0 {
                self.ready.push(*follower);
            }
        }
        None
    }

    /// Begins nothing more where the caller's time is up.
    fn look_at(&mut self, time: Option<Time>) {
        if self.left > 0 && time.is_some_and(Time::is_up) {
            self.is_stopped = true;
            self.is_late = true;
        }
    }

    fn has_ready(&self) -> bool {
        !self.is_stopped && !self.ready.is_empty()
    }

    /// The value that became ready last: its inputs are in the cache, and so few are waiting at a time.
    fn take_ready(&mut self) -> Option<(u32, Py<Value>)> {
        if self.is_stopped {
            return None;
        }
        let number = self.ready.pop()?;
        let value = self.missing.values[number as usize].take()?;
        self.running += 1;
        Some((number, value))
    }

    /// Whether what is ready beside `next` is worth more than waking a thread, as far as one knows.
    fn is_worth_a_thread(&self, next: Option<&(u32, Py<Value>)>) -> bool {
        let Some((_, value)) = next.filter(|_| self.has_ready()) else { return false };
        let Some(pace) = value.get().task().get().pace() else { return true };
        pace.saturating_mul(u32::try_from(self.ready.len()).unwrap_or(u32::MAX)) >= WORTH_A_THREAD
    }
}

/// A thread that helps with a run.
struct Helper(Arc<Run>);

impl Help for Helper {
    fn help(&self) {
        let run = &self.0;
        let came = attached(|py| {
            let is_wanted = has_lock(py) || py.detach(|| run.is_wanted());
            if is_wanted {
                run.work(py, false);
                return;
            }
            run.progress().helpers -= 1;
        });
        if came.is_none() {
            run.progress().helpers -= 1;
        }
    }
}
