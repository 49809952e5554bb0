//! Locks that their owner may take again.

use std::sync::Arc;
use std::task::Waker;

use millpond::sync::{Deadline, Owner, RawReentrantMutex, Waiting, Waits};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::ask::{Ask, Ended};
use super::blocking::block;
use super::lock::{Holder, look, not_owner, policy};
use super::semaphore::number;
use super::time::Patience;
use super::turns;
use super::unit::{self, Unit};
use super::wait::Wait;
use crate::interpreter::staying;

/// The Python class `millpond.sync.RLock` is made of it.
#[pyclass(frozen, subclass, weakref, module = "millpond._native", name = "RLock")]
pub(crate) struct RLock {
    raw: Arc<RawReentrantMutex>,
    holder: Holder,
    detects: bool,
}

fn holder_of(lock: &RawReentrantMutex) -> Option<Owner> {
    lock.mutex().owner()
}

/// A wait for a lock.
struct AskRLock {
    waiting: Option<Waiting<Arc<RawReentrantMutex>>>,
    lock: Py<RLock>,
    unit: Option<Unit>,
    /// How often it is taken.
    count: u64,
    waits: Option<Waits>,
}

impl Ask for AskRLock {
    fn advance(&mut self, waker: &Waker, is_over: bool) -> Option<Ended> {
        self.waiting.as_mut()?.advance(waker, is_over).map(Ended::of)
    }

    fn block(mut self: Box<Self>, deadline: Deadline) -> Ended {
        self.waiting.take().map_or(Ended::Late, |waiting| Ended::of(waiting.block(deadline)))
    }

    fn arrived(&mut self) -> PyResult<()> {
        self.waits = None;
        let lock = self.lock.get();
        if let Some(unit) = self.unit.take() {
            lock.raw.restore(unit.owner(), self.count);
            lock.holder.hold(unit);
        }
        Ok(())
    }

    fn check(&self) -> PyResult<()> {
        let check = |waits: &Waits| waits.check();
        let is_endless = self.waits.as_ref().map_or(Ok(()), check);
        is_endless.map_err(|deadlock| crate::errors::DeadlockError::new_err(deadlock.to_string()))
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(unit) = &self.unit {
            visit.call(unit.object())?;
        }
        visit.call(&self.lock)
    }
}

impl RLock {
    /// Takes it `count` times if that can be had at once; gives the unit back if not.
    #[inline]
    fn try_take(&self, unit: Unit, count: u64) -> Result<(), Unit> {
        let owner = unit.owner();
        let before = self.raw.count(owner);
        if self.raw.try_lock(owner) {
            if before == 0 {
                self.holder.hold(unit);
            }
            if count > 1 {
                self.raw.restore(owner, before + count);
            }
            return Ok(());
        }
        if let Some(owner) = holder_of(&self.raw)
            && unit::is_gone(owner)
        {
            let _released = self.raw.unlock_all(owner);
        }
        Err(unit)
    }

    fn ask(slf: &Bound<'_, Self>, unit: Unit, count: u64, patience: Patience, blocks: bool) -> PyResult<Box<dyn Ask>> {
        let lock = slf.get();
        let waits = match lock.detects && !crate::simulation::is_simulated() {
            true => Some(look(slf.py(), &lock.raw, &lock.holder, holder_of, &unit, patience, blocks)?),
            false => None,
        };
        let owner = unit.owner();
        let is_thread = blocks && unit.object().is_none();
        let wish = match is_thread {
            true => millpond::sync::RawMutex::wish_of_thread(Some(owner)),
            false => RawReentrantMutex::wish(owner),
        };
        let waiting = Some(Waiting::new(Arc::clone(&lock.raw), wish));
        Ok(Box::new(AskRLock { waiting, lock: slf.clone().unbind(), unit: Some(unit), count, waits }))
    }

    fn take(slf: &Bound<'_, Self>, count: u64, patience: Patience) -> PyResult<bool> {
        let py = slf.py();
        let lock = slf.get();
        let unit = match lock.try_take(Unit::current(py)?, count) {
            Ok(()) => return Ok(true),
            Err(unit) => unit,
        };
        let unit = match lock.try_take(unit, count) {
            Ok(()) => return Ok(true),
            Err(_) if patience == Patience::None => return Ok(false),
            Err(unit) => unit,
        };
        let ask = Self::ask(slf, unit, count, patience, true)?;
        staying(|| block(py, ask, patience))?.extract(py)
    }

