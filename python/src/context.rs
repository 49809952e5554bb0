//! The context variables that functions find: those of when their task was added.
//!
//! Each call finds them as they were then. Calls in a row share a copy of the context until one of them sets a variable; the
//! next one gets another copy. Whether a variable was set is seen by a pointer: a context refers to an immutable mapping, so
//! setting a variable makes it refer to another one.

#![allow(unsafe_code, reason = "contexts have an interface in C alone, and this is done for each call")]

use std::ffi::CStr;
use std::sync::OnceLock;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyCFunction;

use crate::seat::Seat;
use crate::values::hand_on;

/// Variables of a context, as they were when a task was added.
pub(crate) struct Context {
    context: Py<PyAny>,
    /// The mapping that copies of it begin with.
    variables: usize,
    /// Whether no variable is set.
    is_empty: bool,
    /// A copy for calls one by one. Only where no variable is set: the garbage collector does not see it.
    spare: Seat<Option<Py<PyAny>>>,
}

impl Context {
    /// A copy of the calling thread's.
    pub(crate) fn current(py: Python<'_>) -> PyResult<Self> {
        // SAFETY: attached.
        let context = unsafe { ffi::PyContext_CopyCurrent() };
        // SAFETY: attached; a new reference or null with an exception set.
        let context = unsafe { Bound::from_owned_ptr_or_err(py, context)? };
        hand_on(py, &context)?;
        let is_empty = context.len()? == 0;
        let variables = variables(&context);
        Ok(Self { context: context.unbind(), variables, is_empty, spare: Seat::new(None) })
    }

    /// The object, for the garbage collector.
    pub(crate) fn object(&self) -> &Py<PyAny> {
        &self.context
    }

    fn copy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: attached, and `context` is a context.
        let copy = unsafe { ffi::PyContext_Copy(self.context.as_ptr()) };
        // SAFETY: attached; a new reference or null with an exception set.
        unsafe { Bound::from_owned_ptr_or_err(py, copy) }
    }

    /// Calls `body` with the variables, in a copy: it may set them for itself, and others may be in theirs at the same time.
    pub(crate) fn run<R>(&self, py: Python<'_>, body: impl FnOnce() -> R) -> PyResult<R> {
        let _entered = Entered::new(self.copy(py)?)?;
        Ok(body())
    }

    /// Calls `body` for calls in a row; it says when one of them is over.
    pub(crate) fn run_calls<'py, R>(
        &self,
        py: Python<'py>,
        body: impl FnOnce(&mut Calls<'_, 'py>) -> R,
    ) -> PyResult<R> {
        let mut calls = Calls { context: self, entered: None, at: std::ptr::null() };
        calls.begin(py)?;
        Ok(body(&mut calls))
    }

    /// Calls `body` for a single call. Where it [is simple](is_simple) and finds no variables anyway, without more ado.
    #[inline]
    pub(crate) fn run_one<R>(
        &self,
        py: Python<'_>,
        is_simple: bool,
        body: impl FnOnce() -> PyResult<R>,
    ) -> PyResult<R> {
        match (self.is_empty, is_simple) {
            (true, true) => body(),
            (true, false) => self.run_in_spare(py, body),
            (false, _) => self.run(py, body).flatten(),
        }
    }

    /// In a copy that is used again as long as nobody sets a variable in it.
    fn run_in_spare<R>(&self, py: Python<'_>, body: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        let spare = self.spare.try_take(py).and_then(|mut spare| spare.take());
        let entered = Entered::new(match spare {
            Some(copy) => copy.into_bound(py),
            None => self.copy(py)?,
        })?;
        let result = body();
        let copy = entered.leave();
        if variables(&copy) == self.variables
            && self.variables != 0
            && let Some(mut spare) = self.spare.try_take(py)
        {
            *spare = Some(copy.unbind());
        }
        result
    }

    /// Like [`run_one`](Self::run_one), in the context itself, for those who are alone in it: what `body` sets is there the next time.
    #[inline]
    pub(crate) fn run_on<R>(&self, py: Python<'_>, is_simple: bool, body: impl FnOnce() -> R) -> PyResult<R> {
        if is_simple && self.is_empty {
            return Ok(body());
        }
        let _entered = Entered::new(self.context.bind(py).clone())?;
        Ok(body())
    }
}

/// Calls in a row.
pub(crate) struct Calls<'a, 'py> {
    context: &'a Context,
    entered: Option<Entered<'py>>,
    /// Where the copy has its mapping; null where that could not be found out.
    at: *const usize,
}

impl<'py> Calls<'_, 'py> {
    fn begin(&mut self, py: Python<'py>) -> PyResult<()> {
        self.entered = None;
        self.at = std::ptr::null();
        let copy = self.context.copy(py)?;
        if let Some(Some(place)) = PLACE.get() {
            self.at = word(&copy, *place);
        }
        self.entered = Some(Entered::new(copy)?);
        Ok(())
    }

    /// Whether the call that is over has left the variables as they were.
    #[inline]
    pub(crate) fn is_as_before(&self) -> bool {
        // SAFETY: a place in the copy, which lives as long as this; only this thread, which is in it, changes it. The mapping that it began
        // with lives as long as the task's context, so that no other one has its address.
        !self.at.is_null() && unsafe { self.at.read() } == self.context.variables
    }

    /// A call is over: has the next one find the variables as they were before it.
    ///
    /// # Errors
    /// When there is no memory for another copy.
    #[inline]
    pub(crate) fn next(&mut self, py: Python<'py>) -> PyResult<()> {
        if self.is_as_before() { Ok(()) } else { self.begin(py) }
    }
}

