//! The threads of a pool, as Python knows them.
//!
//! They are the facade's threads, which come when there is work and go back when there is none. What is added: a thread is attached
//! to the interpreter once for as long as it is lent, so that its Python thread state lasts from chunk to chunk and attaching
//! again for each costs little; `threading` knows it by the pool's number and its own; and there are as many threads as the pool's size asks for, whenever that changes.
//!
//! A thread that comes when the interpreter is on its way out does nothing.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use millpond::workers::{Help, RayonWorkers, Workers};
use pyo3::intern;
use pyo3::prelude::*;

/// The threads of one pool, for whoever has work for them: the engine, an executor, a graph of values.
pub(crate) struct Threads {
    /// Counted from 1 in this process.
    number: usize,
    current: Mutex<Arc<RayonWorkers>>,
}

impl Threads {
    /// Threads for a pool of `size` workers, which are started when they are needed.
    pub(crate) fn new(size: usize) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { number, current: Mutex::new(Arc::new(RayonWorkers::new(size.max(1)))) }
    }

    /// Makes `threading` call the current thread, which was lent, by the pool's number and its own: `millpond-2-0`.
    pub(crate) fn name_current(&self, py: Python<'_>) -> PyResult<()> {
        let current = std::thread::current();
        let number = current.name().and_then(|name| name.rsplit('-').next()).unwrap_or_default();
        let thread = py.import(intern!(py, "threading"))?.call_method0(intern!(py, "current_thread"))?;
        thread.setattr(intern!(py, "name"), format!("millpond-{}-{number}", self.number))
    }

    /// As many threads as a pool of `size` workers has. Those that are lent beyond it finish what they are at.
    pub(crate) fn resize(&self, size: usize) {
        let before = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            if current.threads() == size.max(1) {
                return;
            }
            std::mem::replace(&mut *current, Arc::new(RayonWorkers::new(size.max(1))))
        };
        drop(before);
    }

    fn current(&self) -> Arc<RayonWorkers> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Workers for Threads {
    fn lend(&self, count: usize, job: Arc<dyn Help>) {
        self.current().lend(count, Arc::new(WithThreadState(job)));
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        self.current().apply(count, body);
    }

    fn avoid(&self, processor: usize) {
        self.current().avoid(processor);
    }

    fn threads(&self) -> usize {
        self.current().threads()
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current().fmt(f)
    }
}

/// A job whose thread keeps one Python thread state until it is done.
struct WithThreadState(Arc<dyn Help>);

impl Help for WithThreadState {
    fn help(&self) {
        // `None` where the interpreter is going away: then there is nothing to help with any more.
        let _ = Python::try_attach(|py| py.detach(|| self.0.help()));
    }
}
