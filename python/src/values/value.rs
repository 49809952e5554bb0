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

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use super::arguments::{Call, Shape};
use super::task::ValueTask;

/// How often a thread that waits for another one's call looks whether it was interrupted.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a call of a function will be or is.
#[pyclass(frozen, generic, weakref, module = "millpond._native")]
pub(crate) struct Value {
    task: Py<ValueTask>,
    state: Mutex<State>,
    /// The thread that is calling the function. Apart from the state, which only attached threads may lock: the collector looks at that.
    runner: Mutex<Option<ThreadId>>,
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

/// Who waits for a call that another thread makes, and for which value; told of every call that ends meanwhile.
static WAITING: Mutex<Option<HashMap<ThreadId, Py<Value>>>> = Mutex::new(None);
static HAS_ENDED: Condvar = Condvar::new();
/// How many they are.
static WAITERS: AtomicUsize = AtomicUsize::new(0);

impl Value {
    pub(super) fn make(task: &Bound<'_, ValueTask>, call: Call) -> PyResult<Py<Self>> {
        let state = Mutex::new(State::Waiting(call));
        Py::new(task.py(), Self { task: task.clone().unbind(), state, runner: Mutex::default() })
    }

    pub(super) fn task(&self) -> &Py<ValueTask> {
        &self.task
    }

    pub(super) fn name(&self, py: Python<'_>) -> String {
        self.task.get().name(py)
    }

    /// Nothing is called, waited for or let go under this lock, so an attached thread may take it, and no other does.
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
    pub(super) fn ensure(slf: &Bound<'_, Self>, shape: Shape) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        let me = std::thread::current().id();
        let call = loop {
            let mut state = this.state();
            match &*state {
                State::Done(_) => return Ok(()),
                State::Running(..) => {}
                State::Cleared => {
                    let name = this.name(py);
                    return Err(PyRuntimeError::new_err(format!("getting `{name}`, which was garbage")));
                }
                State::Waiting(call) => {
                    let mine = call.clone_ref(py);
                    let State::Waiting(call) = std::mem::replace(&mut *state, State::Cleared) else { unreachable!() };
                    *state = State::Running(call);
                    *this.runner() = Some(me);
                    break mine;
                }
            }
            drop(state);
            Self::wait_for_other(slf, me)?;
        };
        let result = call.make(py, this.task.get(), shape);
        *this.runner() = None;
        let before = match result {
            Ok(result) => {
                let before = std::mem::replace(&mut *this.state(), State::Done(result));
                Self::tell();
                drop(before);
                return Ok(());
            }
            Err(error) => {
                let before = std::mem::replace(&mut *this.state(), State::Waiting(call));
                Self::tell();
                (before, error)
            }
        };
        Err(before.1)
    }

    /// A call has ended.
    fn tell() {
        if WAITERS.load(Ordering::SeqCst) > 0 {
            drop(WAITING.lock().unwrap_or_else(PoisonError::into_inner));
            HAS_ENDED.notify_all();
        }
    }

    /// Any thread may take this lock, and does nothing else under it.
    fn runner(&self) -> MutexGuard<'_, Option<ThreadId>> {
        self.runner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a while for the thread that is calling the function, unless that waits for this one.
    fn wait_for_other(slf: &Bound<'_, Self>, me: ThreadId) -> PyResult<()> {
        let py = slf.py();
        let mine = slf.clone().unbind();
        WAITERS.fetch_add(1, Ordering::SeqCst);
        let waited = py.detach(|| {
            let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
            let threads = waiting.get_or_insert_default();
            // From value to the thread that makes it to the value that this thread waits for, until that is this thread.
            let mut next = Some(&mine);
            let mut steps = 0;
            while let Some(value) = next.take() {
                let runner = *value.get().runner();
                match runner {
                    Some(runner) if runner == me => return Err(mine),
                    Some(runner) if steps <= threads.len() => next = threads.get(&runner),
                    _ => {}
                }
                steps += 1;
            }
            let is_ended = mine.get().runner().is_none();
            if is_ended {
                return Ok(Some(mine));
            }
            let before = threads.insert(me, mine);
            let (mut waiting, _) = HAS_ENDED.wait_timeout(waiting, LOOK_AGAIN).unwrap_or_else(PoisonError::into_inner);
            let mine = waiting.get_or_insert_default().remove(&me);
            drop(waiting);
            drop(before);
            Ok(mine)
        });
        WAITERS.fetch_sub(1, Ordering::SeqCst);
        match waited {
            Ok(value) => drop(value),
            Err(value) => {
                let name = value.get().name(py);
                return Err(PyRuntimeError::new_err(format!(
                    "getting `{name}` while it is being made: its function asks for its own value"
                )));
            }
        }
        py.check_signals()
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
    fn get(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        if let Some(result) = Self::peek(slf.get(), py) {
            return Ok(result);
        }
        let pool = slf.get().task.get().pool().bind(py).cast::<crate::pool::Pool>()?.clone();
        let mut results = super::run::_get_values(&pool, vec![slf.clone()])?;
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

    fn __await__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        Ok(py.import("millpond._values")?.call_method1("_wait", (slf,))?.unbind())
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
        // Free: attached threads alone hold it, and never over a point where the collector may come in.
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
