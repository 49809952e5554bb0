//! Locks for many readers or one writer: the part that waits. Who has them, Python knows.

use std::sync::Arc;

use millpond::sync::{Mode, RawRwLock};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::ask::{Asking, Ended};
use super::blocking::block;
use super::time::Patience;
use super::wait::Wait;
use crate::interpreter::staying;

/// What locks for readers and writers are made of.
#[pyclass(frozen, module = "millpond._native", name = "_RWLock")]
pub(crate) struct RWLock(Arc<RawRwLock>);

fn mode(name: &str) -> PyResult<Mode> {
    match name {
        "read" => Ok(Mode::Read),
        "write" => Ok(Mode::Write),
        "upgradable" => Ok(Mode::Upgradable),
        "upgrade" => Ok(Mode::Upgrade),
        other => Err(PyValueError::new_err(format!("no such mode: '{other}'"))),
    }
}

#[pymethods]
impl RWLock {
    #[new]
    fn new() -> Self {
        Self(Arc::default())
    }

    /// Takes it if that can be had at once. Checks the time-out.
    #[pyo3(signature = (how, timeout=None))]
    fn take_now(&self, how: &str, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Patience::new(timeout)?;
        Ok(self.0.try_lock(mode(how)?))
    }

    #[pyo3(signature = (how, blocking, timeout))]
    fn take(slf: &Bound<'_, Self>, how: &str, blocking: bool, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let patience = Patience::blocking(blocking, timeout, "blocking")?;
        let mode = mode(how)?;
        let lock = &slf.get().0;
        if lock.try_lock(mode) {
            return Ok(true);
        }
        if patience == Patience::None {
            return Ok(false);
        }
        let ask = Asking::boxed(Arc::clone(lock), mode, Ended::of, slf.as_any().clone().unbind());
        staying(|| block(slf.py(), ask, patience))?.extract(slf.py())
    }

    fn ask(slf: &Bound<'_, Self>, how: &str) -> PyResult<Wait> {
        let object = slf.as_any().clone().unbind();
        Ok(Wait::new(Asking::boxed(Arc::clone(&slf.get().0), mode(how)?, Ended::of, object)))
    }

    /// For who reads already.
    fn read_again(&self) {
        self.0.read_again();
    }

    fn release(&self, how: &str) -> PyResult<()> {
        let mode = mode(how)?;
        staying(|| self.0.unlock(mode));
        Ok(())
    }

    fn downgrade(&self, from_: &str, to: &str) -> PyResult<()> {
        let (from, to) = (mode(from_)?, mode(to)?);
        staying(|| self.0.downgrade(from, to));
        Ok(())
    }

    #[getter]
    fn readers(&self) -> u64 {
        self.0.readers()
    }

    #[getter]
    fn is_written(&self) -> bool {
        self.0.is_written()
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.0.waiting()
    }
}