/// Whether something, by all appearances, sets no variables: it calls nothing but what the interpreter brings. That a method of an
/// item's class does it, one that an operator calls, is not seen.
pub(crate) fn is_simple(called: &Bound<'_, PyAny>) -> bool {
    let py = called.py();
    let look = || -> PyResult<bool> {
        let is_function = called.get_type().name()? == "function";
        if is_function {
            let code = called.getattr(intern!(py, "__code__"))?;
            let names = code.getattr(intern!(py, "co_names"))?.len()?;
            return Ok(names == 0 && code.getattr(intern!(py, "co_freevars"))?.len()? == 0);
        }
        let is_builtin = called.is_exact_instance_of::<PyCFunction>();
        let is_of_builtins = || called.getattr(intern!(py, "__module__"))?.eq("builtins");
        let calls = ["map", "filter", "zip", "enumerate", "sorted", "min", "max", "next", "iter", "exec", "eval"];
        let name = || called.getattr(intern!(py, "__name__"))?.extract::<String>();
        if is_builtin {
            return Ok(is_of_builtins()? && !calls.contains(&name()?.as_str()));
        }
        // Iterators, which are no functions.
        let class = called.get_type();
        let class = class.name()?;
        Ok([
            "range_iterator",
            "list_iterator",
            "tuple_iterator",
            "str_ascii_iterator",
            "str_iterator",
            "bytes_iterator",
        ]
        .iter()
        .any(|&known| class == known))
    };
    look().unwrap_or(false)
}

/// A context that this thread is in; left when dropped, also by a panic.
struct Entered<'py>(Option<Bound<'py, PyAny>>);

impl<'py> Entered<'py> {
    #[inline]
    fn new(context: Bound<'py, PyAny>) -> PyResult<Self> {
        // SAFETY: attached, and `context` is a context; where it is entered already, this fails.
        if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
            return Err(PyErr::fetch(context.py()));
        }
        Ok(Self(Some(context)))
    }

    #[inline]
    fn leave(mut self) -> Bound<'py, PyAny> {
        let context = self.0.take().expect("it is left once");
        exit(&context);
        context
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if let Some(context) = &self.0 {
            exit(context);
        }
    }
}

#[inline]
fn exit(context: &Bound<'_, PyAny>) {
    // An error that was left behind stays what it was: leaving asks that none is set.
    // SAFETY: attached, since a `Bound` is there; the context was entered last by this very thread.
    let _ = unsafe { ffi::PyContext_Exit(context.as_ptr()) };
}

/// Where in a context the pointer to its mapping is; `None` where that could not be found out.
static PLACE: OnceLock<Option<usize>> = OnceLock::new();

/// The mapping of a context, as a number; 0 where that could not be found out, so that every call gets a copy of its own.
#[inline]
fn variables(context: &Bound<'_, PyAny>) -> usize {
    match PLACE.get_or_init(|| find_variables(context.py()).ok().flatten()) {
        // SAFETY: a place in the context, which is not changed now.
        Some(place) => unsafe { word(context, *place).read() },
        None => 0,
    }
}

/// A word of an object.
#[inline]
fn word(object: &Bound<'_, PyAny>, place: usize) -> *const usize {
    object.as_ptr().cast_const().cast::<usize>().wrapping_add(place)
}

/// Looks for the word of a context that a copy shares with it, and that setting a variable changes.
///
/// How a context is laid out is no part of Python's interface. That it has such a word follows from copying it in no time.
fn find_variables(py: Python<'_>) -> PyResult<Option<usize>> {
    const NAME: &CStr = c"millpond";
    // SAFETY: attached.
    let context = unsafe { ffi::PyContext_New() };
    // SAFETY: attached; a new reference or null with an exception set.
    let context = unsafe { Bound::from_owned_ptr_or_err(py, context)? };
    // SAFETY: attached, and `context` is a context.
    let copy = unsafe { ffi::PyContext_Copy(context.as_ptr()) };
    // SAFETY: as above.
    let copy = unsafe { Bound::from_owned_ptr_or_err(py, copy)? };
    // SAFETY: attached; a name, and no default.
    let variable = unsafe { ffi::PyContextVar_New(NAME.as_ptr(), std::ptr::null_mut()) };
    // SAFETY: as above.
    let variable = unsafe { Bound::from_owned_ptr_or_err(py, variable)? };
    let size: usize = context.get_type().getattr("__basicsize__")?.extract()?;
    let words = size_of::<ffi::PyObject>() / size_of::<usize>()..size / size_of::<usize>();
    // SAFETY: attached; the words lie within a context, and nobody else knows these two.
    let read = |object: &Bound<'_, PyAny>, place| unsafe { word(object, place).read() };
    let before: Vec<usize> = words.clone().map(|place| read(&context, place)).collect();
    {
        let entered = Entered::new(context.clone())?;
        // SAFETY: attached; a variable and an object.
        let token = unsafe { ffi::PyContextVar_Set(variable.as_ptr(), py.None().as_ptr()) };
        // SAFETY: as above.
        drop(unsafe { Bound::from_owned_ptr_or_err(py, token)? });
        entered.leave();
    }
    let is_mapping = |&(place, before): &(usize, usize)| {
        before != 0 && read(&copy, place) == before && read(&context, place) != before
    };
    let mut found = words.zip(before).filter(is_mapping).map(|(place, _)| place);
    Ok(found.next().filter(|_| found.next().is_none()))
}
