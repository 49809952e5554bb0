//! Queues whose order is that of coming: first in, first out, and last in, first out.

use std::sync::Arc;
use std::task::Waker;

use millpond::channel::{Asked, GetError, LifoQueue, PutError, Queue as FifoQueue};
use millpond::sync::Waiting;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyType};

use super::ask::{Asking, Ended, Polled, raised};
use super::blocking::block;
use super::semaphore::number;
use super::time::Patience;
use super::wait::Wait;
use crate::interpreter::{call, staying};
use crate::object::Object;

/// The Python classes `millpond.sync.Queue` and `LifoQueue` are made of it.
#[pyclass(frozen, subclass, weakref, module = "millpond._native", name = "Queue")]
pub(crate) struct Queue {
    items: Items,
    /// What an item weighs, where it is not 1.
    size: Option<Py<PyAny>>,
}

#[derive(Clone)]
enum Items {
    Fifo(Arc<FifoQueue<Object>>),
    Lifo(Arc<LifoQueue<Object>>),
}

/// The same for a queue of either kind.
macro_rules! of_either {
    ($items:expr, $queue:ident => $body:expr) => {
        match $items {
            Items::Fifo($queue) => $body,
            Items::Lifo($queue) => $body,
        }
    };
}

/// The bound that `maxsize` says.
fn limit(maxsize: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
    let Some(maxsize) = maxsize else { return Ok(u64::MAX) };
    if maxsize.is_instance_of::<PyBool>() || !maxsize.is_instance_of::<PyInt>() {
        return Err(PyTypeError::new_err(format!("maxsize must be an int or None, got {}", maxsize.repr()?)));
    }
    // More than can be counted is no bound.
    Ok(if maxsize.le(0)? { u64::MAX } else { maxsize.extract().unwrap_or(u64::MAX) })
}

impl Queue {
    fn weight(&self, item: &Bound<'_, PyAny>) -> PyResult<u64> {
        let Some(size) = &self.size else { return Ok(1) };
        let py = item.py();
        let weight = call(size.bind(py), &(item,).into_pyobject(py)?, None)?;
        number(&weight, "the size of an item", 0)
    }

    /// Puts an item in if there is room. Gives it back, with what it weighs, if not.
    #[inline]
    fn offer(&self, item: Bound<'_, PyAny>) -> PyResult<Result<(), (Object, u64)>> {
        let py = item.py();
        let weight = self.weight(&item)?;
        let item = Object(item.unbind());
        let put = staying(|| match &self.size {
            None => of_either!(&self.items, queue => queue.try_put(item)),
            Some(_) => of_either!(&self.items, queue => {
                let mut waiting = Waiting::new(&**queue, Asked::put(item, weight));
                match waiting.advance(Waker::noop(), true) {
                    Some(Ok(asked)) => asked.put_or(PutError::ShutDown),
                    Some(Err(asked)) => asked.put_or(PutError::Full),
                    None => Ok(()),
                }
            }),
        });
        match put {
            Ok(()) => Ok(Ok(())),
            Err(PutError::ShutDown(_)) => Err(raised(py, "QueueShutDown", "putting into a queue that was shut down")),
            Err(error) => Ok(Err((error.into_inner(), weight))),
        }
    }

    #[inline]
    fn try_take(&self, py: Python<'_>) -> PyResult<Option<Object>> {
        match staying(|| of_either!(&self.items, queue => queue.try_get())) {
            Ok(item) => Ok(Some(item)),
            Err(GetError::ShutDown) => Err(raised(py, "QueueShutDown", "getting from a queue that was shut down")),
            Err(_) => Ok(None),
        }
    }

    fn ask_get(slf: &Bound<'_, Self>, asked: Asked<Object>) -> Box<dyn super::ask::Ask> {
        let object = slf.as_any().clone().unbind();
        of_either!(&slf.get().items, queue => Asking::boxed(Arc::clone(queue), asked, got, object))
    }

    fn ask_put(slf: &Bound<'_, Self>, item: Object, weight: u64) -> Box<dyn super::ask::Ask> {
        let object = slf.as_any().clone().unbind();
        let asked = Asked::put(item, weight);
        of_either!(&slf.get().items, queue => Asking::boxed(Arc::clone(queue), asked, put, object))
    }

    fn ask_many(slf: &Bound<'_, Self>, count: usize) -> Box<dyn super::ask::Ask> {
        let object = slf.as_any().clone().unbind();
        let asked = Asked::get_many(count);
        of_either!(&slf.get().items, queue => Asking::boxed(Arc::clone(queue), asked, got_many, object))
    }