    #[inline]
    fn give_up(&self, py: Python<'_>) -> PyResult<()> {
        let unit = Unit::current(py)?;
        let owner = unit.owner();
        let held = if self.raw.count(owner) == 1 { self.holder.let_go(&unit) } else { None };
        let released = staying(|| self.raw.unlock(owner));
        drop(held);
        released.map_err(|error| not_owner(error, &self.holder.name()))
    }
}

fn count(value: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
    value.map_or(Ok(1), |value| number(value, "count", 1))
}

#[pymethods]
impl RLock {
    #[new]
    #[pyo3(signature = (*, policy=None, detect=true, name=None))]
    fn new(policy: Option<&str>, detect: bool, name: Option<String>) -> PyResult<Self> {
        let raw = Arc::new(RawReentrantMutex::new(self::policy(policy)?));
        Ok(Self { raw, holder: Holder::named(name), detects: detect })
    }

    #[pyo3(signature = (blocking=true, timeout=None, *, count=None))]
    fn acquire(
        slf: &Bound<'_, Self>,
        blocking: bool,
        timeout: Option<&Bound<'_, PyAny>>,
        count: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        Self::take(slf, self::count(count)?, Patience::blocking(blocking, timeout, "blocking")?)
    }

    #[pyo3(signature = (*, count=None))]
    fn try_acquire(slf: &Bound<'_, Self>, count: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Self::take(slf, self::count(count)?, Patience::None)
    }

    /// Takes the lock for a task if it can be had at once. Checks the arguments.
    #[pyo3(signature = (count, timeout=None))]
    fn _take_now(
        slf: &Bound<'_, Self>,
        count: &Bound<'_, PyAny>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        Patience::new(timeout)?;
        Self::take(slf, number(count, "count", 1)?, Patience::None)
    }

    /// What a task waits with.
    #[pyo3(signature = (count, timeout=None))]
    fn _ask(slf: &Bound<'_, Self>, count: u64, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Wait> {
        Self::ask(slf, Unit::current(slf.py())?, count, Patience::new(timeout)?, false).map(Wait::new)
    }

    #[pyo3(signature = (count=None))]
    fn release(&self, py: Python<'_>, count: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let count = self::count(count)?;
        if count > 1 {
            let had = self.raw.count(Unit::current(py)?.owner());
            if had > 0 && had < count {
                return Err(pyo3::exceptions::PyRuntimeError::new_err(format!(
                    "releasing {} {count} times, which was acquired {had} times",
                    self.holder.name()
                )));
            }
        }
        (0..count).try_for_each(|_| self.give_up(py))
    }

    /// Releases it as often as it was acquired; returns how often that was.
    fn _release_all(&self, py: Python<'_>) -> PyResult<u64> {
        let unit = Unit::current(py)?;
        let owner = unit.owner();
        let held = if self.raw.count(owner) > 0 { self.holder.let_go(&unit) } else { None };
        let released = staying(|| self.raw.unlock_all(owner));
        drop(held);
        released.map_err(|error| not_owner(error, &self.holder.name()))
    }

    fn __enter__(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Self::take(slf, 1, Patience::Endless)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _class: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.give_up(py)
    }

    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        turns::enter(slf, |py, lock| Ok(lock.get().try_take(Unit::current(py)?, 1).is_ok()))
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        _class: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        self.give_up(py)?;
        turns::ready(py)
    }

    fn locked(&self) -> bool {
        self.raw.mutex().is_locked()
    }

    fn owned(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.raw.count(Unit::current(py)?.owner()) > 0)
    }

    fn count(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.raw.count(Unit::current(py)?.owner()))
    }

    #[getter]
    fn owner(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.holder.owner(py, holder_of(&self.raw))
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.raw.mutex().waiting()
    }

    #[getter]
    fn name(&self) -> Option<&str> {
        self.holder.user_name()
    }

    /// What a fresh one like it is made with.
    fn _options(&self) -> (&'static str, bool, Option<&str>) {
        (super::lock::policy_name(self.raw.mutex().policy()), self.detects, self.name())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.holder.traverse(&visit)
    }

    fn __clear__(&self) {
        self.holder.clear();
    }
}
