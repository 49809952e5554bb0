//! Greenlets: under gevent's monkey patching a thread runs several programs that take turns where one of them waits.
//!
//! A wait of the engine would hold all of them up. So a read or a write that may have to wait goes by way of `millpond._greenlets`, which
//! polls as reads that await do and waits in gevent. A greenlet's turn ends by its stack being moved away, so none may
//! end within the engine, where others may point to what is on it: it ends between two polls alone.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Whether gevent has patched the program's threads.
static ARE_THERE: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this is one of a pool's threads, whose waits hold up nobody.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// From now on reads and writes ask whether they are a greenlet's.
#[pyfunction]
pub(crate) fn _expect_greenlets() {
    ARE_THERE.store(true, Ordering::Relaxed);
}

/// Whether any thread may have greenlets.
#[inline]
pub(crate) fn are_there() -> bool {
    ARE_THERE.load(Ordering::Relaxed)
}

/// Whether the calling thread may have greenlets that are to go on while it waits.
#[inline]
pub(crate) fn may_be_here() -> bool {
    are_there() && !IS_OURS.get()
}

/// The calling thread is one of a pool's.
pub(crate) fn none_here() {
    IS_OURS.set(true);
}

/// Calls a function of `millpond._greenlets`, where another one of them says that a greenlet is to wait; `None` where the thread is to
/// wait as others do.
#[cold]
pub(crate) fn instead<'py>(
    py: Python<'py>,
    is_one: &str,
    function: &str,
    arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let module = py.import(intern!(py, "millpond._greenlets"))?;
    if !module.call_method0(is_one)?.is_truthy()? {
        return Ok(None);
    }
    let arguments = arguments.into_pyobject(py).map_err(Into::into)?;
    module.call_method1(function, arguments).map(Some)
}
