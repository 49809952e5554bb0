//! Items: Python objects on their way through the engine.

use pyo3::prelude::*;

/// A Python object that flows through a pool.
#[derive(Debug)]
pub(crate) struct Object(pub(crate) Py<PyAny>);
