//! The interpreter's side of threads: who is attached to it when, how functions are called, and in which context they run.
//!
//! **The rule.** A thread is attached while it works for a pool and detached while it waits. Callers come in attached, since they are
//! Python's; the pool's own threads attach before they look for work, and so hold nothing of the engine while they wait for the
//! interpreter. Every wait of the engine, a spin included, runs within the wait of [`Interpreter`], which detaches. The engine's own
//! locks are held for moments, and never by a thread that attaches meanwhile, so an attached thread may take them.
//!
//! With an interpreter lock that gives the fewest hand-overs that are possible: a worker goes from chunk to chunk without letting go
//! of it, unless a function does, or another thread has asked for it for as long as Python lets a thread run
//! (`sys.getswitchinterval`).

#![allow(unsafe_code, reason = "what is called once per item is called as directly as Python does it")]

use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

use millpond::sync::host::Host;
use pyo3::exceptions::{PyImportError, PyStopIteration};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyString, PyTuple};

/// Whether the interpreter is on its way out: nobody attaches any more.
static IS_LEAVING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// How many chunks this thread has worked on since it last made way for others.
    static CHUNKS: Cell<u32> = const { Cell::new(0) };
}

/// After how many chunks a thread makes way for others: some milliseconds, as Python does it between two instructions. A chunk of a
/// function written in C has no instructions.
const CHUNKS_IN_A_ROW: u32 = 64;

/// From now on no thread of a pool attaches.
pub(crate) fn leave() {
    IS_LEAVING.store(true, Ordering::SeqCst);
}

/// Whether [`leave`] was called.
pub(crate) fn is_leaving() -> bool {
    IS_LEAVING.load(Ordering::Relaxed)
}

/// Refuses an interpreter that is not the main one: attaching goes to the main one, so that the pool's threads would work in another
/// interpreter than their functions are of.
///
/// # Errors
/// `ImportError`.
pub(crate) fn check_is_main(_attached: Python<'_>) -> PyResult<()> {
    // SAFETY: attached.
    let interpreter = unsafe { ffi::PyInterpreterState_Get() };
    // SAFETY: attached, and to this interpreter.
    let number = unsafe { ffi::PyInterpreterState_GetID(interpreter) };
    if number == 0 { Ok(()) } else { Err(PyImportError::new_err(ONLY_IN_MAIN)) }
}

const ONLY_IN_MAIN: &str = "millpond works in the main interpreter only, and this is a subinterpreter: use it there, or \
    in processes";

/// Calls `body` attached; `None` where the interpreter is on its way out.
pub(crate) fn attached<R>(body: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    if is_leaving() && !is_attached() {
        return None;
    }
    Python::try_attach(|py| {
        let _aside = Aside::put(py);
        body(py)
    })
}

/// An error that is on its way up through Python, put aside: a reader may go away just then, and what is called at its end (a generator's
/// `close`, a callback) is neither to meet the error nor to take it away. Set again when dropped.
struct Aside<'py> {
    #[cfg(Py_3_12)]
    error: *mut ffi::PyObject,
    #[cfg(not(Py_3_12))]
    error: [*mut ffi::PyObject; 3],
    py: Python<'py>,
}

impl<'py> Aside<'py> {
    #[inline]
    fn put(py: Python<'py>) -> Option<Self> {
        // SAFETY: attached.
        let is_there = unsafe { !ffi::PyErr_Occurred().is_null() };
        is_there.then(|| Self::take(py))
    }

    #[cold]
    fn take(py: Python<'py>) -> Self {
        // SAFETY: attached; what it gives is this function's.
        #[cfg(Py_3_12)]
        let error = unsafe { ffi::PyErr_GetRaisedException() };
        #[cfg(not(Py_3_12))]
        let mut error = [std::ptr::null_mut(); 3];
        #[cfg(not(Py_3_12))]
        {
            let [class, value, traceback] = &mut error;
            // SAFETY: attached; what it writes to these places is this function's.
            unsafe { ffi::PyErr_Fetch(class, value, traceback) };
        }
        Self { error, py }
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        let Self { error, py: _attached } = *self;
        // SAFETY: attached, as there is a `Python`; the error was taken, and is given back once.
        #[cfg(Py_3_12)]
        unsafe {
            ffi::PyErr_SetRaisedException(error);
        }
        #[cfg(not(Py_3_12))]
        {
            let [class, value, traceback] = error;
            // SAFETY: attached, as there is a `Python`; the error was taken, and is given back once.
            unsafe { ffi::PyErr_Restore(class, value, traceback) };
        }
    }
}

/// Calls `body` for a single item on its way to a reader, whose thread is attached: that it need not be looked up is a good part of
/// what a single item costs.
///
/// The engine asks for single items only in serial mode, in the thread that reads, within the read; and whoever reads is Python's:
/// each method of this module that reads is called with the thread attached and detaches for waits alone, which a single item has none of.
#[inline]
pub(crate) fn reading<R>(body: impl FnOnce(Python<'_>) -> R) -> R {
    debug_assert!(is_attached(), "a reader's thread is attached");
    // SAFETY: see above.
    body(unsafe { Python::assume_attached() })
}

/// Whether the calling thread is attached.
fn is_attached() -> bool {
    // SAFETY: may be called by any thread at any time once there is an interpreter, and this module was loaded by one.
    unsafe { ffi::PyGILState_Check() == 1 }
}

/// A wait on its way past the check that nothing of Python is used while detached.
struct Wait<'a>(&'a mut dyn FnMut());

