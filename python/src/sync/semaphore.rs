//! Semaphores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use millpond::sync as core;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt};

use super::ask::{Ask, Ended};
use super::blocking::block;
use super::errors::ClosedError;
use super::time::Patience;
use super::turns;
use super::wait::Wait;
use crate::interpreter::staying;
use core::{AcquireError, Deadline, Waiting};

/// The Python class `millpond.sync.Semaphore` is made of it.
#[pyclass(frozen, subclass, weakref, module = "millpond._native", name = "Semaphore")]
pub(crate) struct Semaphore(Arc<Inside>);

struct Inside {
    permits: core::Semaphore,
    initial: u64,
    /// How many more may be released, where there is a largest number.
    room: Option<AtomicU64>,
    /// That number.
    most: AtomicU64,
}

impl std::ops::Deref for Inside {
    type Target = core::Semaphore;

    fn deref(&self) -> &core::Semaphore {
        &self.permits
    }
}

/// What a wait refers to the permits by.
struct Permits(Arc<Inside>);

impl std::ops::Deref for Permits {
    type Target = core::Semaphore;

    fn deref(&self) -> &core::Semaphore {
        &self.0.permits
    }
}

fn closed() -> PyErr {
    ClosedError::new_err("acquiring permits of a semaphore that is closed")
}

/// A number of permits, which is to be `least` or more.
pub(super) fn number(value: &Bound<'_, PyAny>, argument: &str, least: u64) -> PyResult<u64> {
    if value.is_instance_of::<PyBool>() || !value.is_instance_of::<PyInt>() {
        return Err(PyTypeError::new_err(format!("{argument} must be an int, got {}", value.repr()?)));
    }
    match value.extract::<u64>() {
        Ok(number) if (least..=core::Semaphore::MAX_PERMITS).contains(&number) => Ok(number),
        _ if value.lt(least)? => {
            Err(PyValueError::new_err(format!("{argument} must be {least} or more, got {}", value.repr()?)))
        }
        _ => Err(PyValueError::new_err(format!("{argument} must be less than 2**62, got {}", value.repr()?))),
    }
}

fn count(value: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
    value.map_or(Ok(1), |value| number(value, "count", 1))
}

/// A wait for permits.
struct AskPermits {
    waiting: Option<Waiting<Permits>>,
    inside: Arc<Inside>,
    count: u64,
}

impl AskPermits {
    fn boxed(inside: &Arc<Inside>, count: u64) -> Box<dyn Ask> {
        let waiting = Waiting::new(Permits(Arc::clone(inside)), core::Semaphore::wish(count));
        Box::new(Self { waiting: Some(waiting), inside: Arc::clone(inside), count })
    }

    fn end(result: Result<core::Request, core::Request>) -> Ended {
        match result {
            Ok(request) if request.is_closed() => Ended::Closed,
            Ok(_) => Ended::Had,
            Err(_) => Ended::Late,
        }
    }
}

impl Ask for AskPermits {
    fn advance(&mut self, waker: &std::task::Waker, is_over: bool) -> Option<Ended> {
        let waiting = self.waiting.as_mut()?;
        waiting.advance(waker, is_over).map(Self::end)
    }

    fn block(mut self: Box<Self>, deadline: Deadline) -> Ended {
        let Some(waiting) = self.waiting.take() else { return Ended::Late };
        let ended = Self::end(waiting.block(deadline));
        if matches!(ended, Ended::Had) {
            self.inside.took(self.count);
        }
        ended
    }

    fn arrived(&mut self) -> PyResult<()> {
        self.inside.took(self.count);
        Ok(())
    }

    fn traverse(&self, _visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        Ok(())
    }
}

