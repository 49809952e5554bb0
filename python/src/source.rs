//! Iterables as sources.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use millpond::{BoxError, Supply};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyTuple};

use crate::context::Context;
use crate::errors::note_once;
use crate::interpreter::{Iteration, attached, call_method, chunk_is_done, is_leaving, reading};
use crate::keeper::Held;
use crate::object::Object;
use crate::place::{Place, Raised};

/// An iterator with what belongs to its task.
pub(crate) struct Iterating {
    pub(crate) iterator: Py<PyIterator>,
    pub(crate) place: Arc<Place>,
    pub(crate) context: Context,
    /// Whether iterating sets no context variables.
    pub(crate) is_simple: bool,
    /// Whether it is to be closed when nobody can read from it any more.
    pub(crate) is_generator: bool,
    /// Whether the collector takes it apart, and closes it itself.
    pub(crate) is_condemned: AtomicBool,
    /// The thread that added it.
    pub(crate) made_in: ThreadId,
}

impl Held for Iterating {
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.iterator)?;
        visit.call(self.context.object())?;
        self.place.traverse(visit)
    }

    fn condemn(&self) {
        self.is_condemned.store(true, Ordering::Relaxed);
    }
}

/// The items of an iterator, asked for when they are needed. A generator is closed when nobody can read from it any more.
pub(crate) struct Iterable(pub(crate) Arc<Iterating>);

impl Iterable {
    #[cold]
    fn raised(&self, error: PyErr) -> BoxError {
        if thread::current().id() != self.0.made_in {
            let _ = attached(|py| note_thread(py, &error));
        }
        Raised::boxed(error, &self.0.place)
    }

    fn fill(
        &self,
        py: Python<'_>,
        most: usize,
        into: &mut Vec<Object>,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<bool, BoxError> {
        let iterator = Iteration::new(self.0.iterator.bind(py));
        while into.len() < most && is_wanted() {
            match iterator.next() {
                Ok(Some(item)) => into.push(item.into()),
                Ok(None) => return Ok(false),
                Err(error) => return Err(self.raised(error)),
            }
        }
        Ok(true)
    }
}

impl Supply<Object> for Iterable {
    fn supply(&mut self, most: usize, into: &mut Vec<Object>, is_wanted: &dyn Fn() -> bool) -> Result<bool, BoxError> {
        into.reserve_exact(most.min(8192));
        let filled = attached(|py| {
            let filled = self.0.context.run_on(py, self.0.is_simple, || self.fill(py, most, into, is_wanted));
            chunk_is_done(py);
            filled
        });
        match filled {
            Some(Ok(filled)) => filled,
            Some(Err(error)) => Err(self.raised(error)),
            None => Ok(false),
        }
    }

    #[inline]
    fn supply_one(&mut self) -> Result<Option<Object>, BoxError> {
        reading(|py| {
            let iterator = Iteration::new(self.0.iterator.bind(py));
            let next = self.0.context.run_on(py, self.0.is_simple, || iterator.next()).flatten();
            next.map(|item| item.map(Object::from)).map_err(|error| self.raised(error))
        })
    }
}

impl Drop for Iterable {
    fn drop(&mut self) {
        // At the end of the program a generator is closed by going away.
        if !self.0.is_generator || is_leaving() || self.0.is_condemned.load(Ordering::Relaxed) {
            return;
        }
        let _ = attached(|py| close(self.0.iterator.bind(py)));
    }
}

/// Gives the way out where an iterator says that it may not be used by this thread, which is not
/// the one that it was made in.
///
/// Each library says so in words of its own, but in no case without this one.
fn note_thread(py: Python<'_>, error: &PyErr) {
    if error.value(py).to_string().contains("thread") {
        let note = "it was iterated over by another thread than the one that added it; with \
                    `pool.source(…, reader_only=True)` the thread that reads does it";
        note_once(py, error, note);
    }
}

/// Closes a generator.
pub(crate) fn close(generator: &Bound<'_, PyIterator>) {
    let py = generator.py();
    if let Err(error) = call_method(generator, intern!(py, "close"), PyTuple::empty(py)) {
        error.write_unraisable(py, Some(generator.as_any()));
    }
}