// SAFETY: `detach` asks for `Send` to keep Python objects out of its closure, but calls it on the same thread. A wait is the
// engine's own code and touches none, and the life of a simulated thread attaches for each of its jobs.
unsafe impl Send for Wait<'_> {}

impl Wait<'_> {
    fn call(&mut self) {
        (self.0)();
    }
}

/// The host of the process's threads: where one is attached it detaches for a wait.
pub(crate) struct Interpreter;

impl Host for Interpreter {
    fn wait(&self, wait: &mut dyn FnMut()) {
        if is_attached() {
            let mut wait = Wait(wait);
            // Attached already, so this only says so.
            Python::attach(|py| py.detach(|| wait.call()));
        } else {
            wait();
        }
    }
}

/// Calls `body` detached.
pub(crate) fn detached(py: Python<'_>, body: &mut dyn FnMut()) {
    let mut body = Wait(body);
    py.detach(|| body.call());
}

/// Another chunk is done: lets others have the interpreter every now and then.
pub(crate) fn chunk_is_done(py: Python<'_>) {
    let is_turn_over = CHUNKS.with(|chunks| {
        chunks.set((chunks.get() + 1) % CHUNKS_IN_A_ROW);
        chunks.get() == 0
    });
    if is_turn_over {
        py.detach(|| ());
    }
}

type Vectorcall = unsafe extern "C-unwind" fn(
    *mut ffi::PyObject,
    *const *mut ffi::PyObject,
    usize,
    *mut ffi::PyObject,
) -> *mut ffi::PyObject;
type Next = unsafe extern "C-unwind" fn(*mut ffi::PyObject) -> *mut ffi::PyObject;

type CallWith = unsafe extern "C-unwind" fn(*mut ffi::PyObject, ...) -> *mut ffi::PyObject;
type Call =
    unsafe extern "C-unwind" fn(*mut ffi::PyObject, *mut ffi::PyObject, *mut ffi::PyObject) -> *mut ffi::PyObject;
type Ask = unsafe extern "C-unwind" fn(*mut ffi::PyObject) -> std::ffi::c_int;

// Subtle: PyO3 declares the same functions as ones that never unwind. A compiler that sees both
// declarations may take the one for the other, and leave out what `staying` does. So each call goes
// by a pointer that it cannot look into (`black_box`).
unsafe extern "C-unwind" {
    fn PyObject_CallFunctionObjArgs(function: *mut ffi::PyObject, ...) -> *mut ffi::PyObject;
    fn PyObject_Call(
        function: *mut ffi::PyObject,
        arguments: *mut ffi::PyObject,
        keywords: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject;
    fn PyObject_GetIter(object: *mut ffi::PyObject) -> *mut ffi::PyObject;
    fn PyObject_IsTrue(object: *mut ffi::PyObject) -> std::ffi::c_int;
}

/// Says that the argument before an array's first is free to be written to, which saves the called a copy for methods.
const ARGUMENTS_OFFSET: usize = 1 << (usize::BITS - 1);

/// Keeps the thread from unwinding any further.
///
/// Before Python 3.14 a thread that comes back from a wait while the interpreter is on its way out
/// is ended there and then, by unwinding it: through the frames of the function that it is in, and
/// then through ours, which Rust does not allow. So it stops at the call and waits for the
/// program's end, as it does from 3.14 on.
struct Stay;

impl Drop for Stay {
    fn drop(&mut self) {
        // A panic is ours, and somebody catches it.
        while !std::thread::panicking() {
            std::thread::park();
        }
    }
}

/// Runs `call` so that it returns, or the thread stays.
///
/// Each call of Python is made in this way, and so is each method of this module that may run Python
/// by the way: by letting go of an object, or by making one, at which the collector may come in.
#[inline(always)]
pub(crate) fn staying<R>(call: impl FnOnce() -> R) -> R {
    let stay = Stay;
    let result = call();
    std::mem::forget(stay);
    result
}

/// What an object is called by, if it has such a function: what `PyVectorcall_Function` does, which is a call that takes as long as a
/// good part of a trivial function's.
#[inline]
fn vectorcall_of(object: &Bound<'_, PyAny>) -> Option<Vectorcall> {
    let class = object.get_type_ptr();
    // SAFETY: attached; an object's type is alive while the object is.
    if unsafe { ffi::PyType_HasFeature(class, ffi::Py_TPFLAGS_HAVE_VECTORCALL) } == 0 {
        return None;
    }
    // SAFETY: as above.
    let offset = unsafe { (*class).tp_vectorcall_offset };
    let place = object.as_ptr().cast::<u8>().wrapping_offset(offset).cast::<Option<Vectorcall>>();
    // SAFETY: a type with this feature says where in each of its objects the function is, or that there is none.
    unsafe { place.read() }
}

/// A Python function, looked up for many calls with one argument.
pub(crate) struct Callee<'a, 'py> {
    function: &'a Bound<'py, PyAny>,
    vectorcall: Option<Vectorcall>,
}

impl<'a, 'py> Callee<'a, 'py> {
    pub(crate) fn new(function: &'a Bound<'py, PyAny>) -> Self {
        Self { function, vectorcall: vectorcall_of(function) }
    }

    /// Calls the function.
    #[inline]
    pub(crate) fn call(&self, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let function = self.function.as_ptr();
        let arguments = [std::ptr::null_mut(), item.as_ptr()];
        let end = std::ptr::null_mut::<ffi::PyObject>();
        let result = staying(|| match self.vectorcall {
            // SAFETY: attached; the one argument is an object, and there is a place before it that may be written to. The function is
            // the one that `vectorcall` was looked up for.
            Some(call) => unsafe { call(function, arguments.as_ptr().wrapping_add(1), 1 | ARGUMENTS_OFFSET, end) },
            // SAFETY: attached; the arguments are objects and end with a null.
            None => unsafe { black_box(PyObject_CallFunctionObjArgs as CallWith)(function, item.as_ptr(), end) },
        });
        // SAFETY: attached; a new reference or null with an exception set.
        unsafe { Bound::from_owned_ptr_or_err(item.py(), result) }
    }
}

impl<'py> Callee<'_, 'py> {
    /// Calls the function with the arguments of a tuple.
    pub(crate) fn call_with(&self, arguments: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        call(self.function, arguments, None)
    }
}

