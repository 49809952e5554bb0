//! Who answers to Python's garbage collector for the functions that the engine holds.
//!
//! A function belongs to the engine, where the collector cannot see it; but it may refer, by way of a closure, to the very reader
//! that keeps it alive. So each task has one keeper, a Python object that the readers downstream refer to, and which shows
//! the collector the references that the engine has. When the readers are garbage the collector clears them, which lets go of the
//! tasks and their functions.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::function::Held;

/// See the [module documentation](self).
#[pyclass(frozen, module = "millpond._native", name = "_Keeper")]
pub(crate) struct Keeper {
    held: Arc<dyn Held>,
}

impl Keeper {
    pub(crate) fn new(py: Python<'_>, held: Arc<dyn Held>) -> PyResult<Py<Self>> {
        Py::new(py, Self { held })
    }
}

impl Keeper {
    /// What runs the task's coroutines, if they are such.
    pub(crate) fn runner(&self) -> Option<&Py<PyAny>> {
        self.held.runner()
    }
}

#[pymethods]
impl Keeper {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.held.traverse(&visit)
    }
}
