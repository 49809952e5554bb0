//! Locks with an owner, and locks that anybody releases.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use millpond::sync::{Deadline, Held, NotOwner, Owner, Policy, RawMutex, Waiting, Waits};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;

use super::ask::{Ask, Ended};
use super::blocking::block;
use super::errors::PoisonedError;
use super::time::Patience;
use super::turns;
use super::unit::{self, Unit};
use super::wait::Wait;
use crate::errors::DeadlockError;
use crate::interpreter::{attached, staying};

/// Who holds a lock, and what a search for deadlocks says of it.
#[derive(Default)]
pub(super) struct Holder {
    /// The task or greenlet that owns the lock; nothing while a thread does.
    object: Mutex<Option<Py<PyAny>>>,
    /// The thread in which that one took it.
    thread: AtomicU64,
    name: Option<Box<str>>,
}

impl Holder {
    pub(super) fn named(name: Option<String>) -> Self {
        Self { name: name.map(String::into_boxed_str), ..Self::default() }
    }

    fn object(&self) -> MutexGuard<'_, Option<Py<PyAny>>> {
        self.object.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock is this unit's.
    #[inline]
    pub(super) fn hold(&self, unit: Unit) {
        if let Some(object) = unit.into_object() {
            self.thread.store(Owner::of_thread().get(), Ordering::Relaxed);
            let before = self.object().replace(object);
            drop(before);
        }
    }

    /// The lock is no longer this unit's. What is returned is to be dropped when the lock is
    /// released.
    #[inline]
    pub(super) fn let_go(&self, unit: &Unit) -> Option<Py<PyAny>> {
        unit.object()?;
        self.object().take()
    }

    pub(super) fn user_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn name(&self) -> String {
        self.name.as_deref().map_or_else(|| "a lock".to_owned(), |name| format!("lock `{name}`"))
    }

    /// Who owns the lock, for users.
    pub(super) fn owner(&self, py: Python<'_>, owner: Option<Owner>) -> PyResult<Option<Py<PyAny>>> {
        let Some(owner) = owner else { return Ok(None) };
        if let Some(ident) = unit::ident_of(owner) {
            let module = py.import(intern!(py, "millpond.sync._deadlock"))?;
            return Ok(Some(module.call_method1("thread_of", (ident,))?.unbind()));
        }
        Ok(self.object().as_ref().map(|object| object.clone_ref(py)))
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Locked for moments by attached threads, so it is free.
        match self.object.try_lock() {
            Ok(object) => visit.call(&*object),
            Err(_) => Ok(()),
        }
    }

    pub(super) fn clear(&self) {
        let object = self.object().take();
        drop(object);
    }
}

/// A lock as the search for deadlocks knows it: whose it is, and who waits for it.
pub(super) struct Sought<L> {
    lock: Arc<L>,
    holder_of: fn(&L) -> Option<Owner>,
    name: String,
    /// The unit that waits, as a weak reference; nothing for a thread.
    waiter: Option<Py<PyAny>>,
    thread: Owner,
}

impl<L: Send + Sync> Held for Sought<L> {
    fn holder(&self) -> Option<Owner> {
        (self.holder_of)(&self.lock)
    }

    /// Who waits for what.
    fn name(&self) -> String {
        let waiter = attached(|py| {
            let waiter = self.waiter.as_ref().map(|waiter| waiter.bind(py).clone());
            let arguments = (waiter, unit::ident_of(self.thread));
            let module = py.import(intern!(py, "millpond.sync._deadlock")).ok()?;
            module.call_method1("describe", arguments).ok()?.extract::<String>().ok()
        });
        format!("{} waits for {}", waiter.flatten().unwrap_or_else(|| "somebody".to_owned()), self.name)
    }
}

/// Looks whether a wait can end, and lists it for whoever looks later.
///
/// # Errors
/// `DeadlockError` if it cannot.
pub(super) fn look<L: Send + Sync + 'static>(
    py: Python<'_>,
    lock: &Arc<L>,
    holder: &Holder,
    holder_of: fn(&L) -> Option<Owner>,
    me: &Unit,
    patience: Patience,
    blocks: bool,
) -> PyResult<Waits> {
    let object = holder.object().as_ref().map(|object| object.clone_ref(py));
    let owner = holder_of(lock);
    let why: Option<String> = match (object, owner) {
        (Some(object), Some(_)) => {
            let is_here = holder.thread.load(Ordering::Relaxed) == Owner::of_thread().get();
            let running = if blocks { unit::running_loop(py)? } else { None };
            let module = py.import(intern!(py, "millpond.sync._deadlock"))?;
            module.call_method1("why", (object, running, blocks, is_here))?.extract()?
        }
        (None, Some(owner)) if unit::has_ended(owner) && holder_of(lock) == Some(owner) => {
            Some("a thread that has ended without releasing it holds it".to_owned())
        }
        _ => None,
    };
    if let Some(why) = why {
        return Err(DeadlockError::new_err(format!("waiting for {} for ever: {why}", holder.name())));
    }
    let waiter = match me.object() {
        Some(object) => {
            let module = py.import(intern!(py, "weakref"))?;
            Some(module.call_method1(intern!(py, "ref"), (object,))?.unbind())
        }
        None => None,
    };
    let sought = Sought { lock: Arc::clone(lock), holder_of, name: holder.name(), waiter, thread: Owner::of_thread() };
    Waits::list(me.owner(), Arc::new(sought), patience.is_endless()).map_err(|deadlock| ring(&deadlock))
}

