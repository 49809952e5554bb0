//! The pool.

use pyo3::prelude::*;

use crate::object::Object;
use crate::reader::PoolReader;

/// What executes tasks.
#[pyclass(frozen, subclass, module = "millpond._native")]
pub(crate) struct Pool {
    pool: millpond::Pool,
}

#[pymethods]
impl Pool {
    #[new]
    #[pyo3(signature = (size=None))]
    fn new(size: Option<usize>) -> Self {
        let pool = match size {
            None => millpond::Pool::default(),
            Some(size) => millpond::Pool::new(size),
        };
        Self { pool }
    }

    /// How many work at once; 0 is serial mode.
    #[getter]
    fn size(&self) -> usize {
        self.pool.size()
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
