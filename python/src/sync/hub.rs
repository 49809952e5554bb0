//! The hub of an event loop: what was granted to tasks there, until the loop runs them.
//!
//! A grant calls the waiter's [`Ring`], in whichever thread. In the loop's own thread that resumes
//! the waiter at once. Elsewhere the ring goes into the hub's mailbox, and the loop is asked to
//! empty it: once for any number of grants until it does.
//!
//! A loop that is closed is found out in three ways: asking it fails; it drops what it was asked to
//! call without calling it ([`Flush`]); or somebody looks, at the next wait that begins. Then the
//! hub dies, and all that wait there give up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Wake;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyWeakrefReference;

use super::wait::Wait;
use crate::interpreter::attached;

/// All hubs, for the child of a fork.
static HUBS: Mutex<Vec<Weak<Mailbox>>> = Mutex::new(Vec::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What wakes one waiter of a loop. It refers to it weakly: a list of waiters keeps no task alive.
pub(super) struct Ring {
    mailbox: Arc<Mailbox>,
    number: u64,
    wait: Py<PyWeakrefReference>,
}

pub(super) struct Mailbox {
    inside: Mutex<Inside>,
    /// The loop's side, in Python: `is_here()`, and `post(function)`, which returns whether the
    /// loop will call it.
    adapter: Py<PyAny>,
}

struct Inside {
    /// Who was granted something, and has not been resumed.
    rung: Vec<Arc<Ring>>,
    /// Whether the loop has been asked to empty it.
    is_posted: bool,
    is_dead: bool,
    /// All that wait.
    waiters: BTreeMap<u64, Arc<Ring>>,
    next: u64,
}

impl Ring {
    /// Resumes the waiter, on its loop. One that cannot be resumed gives up.
    fn resume(&self, py: Python<'_>) {
        if let Some(wait) = self.wait(py)
            && wait.get().resume(py).is_err()
        {
            wait.get().give_up();
        }
    }

    fn wait<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Wait>> {
        use pyo3::types::PyWeakrefMethods as _;
        self.wait.bind(py).upgrade_as::<Wait>().ok().flatten()
    }

    pub(super) fn leave(&self) {
        let ring = locked(&self.mailbox.inside).waiters.remove(&self.number);
        drop(ring);
    }
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        // At the end of the program nobody is resumed.
        let _ = attached(|py| Mailbox::ring(&Arc::clone(&self.mailbox), py, self));
    }
}

impl Mailbox {
    fn ring(this: &Arc<Self>, py: Python<'_>, ring: Arc<Ring>) {
        let is_posted = locked(&this.inside).is_posted;
        if !is_posted && this.is_here(py) {
            ring.resume(py);
            return;
        }
        let (is_dead, posts) = {
            let mut inside = locked(&this.inside);
            let posts = !inside.is_posted && !inside.is_dead;
            if !inside.is_dead {
                inside.rung.push(Arc::clone(&ring));
                inside.is_posted = true;
            }
            (inside.is_dead, posts)
        };
        if is_dead {
            if let Some(wait) = ring.wait(py) {
                wait.get().give_up();
            }
        } else if posts && !this.post(py) {
            this.die(py);
        }
    }

    fn is_here(&self, py: Python<'_>) -> bool {
        let is_here = self.adapter.bind(py).call_method0(intern!(py, "is_here"));
        is_here.and_then(|is_here| is_here.is_truthy()).unwrap_or(false)
    }

    /// Asks the loop to empty the mailbox; false if it never will.
    fn post(self: &Arc<Self>, py: Python<'_>) -> bool {
        let post = || {
            let flush = Py::new(py, Flush { mailbox: Arc::clone(self), is_called: Mutex::new(false) })?;
            self.adapter.bind(py).call_method1(intern!(py, "post"), (flush,))?.is_truthy()
        };
        post().unwrap_or(false)
    }

    /// Resumes who was granted something, on the loop.
    fn flush(&self, py: Python<'_>) {
        let rung = {
            let mut inside = locked(&self.inside);
            inside.is_posted = false;
            std::mem::take(&mut inside.rung)
        };
        rung.iter().for_each(|ring| ring.resume(py));
    }

    /// The loop runs nobody any more: all that wait give up, and what they were granted goes to
    /// others.
    fn die(&self, py: Python<'_>) {
        let waiters = {
            let mut inside = locked(&self.inside);
            inside.is_dead = true;
            inside.rung.clear();
            std::mem::take(&mut inside.waiters)
        };
        for ring in waiters.into_values() {
            if let Some(wait) = ring.wait(py) {
                wait.get().give_up();
            }
        }
    }
}

/// The hub of one event loop.
#[pyclass(frozen, module = "millpond._native", name = "_Hub")]
pub(crate) struct Hub(Arc<Mailbox>);

impl Hub {
    /// Lists a waiter.
    pub(super) fn enter(&self, wait: &Bound<'_, Wait>) -> PyResult<Arc<Ring>> {
        let reference = PyWeakrefReference::new(wait.as_any())?.unbind();
        let mut inside = locked(&self.0.inside);
        let number = inside.next;
        inside.next += 1;
        let ring = Arc::new(Ring { mailbox: Arc::clone(&self.0), number, wait: reference });
        inside.waiters.insert(number, Arc::clone(&ring));
        Ok(ring)
    }
}

#[pymethods]
impl Hub {
    #[new]
    fn new(adapter: Py<PyAny>) -> Self {
        let inside = Inside { rung: Vec::new(), is_posted: false, is_dead: false, waiters: BTreeMap::new(), next: 0 };
        let mailbox = Arc::new(Mailbox { inside: Mutex::new(inside), adapter });
        let mut hubs = locked(&HUBS);
        hubs.retain(|hub| hub.strong_count() > 0);
        hubs.push(Arc::downgrade(&mailbox));
        Self(mailbox)
    }

    /// How many wait there.
    fn waiting(&self) -> usize {
        locked(&self.0.inside).waiters.len()
    }

    /// The loop is closed.
    fn die(&self, py: Python<'_>) {
        self.0.die(py);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0.adapter)
    }
}

/// What a loop is asked to call.
#[pyclass(frozen, module = "millpond._native", name = "_Flush")]
pub(crate) struct Flush {
    mailbox: Arc<Mailbox>,
    is_called: Mutex<bool>,
}

#[pymethods]
impl Flush {
    fn __call__(&self, py: Python<'_>) {
        *locked(&self.is_called) = true;
        self.mailbox.flush(py);
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if !*locked(&self.is_called) {
            let _ = attached(|py| self.mailbox.die(py));
        }
    }
}

/// The loops of the process that this one was forked from are gone, but for the one that forks.
pub(super) fn forked(py: Python<'_>) {
    let hubs: Vec<_> = locked(&HUBS).iter().filter_map(Weak::upgrade).collect();
    for hub in hubs {
        if !hub.is_here(py) {
            hub.die(py);
        }
    }
}
