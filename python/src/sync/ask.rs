//! What somebody asks of a primitive, whatever waits for it: the one thing that threads, greenlets
//! and tasks wait with.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use millpond::sync::{Deadline, Granting, Waiting};
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;

use super::errors::ClosedError;
use crate::object::Object;

/// How a wait has ended.
pub(crate) enum Ended {
    /// It has what it asked for.
    Had,
    /// The time was up.
    Late,
    /// It has an item of a queue.
    Item(Object),
    /// It has several.
    Items(Vec<Object>),
    /// The time was up at a queue without items.
    Empty,
    /// The time was up at a queue without room.
    Full,
    /// The queue takes no more items, or gives none.
    ShutDown,
    /// The semaphore was closed.
    Closed,
    /// The borrower has a token.
    Refused,
}

impl Ended {
    /// Where there is nothing but to have it in time or not.
    pub(crate) fn of<E>(result: Result<E, E>) -> Self {
        if result.is_ok() { Self::Had } else { Self::Late }
    }

    /// What the call gives or raises.
    pub(crate) fn give(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let is_had = match self {
            Self::Had => true,
            Self::Late => false,
            Self::Item(item) => return Ok(item.0),
            Self::Items(items) => {
                return Ok(pyo3::types::PyList::new(py, items.into_iter().map(|item| item.0))?.into_any().unbind());
            }
            Self::Empty => return Err(raised(py, "QueueEmpty", "the queue is empty")),
            Self::Full => return Err(raised(py, "QueueFull", "the queue is full")),
            Self::ShutDown => return Err(raised(py, "QueueShutDown", "the queue was shut down")),
            Self::Refused => return Err(refused()),
            Self::Closed => return Err(ClosedError::new_err("acquiring permits of a semaphore that is closed")),
        };
        Ok(pyo3::types::PyBool::new(py, is_had).to_owned().into_any().unbind())
    }
}

/// Borrowing twice.
pub(crate) fn refused() -> PyErr {
    PyRuntimeError::new_err("acquiring a second token by who has one, which would wait for itself; release it first")
}

/// An exception of a class that is made when it is first needed, since it has one of asyncio's for
/// a base.
pub(crate) fn raised(py: Python<'_>, class: &str, message: &str) -> PyErr {
    let make = || {
        let module = py.import(intern!(py, "millpond.sync._errors"))?;
        module.getattr(class)?.call1((message,))
    };
    make().map_or_else(|error| error, PyErr::from_value)
}

/// Something asked for. Dropping it gives up: what was granted goes to the next who waits, or back.
pub(crate) trait Ask: Send {
    /// One round, see [`Waiting::advance`].
    fn advance(&mut self, waker: &Waker, is_over: bool) -> Option<Ended>;

    /// Waits to the end, where a simulation runs the thread.
    fn block(self: Box<Self>, deadline: Deadline) -> Ended;

    /// What was had is the asker's from now on. Called attached, when the wait has ended with
    /// [`Ended::Had`].
    fn arrived(&mut self) -> PyResult<()> {
        Ok(())
    }

    /// Looks once more whether the wait can end.
    fn check(&self) -> PyResult<()> {
        Ok(())
    }

    /// Shows the collector what it refers to.
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError>;
}

type EntryOf<P> = <<P as Deref>::Target as Granting>::Entry;
type End<P> = fn(Result<EntryOf<P>, EntryOf<P>>) -> Ended;

/// A wait at a primitive that grants.
pub(crate) struct Asking<P: Deref<Target: Granting>> {
    waiting: Waiting<P>,
    end: End<P>,
    /// The primitive's object, so that it lives as long as somebody waits.
    object: Py<PyAny>,
}

impl<P> Asking<P>
where
    P: Deref<Target: Granting> + Send + 'static,
    EntryOf<P>: Send,
{
    pub(crate) fn boxed(primitive: P, entry: EntryOf<P>, end: End<P>, object: Py<PyAny>) -> Box<dyn Ask> {
        Box::new(Self { waiting: Waiting::new(primitive, entry), end, object })
    }
}

impl<P> Ask for Asking<P>
where
    P: Deref<Target: Granting> + Send,
    EntryOf<P>: Send,
{
    fn advance(&mut self, waker: &Waker, is_over: bool) -> Option<Ended> {
        self.waiting.advance(waker, is_over).map(self.end)
    }

    fn block(self: Box<Self>, deadline: Deadline) -> Ended {
        (self.end)(self.waiting.block(deadline))
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)
    }
}

/// A wait that is a future.
pub(crate) struct Polled {
    future: Pin<Box<dyn Future<Output = Ended> + Send>>,
    late: Late,
    object: Py<PyAny>,
}

type Late = fn() -> Ended;

impl Polled {
    pub(crate) fn boxed(
        future: impl Future<Output = Ended> + Send + 'static,
        late: Late,
        object: Py<PyAny>,
    ) -> Box<dyn Ask> {
        Box::new(Self { future: Box::pin(future), late, object })
    }
}

impl Ask for Polled {
    fn advance(&mut self, waker: &Waker, is_over: bool) -> Option<Ended> {
        match self.future.as_mut().poll(&mut Context::from_waker(waker)) {
            Poll::Ready(ended) => Some(ended),
            Poll::Pending => is_over.then(self.late),
        }
    }

    fn block(mut self: Box<Self>, deadline: Deadline) -> Ended {
        millpond::sync::Parker::with(|parker| {
            let _nested = parker.nested();
            let mut is_over = false;
            loop {
                if let Some(ended) = self.advance(parker.waker(), is_over) {
                    return ended;
                }
                is_over = !parker.park_deadline(deadline);
            }
        })
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)
    }
}
