//! Reads that await, for event loops of any make: polled, with a callback that says when it is worth polling again.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use millpond::ReadError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::errors::raise;
use crate::interpreter::{attached, call, staying};
use crate::keeper::{Keeper, Kept};
use crate::object::Object;
use crate::pool::Reader;
use crate::reader::items_first;
use crate::simulation::told;

type Pending = Pin<Box<dyn Future<Output = Result<Vec<Object>, ReadError>> + Send>>;

/// A read that is under way.
#[pyclass(frozen, module = "millpond._native", name = "_Reading")]
pub(crate) struct Reading {
    /// Until it is done or given up.
    future: Mutex<Option<Pending>>,
    waking: Arc<Waking>,
    /// Who answers for what the tasks hold that are read from.
    keeper: Kept,
}

/// Calls back once for each time that it was asked to.
#[derive(Default)]
pub(crate) struct Waking(Mutex<Option<Py<PyAny>>>);

impl Waking {
    /// Has `callback` called next, instead of what was to be called.
    pub(crate) fn call_next(&self, callback: Option<Py<PyAny>>) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *place, callback);
        drop(place);
        drop(before);
    }
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let callback = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(callback) = callback {
            // The engine wakes others when it holds no lock, so this may be any Python.
            let _ = attached(|py| {
                if let Err(error) = call(callback.bind(py), &PyTuple::empty(py), None) {
                    error.write_unraisable(py, Some(callback.bind(py)));
                }
            });
        }
    }
}

impl Reading {
    pub(crate) fn new(mut reader: Reader, keeper: Option<Py<Keeper>>, count: usize, partial: bool) -> Self {
        let future = Box::pin(async move {
            let result = reader.read_async(count).await;
            if partial { items_first(&mut reader, count, result) } else { result }
        });
        Self { future: Mutex::new(Some(future)), waking: Arc::default(), keeper: Kept::new(keeper) }
    }
}

#[pymethods]
impl Reading {
    /// The items, or `None` when they are not there yet: then `callback` is called, once and from any thread, when it is worth asking again.
    fn poll<'py>(&self, py: Python<'py>, callback: Py<PyAny>) -> PyResult<Option<Bound<'py, PyList>>> {
        staying(|| self.poll_once(py, callback))
    }

    /// Gives it up; nothing is lost.
    fn cancel(&self) {
        staying(|| {
            let future = self.future.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(future);
            self.waking.call_next(None);
        });
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.keeper.traverse(&visit)
    }

    fn __clear__(&self) {
        self.cancel();
        drop(self.keeper.take());
    }
}

impl Reading {
    fn poll_once<'py>(&self, py: Python<'py>, callback: Py<PyAny>) -> PyResult<Option<Bound<'py, PyList>>> {
        self.waking.call_next(Some(callback));
        let _keeper = self.keeper.get(py)?;
        let mut future = self.future.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pending) = future.as_mut() else { return Ok(None) };
        let waker = Waker::from(Arc::clone(&self.waking));
        let result = told(|| Ok(pending.as_mut().poll(&mut Context::from_waker(&waker))))?;
        let Poll::Ready(result) = result else { return Ok(None) };
        *future = None;
        drop(future);
        self.waking.call_next(None);
        let items = result.map_err(|error| raise(py, &error))?;
        PyList::new(py, items.into_iter().map(|item| item.0)).map(Some)
    }
}

/// A reader that has workers work ahead of the reads of others.
#[pyclass(frozen, module = "millpond._native", name = "_Ahead")]
pub(crate) struct Ahead {
    /// What the one that works ahead is made from.
    reader: Mutex<Reader>,
    ahead: Mutex<Option<Reader>>,
}

impl Ahead {
    pub(crate) fn new(reader: Reader) -> Self {
        Self { reader: Mutex::new(reader), ahead: Mutex::new(None) }
    }
}

#[pymethods]
impl Ahead {
    /// Works ahead from now on.
    fn keep(&self) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = || self.reader.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Again each time: the pool may have had no workers before.
        ahead.get_or_insert_with(reader).iterate_ahead();
    }

    /// Works ahead no more.
    fn close(&self) {
        let ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(ahead);
    }
}
