//! Counts that somebody waits for to be 0.

use std::sync::Arc;

use millpond::sync as core;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::ask::{Asking, Ended};
use super::blocking::block;
use super::semaphore::number;
use super::time::Patience;
use super::wait::Wait;
use crate::interpreter::staying;

/// The Python class `millpond.sync.CountdownEvent` is made of it.
#[pyclass(frozen, subclass, weakref, module = "millpond._native", name = "CountdownEvent")]
pub(crate) struct CountdownEvent {
    count: Arc<core::Countdown>,
    initial: u64,
}

fn by(count: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
    count.map_or(Ok(1), |count| number(count, "count", 1))
}

#[pymethods]
impl CountdownEvent {
    #[new]
    #[pyo3(signature = (initial_value=None))]
    fn new(initial_value: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let initial = initial_value.map_or(Ok(0), |value| number(value, "initial_value", 0))?;
        Ok(Self { count: Arc::new(core::Countdown::new(initial)), initial })
    }

    #[pyo3(signature = (count=None))]
    fn up(&self, count: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let count = by(count)?;
        staying(|| self.count.up(count));
        Ok(())
    }

    #[pyo3(signature = (count=None))]
    fn down(&self, count: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let count = by(count)?;
        let downed = staying(|| self.count.down(count));
        let below = |error: core::BelowZero| {
            PyRuntimeError::new_err(format!("counting {} down by {count}: there were fewer ups", error.count))
        };
        downed.map(drop).map_err(below)
    }

    fn clear(&self) {
        staying(|| self.count.clear());
    }

    #[getter]
    fn value(&self) -> u64 {
        self.count.count()
    }

    #[getter]
    fn initial_value(&self) -> u64 {
        self.initial
    }

    fn is_set(&self) -> bool {
        self.count.count() == 0
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.count.waiting()
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(slf: &Bound<'_, Self>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let patience = Patience::new(timeout)?;
        let count = &slf.get().count;
        if count.count() == 0 || patience == Patience::None {
            return Ok(count.count() == 0);
        }
        let ask = Asking::boxed(Arc::clone(count), (), Ended::of, slf.as_any().clone().unbind());
        staying(|| block(slf.py(), ask, patience))?.extract(slf.py())
    }

    /// Whether it is 0. Checks the time-out.
    #[pyo3(signature = (timeout=None))]
    fn _is_set_now(&self, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Patience::new(timeout)?;
        Ok(self.is_set())
    }

    fn _ask(slf: &Bound<'_, Self>) -> Wait {
        Wait::new(Asking::boxed(Arc::clone(&slf.get().count), (), Ended::of, slf.as_any().clone().unbind()))
    }
}
