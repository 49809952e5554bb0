//! The pool.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use pyo3::prelude::*;
use pyo3::types::IntoPyDict;

use crate::crew::Calls;
use crate::dispatch::Dispatch;
use crate::errors::{LibdispatchMissingError, pool_closed};
use crate::interpreter::{call, staying};
use crate::object::Object;
use crate::simulation::{Simulation, told};
use crate::threads::{Threads, stack_of_python};

/// What a pool's readers share with it.
pub(crate) struct Engine {
    pub(crate) pool: millpond::Pool,
}

/// What executes tasks: the Python class `millpond.Pool` is made of it.
#[pyclass(frozen, subclass, weakref, module = "millpond._native", name = "Pool")]
pub(crate) struct Pool {
    name: String,
    /// Until it is closed.
    engine: Mutex<Option<Arc<Engine>>>,
    threads: Arc<Threads>,
    /// The calls of its executors, which a larger size brings more threads.
    crews: Mutex<Vec<Weak<Calls>>>,
    /// The seed, for a pool whose helpers are simulated.
    simulated_from: Option<u64>,
}

impl Pool {
    /// The pool at work.
    pub(crate) fn engine(&self) -> PyResult<Arc<Engine>> {
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        engine
            .as_ref()
            .map(Arc::clone)
            .ok_or_else(|| pool_closed(format!("pool `{}` was closed; make another one, or close it later", self.name)))
    }

    /// The threads, for work that is not a stream.
    pub(crate) fn threads(&self) -> &Arc<Threads> {
        &self.threads
    }

    /// How many of the threads may help with work that is not a stream. A simulated pool has none, and a forked child neither.
    pub(crate) fn helpers(&self) -> PyResult<usize> {
        let size = self.engine()?.pool.size();
        Ok(if self.simulated_from.is_some() || !self.threads.is_of_this_process() { 0 } else { size.saturating_sub(1) })
    }

    /// Has a larger size bring `calls` more threads.
    pub(crate) fn enlist(&self, calls: &Arc<Calls>) {
        let mut crews = self.crews.lock().unwrap_or_else(PoisonError::into_inner);
        crews.retain(|calls| calls.strong_count() > 0);
        crews.push(Arc::downgrade(calls));
    }

    fn take(&self) -> Option<Arc<Engine>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl Pool {
    #[new]
    #[pyo3(signature = (size, name, on_libdispatch = false, simulation = None))]
    fn new(
        py: Python<'_>,
        size: usize,
        name: String,
        on_libdispatch: bool,
        simulation: Option<&Simulation>,
    ) -> PyResult<Self> {
        let stack_bytes = stack_of_python(py)?;
        if let Some(simulation) = simulation {
            let threads = Arc::new(Threads::new(&name, 0, stack_bytes, None));
            threads.close();
            let pool = millpond::Pool::simulated_with(simulation.options());
            let seed = millpond::simulation::current().map_or(0, |run| run.seed());
            return Ok(Self {
                name,
                engine: Mutex::new(Some(Arc::new(Engine { pool }))),
                threads,
                crews: Mutex::default(),
                simulated_from: Some(seed),
            });
        }
        let dispatch = on_libdispatch.then(|| Dispatch::new(size)).transpose();
        let dispatch = dispatch.map_err(|missing| LibdispatchMissingError::new_err(missing.to_string()))?;
        let threads = Arc::new(Threads::new(&name, size, stack_bytes, dispatch));
        let pool = millpond::Pool::with_workers(size, Arc::clone(&threads) as Arc<dyn millpond::workers::Workers>);
        Ok(Self {
            name,
            engine: Mutex::new(Some(Arc::new(Engine { pool }))),
            threads,
            crews: Mutex::default(),
            simulated_from: None,
        })
    }

    /// What the pool and its threads are called.
    #[getter]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many work at once, the reading thread counted; 0 is serial mode. May be set at any time.
    #[getter]
    fn size(&self) -> PyResult<usize> {
        Ok(self.engine()?.pool.size())
    }

    #[setter]
    fn set_size(&self, size: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = size.py();
        let check = py.import("millpond._options")?.getattr("integer")?;
        let least = [("least", 0)].into_py_dict(py)?;
        let size: usize = call(&check, &(size, "size").into_pyobject(py)?, Some(&least))?.extract()?;
        let engine = self.engine()?;
        self.threads.set_most(size);
        told(|| {
            engine.pool.set_size(size);
            Ok(())
        })?;
        let crews = self.crews.lock().unwrap_or_else(PoisonError::into_inner).clone();
        crews.iter().filter_map(Weak::upgrade).for_each(|calls| calls.ask());
        Ok(())
    }

    /// The seed that its simulation is drawn from; `None` when it is not simulated.
    #[getter]
    fn simulated_from(&self) -> Option<u64> {
        self.simulated_from
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// How many tasks there are.
    #[getter]
    fn task_count(&self) -> PyResult<usize> {
        Ok(self.engine()?.pool.task_count())
    }

    /// How often a thread was asked for.
    #[getter]
    fn wakes(&self) -> PyResult<u64> {
        Ok(self.engine()?.pool.wakes())
    }

    /// Ends all that is going on at the next item; readers raise `PoolClosedError` from then on. Does not wait for functions that run.
    fn close(&self) -> PyResult<()> {
        self.threads.close();
        staying(|| {
            told(|| {
                drop(self.take());
                Ok(())
            })
        })
    }
}

/// A task's reader in the engine.
pub(crate) type Reader = millpond::PoolReader<Object>;
