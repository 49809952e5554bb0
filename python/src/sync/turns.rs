//! That awaits which need not wait let others on the loop have a turn now and then.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::PyClass;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::unit;

/// After how many awaits a thread suspends although it need not; 0 for never.
static EVERY: AtomicU32 = AtomicU32::new(256);

thread_local! {
    /// The awaits of this thread since it last did so.
    static AWAITS: Cell<u32> = const { Cell::new(0) };
}

/// Counts one await of this thread. Whether it is to suspend before it takes anything: every 256th
/// is, and each one under trio.
#[inline]
pub(crate) fn is_over(py: Python<'_>) -> PyResult<bool> {
    let every = EVERY.load(Ordering::Relaxed);
    let is_over = AWAITS.with(|awaits| {
        let count = awaits.get() + 1;
        let is_over = every != 0 && count >= every;
        awaits.set(if is_over { 0 } else { count % (u32::MAX - 1) });
        is_over
    });
    Ok(is_over || unit::is_in_trio(py)?)
}

/// What entering with `async with` gives: [`ready`] where `take` has it at once, and else what the
/// object waits with, by `_enter_async`.
pub(crate) fn enter<'py, T: PyClass>(
    of: &Bound<'py, T>,
    take: impl FnOnce(Python<'py>, &Bound<'py, T>) -> PyResult<bool>,
) -> PyResult<Py<PyAny>> {
    let py = of.py();
    let is_over = is_over(py)?;
    if !is_over && take(py, of)? {
        return ready(py);
    }
    Ok(of.as_any().call_method1(pyo3::intern!(py, "_enter_async"), (is_over,))?.unbind())
}

/// See [`is_over`].
#[pyfunction]
pub(crate) fn _is_turn_over(py: Python<'_>) -> PyResult<bool> {
    is_over(py)
}

/// Sets after how many awaits a thread suspends; returns what it was.
#[pyfunction]
pub(crate) fn _set_checkpoints(every: i64) -> PyResult<u32> {
    let every =
        u32::try_from(every).map_err(|_| PyValueError::new_err(format!("every must be 0 or more, got {every}")))?;
    Ok(EVERY.swap(every, Ordering::Relaxed))
}

/// An awaitable that is ready: what entering a free lock gives.
#[pyclass(frozen, module = "millpond._native", name = "_Ready")]
pub(crate) struct Ready;

static READY: PyOnceLock<Py<Ready>> = PyOnceLock::new();

/// The one for all.
#[inline]
pub(crate) fn ready(py: Python<'_>) -> PyResult<Py<PyAny>> {
    READY.get_or_try_init(py, || Py::new(py, Ready)).map(|ready| ready.clone_ref(py).into_any())
}

#[pymethods]
impl Ready {
    fn __await__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self) -> Option<Py<PyAny>> {
        None
    }
}
