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

use crate::dispatch::Dispatch;
use crate::interpreter::{attached, is_leaving, staying};

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

/// What the threads of a pool share.
struct Crew {
    name: String,
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
}

impl Crew {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic is done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` when the thread is to end.
    fn next(&self) -> Option<Arc<dyn Help>> {
        let mut state = self.lock();
        state.idle += 1;
        self.changed.notify_all();
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
        state.threads -= 1;
        self.changed.notify_all();
        None
    }

    /// A thread's life.
    fn work(&self, name: &str) {
        // Before it attaches, so that nothing of Python waits for it.
        wake_on_time();
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
            });
            let end = || py.import("millpond._threads").and_then(|module| module.call_method0("end"));
            if !is_leaving()
                && let Err(error) = staying(end)
            {
                error.write_unraisable(py, None);
            }
        });
    }

    /// Takes no more jobs; threads end when they have done those that there are.
    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }
}

impl Threads {
    /// At most `most` threads, called `name` and a number.
    pub(crate) fn new(name: &str, most: usize, dispatch: Option<Dispatch>) -> Self {
        let crew = Arc::new(Crew {
            name: name.to_owned(),
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
        std::thread::Builder::new().name(name).spawn(work).map(drop)
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
        let mut missing = state.jobs.len().saturating_sub(state.idle);
        let most = self.crew.most.load(Ordering::Relaxed);
        let mut numbers = Vec::new();
        while missing > 0 && state.threads < most {
            state.threads += 1;
            state.started += 1;
            missing -= 1;
            numbers.push(state.started);
        }
        drop(state);
        self.crew.changed.notify_all();
        for number in numbers {
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
