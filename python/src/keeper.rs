//! Who answers to Python's garbage collector for what the engine holds.
//!
//! A function belongs to the engine, where the collector cannot see it; but it may refer, by way of a closure, to the very reader
//! that keeps it alive. So each task has a keeper, a Python object that shows the collector the references that
//! the engine has. It refers to the keepers of the tasks upstream, and the reader downstream refers to it. When the readers are
//! garbage the collector clears them, which lets go of the tasks and their functions.
//!
//! What is shown may be cleared. So whoever uses what the engine holds has a reference of its own that leads there: a caller has the
//! reader, and a helper takes hold of the last keeper by its [`Grip`]. `README.md` beside this file says why that is enough.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millpond::Hold;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

use crate::interpreter::attached;
use crate::values::{Read, helping};

/// What the engine holds for one task.
pub(crate) trait Held: Send + Sync {
    /// Shows the garbage collector all that is held.
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError>;

    /// What runs the task's coroutines, if they are such.
    fn runner(&self) -> Option<&Py<PyAny>> {
        None
    }

    /// The collector takes it apart: nothing of it may be called any more.
    fn condemn(&self) {}
}

/// The runners of a task and of all upstream.
type Runners = Arc<[Arc<dyn Held>]>;

/// See the [module documentation](self).
#[pyclass(frozen, weakref, module = "millpond._native", name = "_Keeper")]
pub(crate) struct Keeper {
    held: Vec<Arc<dyn Held>>,
    upstream: Vec<Py<Keeper>>,
    runners: Option<Runners>,
    grip: Arc<Grip>,
}

/// A helper's way to a keeper, or to its successor.
///
/// A weak reference, which gives nothing any more from before the collector begins to clear the keeper and what it shows.
#[derive(Default)]
pub(crate) struct Grip(Mutex<Option<Py<PyWeakrefReference>>>);

impl Grip {
    fn lock(&self) -> MutexGuard<'_, Option<Py<PyWeakrefReference>>> {
        // Nothing is called or let go under this lock, so an attached thread may take it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lead_to(&self, keeper: &Bound<'_, Keeper>) -> PyResult<()> {
        let reference = PyWeakrefReference::new(keeper)?.unbind();
        let before = self.lock().replace(reference);
        drop(before);
        Ok(())
    }

    fn take<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let reference = self.lock().as_ref()?.clone_ref(py);
        reference.into_bound(py).upgrade()
    }
}

impl Hold for Grip {
    fn within(&self, work: &mut dyn FnMut()) {
        let _ = attached(|py| {
            if let Some(_keeper) = self.take(py) {
                helping(std::ptr::from_ref(self).addr(), work);
            }
        });
    }
}

/// The place where a Python object that reads has its keeper; none where nothing is held, or it reads no more.
pub(crate) struct Kept(Mutex<Option<Py<Keeper>>>);

