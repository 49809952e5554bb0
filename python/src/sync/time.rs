//! How long somebody is ready to wait.

use std::time::Duration;

use millpond::sync::Deadline;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyFloat;

/// How long a call waits at the most.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It tries once.
    None,
    For(Duration),
    Endless,
}

impl Patience {
    /// What `timeout` says, checked also where nothing need be waited for.
    ///
    /// # Errors
    /// `ValueError` if it is negative or no number, `TypeError` if it is anything else.
    pub(crate) fn new(timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(timeout) = timeout else { return Ok(Self::Endless) };
        let seconds = match timeout.cast_exact::<PyFloat>() {
            Ok(seconds) if seconds.value() >= 0.0 => seconds.value(),
            _ => {
                let py = timeout.py();
                let options = py.import(intern!(py, "millpond._options"))?;
                options.call_method1(intern!(py, "seconds"), (timeout, intern!(py, "timeout")))?.extract()?
            }
        };
        Ok(match Duration::try_from_secs_f64(seconds) {
            Ok(Duration::ZERO) => Self::None,
            Ok(duration) => Self::For(duration),
            // More than the clock can say.
            Err(_) => Self::Endless,
        })
    }

    /// The same for a call that may be told not to wait.
    ///
    /// # Errors
    /// As above; `ValueError` if it is not to wait and says how long.
    pub(crate) fn blocking(blocking: bool, timeout: Option<&Bound<'_, PyAny>>, argument: &str) -> PyResult<Self> {
        match (blocking, timeout) {
            (true, timeout) => Self::new(timeout),
            (false, None) => Ok(Self::None),
            (false, Some(timeout)) => {
                Self::new(Some(timeout))?;
                Err(PyValueError::new_err(format!("timeout has no use with {argument}=False: leave one of them out")))
            }
        }
    }

    pub(crate) fn deadline(self) -> Deadline {
        match self {
            Self::None => Deadline::after(Duration::ZERO),
            Self::For(duration) => Deadline::after(duration),
            Self::Endless => Deadline::NEVER,
        }
    }

    pub(crate) fn is_endless(self) -> bool {
        self == Self::Endless
    }

    /// The seconds, for Python.
    pub(crate) fn seconds(self) -> Option<f64> {
        match self {
            Self::None => Some(0.0),
            Self::For(duration) => Some(duration.as_secs_f64()),
            Self::Endless => None,
        }
    }
}