/// A ring of owners that wait for each other, in words.
fn ring(deadlock: &millpond::sync::Deadlock) -> PyErr {
    let names: Vec<String> = deadlock.ring.iter().map(|link| link.lock.name()).collect();
    DeadlockError::new_err(format!(
        "waiting for ever: {}, which the first of them holds; take the locks in one order everywhere",
        names.join(", which is held by one who waits too: ")
    ))
}

/// The Python class `millpond.sync.Lock` is made of it.
#[pyclass(frozen, subclass, weakref, module = "millpond._native", name = "Lock")]
pub(crate) struct Lock {
    raw: Arc<RawMutex>,
    holder: Holder,
    is_owned: bool,
    detects: bool,
    poisons: bool,
    is_poisoned: AtomicBool,
}

/// What `policy` says.
pub(super) fn policy(policy: Option<&str>) -> PyResult<Policy> {
    match policy {
        None | Some("eventual") => Ok(Policy::Eventual),
        Some("handoff") => Ok(Policy::HandOff),
        Some("barging") => Ok(Policy::Barging),
        Some(other) => {
            Err(PyValueError::new_err(format!("policy must be 'eventual', 'handoff' or 'barging', got '{other}'")))
        }
    }
}

pub(super) fn policy_name(policy: Policy) -> &'static str {
    match policy {
        Policy::HandOff => "handoff",
        Policy::Eventual => "eventual",
        Policy::Barging => "barging",
    }
}

pub(super) fn not_owner(error: NotOwner, name: &str) -> PyErr {
    PyRuntimeError::new_err(match error.is_locked {
        true => format!("releasing {name}, which somebody else holds; only its owner may release it"),
        false => format!("releasing {name}, which nobody holds; acquire it first"),
    })
}

/// A wait for a lock.
struct AskLock {
    waiting: Option<Waiting<Arc<RawMutex>>>,
    lock: Py<Lock>,
    unit: Option<Unit>,
    waits: Option<Waits>,
}

impl Ask for AskLock {
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
            if lock.is_poisoned() {
                let _released = lock.raw.unlock(lock.owner_of(&unit));
                return Err(poisoned(lock));
            }
            lock.holder.hold(unit);
        }
        Ok(())
    }

    fn check(&self) -> PyResult<()> {
        self.waits.as_ref().map_or(Ok(()), |waits| waits.check().map_err(|deadlock| ring(&deadlock)))
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(unit) = &self.unit {
            visit.call(unit.object())?;
        }
        visit.call(&self.lock)
    }
}

fn poisoned(lock: &Lock) -> PyErr {
    PoisonedError::new_err(format!(
        "acquiring {}, whose holder left it by an exception; put in order what it guards, and call `clear_poison`",
        lock.holder.name()
    ))
}

impl Lock {
    #[inline]
    fn owner_of(&self, unit: &Unit) -> Option<Owner> {
        self.is_owned.then(|| unit.owner())
    }

    fn is_poisoned(&self) -> bool {
        self.poisons && self.is_poisoned.load(Ordering::Relaxed)
    }

    /// Who asks; for a lock without owners it does not matter.
    #[inline]
    fn unit(&self, py: Python<'_>) -> PyResult<Option<Unit>> {
        if self.is_owned { Unit::current(py).map(Some) } else { Ok(None) }
    }

    /// Takes the lock if it is free; gives the unit back if not.
    #[inline]
    fn try_take(&self, unit: Option<Unit>) -> PyResult<Result<(), Option<Unit>>> {
        if self.is_poisoned() {
            return Err(poisoned(self));
        }
        let owner = unit.as_ref().map(Unit::owner);
        if self.raw.try_lock(owner) {
            if let Some(unit) = unit {
                self.holder.hold(unit);
            }
            return Ok(Ok(()));
        }
        if owner.is_some() && self.raw.owner() == owner {
            let name = self.holder.name();
            return Err(PyRuntimeError::new_err(format!(
                "acquiring {name} by its owner, who would wait for itself; use an RLock to acquire it again"
            )));
        }
        self.free_after_fork();
        Ok(Err(unit))
    }

    /// Releases a lock that a thread of the process has that this one was forked from.
    fn free_after_fork(&self) {
        if let Some(owner) = self.raw.owner()
            && unit::is_gone(owner)
        {
            self.is_poisoned.store(true, Ordering::Relaxed);
            let _released = self.raw.unlock(Some(owner));
        }
    }

