//! The Python function of a task: what is called, in which context, and what happens when it raises.

use std::sync::Arc;
use std::time::Duration;

use millpond::sync::host;
use millpond::{BoxError, Items, Outcome, Wanted};
use pyo3::exceptions::asyncio::CancelledError;
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyTuple};

use crate::context::{Context, is_simple};
use crate::errors::TaskTimeoutError;
use crate::interpreter::{Callee, Iteration, call_method, is_awaitable, is_true, iterate, staying};
use crate::keeper::Held;
use crate::object::Object;
use crate::place::{Place, Raised, never_an_end};
use crate::retrying::Retrying;
use crate::simulation::{is_simulated, patiently, sleep, told};
use crate::values::Value;

/// What marks an exception that policies are not for; see `ending` in `_errors.py`.
const ENDS_THE_READ: &str = "_millpond_ends_the_read";

/// What to do with an item that the function raises an exception for.
pub(crate) enum OnError {
    /// Stop the task.
    Raise,
    /// Leave the item out.
    Skip,
    /// Ask this function, with the exception and the item; what it returns takes the result's place.
    Handle(Py<PyAny>),
    /// What is said of the first of these classes that the exception is an instance of; stop where it is of none.
    ByClass(Vec<(Py<PyAny>, OnError)>),
}

impl OnError {
    /// What is said of this exception, which is no choice by class.
    fn of(&self, py: Python<'_>, error: &PyErr) -> PyResult<&Self> {
        let Self::ByClass(choices) = self else { return Ok(self) };
        for (class, choice) in choices {
            if staying(|| error.value(py).is_instance(class.bind(py)))? {
                return Ok(choice);
            }
        }
        Ok(&Self::Raise)
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Handle(handler) => visit.call(handler),
            Self::ByClass(choices) => choices.iter().try_for_each(|(class, choice)| {
                visit.call(class)?;
                choice.traverse(visit)
            }),
            Self::Raise | Self::Skip => Ok(()),
        }
    }
}

/// How calls that fail are repeated, and how long they may take.
pub(crate) struct Policy {
    pub(crate) on_error: OnError,
    pub(crate) retrying: Retrying,
    pub(crate) timeout: Option<Duration>,
}

impl Policy {
    /// Whether a failure is one at once, and nothing is timed.
    fn is_plain(&self) -> bool {
        matches!(self.on_error, OnError::Raise) && self.retrying.is_never() && self.timeout.is_none()
    }
}

/// See the [module documentation](self).
pub(crate) struct Function {
    pub(crate) function: Py<PyAny>,
    pub(crate) place: Arc<Place>,
    pub(crate) context: Context,
    pub(crate) policy: Policy,
    /// Whether items are taken apart into arguments.
    pub(crate) is_starred: bool,
    is_plain: bool,
    /// Whether it sets no context variables.
    pub(crate) is_simple: bool,
}

/// An item taken apart into arguments.
fn arguments<'py>(item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    match item.cast::<PyTuple>() {
        Ok(arguments) => Ok(arguments.clone()),
        Err(_) => {
            let iterator = iterate(item)?;
            let iteration = Iteration::new(&iterator);
            let mut arguments = Vec::new();
            while let Some(argument) = iteration.next()? {
                arguments.push(argument);
            }
            PyTuple::new(item.py(), arguments)
        }
    }
}

