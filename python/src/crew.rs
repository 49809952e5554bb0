//! Calls of Python functions on a pool's threads, in the order in which they were asked for.
//!
//! What an executor stands on. Threads take calls from one queue as long as there are any; a call that is added while fewer
//! threads than the pool's size are at it asks for one more. Whether a thread is at it and whether the queue is empty are said
//! under one lock, so no call is left behind by a thread that is just leaving. The calls say themselves what becomes of their results.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millpond::workers::{Help, Workers};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::pool::Pool;
use crate::threads::Threads;

/// Calls functions on the threads of a pool, as many at once as the pool has workers.
#[pyclass(frozen, module = "millpond._native")]
pub(crate) struct Crew {
    pool: Py<Pool>,
    calls: Arc<Calls>,
}

struct Calls {
    threads: Arc<Threads>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Py<PyAny>>,
    /// Threads that are at it or on their way.
    threads: usize,
}

impl Calls {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Py<PyAny>> {
        let mut queue = self.queue();
        let next = queue.waiting.pop_front();
        if next.is_none() {
            queue.threads -= 1;
        }
        next
    }
}

impl Help for Calls {
    fn help(&self) {
        let _ = Python::try_attach(|py| {
            while let Some(call) = self.next() {
                if let Err(error) = call.call0(py) {
                    error.write_unraisable(py, Some(call.bind(py)));
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
        Self { pool: pool.clone().unbind(), calls: Arc::new(Calls { threads, queue: Mutex::default() }) }
    }

    /// Has a thread call `function`, which must not raise. Never waits.
    fn call(&self, py: Python<'_>, function: Py<PyAny>) -> PyResult<()> {
        let size = self.pool.get().workers();
        if size == 0 {
            return Err(PyRuntimeError::new_err(
                "calling a function on a thread of a pool of size `0`, which has none",
            ));
        }
        let asks = {
            let mut queue = self.calls.queue();
            queue.waiting.push_back(function);
            let asks = queue.threads < size;
            queue.threads += usize::from(asks);
            asks
        };
        if asks {
            py.detach(|| self.calls.threads.lend(1, Arc::clone(&self.calls) as Arc<dyn Help>));
        }
        Ok(())
    }

    /// Takes back the calls that no thread has begun, and returns them.
    fn take_back(&self) -> Vec<Py<PyAny>> {
        self.calls.queue().waiting.drain(..).collect()
    }
}
