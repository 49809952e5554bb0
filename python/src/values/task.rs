//! Functions that values are made by.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::arguments::Call;
use super::value::Value;
use crate::interpreter::call;
use crate::place::never_an_end;

/// So many first calls are timed, and every so manieth after them: looking at the clock costs as much as a quick function.
const FIRST_TIMED: u32 = 4;
const TIMED_EACH: u32 = 32;

/// A function: calling this gives a [`Value`] instead of calling it. The Python class `millpond.ValueTask` is made of it.
///
/// Subtle: it has no dictionary of its own, which that class adds. CPython 3.11 makes the dictionary of such an object while it makes the object; that may
/// have the collector visit this, whose fields are not there yet.
#[pyclass(frozen, subclass, generic, module = "millpond._native")]
pub(crate) struct ValueTask {
    pool: Py<PyAny>,
    function: Py<PyAny>,
    name: Py<PyString>,
    /// How often it has been called.
    calls: AtomicU32,
    /// What a call takes, by those that were timed; 0 while that is not known.
    nanos: AtomicU64,
}

impl ValueTask {
    pub(super) fn pool(&self) -> &Py<PyAny> {
        &self.pool
    }

    pub(super) fn name(&self, py: Python<'_>) -> String {
        self.name.bind(py).to_string_lossy().into_owned()
    }

    /// What a call takes, if that is known.
    pub(super) fn pace(&self) -> Option<Duration> {
        let nanos = self.nanos.load(Ordering::Relaxed);
        (nanos > 0).then(|| Duration::from_nanos(nanos))
    }

    pub(super) fn call<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        let calls = self.calls.load(Ordering::Relaxed);
        self.calls.store(calls.wrapping_add(1), Ordering::Relaxed);
        let started = (calls < FIRST_TIMED || calls.is_multiple_of(TIMED_EACH)).then(Instant::now);
        let value = call(self.function.bind(py), arguments, keywords).map(Bound::unbind);
        if let Some(started) = started {
            let took = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1);
            let before = self.nanos.load(Ordering::Relaxed);
            // A quarter of it is news, so that one call that was held up does not look like a slow function for long.
            let now = if before == 0 { took } else { before - before / 4 + took / 4 };
            self.nanos.store(now.max(1), Ordering::Relaxed);
        }
        value.map_err(|error| never_an_end(py, error, &self.name(py)))
    }
}

#[pymethods]
impl ValueTask {
    #[new]
    fn new(pool: Py<PyAny>, function: Py<PyAny>, name: Py<PyString>) -> Self {
        Self { pool, function, name, calls: AtomicU32::new(0), nanos: AtomicU64::new(0) }
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn __call__(
        slf: &Bound<'_, Self>,
        arguments: Bound<'_, PyTuple>,
        keywords: Option<Bound<'_, PyDict>>,
    ) -> PyResult<Py<Value>> {
        let call = Call { arguments: arguments.unbind(), keywords: keywords.map(Bound::unbind) };
        call.check(slf.py(), slf.get().name.bind(slf.py()))?;
        Value::make(slf, call)
    }

    /// What it is called in errors.
    #[getter(name)]
    fn task_name(&self, py: Python<'_>) -> Py<PyString> {
        self.name.clone_ref(py)
    }

    /// The function itself.
    #[getter]
    fn function(&self, py: Python<'_>) -> Py<PyAny> {
        self.function.clone_ref(py)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("<ValueTask `{}`>", self.name(py))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.pool)?;
        visit.call(&self.function)
    }
}