impl Inside {
    /// So many have been taken.
    fn took(&self, count: u64) {
        if let Some(room) = &self.room {
            room.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn try_take(&self, count: u64) -> PyResult<bool> {
        match self.permits.try_take(count) {
            Ok(()) => {
                self.took(count);
                Ok(true)
            }
            Err(AcquireError::Closed) => Err(closed()),
            Err(_) => Ok(false),
        }
    }

    /// What is more than there will ever be is refused.
    fn check(&self, count: u64) -> PyResult<()> {
        let most = self.most.load(Ordering::Relaxed);
        if self.room.is_some() && count > most {
            let message =
                format!("acquiring {count} permits of a semaphore that has at most {most}: they are never there");
            return Err(PyValueError::new_err(message));
        }
        Ok(())
    }

    fn release(&self, count: u64) -> PyResult<()> {
        if let Some(room) = &self.room {
            let less = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(count));
            if let Err(room) = less {
                let most = self.most.load(Ordering::Relaxed);
                let message = format!(
                    "releasing {count} permits where {room} are taken: the semaphore has at most {most}; release what was acquired"
                );
                return Err(PyRuntimeError::new_err(message));
            }
        } else if self.permits.available().saturating_add(count) > core::Semaphore::MAX_PERMITS {
            return Err(PyRuntimeError::new_err(format!("releasing {count} permits: a semaphore holds fewer")));
        }
        staying(|| self.permits.release(count));
        Ok(())
    }
}

#[pymethods]
impl Semaphore {
    #[new]
    #[pyo3(signature = (initial_value=None, max_value=None))]
    fn new(initial_value: Option<&Bound<'_, PyAny>>, max_value: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let most = max_value.map(|most| number(most, "max_value", 0)).transpose()?;
        let initial = match (initial_value, most) {
            (Some(initial), _) => number(initial, "initial_value", 0)?,
            (None, Some(most)) => most,
            (None, None) => 1,
        };
        if let Some(most) = most
            && initial > most
        {
            return Err(PyValueError::new_err(format!(
                "initial_value must be at most max_value, {most}, got {initial}"
            )));
        }
        Ok(Self(Arc::new(Inside {
            permits: core::Semaphore::new(initial),
            initial,
            room: most.map(|most| AtomicU64::new(most - initial)),
            most: AtomicU64::new(most.unwrap_or(core::Semaphore::MAX_PERMITS)),
        })))
    }

    #[pyo3(signature = (blocking=true, timeout=None, *, count=None))]
    fn acquire(
        slf: &Bound<'_, Self>,
        blocking: bool,
        timeout: Option<&Bound<'_, PyAny>>,
        count: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let patience = Patience::blocking(blocking, timeout, "blocking")?;
        let count = self::count(count)?;
        let inside = &slf.get().0;
        inside.check(count)?;
        if inside.try_take(count)? {
            return Ok(true);
        }
        if patience == Patience::None {
            return Ok(false);
        }
        staying(|| block(slf.py(), AskPermits::boxed(inside, count), patience))?.extract(slf.py())
    }

    #[pyo3(signature = (*, count=None))]
    fn try_acquire(&self, count: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let count = self::count(count)?;
        self.0.check(count)?;
        self.0.try_take(count)
    }

    /// Takes permits for a task if they can be had now. Checks the arguments.
    #[pyo3(signature = (count, timeout=None))]
    fn _take_now(&self, count: &Bound<'_, PyAny>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Patience::new(timeout)?;
        let count = number(count, "count", 1)?;
        self.0.check(count)?;
        self.0.try_take(count)
    }

    fn _ask(&self, count: u64) -> Wait {
        Wait::new(AskPermits::boxed(&self.0, count))
    }

    #[pyo3(signature = (count=None))]
    fn release(&self, count: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        self.0.release(self::count(count)?)
    }

    fn __enter__(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Self::acquire(slf, true, None, None)
    }

    fn __exit__(
        &self,
        _class: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.0.release(1)
    }

    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        turns::enter(slf, |_, semaphore| semaphore.get().0.try_take(1))
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _class: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        self.0.release(1)?;
        turns::ready(py)
    }

    /// Takes away permits for good, as many of them as are free; returns how many.
    fn forget(&self, count: &Bound<'_, PyAny>) -> PyResult<u64> {
        let count = number(count, "count", 0)?;
        let gone = self.0.permits.forget(count);
        if self.0.room.is_some() {
            self.0.most.fetch_sub(gone, Ordering::Relaxed);
        }
        Ok(gone)
    }

    /// Adds permits that were not there before.
    fn add(&self, count: &Bound<'_, PyAny>) -> PyResult<()> {
        let count = number(count, "count", 0)?;
        if self.0.room.is_some() {
            self.0.most.fetch_add(count, Ordering::Relaxed);
        }
        staying(|| self.0.permits.release(count));
        Ok(())
    }

    fn close(&self) -> bool {
        staying(|| self.0.permits.close())
    }

    #[getter]
    fn closed(&self) -> bool {
        self.0.permits.is_closed()
    }

    #[getter]
    fn value(&self) -> u64 {
        self.0.permits.available()
    }

    #[getter]
    fn initial_value(&self) -> u64 {
        self.0.initial
    }

    #[getter]
    fn max_value(&self) -> Option<u64> {
        self.0.room.as_ref().map(|_| self.0.most.load(Ordering::Relaxed))
    }

    fn locked(&self) -> bool {
        self.0.permits.available() == 0
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.0.permits.waiting()
    }
}
