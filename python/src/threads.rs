//! The threads of a pool.
//!
//! They are the package's own rather than rayon's, because the interpreter has wishes: a thread keeps its thread state for life, so
//! that attaching costs tens of nanoseconds instead of some hundreds; it is attached while it works and detached while it has nothing
//! to do; Python knows it by a name; and at the end of the program it must not be waiting for the interpreter.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use millpond::workers::{Help, Workers};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::dispatch::Dispatch;
use crate::greenlets;
use crate::interpreter::{attached, call, is_leaving, staying};

/// The threads of all pools, for the end of the program.
static ALL: Mutex<Vec<Weak<Crew>>> = Mutex::new(Vec::new());

/// Threads that are started when they are needed.
pub(crate) struct Threads {
    crew: Arc<Crew>,
    /// Where the threads come from instead, if the user said so.
    dispatch: Option<Dispatch>,
}

/// A job for a thread of somebody else's.
struct Guest {
    crew: Arc<Crew>,
    job: Mutex<Option<Arc<dyn Help>>>,
}

impl Help for Guest {
    fn help(&self) {
        let Some(job) = self.job.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        self.crew.lock().threads += 1;
        let _ = attached(move |_| {
            job.help();
            drop(job);
        });
        self.crew.lock().threads -= 1;
        self.crew.changed.notify_all();
    }
}

/// Has the calling thread, which is one of a pool's, wake as soon as its time is up.
///
/// Linux lets the sleeps of ordinary threads end up to 50 µs late, so that several may end at once: a hundredth of a sleep of 5 ms,
/// after which the thread has work to do. Where that cannot be set, its timers stay as they are.
pub(crate) fn wake_on_time() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_timerslack(1_000);
}

/// Why no thread will come.
pub(crate) enum NoThread {
    /// The pool was closed, or the program ends.
    Closed,
    /// The pool is to have no threads, and has none left.
    Serial,
    /// The system refused to start one.
    NotStarted(std::io::Error),
}

/// The smallest stack that a thread has unless the program asks for less.
const LEAST_STACK: usize = 2 << 20;

/// The size in bytes of the stack that Python gives its own threads: code that recurses gets as deep on a pool's thread as on those.
///
/// # Errors
/// When Python cannot be asked.
pub(crate) fn stack_of_python(py: Python<'_>) -> PyResult<usize> {
    let asked: usize = py.import("_thread")?.call_method0("stack_size")?.extract()?;
    Ok(if asked == 0 { default_stack() } else { asked })
}

/// What the C library gives a thread that asks for nothing: the soft limit of the main thread's stack.
#[cfg(target_os = "linux")]
fn default_stack() -> usize {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
    match getrlimit(Resource::RLIMIT_STACK) {
        Ok((limit, _)) if limit != RLIM_INFINITY => usize::try_from(limit).unwrap_or(LEAST_STACK).max(LEAST_STACK),
        _ => LEAST_STACK,
    }
}

/// What CPython asks for where the system's default is small.
#[cfg(not(target_os = "linux"))]
fn default_stack() -> usize {
    if cfg!(target_vendor = "apple") { 16 << 20 } else { LEAST_STACK }
}

/// What the threads of a pool share.
struct Crew {
    name: String,
    stack_bytes: usize,
    /// The process whose threads they are: a forked child has a copy of this and none of them.
    process: u32,
    /// At most this many.
    most: AtomicUsize,
    state: Mutex<State>,
    /// Told when there is a job, or none will come any more, or a thread has become idle.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Arc<dyn Help>>,
    /// Threads that there are.
    threads: usize,
    /// Those of them that wait for a job.
    idle: usize,
    /// How many have been started in all, for their names.
    started: usize,
    is_closed: bool,
    /// Called when there is a job, or none will come any more, by threads whose greenlets go on meanwhile.
    callbacks: Vec<Py<PyAny>>,
}

/// A thread that waits for a job in the hub of its greenlets: polled as a read that awaits is.
#[pyclass(frozen, module = "millpond._native", name = "_Idle")]
pub(crate) struct Idle(Arc<Crew>);

#[pymethods]
impl Idle {
    /// Whether it is worth looking for a job: `True`, or `None`, and then `callback` is called when it is.
    fn poll(&self, callback: Py<PyAny>) -> Option<bool> {
        let mut state = self.0.lock();
        if !state.jobs.is_empty() || state.is_closed || is_leaving() {
            return Some(true);
        }
        state.callbacks.push(callback);
        None
    }

