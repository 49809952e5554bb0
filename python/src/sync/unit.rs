//! Who acts: the task that a loop runs in this thread, else the greenlet, else the thread.
//!
//! A lock knows its owner by a number that nobody else has at the same time. For a thread that is
//! one that is never given again. For a task or greenlet it is its address, and whoever acts under
//! it holds the object: the lock while it is owned, the wait before.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use millpond::sync::Owner;
use pyo3::exceptions::PyKeyError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::simulation::is_simulated;

/// Who acts.
pub(crate) enum Unit {
    Thread(Owner),
    /// A task or a greenlet.
    Object(Py<PyAny>),
}

/// Marks numbers that are addresses.
const ADDRESS: u64 = 1 << 61;

impl Unit {
    /// Who acts now.
    #[inline]
    pub(crate) fn current(py: Python<'_>) -> PyResult<Self> {
        if is_simulated() {
            return Ok(Self::Thread(Owner::of_thread()));
        }
        Ok(match Libraries::there(py)?.current(py)? {
            Some(object) => Self::Object(object),
            None => Self::Thread(thread(py)?),
        })
    }

    /// The number.
    #[inline]
    pub(crate) fn owner(&self) -> Owner {
        match self {
            Self::Thread(owner) => *owner,
            Self::Object(object) => number_of(object),
        }
    }

    /// The task or greenlet, if it is one.
    pub(crate) fn object(&self) -> Option<&Py<PyAny>> {
        match self {
            Self::Thread(_) => None,
            Self::Object(object) => Some(object),
        }
    }