impl Kept {
    pub(crate) const fn new(keeper: Option<Py<Keeper>>) -> Self {
        Self(Mutex::new(keeper))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Py<Keeper>>> {
        // As above.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keeper as it is.
    pub(crate) fn look(&self, py: Python<'_>) -> Option<Py<Keeper>> {
        self.lock().as_ref().map(|keeper| keeper.clone_ref(py))
    }

    /// The keeper, for whoever begins to read.
    pub(crate) fn get(&self, py: Python<'_>) -> PyResult<Option<Py<Keeper>>> {
        let Some(keeper) = self.look(py) else { return Ok(None) };
        let Some(successor) = Keeper::succeed(keeper.bind(py))? else { return Ok(Some(keeper)) };
        let mut place = self.lock();
        if let Some(now) = place.as_mut().filter(|now| now.is(&keeper)) {
            *now = successor.clone_ref(py);
        }
        drop(place);
        Ok(Some(successor))
    }

    pub(crate) fn take(&self) -> Option<Py<Keeper>> {
        self.lock().take()
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Free: it is held by attached threads alone, and never over a point where the collector may come in.
        match self.0.try_lock().as_deref() {
            Ok(Some(keeper)) => visit.call(keeper),
            _ => Ok(()),
        }
    }
}

impl Keeper {
    /// A keeper of what is held, downstream of these.
    pub(crate) fn new(
        py: Python<'_>,
        held: Vec<Arc<dyn Held>>,
        upstream: impl IntoIterator<Item = Option<Py<Self>>>,
    ) -> PyResult<Py<Self>> {
        let mut kept: Vec<Py<Self>> = Vec::new();
        for keeper in upstream.into_iter().flatten() {
            if !kept.iter().any(|known| known.is(&keeper)) {
                kept.push(keeper);
            }
        }
        let runners = runners(&held, &kept);
        let keeper = Bound::new(py, Self { held, upstream: kept, runners, grip: Arc::default() })?;
        keeper.get().grip.lead_to(&keeper)?;
        Ok(keeper.unbind())
    }

    /// What a helper must hold that works for a reader of the task.
    pub(crate) fn hold(&self) -> Arc<dyn Hold> {
        Arc::clone(&self.grip) as Arc<dyn Hold>
    }

    /// Notes a read from the reader that has this keeper, if it is one within the call of a value's function.
    pub(crate) fn read(&self) -> Option<Read> {
        Read::begin(Arc::as_ptr(&self.grip).addr())
    }

    /// What runs the coroutines of the task and of those upstream.
    pub(crate) fn runners(&self) -> impl Iterator<Item = &Py<PyAny>> {
        self.runners.iter().flat_map(|runners| runners.iter()).filter_map(|held| held.runner())
    }

    /// The keeper that a reader is to have from now on, where it has come back from being garbage: an object's finalizer reads from it,
    /// say, or has put it in a safe place. For whoever begins to read.
    ///
    /// Subtle: the collector may still be at it, and may yet find that all of it is garbage. A weak reference that is made now would not
    /// die before what it leads to is cleared. The successor is none of what the collector is looking at, so all that it leads to is
    /// referred to from outside, for as long as the weak references to the successor live.
    pub(crate) fn succeed(slf: &Bound<'_, Self>) -> PyResult<Option<Py<Self>>> {
        let py = slf.py();
        let this = slf.get();
        if this.grip.take(py).is_some() {
            return Ok(None);
        }
        let (mut upstream, mut dead, mut seen) = (vec![slf.clone().unbind()], Vec::new(), HashSet::new());
        let mut unseen = vec![slf.clone()];
        while let Some(keeper) = unseen.pop() {
            if !seen.insert(keeper.as_ptr() as usize) {
                continue;
            }
            match keeper.get().grip.take(py) {
                None => {
                    unseen.extend(keeper.get().upstream.iter().map(|keeper| keeper.bind(py).clone()));
                    dead.push(keeper);
                }
                // A successor of another reader's.
                Some(leading) if !leading.is(&keeper) => upstream.push(leading.cast_into::<Self>()?.unbind()),
                Some(_) => {}
            }
        }
        let (runners, grip) = (this.runners.clone(), Arc::clone(&this.grip));
        let successor = Bound::new(py, Self { held: Vec::new(), upstream, runners, grip })?;
        for keeper in dead {
            keeper.get().grip.lead_to(&successor)?;
        }
        Ok(Some(successor.unbind()))
    }

    /// Tells whatever is garbage here and upstream, where this is: it is there, and its weak references are dead.
    pub(crate) fn condemn_garbage(&self, py: Python<'_>) {
        let (mut dead, mut seen) = (vec![self], HashSet::new());
        while let Some(keeper) = dead.pop() {
            if keeper.grip.take(py).is_none() && seen.insert(std::ptr::from_ref(keeper).addr()) {
                keeper.held.iter().for_each(|held| held.condemn());
                dead.extend(keeper.upstream.iter().map(Py::get));
            }
        }
    }
}

/// The runners upstream, each once, and `held` if it is one.
fn runners(held: &[Arc<dyn Held>], upstream: &[Py<Keeper>]) -> Option<Runners> {
    let mut before = upstream.iter().filter_map(|keeper| keeper.get().runners.as_ref());
    let own = held.iter().find(|held| held.runner().is_some());
    let first = before.next();
    let rest: Vec<_> = before.collect();
    if own.is_none() && rest.is_empty() {
        return first.cloned();
    }
    let mut all: Vec<Arc<dyn Held>> = Vec::new();
    for held in first.into_iter().chain(rest).flat_map(|runners| runners.iter()).chain(own) {
        if !all.iter().any(|known| Arc::ptr_eq(known, held)) {
            all.push(Arc::clone(held));
        }
    }
    Some(all.into())
}

#[pymethods]
impl Keeper {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.upstream.iter().try_for_each(|keeper| visit.call(keeper))?;
        self.held.iter().try_for_each(|held| held.traverse(&visit))
    }
}

thread_local! {
    /// Keepers that are to be let go by a drop further up the stack.
    static LEFT: RefCell<Option<Vec<Py<Keeper>>>> = const { RefCell::new(None) };
}

impl Drop for Keeper {
    /// Lets those upstream go one after the other instead of one within the other: a long chain does not overflow the stack.
    fn drop(&mut self) {
        let upstream = std::mem::take(&mut self.upstream);
        if upstream.is_empty() {
            return;
        }
        let mut upstream = Some(upstream);
        let is_outermost = LEFT.try_with(|left| {
            let mut left = left.borrow_mut();
            let is_outermost = left.is_none();
            left.get_or_insert_default().extend(upstream.take().into_iter().flatten());
            is_outermost
        });
        if is_outermost == Ok(true) {
            while let Some(keeper) = LEFT.with_borrow_mut(|left| left.as_mut().and_then(Vec::pop)) {
                drop(keeper);
            }
            LEFT.set(None);
        }
    }
}
