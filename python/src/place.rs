//! Which task something belongs to, and what its function raised.
//!
//! An exception refers to the frames that it came through and to those that called them, one of which may be that of the read; and there the
//! reader is a variable. So a reader that nobody has any more may be kept by what its own task raised. The engine has the
//! exception, where the garbage collector cannot see it; so the task's place knows it too, and shows it to the collector.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use pyo3::exceptions::{PyBaseException, PyRuntimeError, PyStopAsyncIteration, PyStopIteration};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTraceback;

/// A task's name and the line that added it.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    /// What its function raised and the engine has.
    failures: Mutex<Vec<Weak<Failure>>>,
}

/// An exception, for as long as the engine has it.
struct Failure {
    exception: Py<PyBaseException>,
    /// As the function left it: each time that it is raised Python adds the frames that it comes through.
    traceback: Option<Py<PyTraceback>>,
}

impl Place {
    pub(crate) fn new(name: String, file: String, line: u32) -> Arc<Self> {
        Arc::new(Self { name, file, line, failures: Mutex::default() })
    }

    /// Shows the garbage collector what the function raised.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Free: attached threads alone hold it, and never over a point where the collector may come in.
        let Ok(failures) = self.failures.try_lock() else { return Ok(()) };
        failures.iter().filter_map(Weak::upgrade).try_for_each(|failure| {
            visit.call(&failure.exception)?;
            visit.call(&failure.traceback)
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task `{}`, added at {}:{}", self.name, self.file, self.line)
    }
}

/// An exception that the function of a task raised, on its way through the engine.
pub(crate) struct Raised {
    failure: Arc<Failure>,
    pub(crate) place: Arc<Place>,
    /// Whether somebody has been given it: it is told where it comes from once.
    is_told: AtomicBool,
}

/// What counts as raised where the function of the task `name` raised `error`.
///
/// Python takes a `StopIteration` for the end of the innermost iteration that it passes. A function that raises one
/// has failed, so it becomes the cause of a `RuntimeError`, as in a generator.
pub(crate) fn never_an_end(py: Python<'_>, error: PyErr, name: &str) -> PyErr {
    if !error.is_instance_of::<PyStopIteration>(py) && !error.is_instance_of::<PyStopAsyncIteration>(py) {
        return error;
    }
    let raised = error.get_type(py).name().map_or_else(|_| "StopIteration".to_owned(), |name| name.to_string());
    let failure = PyRuntimeError::new_err(format!("the function of task `{name}` raised {raised}"));
    failure.set_cause(py, Some(error));
    failure
}

impl Raised {
    pub(crate) fn new(error: PyErr, place: &Arc<Place>) -> Self {
        let failure = Python::attach(|py| {
            let error = never_an_end(py, error, &place.name);
            let traceback = error.traceback(py).map(Bound::unbind);
            let failure = Arc::new(Failure { exception: error.into_value(py), traceback });
            let mut failures = place.failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.retain(|failure| failure.strong_count() > 0);
            failures.push(Arc::downgrade(&failure));
            failure
        });
        Self { failure, place: Arc::clone(place), is_told: AtomicBool::new(false) }
    }

    /// The exception.
    pub(crate) fn error(&self, py: Python<'_>) -> PyErr {
        PyErr::from_value(self.failure.exception.bind(py).clone().into_any())
    }

    /// The exception, to be raised: with the function's frames in its traceback, and without those of readers that raised it before.
    pub(crate) fn raise(&self, py: Python<'_>) -> PyErr {
        let exception = self.failure.exception.bind(py);
        // Also of a class that does not let it be set, the exception is what counts.
        let _ = exception.setattr(intern!(py, "__traceback__"), self.failure.traceback.as_ref());
        self.error(py)
    }

    /// Boxed, as the engine wants it.
    pub(crate) fn boxed(error: PyErr, place: &Arc<Place>) -> millpond::BoxError {
        Box::new(Self::new(error, place))
    }

    /// Whether this is the first time that it is asked.
    pub(crate) fn tell(&self) -> bool {
        !self.is_told.swap(true, Ordering::Relaxed)
    }
}

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raised").field("place", &format_args!("{}", self.place)).finish_non_exhaustive()
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Python::attach(|py| self.error(py).fmt(f))
    }
}

impl Error for Raised {}
