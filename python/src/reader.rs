//! The reader of a task's output.

use std::sync::Mutex;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::object::Object;

/// The reader of a task's output: reading from it pulls.
#[pyclass(frozen, subclass, module = "millpond._native")]
pub(crate) struct PoolReader {
    reader: Mutex<Option<millpond::PoolReader<Object>>>,
}

impl PoolReader {
    pub(crate) fn new(reader: millpond::PoolReader<Object>) -> Self {
        Self { reader: Mutex::new(Some(reader)) }
    }
}

#[pymethods]
impl PoolReader {
    /// One item in, one out.
    fn map(&self, py: Python<'_>, function: Py<PyAny>) -> PyResult<Self> {
        let reader = py.detach(|| self.reader.lock().ok().and_then(|mut reader| reader.take()));
        let reader = reader.ok_or_else(|| PyRuntimeError::new_err("the reader went into another task"))?;
        Ok(Self::new(reader.try_map(move |item| Python::attach(|py| function.call1(py, (item.0,)).map(Object)))))
    }

    /// Reads `count` items, fewer only at the end; 0 for all.
    #[pyo3(signature = (count=0))]
    fn read(&self, py: Python<'_>, count: usize) -> PyResult<Vec<Py<PyAny>>> {
        let items = py.detach(|| match self.reader.lock() {
            Ok(mut reader) => reader.as_mut().map(|reader| reader.read(count)),
            Err(_) => None,
        });
        items
            .ok_or_else(|| PyRuntimeError::new_err("the reader went into another task"))?
            .map(|items| items.into_iter().map(|item| item.0).collect())
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }
}
