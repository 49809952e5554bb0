//! An iteration over a reader: the items, then a failure once, and then the end.
//!
//! Each `for` is an iteration of its own, so one over a reader that has failed says so again. They share the reader's items.

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::reader::PoolReader;
use crate::reading::Ahead;

/// What `iter(reader)` gives.
#[pyclass(frozen, module = "millpond._native", name = "_Iteration")]
pub(crate) struct Iteration {
    reader: Py<PoolReader>,
    is_over: AtomicBool,
    /// What has workers work ahead where a greenlet iterates.
    ahead: OnceLock<Py<Ahead>>,
}

impl Iteration {
    pub(crate) fn over(reader: Py<PoolReader>) -> Self {
        Self { reader, is_over: AtomicBool::new(false), ahead: OnceLock::new() }
    }
}

#[pymethods]
impl Iteration {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        PoolReader::advance(self.reader.bind(py), &self.is_over, Some(&self.ahead))
    }

    fn __length_hint__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.reader.get().left(py)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.reader)
    }
}
