//! What a read is asked for, checked.

use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyInt};

use crate::interpreter::{call, call_method};

/// Seconds as they come from Python, checked there.
pub(crate) fn duration(seconds: Option<f64>) -> Option<Duration> {
    // Beyond what a duration can say is as good as for ever.
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok())
}

/// A number of items, or what the package's own check says of what is none.
pub(super) fn checked_count(count: &Bound<'_, PyAny>) -> PyResult<usize> {
    if count.is_exact_instance_of::<PyInt>()
        && let Ok(count) = count.extract::<isize>()
        && let Ok(count) = usize::try_from(count)
    {
        return Ok(count);
    }
    let py = count.py();
    let check = py.import(intern!(py, "millpond._options"))?.getattr(intern!(py, "integer"))?;
    let least = [(intern!(py, "least"), 0)].into_py_dict(py)?;
    call(&check, &(count, "count").into_pyobject(py)?, Some(&least))?.extract()
}

/// A time-out, checked likewise.
pub(crate) fn checked_timeout(timeout: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    let py = timeout.py();
    let options = py.import(intern!(py, "millpond._options"))?;
    call_method(&options, intern!(py, "seconds"), (timeout, "timeout"))?.extract().map(duration)
}
