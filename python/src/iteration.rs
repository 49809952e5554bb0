//! An iteration over a reader: the items, then a failure once, and then the end.
//!
//! Each `for` is an iteration of its own, so one over a reader that has failed says so again. They share the reader's items.

use std::sync::atomic::AtomicBool;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::reader::PoolReader;

/// What `iter(reader)` gives.
#[pyclass(frozen, module = "millpond._native", name = "_Iteration")]
pub(crate) struct Iteration {
    reader: Py<PoolReader>,
    is_over: AtomicBool,
}

impl Iteration {
    pub(crate) fn over(reader: Py<PoolReader>) -> Self {
        Self { reader, is_over: AtomicBool::new(false) }
    }
}

#[pymethods]
impl Iteration {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.reader.get().advance(py, &self.is_over)
    }

    fn __length_hint__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.reader.get().left(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reader)
    }
}
