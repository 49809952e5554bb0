//! Tasks that call a function with each item: maps and their kin, over whole chunks.

use std::any::Any;
use std::sync::Arc;

use millpond::{BoxError, Expander, Items, Operator, Outcome, Wanted};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};

use crate::context::Calls;
use crate::function::{Called, Function};
use crate::interpreter::{Callee, Iteration, attached, call, chunk_is_done, is_awaitable, is_true, iterate, reading};
use crate::object::Object;
use crate::place::Raised;
use crate::waiting::show_items;

/// What becomes of an item and what the function makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The result takes the item's place.
    Map,
    /// The item stays where the result is true.
    Filter,
    /// The result takes the item's place, unless it is `None`.
    FilterMap,
    /// The item stays, whatever the result.
    Tap,
}

/// A task that gives at most one item for each that it is given.
pub(crate) struct Operation {
    pub(crate) function: Arc<Function>,
    pub(crate) kind: Kind,
}

/// A failure that is nobody's: the interpreter is on its way out.
pub(crate) fn gone() -> BoxError {
    "the interpreter is shutting down".into()
}

impl Operation {
    /// What becomes of one item: it or another one, or nothing.
    #[inline]
    fn result<'py>(
        &self,
        py: Python<'py>,
        item: &Bound<'py, PyAny>,
        wanted: Option<&Wanted<'_>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let result =
            if self.function.is_plain() {
                let result = Callee::new(self.function.function.bind(py)).call(item)?;
                self.function.check_plain(&result)?;
                result
            } else {
                // Whether a result counts as true is a part of the call.
                let is_filter = self.kind == Kind::Filter;
                match self
                    .function
                    .persist(py, item, wanted, |result| if is_filter { is_true(result).map(drop) } else { Ok(()) })?
                {
                    Called::Returned(result) => result,
                    Called::Skipped => return Ok(None),
                    Called::Replaced(replacement) => return Ok(Some(replacement)),
                }
            };
        Ok(match self.kind {
            Kind::Map => Some(result),
            Kind::Filter => is_true(&result)?.then(|| item.clone()),
            Kind::FilterMap => (!result.is_none()).then_some(result),
            Kind::Tap => Some(item.clone()),
        })
    }

    /// What came of a call that may have come to something else than a result.
    #[cold]
    fn looked_at<'py>(
        &self,
        result: PyResult<Bound<'py, PyAny>>,
        calls: &mut Calls<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let result = result?;
        self.function.check_plain(&result)?;
        calls.next(result.py())?;
        Ok(result)
    }

    fn map_plain<'py>(
        &self,
        py: Python<'py>,
        items: &mut Items<Object>,
        wanted: &Wanted<'_>,
        calls: &mut Calls<'_, 'py>,
        outcome: &mut Outcome<Object>,
    ) {
        let function = Callee::new(self.function.function.bind(py));
        let is_simple = self.function.is_simple;
        while wanted.goes_on()
            && let Some(mut item) = items.next()
        {
            let result = match function.call(item.0.bind(py)) {
                Ok(result) if !is_awaitable(&result) && (is_simple || calls.is_as_before()) => Ok(result),
                result => self.looked_at(result, calls),
            };
            match result {
                Ok(result) => {
                    item.replace(py, result.unbind());
                    outcome.results.push(item);
                }
                Err(error) => {
                    self.function.end(py, error, item, items, outcome);
                    return;
                }
            }
        }
    }

    fn chunk<'py>(
        &self,
        py: Python<'py>,
        items: &mut Items<Object>,
        wanted: &Wanted<'_>,
        calls: &mut Calls<'_, 'py>,
        outcome: &mut Outcome<Object>,
    ) {
        outcome.results.reserve(items.len());
        if self.kind == Kind::Map && self.function.is_plain() {
            return self.map_plain(py, items, wanted, calls, outcome);
        }
        while wanted.goes_on()
            && let Some(item) = items.next()
        {
            let item = item.0.into_bound(py);
            let result = self.result(py, &item, Some(wanted));
            match result.and_then(|result| calls.next(py).map(|()| result)) {
                Ok(result) => outcome.results.extend(result.map(Object::from)),
                Err(error) => {
                    self.function.end(py, error, item.into(), items, outcome);
                    return;
                }
            }
        }
    }
}

/// Runs a chunk attached to the interpreter, in the function's context.
pub(crate) fn run_chunk<R>(
    function: &Function,
    outcome: &mut Outcome<R>,
    chunk: impl for<'py> FnOnce(Python<'py>, &mut Calls<'_, 'py>, &mut Outcome<R>),
) {
    let ran = attached(|py| {
        let ran = function.context.run_calls(py, |calls| chunk(py, calls, outcome));
        chunk_is_done(py);
        ran
    });
    match ran {
        Some(Ok(())) => {}
        Some(Err(error)) => outcome.error = Some(Raised::boxed(error, &function.place)),
        None => outcome.error = Some(gone()),
    }
}

impl Operator<Object, Object> for Operation {
    fn show(&self, items: &[Object], see: &mut dyn FnMut(&dyn Any)) {
        show_items(items, see);
    }

