//! One value: how it will be made, or what it is.
//!
//! | from | event | to | who |
//! |---|---|---|---|
//! | `Waiting` | claim | `Running` | the thread that will call the function |
//! | `Running` | the function returned | `Done` | that thread |
//! | `Running` | the function raised | `Waiting` | that thread; so a later get calls it again |
//! | any | the garbage collector breaks a cycle | `Cleared` | the collector, when nobody can ask any more |
//!
//! A value that is done lets go of its arguments, and so of the values that only it needed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyAttributeError, PyRuntimeError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass::CompareOp;
use pyo3::types::PyString;

use super::arguments::{Call, Shape};
use super::calls::{self, UnderWay};
use super::run::Time;
use super::task::ValueTask;
use crate::interpreter::{call_method, staying};
use crate::reader::checked_timeout;

/// What a call of a function will be or is.
// `mapping`: or it would count as a sequence, for its `__getitem__`.
#[pyclass(frozen, generic, weakref, mapping, module = "millpond._native")]
pub(crate) struct Value {
    task: Py<ValueTask>,
    state: Mutex<State>,
    /// The number of the call that makes it, 0 while none is under way. Apart from the state, which
    /// only attached threads may lock.
    under_way: AtomicU64,
}

enum State {
    /// Nobody has called the function yet.
    Waiting(Call),
    /// A thread is calling it.
    Running(Call),
    /// What it returned.
    Done(Py<PyAny>),
    /// Taken apart by the garbage collector.
    Cleared,
}

impl Value {
    pub(super) fn make(task: &Bound<'_, ValueTask>, call: Call) -> PyResult<Py<Self>> {
        let state = Mutex::new(State::Waiting(call));
        Py::new(task.py(), Self { task: task.clone().unbind(), state, under_way: AtomicU64::new(0) })
    }

    pub(super) fn task(&self) -> &Py<ValueTask> {
        &self.task
    }

    pub(super) fn name(&self, py: Python<'_>) -> String {
        self.task.get().name(py)
    }

    /// Nothing is called, waited for or let go under this lock, so an attached thread may take it,
    /// and no other does.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value, if it is there.
    pub(super) fn peek(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match &*self.state() {
            State::Done(result) => Some(result.clone_ref(py)),
            _ => None,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(*self.state(), State::Done(_))
    }

    /// The value, which must be there.
    pub(super) fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.peek(py).ok_or_else(|| {
            let name = self.name(py);
            PyRuntimeError::new_err(format!("calling a function with the value of `{name}`, which was put into its arguments after the get had begun"))
        })
    }

    /// The call that makes the value; none when it is there, or the collector was.
    pub(super) fn call(&self, py: Python<'_>) -> Option<Call> {
        match &*self.state() {
            State::Waiting(call) | State::Running(call) => Some(call.clone_ref(py)),
            State::Done(_) | State::Cleared => None,
        }
    }

    /// Makes the value unless it is there. Where another thread is at it, waits for that.
    ///
    /// # Errors
    /// What the function raised; and where it waits, that the `time` is up.
    pub(super) fn ensure(slf: &Bound<'_, Self>, shape: Shape, time: Option<Time>) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        let (call, under_way) = loop {
            let mut state = this.state();
            match &*state {
                State::Done(_) => return Ok(()),
                State::Running(_) => {}
                State::Cleared => {
                    let name = this.name(py);
                    return Err(PyRuntimeError::new_err(format!("getting `{name}`, which was garbage")));
                }
                State::Waiting(call) => {
                    let mine = call.clone_ref(py);
                    let State::Waiting(call) = std::mem::replace(&mut *state, State::Cleared) else { unreachable!() };
                    *state = State::Running(call);
                    let under_way = UnderWay::begin();
                    this.under_way.store(under_way.number, Ordering::SeqCst);
                    break (mine, under_way);
                }
            }
            drop(state);
            if let Some(time) = time.filter(|time| time.is_up()) {
                return Err(time.error(&this.name(py)));
            }
            let longest = time.map_or(calls::LOOK_AGAIN, |time| time.left().min(calls::LOOK_AGAIN));
            if !calls::wait(py, &this.under_way, longest)? {
                let name = this.name(py);
                return Err(PyRuntimeError::new_err(format!(
                    "getting `{name}` while it is being made: its function asks for its own value"
                )));
            }
        };
        let (result, after) = match call.make(py, this.task.get(), shape) {
            Ok(result) => (Ok(()), State::Done(result)),
            Err(error) => (Err(error), State::Waiting(call)),
        };
        let before = std::mem::replace(&mut *this.state(), after);
        // Unless another thread has begun to call the function again.
        let _ = this.under_way.compare_exchange(under_way.number, 0, Ordering::SeqCst, Ordering::Relaxed);
        calls::has_ended(under_way.number);
        drop(before);
        result
    }
}

impl Call {
    fn make(&self, py: Python<'_>, task: &ValueTask, shape: Shape) -> PyResult<Py<PyAny>> {
        if shape == Shape::Plain {
            let keywords = self.keywords.as_ref().map(|keywords| keywords.bind(py));
            return task.call(py, self.arguments.bind(py), keywords);
        }
        let (arguments, keywords) = self.filled(py)?;
        task.call(py, &arguments, keywords.as_ref())
    }
}