    fn ask(slf: &Bound<'_, Self>, unit: Option<Unit>, patience: Patience, blocks: bool) -> PyResult<Box<dyn Ask>> {
        let lock = slf.get();
        let waits = match &unit {
            Some(unit) if lock.detects && !crate::simulation::is_simulated() => {
                Some(look(slf.py(), &lock.raw, &lock.holder, RawMutex::owner, unit, patience, blocks)?)
            }
            _ => None,
        };
        let owner = unit.as_ref().map(Unit::owner);
        let is_thread = blocks && unit.as_ref().is_none_or(|unit| unit.object().is_none());
        let wish = if is_thread { RawMutex::wish_of_thread(owner) } else { RawMutex::wish(owner) };
        let waiting = Some(Waiting::new(Arc::clone(&lock.raw), wish));
        Ok(Box::new(AskLock { waiting, lock: slf.clone().unbind(), unit, waits }))
    }

    fn take(slf: &Bound<'_, Self>, patience: Patience) -> PyResult<bool> {
        let py = slf.py();
        let lock = slf.get();
        match lock.try_take(lock.unit(py)?)? {
            Ok(()) => Ok(true),
            Err(unit) => match lock.try_take(unit)? {
                Ok(()) => Ok(true),
                Err(_) if patience == Patience::None => Ok(false),
                Err(unit) => {
                    let ask = Self::ask(slf, unit, patience, true)?;
                    staying(|| block(py, ask, patience))?.extract(py)
                }
            },
        }
    }

    #[inline]
    fn give_up(&self, py: Python<'_>) -> PyResult<()> {
        let Some(unit) = self.unit(py)? else {
            return staying(|| self.raw.unlock(None)).map_err(|error| not_owner(error, &self.holder.name()));
        };
        let owner = unit.owner();
        let held = if self.raw.owner() == Some(owner) { self.holder.let_go(&unit) } else { None };
        let released = staying(|| self.raw.unlock(Some(owner)));
        drop(held);
        released.map_err(|error| not_owner(error, &self.holder.name()))
    }

    fn leave(&self, py: Python<'_>, class: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.poisons && !class.is_none() {
            self.is_poisoned.store(true, Ordering::Relaxed);
        }
        self.give_up(py)
    }
}

#[pymethods]
impl Lock {
    #[new]
    #[pyo3(signature = (*, owned=true, policy=None, detect=true, poison=false, name=None))]
    fn new(owned: bool, policy: Option<&str>, detect: bool, poison: bool, name: Option<String>) -> PyResult<Self> {
        Ok(Self {
            raw: Arc::new(RawMutex::new(self::policy(policy)?)),
            holder: Holder::named(name),
            is_owned: owned,
            detects: detect,
            poisons: poison,
            is_poisoned: AtomicBool::new(false),
        })
    }

    #[pyo3(signature = (blocking=true, timeout=None))]
    fn acquire(slf: &Bound<'_, Self>, blocking: bool, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Self::take(slf, Patience::blocking(blocking, timeout, "blocking")?)
    }

    fn try_acquire(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Self::take(slf, Patience::None)
    }

    /// Takes the lock for a task if it is free. Checks the time-out.
    #[pyo3(signature = (timeout=None))]
    fn _take_now(slf: &Bound<'_, Self>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Patience::new(timeout)?;
        Self::take(slf, Patience::None)
    }

    /// What a task waits with.
    #[pyo3(signature = (timeout=None))]
    fn _ask(slf: &Bound<'_, Self>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Wait> {
        let unit = slf.get().unit(slf.py())?;
        Self::ask(slf, unit, Patience::new(timeout)?, false).map(Wait::new)
    }

    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.give_up(py)
    }

    fn __enter__(slf: &Bound<'_, Self>) -> PyResult<bool> {
        Self::take(slf, Patience::Endless)
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        class: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.leave(py, class)
    }

    fn __aenter__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        turns::enter(slf, |py, lock| Ok(lock.get().try_take(lock.get().unit(py)?)?.is_ok()))
    }

    fn __aexit__(
        &self,
        py: Python<'_>,
        class: &Bound<'_, PyAny>,
        _error: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        self.leave(py, class)?;
        turns::ready(py)
    }

    fn locked(&self) -> bool {
        self.raw.is_locked()
    }

    fn owned(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.unit(py)?.is_some_and(|unit| self.raw.owner() == Some(unit.owner())))
    }

    #[getter]
    fn owner(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.holder.owner(py, self.raw.owner())
    }

    #[getter]
    fn waiting(&self) -> usize {
        self.raw.waiting()
    }

    #[getter]
    fn name(&self) -> Option<&str> {
        self.holder.user_name()
    }

    #[getter]
    fn policy(&self) -> &'static str {
        policy_name(self.raw.policy())
    }

    #[getter]
    fn poisoned(&self) -> bool {
        self.is_poisoned()
    }

    fn clear_poison(&self) {
        self.is_poisoned.store(false, Ordering::Relaxed);
    }

    /// What a fresh one like it is made with.
    fn _options(&self) -> (bool, &'static str, bool, bool, Option<&str>) {
        (self.is_owned, self.policy(), self.detects, self.poisons, self.name())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.holder.traverse(&visit)
    }

    fn __clear__(&self) {
        self.holder.clear();
    }
}
