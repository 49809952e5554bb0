//! One wait of a task or a greenlet: what the adapters in Python drive.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::ask::{Ask, Ended};
use super::hub::{Hub, Ring};
use crate::interpreter::staying;

/// A wait. Losing it gives up: what it was granted goes to the next who waits, or back.
#[pyclass(frozen, weakref, module = "millpond._native", name = "_Wait")]
pub(crate) struct Wait {
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    /// Until it has ended. Out while it takes a round.
    ask: Option<Box<dyn Ask>>,
    ended: Option<PyResult<Ended>>,
    has_given_up: bool,
    ring: Option<Arc<Ring>>,
    /// What resumes the waiter on its loop, to be called once.
    resume: Option<Py<PyAny>>,
}

impl Wait {
    pub(super) fn new(ask: Box<dyn Ask>) -> Self {
        Self { inside: Mutex::new(Inside { ask: Some(ask), ..Inside::default() }) }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the waiter go on. Called on its loop.
    pub(super) fn resume(&self, py: Python<'_>) -> PyResult<()> {
        let resume = self.inside().resume.take();
        match resume {
            Some(resume) => resume.bind(py).call0().map(drop),
            None => Ok(()),
        }
    }

    /// Leaves the list, also on behalf of a waiter that will never run again.
    pub(super) fn give_up(&self) {
        let (ask, ring, resume, ended) = {
            let mut inside = self.inside();
            inside.has_given_up = true;
            (inside.ask.take(), inside.ring.take(), inside.resume.take(), inside.ended.take())
        };
        if let Some(ring) = ring {
            ring.leave();
        }
        drop((ask, resume, ended));
    }

    /// One round; whether the wait is over. Nothing is locked during it, since it may wake others
    /// by way of Python.
    fn round(&self, is_over: bool) -> bool {
        let (ask, ring) = {
            let mut inside = self.inside();
            (inside.ask.take(), inside.ring.clone())
        };
        let Some(mut ask) = ask else { return true };
        let waker = ring.map_or_else(|| Waker::noop().clone(), Waker::from);
        let ended = ask.advance(&waker, is_over);
        let has_ended = ended.is_some();
        let outcome = ended.map(|ended| match ended {
            Ended::Had => ask.arrived().map(|()| Ended::Had),
            other => Ok(other),
        });
        let left = {
            let mut inside = self.inside();
            match outcome {
                Some(outcome) => inside.ended = Some(outcome),
                None if !inside.has_given_up => inside.ask = Some(ask),
                // Dropped when nothing is locked.
                None => {
                    drop(inside);
                    drop(ask);
                    return true;
                }
            }
            if has_ended { inside.ring.take() } else { None }
        };
        if let Some(ring) = left {
            ring.leave();
        }
        has_ended
    }
}

#[pymethods]
impl Wait {
    /// Begins on a loop: takes what can be had at once, or enters the list. Returns whether the
    /// wait is over; if not, `resume` is called once, on the loop.
    fn begin(slf: &Bound<'_, Self>, hub: &Hub, resume: Py<PyAny>) -> PyResult<bool> {
        let ring = hub.enter(slf)?;
        {
            let mut inside = slf.get().inside();
            inside.ring = Some(ring);
            inside.resume = Some(resume);
        }
        Ok(staying(|| slf.get().round(false)))
    }

    /// Looks again after it was resumed, with what is to resume it next; returns whether the wait
    /// is over.
    #[pyo3(signature = (resume, is_over=false))]
    fn advance(&self, resume: Option<Py<PyAny>>, is_over: bool) -> bool {
        staying(|| {
            let before = std::mem::replace(&mut self.inside().resume, resume);
            drop(before);
            self.round(is_over)
        })
    }

    /// Nobody is to be resumed any more; whether somebody was to be.
    fn disarm(&self) -> bool {
        let resume = self.inside().resume.take();
        resume.is_some()
    }

    /// What has come of it.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let ended = self.inside().ended.take();
        match ended {
            Some(ended) => ended?.give(py),
            None => Err(PyRuntimeError::new_err("the wait was given up: its event loop is closed")),
        }
    }

    /// Gives up. What it was granted goes to the next who waits, or back.
    fn cancel(&self) {
        staying(|| self.give_up());
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Ok(inside) = self.inside.try_lock() else { return Ok(()) };
        if let Some(ask) = &inside.ask {
            ask.traverse(&visit)?;
        }
        if let Some(Ok(Ended::Item(item))) = &inside.ended {
            visit.call(&item.0)?;
        }
        visit.call(&inside.resume)
    }

    fn __clear__(&self) {
        self.give_up();
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.give_up();
    }
}
