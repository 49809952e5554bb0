//! Events.

use std::sync::Arc;

use millpond::sync as core;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::ask::{Asking, Ended};
use super::blocking::block;
use super::time::Patience;
use super::wait::Wait;
use crate::interpreter::staying;

/// The Python class `millpond.sync.Event` is made of it.
#[pyclass(frozen, subclass, weakref, module = "millpond._native", name = "Event")]
pub(crate) struct Event {
    event: Arc<core::Event>,
    is_once: bool,
}

#[pymethods]
impl Event {
    #[new]
    #[pyo3(signature = (*, once=false))]
    fn new(once: bool) -> Self {
        Self { event: Arc::default(), is_once: once }
    }

    fn set(&self) -> bool {
        staying(|| self.event.set())
    }

    fn clear(&self) -> PyResult<bool> {
        if self.is_once {
            return Err(PyRuntimeError::new_err("clearing an event that happens once; make it with once=False"));
        }
        Ok(self.event.clear())
    }

    #[getter]
    fn once(&self) -> bool {
        self.is_once
    }

    /// Whether it is set. Checks the time-out.
    #[pyo3(signature = (timeout=None))]
    fn _is_set_now(&self, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Patience::new(timeout)?;
        Ok(self.event.is_set())
    }

    fn is_set(&self) -> bool {
        self.event.is_set()
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.event.waiting()
    }

    #[pyo3(signature = (timeout=None))]
    fn wait(slf: &Bound<'_, Self>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let patience = Patience::new(timeout)?;
        let event = &slf.get().event;
        if event.is_set() || patience == Patience::None {
            return Ok(event.is_set());
        }
        let ask = Asking::boxed(Arc::clone(event), (), Ended::of, slf.as_any().clone().unbind());
        staying(|| block(slf.py(), ask, patience))?.extract(slf.py())
    }

    /// What an awaiting waiter waits with.
    fn _ask(slf: &Bound<'_, Self>) -> Wait {
        Wait::new(Asking::boxed(Arc::clone(&slf.get().event), (), Ended::of, slf.as_any().clone().unbind()))
    }
}
