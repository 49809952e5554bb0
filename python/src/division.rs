//! Tasks with two outputs: what succeeds and what fails, or what a function says yes and no to.

use std::any::Any;
use std::sync::Arc;

use millpond::{BoxError, Items, Operator, Outcome, Wanted};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::function::{Called, Function, is_of_the_item};
use crate::interpreter::attached;
use crate::interpreter::call;
use crate::keeper::Held;
use crate::object::Object;
use crate::operation::run_chunk;
use crate::waiting::show_items;

/// See the [module documentation](self).
pub(crate) struct Division {
    pub(crate) function: Arc<Function>,
    pub(crate) divides: Divides,
}

/// What decides on the side.
pub(crate) enum Divides {
    /// Whether the function says yes or no; the items themselves are divided.
    Answer,
    /// Whether it succeeds. This makes an item and the exception that it failed with into what the second reader gives; where it is
    /// missing a failure stops the task.
    Success(Option<Py<PyAny>>),
}

impl Held for Division {
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.function.traverse(visit)?;
        match &self.divides {
            Divides::Success(Some(rejected)) => visit.call(rejected),
            Divides::Success(None) | Divides::Answer => Ok(()),
        }
    }
}

/// To the first output, or to the second.
pub(crate) type Sided = Result<Object, Object>;

/// A [`Division`] as the engine has it.
pub(crate) struct Side(pub(crate) Arc<Division>);

impl Side {
    fn divide(&self, py: Python<'_>, item: &Bound<'_, PyAny>, wanted: Option<&Wanted<'_>>) -> PyResult<Option<Sided>> {
        let Division { function, divides } = &*self.0;
        let rejected = match divides {
            Divides::Answer => {
                let answer = function.ask(py, item, wanted)?;
                let object = Object::from(item.clone());
                return Ok(answer.map(|is_yes| if is_yes { Ok(object) } else { Err(object) }));
            }
            Divides::Success(rejected) => rejected,
        };
        match (function.call(py, item, wanted), rejected) {
            (Ok(Called::Returned(result) | Called::Replaced(result)), _) => Ok(Some(Ok(result.into()))),
            (Ok(Called::Skipped), _) => Ok(None),
            (Err(error), Some(rejected)) if is_of_the_item(py, &error) => {
                let rejected = call(rejected.bind(py), &(item, error.value(py)).into_pyobject(py)?, None)?;
                Ok(Some(Err(rejected.into())))
            }
            (Err(error), _) => Err(error),
        }
    }
}

impl Operator<Object, Sided> for Side {
    fn show(&self, items: &[Object], see: &mut dyn FnMut(&dyn Any)) {
        show_items(items, see);
    }

    fn apply(&self, items: &mut Items<Object>, wanted: &Wanted<'_>, outcome: &mut Outcome<Sided>) {
        let function = &self.0.function;
        run_chunk(function, outcome, |py, calls, outcome| {
            outcome.results.reserve(items.len());
            while wanted.goes_on()
                && let Some(item) = items.next()
            {
                let item = item.0.into_bound(py);
                let sided = self.divide(py, &item, Some(wanted));
                match sided.and_then(|sided| calls.next(py).map(|()| sided)) {
                    Ok(sided) => outcome.results.extend(sided),
                    Err(error) => {
                        function.end(py, error, item.into(), items, outcome);
                        return;
                    }
                }
            }
        });
    }

    fn apply_one(&self, item: Object, back: &mut Option<Object>) -> Result<Option<Sided>, BoxError> {
        let function = &self.0.function;
        let sided = attached(|py| {
            let item = item.0.into_bound(py);
            let sided = function.in_context(py, || self.divide(py, &item, None));
            sided.map_err(|error| function.end_one(py, error, item.into(), back))
        });
        sided.unwrap_or_else(|| Err("the interpreter is shutting down".into()))
    }
}