/// What came of one call.
pub(crate) enum Called<'py> {
    Returned(Bound<'py, PyAny>),
    /// The item is to be left out.
    Skipped,
    /// A handler gave this in the result's place.
    Replaced(Bound<'py, PyAny>),
}

impl Function {
    pub(crate) fn new(
        function: Py<PyAny>,
        place: Arc<Place>,
        context: Context,
        policy: Policy,
        is_starred: bool,
    ) -> Self {
        let is_plain = policy.is_plain() && !is_starred;
        let is_simple = is_plain && Python::attach(|py| is_simple(function.bind(py)));
        Self { function, place, context, policy, is_starred, is_plain, is_simple }
    }

    /// Whether a call is nothing but a call.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Calls `body`, a single call, in the context that the task was added in.
    #[inline]
    pub(crate) fn in_context<R>(&self, py: Python<'_>, body: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        self.context.run_one(py, self.is_simple, body)
    }

    /// Refuses what a plain function returned for somebody to await: nobody would.
    #[inline]
    pub(crate) fn check_plain(&self, result: &Bound<'_, PyAny>) -> PyResult<()> {
        if is_awaitable(result) && !result.is_instance_of::<Value>() { Err(self.awaitable(result)) } else { Ok(()) }
    }

    #[cold]
    fn awaitable(&self, result: &Bound<'_, PyAny>) -> PyErr {
        let py = result.py();
        let kind = result.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
        if kind == "coroutine" {
            // So that Python does not warn of one that was never awaited.
            let _ = call_method(result, intern!(py, "close"), PyTuple::empty(py));
        }
        let error = PyTypeError::new_err(format!(
            "the function of task `{}` is a plain one and returned an awaitable (of type `{kind}`), which nobody would \
             await; make it a coroutine function with `async def`",
            self.place.name
        ));
        // The program's mistake, and no failure of the item.
        let _ = error.value(py).setattr(intern!(py, ENDS_THE_READ), true);
        error
    }

    /// Ends a chunk at `item`, which the function raised `error` for: by a failure, or by an interrupt, which puts the item back.
    #[cold]
    pub(crate) fn end<R>(
        &self,
        py: Python<'_>,
        error: PyErr,
        item: Object,
        items: &mut Items<Object>,
        outcome: &mut Outcome<R>,
    ) {
        let mut back = None;
        let cause = Some(self.end_one(py, error, item, &mut back));
        match back {
            Some(item) => {
                items.put_back(item);
                outcome.interrupt = cause;
            }
            None => outcome.error = cause,
        }
    }

    /// What the function raised for an item, which is put back where that has interrupted it.
    ///
    /// What is no `Exception` is no failure of the item: Ctrl-C, or an exit. That a coroutine was cancelled is one.
    #[cold]
    pub(crate) fn end_one(&self, py: Python<'_>, error: PyErr, item: Object, back: &mut Option<Object>) -> BoxError {
        if !error.is_instance_of::<PyException>(py) && !error.is_instance_of::<CancelledError>(py) {
            *back = Some(item);
        }
        Raised::boxed(error, &self.place)
    }

    fn call_once<'py>(
        &self,
        py: Python<'py>,
        item: &Bound<'py, PyAny>,
        finish: &mut impl FnMut(&Bound<'py, PyAny>) -> PyResult<()>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let function = self.function.bind(py);
        let started = self.policy.timeout.map(|timeout| (host::now(), timeout));
        let result = if self.is_starred {
            Callee::new(function).call_with(&arguments(item)?)
        } else {
            Callee::new(function).call(item)
        };
        let result = result.and_then(|result| {
            self.check_plain(&result)?;
            finish(&result).map(|()| result)
        });
        if let Some((started, timeout)) = started
            && result.is_ok()
            && host::now().saturating_duration_since(started) > timeout
        {
            let seconds = timeout.as_secs_f64();
            return Err(TaskTimeoutError::new_err(format!(
                "a call of task `{}` took longer than its timeout of `{seconds}` seconds",
                self.place.name
            )));
        }
        result
    }

    /// Calls the function as its policy says.
    pub(crate) fn call<'py>(
        &self,
        py: Python<'py>,
        item: &Bound<'py, PyAny>,
        wanted: Option<&Wanted<'_>>,
    ) -> PyResult<Called<'py>> {
        self.persist(py, item, wanted, |_| Ok(()))
    }

    /// Calls the function for a yes or a no, as its policy says; `None` where the item is to be left out.
    pub(crate) fn ask(
        &self,
        py: Python<'_>,
        item: &Bound<'_, PyAny>,
        wanted: Option<&Wanted<'_>>,
    ) -> PyResult<Option<bool>> {
        let mut answer = false;
        let called = self.persist(py, item, wanted, |result| {
            answer = is_true(result)?;
            Ok(())
        })?;
        match called {
            Called::Returned(_) => Ok(Some(answer)),
            Called::Replaced(result) => is_true(&result).map(Some),
            Called::Skipped => Ok(None),
        }
    }

    /// Calls the function as its policy says, and `finish` with what it returned, which is a part of the
    /// call: where that fails, it has. Waits end where the chunk is not `wanted` any more; without a
    /// chunk the reader itself waits.
    pub(crate) fn persist<'py>(
        &self,
        py: Python<'py>,
        item: &Bound<'py, PyAny>,
        wanted: Option<&Wanted<'_>>,
        mut finish: impl FnMut(&Bound<'py, PyAny>) -> PyResult<()>,
    ) -> PyResult<Called<'py>> {
        let mut waits = self.policy.retrying.waits();
        let error = loop {
            let error = match self.call_once(py, item, &mut finish) {
                Ok(result) => return Ok(Called::Returned(result)),
                Err(error) => never_an_end(py, error, &self.place.name),
            };
            // What is no `Exception` is no failure of the item: an interrupt, an exit.
            if !is_of_the_item(py, &error) {
                return Err(error);
            }
            match self.policy.retrying.next(py, error.value(py), &mut waits)? {
                None => break error,
                Some(wait) if wait.is_zero() || pause(py, wait, wanted)? => {}
                // Nobody wants the item any more.
                Some(_) => return Err(error),
            }
        };
        match self.policy.on_error.of(py, &error)? {
            OnError::Raise | OnError::ByClass(_) => Err(error),
            OnError::Skip => Ok(Called::Skipped),
            OnError::Handle(handler) => {
                let arguments = PyTuple::new(py, [error.value(py).as_any(), item])?;
                let replacement = Callee::new(handler.bind(py)).call_with(&arguments)?;
                self.check_plain(&replacement)?;
                Ok(Called::Replaced(replacement))
            }
        }
    }
}

/// Waits before a further call, looking in between whether there was a signal; says whether the item is
/// still wanted.
///
/// # Errors
/// What the signal's handler raised.
fn pause(py: Python<'_>, wait: Duration, wanted: Option<&Wanted<'_>>) -> PyResult<bool> {
    match wanted {
        Some(wanted) if is_simulated() => told(|| Ok(wanted.pause(wait))),
        Some(wanted) => patiently(py, wait, |slice| wanted.pause(slice)),
        None => sleep(py, wait).map(|()| true),
    }
}

/// Whether an error is a failure of the item, which policies are for: no interrupt, and nothing that `ending` in `_errors.py` has marked.
pub(crate) fn is_of_the_item(py: Python<'_>, error: &PyErr) -> bool {
    let is_ending = || {
        let mark = error.value(py).getattr(intern!(py, ENDS_THE_READ));
        mark.is_ok_and(|mark| mark.is(PyBool::new(py, true)))
    };
    error.is_instance_of::<PyException>(py) && !is_ending()
}

impl Held for Function {
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.function)?;
        visit.call(self.context.object())?;
        self.place.traverse(visit)?;
        self.policy.retrying.traverse(visit)?;
        self.policy.on_error.traverse(visit)
    }
}
