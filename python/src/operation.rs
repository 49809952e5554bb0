//! Tasks that call a function with each item: maps and their kin, over whole chunks.

use std::sync::Arc;

use millpond::{BoxError, Operator, Outcome};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::function::{Called, Function};
use crate::interpreter::{Callee, Iteration, attached, chunk_is_done, is_true, reading};
use crate::object::Object;
use crate::place::Raised;

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
fn gone<T>(given: usize) -> Outcome<T> {
    Outcome { results: Vec::new(), given, error: Some("the interpreter is shutting down".into()) }
}

impl Operation {
    /// What becomes of one item: it or another one, or nothing.
    #[inline]
    fn result<'py>(&self, py: Python<'py>, item: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let result = if self.function.is_plain() {
            let result = Callee::new(self.function.function.bind(py)).call(item)?;
            self.function.check_plain(&result)?;
            result
        } else {
            // Whether a result counts as true is a part of the call.
            let is_filter = self.kind == Kind::Filter;
            match self.function.persist(
                py,
                item,
                |result| if is_filter { is_true(result).map(drop) } else { Ok(()) },
            )? {
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

    /// Results of a map, in the chunk's own memory.
    fn map_plain(&self, py: Python<'_>, mut items: Vec<Object>, is_wanted: &dyn Fn() -> bool) -> Outcome<Object> {
        let function = Callee::new(self.function.function.bind(py));
        for index in 0..items.len() {
            if !is_wanted() {
                items.truncate(index);
                return Outcome { results: items, given: index, error: None };
            }
            let item = &mut items[index];
            let result = function.call(item.0.bind(py));
            match result.and_then(|result| self.function.check_plain(&result).map(|()| result)) {
                Ok(result) => item.replace(py, result.unbind()),
                Err(error) => {
                    items.truncate(index);
                    let error = Some(Raised::boxed(error, &self.function.place));
                    return Outcome { results: items, given: index + 1, error };
                }
            }
        }
        Outcome { given: items.len(), results: items, error: None }
    }

    fn chunk(&self, py: Python<'_>, mut items: Vec<Object>, is_wanted: &dyn Fn() -> bool) -> Outcome<Object> {
        if self.kind == Kind::Map && self.function.is_plain() {
            return self.map_plain(py, items, is_wanted);
        }
        let (mut kept, mut given, mut error) = (0, 0, None);
        while given < items.len() && is_wanted() {
            let item = items[given].0.bind(py).clone();
            given += 1;
            match self.result(py, &item) {
                Ok(Some(result)) => {
                    items[kept].replace(py, result.unbind());
                    kept += 1;
                }
                Ok(None) => {}
                Err(raised) => {
                    error = Some(Raised::boxed(raised, &self.function.place));
                    break;
                }
            }
        }
        items.truncate(kept);
        Outcome { results: items, given, error }
    }
}

impl Operator<Object, Object> for Operation {
    fn apply(&self, items: Vec<Object>, is_wanted: &dyn Fn() -> bool) -> Outcome<Object> {
        let outcome = attached(|py| {
            let outcome = self.function.context.run(py, || self.chunk(py, items, is_wanted));
            chunk_is_done(py);
            outcome
        });
        match outcome {
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => failed(error, &self.function),
            None => gone(1),
        }
    }

    #[inline]
    fn apply_one(&self, item: Object) -> Result<Option<Object>, BoxError> {
        reading(|py| {
            let item = item.0.into_bound(py);
            match self.function.in_context(py, || self.result(py, &item)) {
                Ok(result) => Ok(result.map(Object::from)),
                Err(error) => Err(Raised::boxed(error, &self.function.place)),
            }
        })
    }
}

/// A chunk that could not be begun.
fn failed(error: PyErr, function: &Function) -> Outcome<Object> {
    Outcome { results: Vec::new(), given: 1, error: Some(Raised::boxed(error, &function.place)) }
}

/// A task that gives any number of items for each that it is given: those of what the function returns.
pub(crate) struct Expansion(pub(crate) Arc<Function>);

impl Expansion {
    /// Adds what comes of one item; nothing when that fails.
    fn expand(&self, py: Python<'_>, item: &Bound<'_, PyAny>, results: &mut Vec<Object>) -> PyResult<()> {
        let before = results.len();
        let mut extend = |inner: &Bound<'_, PyAny>| {
            results.truncate(before);
            let inner = inner.try_iter()?;
            let inner = Iteration::new(&inner);
            while let Some(object) = inner.next()? {
                results.push(object.into());
            }
            Ok(())
        };
        // Iterating is a part of the call: a generator's function runs only then.
        let outcome = match self.0.persist(py, item, &mut extend) {
            Ok(Called::Returned(_)) => return Ok(()),
            Ok(Called::Replaced(inner)) => extend(&inner),
            Ok(Called::Skipped) => {
                results.truncate(before);
                return Ok(());
            }
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            // Nothing of what failed.
            results.truncate(before);
        }
        outcome
    }
}

impl Operator<Object, Object> for Expansion {
    fn apply(&self, items: Vec<Object>, is_wanted: &dyn Fn() -> bool) -> Outcome<Object> {
        let outcome = attached(|py| {
            let outcome = self.0.context.run(py, || {
                let mut outcome = Outcome { results: Vec::with_capacity(items.len()), given: 0, error: None };
                for item in items {
                    if !is_wanted() {
                        break;
                    }
                    outcome.given += 1;
                    if let Err(error) = self.expand(py, &item.0.into_bound(py), &mut outcome.results) {
                        outcome.error = Some(Raised::boxed(error, &self.0.place));
                        break;
                    }
                }
                outcome
            });
            chunk_is_done(py);
            outcome
        });
        match outcome {
            Some(Ok(outcome)) => outcome,
            Some(Err(error)) => failed(error, &self.0),
            None => gone(1),
        }
    }

    fn apply_one(&self, _item: Object) -> Result<Option<Object>, BoxError> {
        Err(Raised::boxed(PyRuntimeError::new_err("an item that may become several was asked for one"), &self.0.place))
    }
}