    fn ask_join(slf: &Bound<'_, Self>) -> Box<dyn super::ask::Ask> {
        let object = slf.as_any().clone().unbind();
        of_either!(slf.get().items.clone(), queue => {
            let joined = async move {
                queue.join_async().await;
                Ended::Had
            };
            Polled::boxed(joined, || Ended::Late, object)
        })
    }

    fn empty(py: Python<'_>) -> PyErr {
        Ended::Empty.give(py).err().unwrap_or_else(|| PyValueError::new_err(()))
    }

    fn full(py: Python<'_>) -> PyErr {
        Ended::Full.give(py).err().unwrap_or_else(|| PyValueError::new_err(()))
    }

    fn item(py: Python<'_>, got: Option<Object>) -> PyResult<Py<PyAny>> {
        got.map(|item| item.0).ok_or_else(|| Self::empty(py))
    }
}

fn got(result: Result<Asked<Object>, Asked<Object>>) -> Ended {
    match result {
        Ok(asked) => asked.got().map_or(Ended::ShutDown, Ended::Item),
        Err(_) => Ended::Empty,
    }
}

fn got_many(result: Result<Asked<Object>, Asked<Object>>) -> Ended {
    match result {
        Ok(asked) => asked.got_many().map_or(Ended::ShutDown, Ended::Items),
        Err(_) => Ended::Empty,
    }
}

fn put(result: Result<Asked<Object>, Asked<Object>>) -> Ended {
    let (asked, is_in_time) = match result {
        Ok(asked) => (asked, true),
        Err(asked) => (asked, false),
    };
    match asked.put_or(PutError::ShutDown) {
        Ok(()) => Ended::Had,
        Err(_) if is_in_time => Ended::ShutDown,
        Err(_) => Ended::Full,
    }
}

#[pymethods]
impl Queue {
    #[new]
    #[pyo3(signature = (is_lifo, items, maxsize, size))]
    fn new(
        is_lifo: bool,
        items: Vec<Py<PyAny>>,
        maxsize: Option<&Bound<'_, PyAny>>,
        size: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let limit = limit(maxsize)?;
        if let Some(size) = &size
            && !size.is_callable()
        {
            return Err(PyTypeError::new_err(format!("size must be a function or None, got {}", size.repr()?)));
        }
        let made = match is_lifo {
            false => Items::Fifo(Arc::new(FifoQueue::with_limit(u64::MAX, None))),
            true => Items::Lifo(Arc::new(LifoQueue::with_limit(u64::MAX, None))),
        };
        let queue = Self { items: made, size: size.map(Bound::unbind) };
        Python::attach(|py| items.into_iter().try_for_each(|item| queue.offer(item.into_bound(py)).map(drop)))?;
        of_either!(&queue.items, queue => queue.set_limit(limit));
        Ok(queue)
    }

