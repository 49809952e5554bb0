//! The interpreter's side of threads: who is attached to it when, and in which context functions run.
//!
//! **The rule.** A thread is attached while it works for a pool and detached while it waits. Callers come in attached, since they are
//! Python's; the pool's own threads attach before they look for work, and so hold nothing of the engine while they wait for the
//! interpreter. Every wait of the engine, a spin included, runs within [`around_wait`], which detaches. The engine's own
//! locks are held for moments, and never by a thread that attaches meanwhile, so an attached thread may take them.
//!
//! With an interpreter lock that gives the fewest hand-overs that are possible: a worker goes from chunk to chunk without letting go
//! of it, unless a function does, or another thread has asked for it for as long as Python lets a thread run
//! (`sys.getswitchinterval`).

#![allow(unsafe_code, reason = "entering a context and asking whether a thread is attached have no safe functions")]

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

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

/// Calls `body` attached; `None` where the interpreter is on its way out.
pub(crate) fn attached<R>(body: impl FnOnce(Python<'_>) -> R) -> Option<R> {
    if is_leaving() && !is_attached() {
        return None;
    }
    Python::try_attach(body)
}

/// Whether the calling thread is attached.
fn is_attached() -> bool {
    // SAFETY: may be called by any thread at any time once there is an interpreter, and this module was loaded by one.
    unsafe { ffi::PyGILState_Check() == 1 }
}

/// A wait on its way past the check that nothing of Python is used while detached.
struct Wait<'a>(&'a mut dyn FnMut());

// SAFETY: `detach` asks for `Send` to keep Python objects out of its closure, but calls it on the same thread. A wait is the
// engine's own code and touches none.
unsafe impl Send for Wait<'_> {}

impl Wait<'_> {
    fn call(&mut self) {
        (self.0)();
    }
}

/// Detaches for a wait, where the thread is attached; see [`millpond::sync::set_around_wait`].
pub(crate) fn around_wait(wait: &mut dyn FnMut()) {
    if is_attached() {
        let mut wait = Wait(wait);
        // Attached already, so this only says so.
        Python::attach(|py| py.detach(|| wait.call()));
    } else {
        wait();
    }
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

/// Variables of a context, as they were when a task was added.
pub(crate) struct Context {
    context: Py<PyAny>,
    /// Whether no variable is set.
    is_empty: bool,
}

impl Context {
    /// A copy of the calling thread's.
    pub(crate) fn current(py: Python<'_>) -> PyResult<Self> {
        // SAFETY: attached.
        let context = unsafe { ffi::PyContext_CopyCurrent() };
        // SAFETY: attached; a new reference or null with an exception set.
        let context = unsafe { Bound::from_owned_ptr_or_err(py, context)? };
        let is_empty = context.len()? == 0;
        Ok(Self { context: context.unbind(), is_empty })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// The object, for the garbage collector.
    pub(crate) fn object(&self) -> &Py<PyAny> {
        &self.context
    }

    /// Calls `body` with the variables, in a copy: it may set them for itself, and others may be in theirs at the same time.
    pub(crate) fn run<R>(&self, py: Python<'_>, body: impl FnOnce() -> R) -> PyResult<R> {
        // SAFETY: attached, and `context` is a context.
        let copy = unsafe { ffi::PyContext_Copy(self.context.as_ptr()) };
        // SAFETY: attached; a new reference or null with an exception set.
        let copy = unsafe { Bound::from_owned_ptr_or_err(py, copy)? };
        // SAFETY: attached, and `copy` is a context that nobody has entered, since nobody else knows it.
        if unsafe { ffi::PyContext_Enter(copy.as_ptr()) } != 0 {
            return Err(PyErr::fetch(py));
        }
        let _entered = Entered(&copy);
        Ok(body())
    }

    /// Like [`run`](Self::run), in the context itself, for those who are alone in it: what `body` sets is there the next time. Where
    /// no variable is set, in the caller's.
    pub(crate) fn run_on<R>(&self, py: Python<'_>, body: impl FnOnce() -> R) -> PyResult<R> {
        if self.is_empty {
            return Ok(body());
        }
        let context = self.context.bind(py);
        // SAFETY: attached, and `context` is a context; where it is entered already, this fails.
        if unsafe { ffi::PyContext_Enter(context.as_ptr()) } != 0 {
            return Err(PyErr::fetch(py));
        }
        let _entered = Entered(context);
        Ok(body())
    }
}

/// A context that this thread is in; left when dropped, also by a panic.
struct Entered<'a, 'py>(&'a Bound<'py, PyAny>);

impl Drop for Entered<'_, '_> {
    fn drop(&mut self) {
        // An error that `body` left behind stays what it was: leaving asks that none is set.
        // SAFETY: attached, since a `Bound` is there; the context was entered last by this very thread.
        let _ = unsafe { ffi::PyContext_Exit(self.0.as_ptr()) };
    }
}
