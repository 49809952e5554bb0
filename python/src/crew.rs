//! Calls of Python functions on a pool's threads, in the order in which they were asked for.
//!
//! What an executor stands on. Threads take calls from one queue as long as there are any; a call that is added while fewer
//! threads than the pool's size are at it asks for one more. Whether a thread is at it and whether the queue is empty are said
//! under one lock, so no call is left behind by a thread that is just leaving. A thread is asked for under that lock too: a call
//! is in the queue only while a thread is at it or is certain to come. The calls say themselves what becomes of their results.
//!
//! When the pool becomes smaller, threads leave after the call that they are in until so many are left as there may be, one at least.
//! When it becomes larger, more are asked for at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millpond::workers::{Help, Workers as _};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::errors::pool_closed;
use crate::interpreter::{attached, call, detached};
use crate::pool::Pool;
use crate::threads::{NoThread, Threads};

/// Calls functions on the threads of a pool, as many at once as the pool has workers.
#[pyclass(frozen, module = "millpond._native")]
pub(crate) struct Crew {
    pool: Py<Pool>,
    calls: Arc<Calls>,
}

/// See the [module documentation](self).
pub(crate) struct Calls {
    threads: Arc<Threads>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Py<PyAny>>,
    /// Threads that are at it or are certain to come.
    threads: usize,
}

impl Calls {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next call; `None` when the thread is to leave.
    fn next(self: &Arc<Self>) -> Option<Py<PyAny>> {
        let mut queue = self.queue();
        let next = if queue.threads > self.threads.threads().max(1) { None } else { queue.waiting.pop_front() };
        if next.is_none() {
            queue.threads -= 1;
        }
        next
    }

    /// Asks for as many threads as there are calls for, now that there may be more.
    pub(crate) fn ask(self: &Arc<Self>) {
        let mut queue = self.queue();
        let job: Arc<dyn Help> = Arc::new(Helper(Arc::clone(self)));
        let missing = self.threads.threads().saturating_sub(queue.threads).min(queue.waiting.len());
        for _ in 0..missing {
            // Where none comes, those that are there do the calls.
            queue.threads += usize::from(self.threads.lend_surely(&job).is_ok());
        }
    }

    /// Adds a call, and a thread for it where there may be another; whether one is there for it.
    fn add(self: &Arc<Self>, call: Py<PyAny>) -> Result<(), (Py<PyAny>, NoThread)> {
        let mut queue = self.queue();
        if queue.threads < self.threads.threads().max(1) {
            let job: Arc<dyn Help> = Arc::new(Helper(Arc::clone(self)));
            match self.threads.lend_surely(&job) {
                Ok(()) => queue.threads += 1,
                Err(none) if queue.threads == 0 => return Err((call, none)),
                // Those that are at it take it.
                Err(_) => {}
            }
        }
        queue.waiting.push_back(call);
        Ok(())
    }
}

/// What a thread of the pool does for an executor.
struct Helper(Arc<Calls>);

impl Help for Helper {
    fn help(&self) {
        let _ = attached(|py| {
            let nothing = PyTuple::empty(py);
            while let Some(function) = self.0.next() {
                if let Err(error) = call(function.bind(py), &nothing, None) {
                    error.write_unraisable(py, Some(function.bind(py)));
                }
            }
        });
    }
}

#[pymethods]
impl Crew {
    #[new]
    fn new(pool: &Bound<'_, Pool>) -> Self {
        let threads = Arc::clone(pool.get().threads());
        let calls = Arc::new(Calls { threads, queue: Mutex::default() });
        pool.get().enlist(&calls);
        Self { pool: pool.clone().unbind(), calls }
    }

    /// Has a thread call `function`, which must not raise. Whether one will; none does in a pool of size 0. Never waits.
    fn call(&self, py: Python<'_>, function: Py<PyAny>) -> PyResult<bool> {
        if self.pool.get().engine()?.pool.size() == 0 {
            return Ok(false);
        }
        let mut function = Some(function);
        let mut added = Ok(());
        detached(py, &mut || {
            if let Some(function) = function.take() {
                added = self.calls.add(function);
            }
        });
        match added {
            Ok(()) => Ok(true),
            Err((_, NoThread::Serial)) => Ok(false),
            Err((_, NoThread::Closed)) => {
                let message = format!("submitting to an executor whose pool `{}` was closed", self.pool.get().name());
                Err(pool_closed(message))
            }
            Err((_, NoThread::NotStarted(error))) => {
                Err(PyRuntimeError::new_err(format!("submitting to an executor that can start no thread: {error}")))
            }
        }
    }

    /// Takes back the calls that no thread has begun, and returns them.
    fn take_back(&self) -> Vec<Py<PyAny>> {
        self.calls.queue().waiting.drain(..).collect()
    }
}