    fn apply(&self, items: &mut Items<Object>, wanted: &Wanted<'_>, outcome: &mut Outcome<Object>) {
        run_chunk(&self.function, outcome, |py, calls, outcome| self.chunk(py, items, wanted, calls, outcome));
    }

    #[inline]
    fn apply_one(&self, item: Object, back: &mut Option<Object>) -> Result<Option<Object>, BoxError> {
        reading(|py| {
            let item = item.0.into_bound(py);
            match self.function.in_context(py, || self.result(py, &item, None)) {
                Ok(result) => Ok(result.map(Object::from)),
                Err(error) => Err(self.function.end_one(py, error, item.into(), back)),
            }
        })
    }
}

/// A task that gives any number of items for each that it is given: those of what the function returns, as they are wanted.
pub(crate) struct Expansion {
    pub(crate) function: Arc<Function>,
    /// Gives the pool, on whose loop async iterables are iterated over: a weak reference.
    pub(crate) pool: Py<PyAny>,
}

impl Expansion {
    /// Calls the function with an item; gives an iterator over what it returns, or none where the item is left out.
    ///
    /// With retries, iterating is a part of the call, so all of it is done here.
    fn open<'py>(
        &self,
        py: Python<'py>,
        item: &Bound<'py, PyAny>,
        wanted: &Wanted<'_>,
    ) -> PyResult<Option<Bound<'py, PyIterator>>> {
        if self.function.is_plain() {
            let inner = Callee::new(self.function.function.bind(py)).call(item)?;
            self.function.check_plain(&inner)?;
            return self.iterate(&inner).map(Some);
        }
        let all = PyList::empty(py);
        let mut collect = |inner: &Bound<'_, PyAny>| {
            all.del_slice(0, all.len())?;
            let inner = self.iterate(inner)?;
            let inner = Iteration::new(&inner);
            while let Some(object) = inner.next()? {
                all.append(object)?;
            }
            Ok(())
        };
        match self.function.persist(py, item, Some(wanted), &mut collect)? {
            Called::Returned(_) => {}
            Called::Replaced(inner) => collect(&inner)?,
            Called::Skipped => return Ok(None),
        }
        iterate(&all).map(Some)
    }

    /// An iterator over what the function returned. The thread waits for the items of an async iterable.
    fn iterate<'py>(&self, inner: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyIterator>> {
        iterate(inner).or_else(|error| self.iterate_blocking(inner, error))
    }

    #[cold]
    fn iterate_blocking<'py>(&self, inner: &Bound<'py, PyAny>, error: PyErr) -> PyResult<Bound<'py, PyIterator>> {
        let py = inner.py();
        if !inner.get_type().hasattr(intern!(py, "__aiter__"))? {
            return Err(error);
        }
        let blocking = py.import(intern!(py, "millpond._pulling"))?.getattr(intern!(py, "blocking"))?;
        let arguments = (self.pool.bind(py), &self.function.place.name, inner).into_pyobject(py)?;
        iterate(&call(&blocking, &arguments, None)?)
    }

    #[expect(clippy::too_many_arguments, reason = "called from one place")]
    fn chunk<'py>(
        &self,
        py: Python<'py>,
        calls: &mut Calls<'_, 'py>,
        open: &mut Option<Object>,
        items: &mut Items<Object>,
        most: usize,
        wanted: &Wanted<'_>,
        outcome: &mut Outcome<Object>,
    ) -> PyResult<()> {
        loop {
            if let Some(inner) = open.take() {
                let inner = inner.0.into_bound(py).cast_into::<PyIterator>()?;
                let iteration = Iteration::new(&inner);
                loop {
                    if outcome.results.len() >= most || !wanted.goes_on() {
                        *open = Some(Object::from(inner.clone().into_any()));
                        return Ok(());
                    }
                    match iteration.next()? {
                        Some(object) => outcome.results.push(object.into()),
                        None => break,
                    }
                }
                // Iterating is a part of the call.
                calls.next(py)?;
            }
            if outcome.results.len() >= most || !wanted.goes_on() {
                return Ok(());
            }
            let Some(item) = items.next() else { return Ok(()) };
            let item = item.0.into_bound(py);
            let inner = match self.open(py, &item, wanted) {
                Ok(inner) => inner,
                Err(error) => {
                    self.function.end(py, error, item.into(), items, outcome);
                    return Ok(());
                }
            };
            *open = inner.map(|inner| Object::from(inner.into_any()));
        }
    }
}

impl Expander<Object, Object> for Expansion {
    type Open = Object;

    fn show(&self, open: Option<&Object>, items: &[Object], see: &mut dyn FnMut(&dyn Any)) {
        show_items(open.into_iter().chain(items), see);
    }

    fn expand(
        &self,
        open: &mut Option<Object>,
        items: &mut Items<Object>,
        most: usize,
        wanted: &Wanted<'_>,
        outcome: &mut Outcome<Object>,
    ) {
        run_chunk(&self.function, outcome, |py, calls, outcome| {
            if let Err(error) = self.chunk(py, calls, open, items, most, wanted, outcome) {
                outcome.error = Some(Raised::boxed(error, &self.function.place));
            }
        });
    }
}