    #[classmethod]
    fn __class_getitem__<'py>(class: &Bound<'py, PyType>, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        class.py().import(intern!(class.py(), "types"))?.call_method1("GenericAlias", (class, item))
    }

    #[pyo3(signature = (block=true, timeout=None))]
    fn get(slf: &Bound<'_, Self>, block: bool, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let patience = Patience::blocking(block, timeout, "block")?;
        if let Some(item) = slf.get().try_take(py)? {
            return Ok(item.0);
        }
        if patience == Patience::None {
            return Err(Self::empty(py));
        }
        staying(|| self::block(py, Self::ask_get(slf, Asked::get()), patience))
    }

    #[pyo3(signature = (item, block=true, timeout=None))]
    fn put(
        slf: &Bound<'_, Self>,
        item: Bound<'_, PyAny>,
        block: bool,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let patience = Patience::blocking(block, timeout, "block")?;
        let Err((item, weight)) = slf.get().offer(item)? else { return Ok(()) };
        if patience == Patience::None {
            return Err(Self::full(py));
        }
        staying(|| self::block(py, Self::ask_put(slf, item, weight), patience)).map(drop)
    }

    fn try_get(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Self::item(py, self.try_take(py)?)
    }

    fn try_put(&self, item: Bound<'_, PyAny>) -> PyResult<()> {
        let py = item.py();
        self.offer(item)?.map_err(|_| Self::full(py))
    }

    /// Gets an item for a task if there is one; a `_Wait` if not. Checks the time-out.
    #[pyo3(signature = (timeout=None))]
    fn _get_now(
        slf: &Bound<'_, Self>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Option<Py<PyAny>>, Option<Wait>)> {
        Patience::new(timeout)?;
        match slf.get().try_take(slf.py())? {
            Some(item) => Ok((Some(item.0), None)),
            None => Ok((None, Some(Wait::new(Self::ask_get(slf, Asked::get()))))),
        }
    }

    /// Puts an item in for a task if there is room; gives a `_Wait` if not. Checks the time-out.
    #[pyo3(signature = (item, timeout=None))]
    fn _put_now(
        slf: &Bound<'_, Self>,
        item: Bound<'_, PyAny>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Wait>> {
        Patience::new(timeout)?;
        let put = slf.get().offer(item)?;
        Ok(put.err().map(|(item, weight)| Wait::new(Self::ask_put(slf, item, weight))))
    }

    /// What a task waits with that wants several.
    #[pyo3(signature = (count, timeout=None))]
    fn _ask_many(
        slf: &Bound<'_, Self>,
        count: &Bound<'_, PyAny>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Wait> {
        Patience::new(timeout)?;
        Ok(Wait::new(Self::ask_many(slf, checked(count)?)))
    }

    #[pyo3(signature = (count, block=true, timeout=None))]
    fn get_many(
        slf: &Bound<'_, Self>,
        count: &Bound<'_, PyAny>,
        block: bool,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let patience = Patience::blocking(block, timeout, "block")?;
        let ask = Self::ask_many(slf, checked(count)?);
        staying(|| self::block(slf.py(), ask, patience))
    }

    #[pyo3(signature = (block=true, timeout=None))]
    fn peek(slf: &Bound<'_, Self>, block: bool, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let patience = Patience::blocking(block, timeout, "block")?;
        staying(|| self::block(slf.py(), Self::ask_get(slf, Asked::peek()), patience))
    }

    fn try_peek(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        staying(|| self::block(slf.py(), Self::ask_get(slf, Asked::peek()), Patience::None))
    }

    #[pyo3(signature = (timeout=None))]
    fn _ask_peek(slf: &Bound<'_, Self>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Wait> {
        Patience::new(timeout)?;
        Ok(Wait::new(Self::ask_get(slf, Asked::peek())))
    }

    fn task_done(&self) -> PyResult<()> {
        staying(|| of_either!(&self.items, queue => queue.task_done()))
            .map_err(|_| PyValueError::new_err("task_done() called more often than items were put in"))
    }

    #[pyo3(signature = (timeout=None))]
    fn join(slf: &Bound<'_, Self>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        let patience = Patience::new(timeout)?;
        staying(|| block(slf.py(), Self::ask_join(slf), patience))?.extract(slf.py())
    }

    #[pyo3(signature = (timeout=None))]
    fn _ask_join(slf: &Bound<'_, Self>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Wait> {
        Patience::new(timeout)?;
        Ok(Wait::new(Self::ask_join(slf)))
    }

    #[getter]
    fn unfinished_tasks(&self) -> u64 {
        of_either!(&self.items, queue => queue.unfinished())
    }

    #[pyo3(signature = (immediate=false))]
    fn shutdown(&self, immediate: bool) {
        staying(|| {
            if immediate {
                of_either!(&self.items, queue => queue.shut_down_now());
            } else {
                of_either!(&self.items, queue => queue.shut_down());
            }
        });
    }

    #[getter]
    fn is_shutdown(&self) -> bool {
        of_either!(&self.items, queue => queue.is_shut_down())
    }

    fn clear(&self) -> usize {
        staying(|| of_either!(&self.items, queue => queue.clear()))
    }

    fn __len__(&self) -> usize {
        of_either!(&self.items, queue => queue.len())
    }

    fn _weight(&self) -> u64 {
        of_either!(&self.items, queue => queue.total_weight())
    }

    #[getter]
    fn maxsize(&self) -> u64 {
        let limit = of_either!(&self.items, queue => queue.limit());
        if limit == u64::MAX { 0 } else { limit }
    }

    #[setter]
    fn set_maxsize(&self, maxsize: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let limit = limit(maxsize)?;
        staying(|| of_either!(&self.items, queue => queue.set_limit(limit)));
        Ok(())
    }

    #[getter]
    fn getting(&self) -> usize {
        of_either!(&self.items, queue => queue.waiting().0)
    }

    #[getter]
    fn putting(&self) -> usize {
        of_either!(&self.items, queue => queue.waiting().1)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.size)?;
        let mut outcome = Ok(());
        let see = &mut |item: &Object| {
            if outcome.is_ok() {
                outcome = visit.call(&item.0);
            }
        };
        of_either!(&self.items, queue => queue.visit(see));
        outcome
    }

    fn __clear__(&self) {
        staying(|| of_either!(&self.items, queue => queue.clear()));
    }
}

fn checked(count: &Bound<'_, PyAny>) -> PyResult<usize> {
    number(count, "count", 1).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
}