    /// Waits no more. What would have been called may be called in vain.
    #[expect(clippy::unused_self, reason = "whatever is polled has it")]
    fn cancel(&self) {}
}

impl Crew {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic is done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has threads look for jobs, and whoever waits for threads to be idle.
    fn wake(&self) {
        self.changed.notify_all();
        if !greenlets::are_there() {
            return;
        }
        let callbacks = std::mem::take(&mut self.lock().callbacks);
        if !callbacks.is_empty() {
            let _ = attached(|py| {
                for callback in callbacks {
                    if let Err(error) = call(callback.bind(py), &PyTuple::empty(py), None) {
                        error.write_unraisable(py, None);
                    }
                }
            });
        }
    }

    /// The next job; `None` when the thread is to end.
    fn next(self: &Arc<Self>) -> Option<Arc<dyn Help>> {
        let mut state = self.lock();
        state.idle += 1;
        self.changed.notify_all();
        while greenlets::are_there() && !is_leaving() && state.jobs.is_empty() && !state.is_closed {
            drop(state);
            let crew = Arc::clone(self);
            let has_waited = attached(|py| {
                let has_waited = greenlets::instead(py, "has_hub", "idle", (Idle(crew),));
                has_waited.map(|waited| waited.is_some()).unwrap_or_else(|error| {
                    error.write_unraisable(py, None);
                    false
                })
            });
            state = self.lock();
            if has_waited != Some(true) {
                break;
            }
        }
        while !is_leaving() {
            if let Some(job) = state.jobs.pop_front() {
                state.idle -= 1;
                return Some(job);
            }
            if state.is_closed {
                break;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idle -= 1;
        None
    }

    /// A thread's life.
    fn work(self: &Arc<Self>, name: &str) {
        // Before it attaches, so that nothing of Python waits for it.
        wake_on_time();
        greenlets::none_here();
        // Attached once around all, and detached within: that is what keeps the thread state.
        let _ = attached(|py| {
            let begin = || py.import("millpond._threads").and_then(|module| module.call_method1("begin", (name,)));
            if let Err(error) = staying(begin) {
                error.write_unraisable(py, None);
            }
            py.detach(|| {
                while let Some(job) = self.next() {
                    let _ = attached(move |_| {
                        job.help();
                        drop(job);
                    });
                }
                if is_leaving() {
                    // To attach again would be to come back into an interpreter that is being taken apart.
                    loop {
                        std::thread::park();
                    }
                }
            });
            let end = || py.import("millpond._threads").and_then(|module| module.call_method0("end"));
            if !is_leaving()
                && let Err(error) = staying(end)
            {
                error.write_unraisable(py, None);
            }
        });
        // Subtle: only now, when the thread has nothing of Python's any more. The end of the program waits for that, and then takes apart
        // what the thread would attach to.
        self.lock().threads -= 1;
        self.changed.notify_all();
    }

    /// Takes no more jobs; threads end when they have done those that there are.
    fn close(&self) {
        self.lock().is_closed = true;
        self.wake();
    }
}

impl Threads {
    /// At most `most` threads, called `name` and a number, with stacks of `stack_bytes`.
    pub(crate) fn new(name: &str, most: usize, stack_bytes: usize, dispatch: Option<Dispatch>) -> Self {
        let crew = Arc::new(Crew {
            name: name.to_owned(),
            stack_bytes,
            process: std::process::id(),
            most: AtomicUsize::new(most),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|crew| crew.strong_count() > 0);
        all.push(Arc::downgrade(&crew));
        Self { crew, dispatch }
    }

    /// From now on at most `most` threads; those that are there stay.
    pub(crate) fn set_most(&self, most: usize) {
        self.crew.most.store(most, Ordering::Relaxed);
        if let Some(dispatch) = &self.dispatch {
            dispatch.resize(most);
        }
    }

    /// Takes no more jobs. Threads do those that there are, and end.
    pub(crate) fn close(&self) {
        if self.is_of_this_process() {
            self.crew.close();
        }
    }

    /// Whether this process started the threads, and is no forked child.
    pub(crate) fn is_of_this_process(&self) -> bool {
        self.crew.process == std::process::id()
    }

    fn start(&self, number: usize) -> std::io::Result<()> {
        let crew = Arc::clone(&self.crew);
        let name = format!("{}-{number}", crew.name);
        let work = {
            let name = name.clone();
            move || crew.work(&name)
        };
        std::thread::Builder::new().name(name).stack_size(self.crew.stack_bytes).spawn(work).map(drop)
    }

    /// Lends a thread to the job for certain, or says why none will come. Never waits for one.
    pub(crate) fn lend_surely(&self, job: &Arc<dyn Help>) -> Result<(), NoThread> {
        let mut state = self.crew.lock();
        let most = self.threads();
        if state.is_closed || is_leaving() {
            return Err(NoThread::Closed);
        }
        if most == 0 && (state.threads == 0 || self.dispatch.is_some()) {
            return Err(NoThread::Serial);
        }
        if let Some(dispatch) = &self.dispatch {
            drop(state);
            dispatch.lend(Arc::new(Guest { crew: Arc::clone(&self.crew), job: Mutex::new(Some(Arc::clone(job))) }));
            return Ok(());
        }
        state.jobs.push_back(Arc::clone(job));
        let missing = state.missing(most);
        drop(state);
        self.crew.wake();
        for number in missing {
            let Err(error) = self.start(number) else { continue };
            let mut state = self.crew.lock();
            state.threads -= 1;
            if state.threads == 0 && state.take_back(job) {
                return Err(NoThread::NotStarted(error));
            }
        }
        Ok(())
    }
}

impl State {
    /// The numbers of the threads to start for the jobs that nobody is idle for; they count as started.
    fn missing(&mut self, most: usize) -> std::ops::RangeInclusive<usize> {
        let wanted = self.jobs.len().saturating_sub(self.idle).min(most.saturating_sub(self.threads));
        let first = self.started + 1;
        self.threads += wanted;
        self.started += wanted;
        first..=self.started
    }

    /// Whether the job was waiting for a thread, which is no longer so.
    fn take_back(&mut self, job: &Arc<dyn Help>) -> bool {
        let position = self.jobs.iter().rposition(|waiting| Arc::ptr_eq(waiting, job));
        position.and_then(|position| self.jobs.remove(position)).is_some()
    }
}

impl Workers for Threads {
    fn lend(&self, count: usize, job: Arc<dyn Help>) {
        let mut state = self.crew.lock();
        if state.is_closed || is_leaving() {
            return;
        }
        if let Some(dispatch) = &self.dispatch {
            drop(state);
            for _ in 0..count {
                dispatch
                    .lend(Arc::new(Guest { crew: Arc::clone(&self.crew), job: Mutex::new(Some(Arc::clone(&job))) }));
            }
            return;
        }
        for _ in 0..count {
            state.jobs.push_back(Arc::clone(&job));
        }
        let missing = state.missing(self.threads());
        drop(state);
        self.crew.wake();
        for number in missing {
            if self.start(number).is_err() {
                // A hint is all that this is: the callers work.
                self.crew.lock().threads -= 1;
            }
        }
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        // A borrowed body cannot be lent to threads that outlive this call, so the caller does it all.
        (0..count).for_each(body);
    }

    fn avoid(&self, processor: usize) {
        if let Some(dispatch) = &self.dispatch {
            dispatch.avoid(processor);
        }
    }

    fn threads(&self) -> usize {
        self.crew.most.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").field("name", &self.crew.name).field("most", &self.threads()).finish()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.close();
    }
}

/// Lets the threads of all pools end, and waits for them until `deadline`: those that are in a function of the user's may not come.
/// Says how many did not.
///
/// # Blocking
/// Until they have ended or the deadline.
pub(crate) fn end_all(deadline: Instant) -> usize {
    let all: Vec<Arc<Crew>> =
        ALL.lock().unwrap_or_else(PoisonError::into_inner).drain(..).filter_map(|crew| crew.upgrade()).collect();
    let all: Vec<_> = all.into_iter().filter(|crew| crew.process == std::process::id()).collect();
    for crew in &all {
        crew.close();
    }
    let mut left_behind = 0;
    for crew in &all {
        let mut state = crew.lock();
        while state.threads > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                break;
            }
            (state, _) = crew.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
        left_behind += state.threads;
    }
    left_behind
}
