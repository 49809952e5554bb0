//! Which task something belongs to, and what its function raised.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;

/// A task's name and the line that added it.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task `{}`, added at {}:{}", self.name, self.file, self.line)
    }
}

/// An exception that the function of a task raised, on its way through the engine.
pub(crate) struct Raised {
    pub(crate) error: PyErr,
    pub(crate) place: Arc<Place>,
    /// Whether somebody has been given it: it is told where it comes from once.
    is_told: AtomicBool,
}

impl Raised {
    pub(crate) fn new(error: PyErr, place: &Arc<Place>) -> Self {
        Self { error, place: Arc::clone(place), is_told: AtomicBool::new(false) }
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
        self.error.fmt(f)
    }
}

impl Error for Raised {}