#[pymethods]
impl Value {
    /// The value, made now if it is not there, with all that it needs.
    ///
    /// Parameters
    /// ----------
    /// timeout : float, optional
    ///     Seconds to wait at the most. The time is looked at between two calls that this thread makes,
    ///     and while it waits for those of others.
    ///
    /// Raises
    /// ------
    /// ReadTimeoutError
    ///     When the time is up. Nothing is lost by that: what has been made is kept, calls that are under
    ///     way go on, and a later get goes on from there.
    #[pyo3(signature = (*, timeout=None), text_signature = "($self, *, timeout=None)")]
    fn get(slf: &Bound<'_, Self>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let timeout = timeout.map_or(Ok(None), checked_timeout)?;
        if let Some(result) = Self::peek(slf.get(), py) {
            return Ok(result);
        }
        let pool = slf.get().task.get().pool().bind(py).cast::<crate::pool::Pool>()?.clone();
        let mut results = staying(|| super::run::get(&pool, vec![slf.clone()], timeout))?;
        Ok(results.swap_remove(0))
    }

    /// Whether the value is there.
    #[getter]
    fn done(&self) -> bool {
        self.is_done()
    }

    /// What it is called in errors.
    #[getter(name)]
    fn value_name(&self, py: Python<'_>) -> String {
        self.name(py)
    }

    /// The pool that makes it.
    #[getter]
    fn pool(&self, py: Python<'_>) -> Py<PyAny> {
        self.task.get().pool().clone_ref(py)
    }

    /// For names that are not there.
    fn __getattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyString>) -> PyResult<Py<PyAny>> {
        let hints = slf.py().import(intern!(slf.py(), "millpond._hints"))?;
        let message = call_method(&hints, intern!(slf.py(), "missing_of_value"), (name,))?;
        Err(PyAttributeError::new_err(message.unbind()))
    }

    fn __bool__(&self, py: Python<'_>) -> PyResult<bool> {
        Err(self.refuse(py, "testing the truth of"))
    }

    fn __iter__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "iterating over"))
    }

    fn __add__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "adding"))
    }

    fn __radd__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "adding"))
    }

    fn __sub__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "subtracting"))
    }

    fn __rsub__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "subtracting"))
    }

    fn __mul__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "multiplying"))
    }

    fn __rmul__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "multiplying"))
    }

    fn __matmul__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "multiplying"))
    }

    fn __rmatmul__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "multiplying"))
    }

    fn __truediv__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "dividing"))
    }

    fn __rtruediv__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "dividing"))
    }

    fn __floordiv__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "dividing"))
    }

    fn __rfloordiv__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "dividing"))
    }

    fn __mod__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "dividing"))
    }

    fn __rmod__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "dividing"))
    }

    fn __lshift__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "shifting"))
    }

    fn __rlshift__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "shifting"))
    }

    fn __rshift__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "shifting"))
    }

    fn __rrshift__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "shifting"))
    }

    fn __and__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "combining"))
    }

    fn __rand__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "combining"))
    }

    fn __or__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "combining"))
    }

    fn __ror__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "combining"))
    }

    fn __xor__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "combining"))
    }

    fn __rxor__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "combining"))
    }

    fn __pow__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>, _modulo: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "raising"))
    }

    fn __rpow__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>, _modulo: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "raising"))
    }

    fn __neg__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "negating"))
    }

    fn __pos__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "signing"))
    }

    fn __abs__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "taking the absolute value of"))
    }

    fn __invert__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "inverting"))
    }

    /// Values are equal where they are the same; there is no order of them.
    fn __richcmp__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>, by: CompareOp) -> PyResult<Py<PyAny>> {
        match by {
            CompareOp::Eq | CompareOp::Ne => Ok(py.NotImplemented()),
            _ => Err(self.refuse(py, "comparing")),
        }
    }

    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        // As that of other objects: the lowest bits of an address say nothing.
        slf.as_ptr().addr().rotate_right(4).cast_signed()
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Err(self.refuse(py, "taking the length of"))
    }

    fn __getitem__(&self, py: Python<'_>, _key: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "taking an item of"))
    }

    fn __contains__(&self, py: Python<'_>, _item: &Bound<'_, PyAny>) -> PyResult<bool> {
        Err(self.refuse(py, "looking for an item in"))
    }

    fn __int__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "making a number of"))
    }

    fn __float__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "making a number of"))
    }

    fn __complex__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "making a number of"))
    }

    fn __index__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "indexing by"))
    }

    #[pyo3(signature = (_digits=None, /))]
    fn __round__(&self, py: Python<'_>, _digits: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "rounding"))
    }

    fn __divmod__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "dividing"))
    }

    fn __rdivmod__(&self, py: Python<'_>, _other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Err(self.refuse(py, "dividing"))
    }

    fn __format__(slf: &Bound<'_, Self>, format: &str) -> PyResult<String> {
        if format.is_empty() {
            return Ok(slf.get().__repr__(slf.py()));
        }
        Err(slf.get().refuse(slf.py(), "formatting"))
    }

    fn __await__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let values = py.import("millpond._values")?;
        call_method(&values, intern!(py, "_wait"), (slf,)).map(Bound::unbind)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let name = self.name(py);
        let state = match &*self.state() {
            State::Waiting(_) => "not made yet",
            State::Running(..) => "being made",
            State::Done(_) => "made",
            State::Cleared => "cleared",
        };
        format!("<Value `{name}`: {state}>")
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.task)?;
        // Free: attached threads alone hold it, and never over a point where the collector may come
        // in.
        match self.state.try_lock().as_deref() {
            Ok(State::Waiting(call) | State::Running(call)) => call.traverse(&visit),
            Ok(State::Done(result)) => visit.call(result),
            Ok(State::Cleared) | Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        let before = std::mem::replace(&mut *self.state(), State::Cleared);
        drop(before);
    }
}

/// What is taken for the value itself says how the value is had.
impl Value {
    fn refuse(&self, py: Python<'_>, what: &str) -> PyErr {
        let name = self.name(py);
        PyTypeError::new_err(format!(
            "{what} the value `{name}`, which is made when it is asked for: call `get()` on it"
        ))
    }
}