    pub(crate) fn into_object(self) -> Option<Py<PyAny>> {
        match self {
            Self::Thread(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

fn number_of(object: &Py<PyAny>) -> Owner {
    let address = object.as_ptr().addr() as u64;
    Owner::from_number(address | ADDRESS).unwrap_or_default()
}

/// Which libraries with tasks of their own the program has imported.
#[derive(Clone, Copy, Default)]
struct Libraries {
    has_asyncio: bool,
    has_trio: bool,
    has_gevent: bool,
}

/// How many modules there were when it was last found out, and what.
static MODULES: AtomicUsize = AtomicUsize::new(0);
static FOUND: AtomicUsize = AtomicUsize::new(0);
static SYS_MODULES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

type Looked = Option<(Py<PyAny>, Py<PyAny>)>;
static ASYNCIO: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
static TRIO: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
static GEVENT: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();

impl Libraries {
    #[inline]
    fn there(py: Python<'_>) -> PyResult<Self> {
        let modules = SYS_MODULES.get_or_try_init(py, || {
            let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
            PyResult::Ok(modules.cast_into::<PyDict>()?.unbind())
        })?;
        let modules = modules.bind(py);
        let count = modules.len();
        if MODULES.load(Ordering::Relaxed) != count {
            Self::look(modules)?;
            // What that imports itself is looked at once more.
            MODULES.store(count, Ordering::Relaxed);
        }
        let found = FOUND.load(Ordering::Relaxed);
        Ok(Self { has_asyncio: found & 1 != 0, has_trio: found & 2 != 0, has_gevent: found & 4 != 0 })
    }

    #[cold]
    fn look(modules: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = modules.py();
        if modules.contains("gevent.hub")? {
            py.import("millpond.sync._gevent")?;
        }
        // Before Python 3.12 the function that says which task runs is one in Python; this is what
        // it does.
        let tasks = || -> PyResult<Py<PyAny>> {
            let module = modules.get_item("asyncio.tasks")?.ok_or_else(|| PyKeyError::new_err("asyncio.tasks"))?;
            Ok(module.getattr("_current_tasks")?.getattr("get")?.unbind())
        };
        // A module may be there that is being imported, so the functions are looked for too.
        let look = |name: &str, one: &str, other: &str| -> PyResult<Looked> {
            let Some(module) = modules.get_item(name)? else { return Ok(None) };
            Ok(match (module.getattr(one), module.getattr(other)) {
                (Ok(one), Ok(other)) => Some((one.unbind(), other.unbind())),
                _ => None,
            })
        };
        let mut found = 0;
        for (bit, place, name, one, other) in [
            (1, &ASYNCIO, "asyncio", "_get_running_loop", "current_task"),
            (2, &TRIO, "trio.lowlevel", "in_trio_run", "current_task"),
            (4, &GEVENT, "millpond.sync._gevent", "waits_here", "current"),
        ] {
            if let Some(mut functions) = look(name, one, other)? {
                if bit == 1
                    && py.version_info() < (3, 12)
                    && let Ok(current) = tasks()
                {
                    functions.1 = current;
                }
                let _ = place.set(py, functions);
                found |= bit;
            }
        }
        FOUND.store(found, Ordering::Relaxed);
        Ok(())
    }

    /// The task or greenlet that runs.
    #[inline]
    fn current(self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        if self.has_asyncio
            && let Some((running, current)) = ASYNCIO.get(py)
        {
            let running = running.bind(py).call0()?;
            if !running.is_none() {
                let task = current.bind(py).call1((running,))?;
                return Ok((!task.is_none()).then(|| task.unbind()));
            }
        }
        if self.has_trio
            && let Some((is_running, current)) = TRIO.get(py)
            && is_running.bind(py).call0()?.is_truthy()?
        {
            return Ok(current.bind(py).call0().ok().map(Bound::unbind));
        }
        if self.has_gevent
            && let Some((_, current)) = GEVENT.get(py)
        {
            let greenlet = current.bind(py).call0()?;
            return Ok((!greenlet.is_none()).then(|| greenlet.unbind()));
        }
        Ok(None)
    }
}

/// Whether trio runs this thread.
#[inline]
pub(crate) fn is_in_trio(py: Python<'_>) -> PyResult<bool> {
    match (Libraries::there(py)?.has_trio, TRIO.get(py)) {
        (true, Some((is_running, _))) => is_running.bind(py).call0()?.is_truthy(),
        _ => Ok(false),
    }
}

/// The loop of asyncio that runs in this thread.
pub(crate) fn running_loop(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    match (Libraries::there(py)?.has_asyncio, ASYNCIO.get(py)) {
        (true, Some((running, _))) => Ok(Some(running.bind(py).call0()?).filter(|running| !running.is_none())),
        _ => Ok(None),
    }
}

/// Whether the thread is one whose greenlets are to go on while one of them waits.
pub(crate) fn is_greenlet(py: Python<'_>) -> PyResult<bool> {
    match (Libraries::there(py)?.has_gevent, GEVENT.get(py)) {
        (true, Some((waits_here, _))) => waits_here.bind(py).call0()?.is_truthy(),
        _ => Ok(false),
    }
}

/// The threads that have acted and have not ended, by their owners' numbers: what Python calls
/// them.
static THREADS: Mutex<BTreeMap<u64, u64>> = Mutex::new(BTreeMap::new());
/// Threads of the process that this one was forked from.
static GONE: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread that has acted, until it ends.
struct Alive(u64);

impl Drop for Alive {
    fn drop(&mut self) {
        locked(&THREADS).remove(&self.0);
    }
}

thread_local! {
    static ALIVE: Alive = Alive(Owner::of_thread().get());
    static IS_LISTED: Cell<bool> = const { Cell::new(false) };
}

/// The calling thread as an owner.
#[inline]
fn thread(py: Python<'_>) -> PyResult<Owner> {
    let owner = Owner::of_thread();
    if !IS_LISTED.get() {
        list(py, owner)?;
    }
    Ok(owner)
}

#[cold]
fn list(py: Python<'_>, owner: Owner) -> PyResult<()> {
    let ident = py.import(intern!(py, "_thread"))?.call_method0(intern!(py, "get_ident"))?.extract()?;
    locked(&THREADS).insert(owner.get(), ident);
    // A thread that is ending acts to the last.
    let _ = ALIVE.try_with(|_| ());
    IS_LISTED.set(true);
    Ok(())
}

/// What Python calls the thread that has this number; `None` where it has ended or is none.
pub(crate) fn ident_of(owner: Owner) -> Option<u64> {
    locked(&THREADS).get(&owner.get()).copied()
}

/// Whether the number is a thread's that has ended.
pub(crate) fn has_ended(owner: Owner) -> bool {
    owner.get() & ADDRESS == 0 && !is_simulated() && ident_of(owner).is_none()
}

/// Whether the number is of a thread of the process that this one was forked from.
pub(crate) fn is_gone(owner: Owner) -> bool {
    locked(&GONE).contains(&owner.get())
}

/// This process has just been forked: all threads but this one are gone.
#[pyfunction]
pub(crate) fn _forked(py: Python<'_>) -> PyResult<()> {
    let me = thread(py)?.get();
    let mut threads = locked(&THREADS);
    let gone = threads.keys().copied().filter(|&other| other != me);
    locked(&GONE).extend(gone);
    threads.retain(|&other, _| other == me);
    drop(threads);
    super::blocking::forked();
    super::hub::forked(py);
    Ok(())
}

/// What Python calls the thread that has this number; `None` where it has ended.
#[pyfunction]
pub(crate) fn _ident_of(number: u64) -> Option<u64> {
    Owner::from_number(number).and_then(ident_of)
}

/// Who acts: a task, a greenlet, or the number of the thread.
#[pyfunction]
pub(crate) fn _current_unit(py: Python<'_>) -> PyResult<Py<PyAny>> {
    match Unit::current(py)? {
        Unit::Object(object) => Ok(object),
        Unit::Thread(owner) => Ok(owner.get().into_pyobject(py)?.into_any().unbind()),
    }
}