/// Calls a function on a thread that may not come back from it: whatever calls Python on a pool's thread, or on one of the user's that
/// may be a daemon, does it so. See [`Stay`].
pub(crate) fn call<'py>(
    function: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let keywords = keywords.map_or(std::ptr::null_mut(), Bound::as_ptr);
    // SAFETY: attached; a function, a tuple, and a dictionary or no keywords.
    let result =
        staying(|| unsafe { black_box(PyObject_Call as Call)(function.as_ptr(), arguments.as_ptr(), keywords) });
    // SAFETY: attached; a new reference or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(function.py(), result) }
}

/// Calls a method in the same way.
pub(crate) fn call_method<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>,
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = arguments.into_pyobject(object.py()).map_err(Into::into)?;
    call(&object.getattr(name)?, &arguments, None)
}

/// Iterates over an object, whose way of doing so may be written in Python.
pub(crate) fn iterate<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyIterator>> {
    // SAFETY: attached, and `object` is an object.
    let iterator = staying(|| unsafe { black_box(PyObject_GetIter as Next)(object.as_ptr()) });
    // SAFETY: attached; a new reference or null with an exception set.
    let iterator = unsafe { Bound::from_owned_ptr_or_err(object.py(), iterator)? };
    Ok(iterator.cast_into::<PyIterator>()?)
}

/// Whether an object counts as true.
#[inline]
pub(crate) fn is_true(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    // SAFETY: attached, and `object` is an object.
    match staying(|| unsafe { black_box(PyObject_IsTrue as Ask)(object.as_ptr()) }) {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(PyErr::fetch(object.py())),
    }
}

/// Whether somebody should await an object: a coroutine, a future.
#[inline]
pub(crate) fn is_awaitable(object: &Bound<'_, PyAny>) -> bool {
    let class = object.get_type_ptr();
    // SAFETY: attached; an object's type is alive while the object is.
    let methods = unsafe { (*class).tp_as_async };
    // SAFETY: where a type has such methods, they are there as long as the type is.
    !methods.is_null() && unsafe { (*methods).am_await.is_some() }
}

/// A Python iterator, looked up for many items.
pub(crate) struct Iteration<'a, 'py> {
    iterator: &'a Bound<'py, PyIterator>,
    next: Option<Next>,
}

impl<'a, 'py> Iteration<'a, 'py> {
    pub(crate) fn new(iterator: &'a Bound<'py, PyIterator>) -> Self {
        let class = iterator.get_type_ptr();
        // SAFETY: an object's type is alive while the object is, and what is read of it does not change.
        let next = unsafe { (*class).tp_iternext };
        // SAFETY: the same function; that it may unwind is what this type says in addition.
        let next = unsafe { std::mem::transmute::<Option<ffi::iternextfunc>, Option<Next>>(next) };
        Self { iterator, next }
    }

    /// The next item; `None` at the end.
    #[inline]
    pub(crate) fn next(&self) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = self.iterator.py();
        let Some(next) = self.next else { return Ok(None) };
        // SAFETY: attached, and the function is that of the iterator's type.
        let item = staying(|| unsafe { next(self.iterator.as_ptr()) });
        // SAFETY: attached; a new reference or null.
        if let Some(item) = unsafe { Bound::from_owned_ptr_or_opt(py, item) } {
            return Ok(Some(item));
        }
        match PyErr::take(py) {
            Some(error) if !error.is_instance_of::<PyStopIteration>(py) => Err(error),
            _ => Ok(None),
        }
    }
}
