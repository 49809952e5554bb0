//! When a call that failed is made again: the engine's `Retry`, and the classes of exceptions that it is for.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use millpond::{Retry, Waits};
use pyo3::exceptions::PyBaseException;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::interpreter::staying;
use crate::reader::duration;

/// How often, the first wait, whether it doubles, the longest wait, jitter, a tuple of exception classes.
pub(crate) type Retries = (u32, f64, bool, Option<f64>, f64, Option<Py<PyAny>>);

/// A task's policy.
pub(crate) struct Retrying {
    retry: Retry,
    /// The classes of the exceptions that it is for; all where there is none.
    classes: Option<Py<PyAny>>,
}

impl Retrying {
    pub(crate) fn new((times, wait, doubles, max_wait, jitter, classes): Retries) -> Self {
        let retry = Retry::times(times).wait(duration(Some(wait)).unwrap_or(Duration::MAX)).jitter(jitter);
        let retry = if doubles { retry.doubling() } else { retry };
        let retry = duration(max_wait).map_or(retry, |max_wait| retry.max_wait(max_wait));
        Self { retry, classes }
    }

    /// Whether no call is ever made again.
    pub(crate) fn is_never(&self) -> bool {
        self.retry.waits().next().is_none()
    }

    pub(crate) fn waits(&self) -> Waits {
        self.retry.waits()
    }

    /// The wait before the call is made again that raised `error`, of one item's `waits`; `None` where
    /// it is final.
    ///
    /// # Errors
    /// What asking for the exception's class raised.
    pub(crate) fn next(
        &self,
        py: Python<'_>,
        error: &Bound<'_, PyBaseException>,
        waits: &mut Waits,
    ) -> PyResult<Option<Duration>> {
        let is_worth = match &self.classes {
            None => true,
            Some(classes) => staying(|| error.is_instance(classes.bind(py)))?,
        };
        Ok(if is_worth { waits.next() } else { None })
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.classes)
    }
}

/// The waits of one call's repetitions, for what is called from Python.
#[pyclass(frozen, module = "millpond._native", name = "_Waits")]
pub(crate) struct CallWaits {
    retrying: Retrying,
    waits: Mutex<Waits>,
}

#[pymethods]
impl CallWaits {
    #[new]
    fn new(retries: Retries) -> Self {
        let retrying = Retrying::new(retries);
        let waits = Mutex::new(retrying.waits());
        Self { retrying, waits }
    }

    /// Seconds before the call that raised `error` is made again; `None` where the error is final.
    fn next(&self, py: Python<'_>, error: &Bound<'_, PyBaseException>) -> PyResult<Option<f64>> {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let wait = self.retrying.next(py, error, &mut waits)?;
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = waits;
        Ok(wait.map(|wait| wait.as_secs_f64()))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.retrying.traverse(&visit)
    }
}
