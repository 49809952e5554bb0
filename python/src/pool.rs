//! The pool.

use std::sync::Arc;

use millpond::workers::Workers;
use pyo3::prelude::*;

use crate::object::Object;
use crate::reader::PoolReader;
use crate::threads::Threads;

/// What executes tasks.
#[pyclass(frozen, subclass, module = "millpond._native")]
pub(crate) struct Pool {
    pool: millpond::Pool,
    threads: Arc<Threads>,
}

impl Pool {
    /// The threads that the pool's workers are, for work that is not a stream.
    pub(crate) fn threads(&self) -> &Arc<Threads> {
        &self.threads
    }
}

#[pymethods]
impl Pool {
    #[new]
    #[pyo3(signature = (size=None))]
    fn new(size: Option<usize>) -> Self {
        let size = size.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let threads = Arc::new(Threads::new(size));
        Self { pool: millpond::Pool::with_workers(size, Arc::clone(&threads) as Arc<dyn Workers>), threads }
    }

    /// How many work at once; 0 is serial mode.
    #[getter]
    pub(crate) fn size(&self) -> usize {
        self.pool.size()
    }

    /// Another size, at any time.
    fn set_size(&self, py: Python<'_>, size: usize) {
        py.detach(|| {
            self.threads.resize(size);
            self.pool.set_size(size);
        });
    }

    /// The items of an iterable.
    fn source(&self, items: &Bound<'_, PyAny>) -> PyResult<PoolReader> {
        let mut items = Some(items.try_iter()?.unbind());
        let next = move || {
            Python::try_attach(|py| {
                let next = items.as_ref()?.bind(py).clone().next();
                if next.is_none() {
                    items = None;
                }
                next.and_then(Result::ok).map(|item| Object(item.unbind()))
            })
            .flatten()
        };
        Ok(PoolReader::new(self.pool.generate(next)))
    }
}
