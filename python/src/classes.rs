//! Classes and functions of Python that are looked up once.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// `types.GeneratorType`.
pub(crate) fn generator(py: Python<'_>) -> &Bound<'_, PyType> {
    static GENERATOR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    GENERATOR.import(py, "types", "GeneratorType").expect("the standard library has it")
}
