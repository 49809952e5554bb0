//! The engine's errors as Python's.

use std::sync::OnceLock;
use std::thread::ThreadId;
use std::time::Duration;

use millpond::{Cause, ReadError};
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PySystemExit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::place::Raised;

mod classes {
    pyo3::import_exception!(millpond._errors, BranchFullError);
    pyo3::import_exception!(millpond._errors, ChannelClosedError);
    pyo3::import_exception!(millpond._errors, ChannelFullError);
    pyo3::import_exception!(millpond._errors, DeadlockError);
    pyo3::import_exception!(millpond._errors, LibdispatchMissingError);
    pyo3::import_exception!(millpond._errors, NotReadyError);
    pyo3::import_exception!(millpond._errors, PoolBusyError);
    pyo3::import_exception!(millpond._errors, PoolClosedError);
    pyo3::import_exception!(millpond._errors, PoolForkedError);
    pyo3::import_exception!(millpond._errors, ReaderClosedError);
    pyo3::import_exception!(millpond._errors, ReadTimeoutError);
    pyo3::import_exception!(millpond._errors, SimulationError);
    pyo3::import_exception!(millpond._errors, SimulationOver);
    pyo3::import_exception!(millpond._errors, TaskError);
    pyo3::import_exception!(millpond._errors, TaskTimeoutError);
}

pub(crate) use classes::*;

/// Looks the classes up, so that they are there when nothing can be imported any more: at the end of the program.
pub(crate) fn load(py: Python<'_>) {
    use pyo3::PyTypeInfo;
    for class in [
        BranchFullError::type_object,
        ChannelClosedError::type_object,
        ChannelFullError::type_object,
        DeadlockError::type_object,
        LibdispatchMissingError::type_object,
        NotReadyError::type_object,
        PoolBusyError::type_object,
        PoolClosedError::type_object,
        PoolForkedError::type_object,
        ReaderClosedError::type_object,
        ReadTimeoutError::type_object,
        SimulationError::type_object,
        SimulationOver::type_object,
        TaskError::type_object,
        TaskTimeoutError::type_object,
    ] {
        let _ = class(py);
    }
}

/// The thread that ends the program, from when it closes the pools.
static ENDS: OnceLock<ThreadId> = OnceLock::new();

/// From now on the calling thread ends the program.
pub(crate) fn end_here() {
    let _ = ENDS.set(std::thread::current().id());
}

/// What the use of a closed pool raises.
///
/// At the end of the program only daemon threads are left beside the one that ends it. It has closed their pools, not they, so they
/// end in silence, as Python ends daemon threads.
pub(crate) fn pool_closed(message: String) -> PyErr {
    unless_ending(PoolClosedError::new_err(message))
}

/// The same for another error that says that something was closed.
pub(crate) fn unless_ending(error: PyErr) -> PyErr {
    match ENDS.get() {
        Some(ends) if *ends != std::thread::current().id() => PySystemExit::new_err(()),
        _ => error,
    }
}

/// What a reader raises for an error of the engine.
pub(crate) fn raise(py: Python<'_>, error: &ReadError) -> PyErr {
    match error {
        ReadError::Task(failed) => failure(py, failed),
        ReadError::TimedOut { .. } => ReadTimeoutError::new_err(error.to_string()),
        ReadError::NotYet { .. } => NotReadyError::new_err(error.to_string()),
        ReadError::PoolGone { task } => {
            pool_closed(format!("reading from task `{task}` of a pool that was closed; read before the pool is closed"))
        }
        ReadError::SerialBusy { .. } => PoolBusyError::new_err(error.to_string()),
        ReadError::Forked { .. } => PoolForkedError::new_err(error.to_string()),
        ReadError::Interrupted { cause, .. } => match cause.downcast_ref::<Raised>() {
            Some(raised) => raised.raise(py),
            None => PyRuntimeError::new_err(error.to_string()),
        },
        ReadError::BranchFull { .. } => BranchFullError::new_err(error.to_string()),
        ReadError::OwnOutput { .. } | ReadError::WouldWaitForever { .. } => DeadlockError::new_err(error.to_string()),
        _ => PyRuntimeError::new_err(error.to_string()),
    }
}

/// A time-out, in the words of whoever waited.
pub(crate) fn timed_out(asked: usize, waited: Duration) -> PyErr {
    let what = if asked == usize::MAX { "all items".to_owned() } else { format!("`{asked}` items") };
    let seconds = waited.as_secs_f64();
    ReadTimeoutError::new_err(format!(
        "reading {what} timed out after `{seconds:.3}` seconds; what has been made stays readable, so read again to go on"
    ))
}

/// What the function of a task raised, as the object that it was, or a [`TaskError`] where there is none.
fn failure(py: Python<'_>, failed: &millpond::TaskError) -> PyErr {
    let raised = match failed.cause() {
        Cause::Error(error) => error.downcast_ref::<Raised>(),
        _ => None,
    };
    let Some(raised) = raised else {
        return TaskError::new_err(format!(
            "task `{}` failed at item {}: {}{}",
            failed.task(),
            failed.index(),
            failed.cause(),
            still(failed)
        ));
    };
    let is_first = raised.tell();
    let cause = raised.raise(py);
    if !is_first && cause.is_instance_of::<PyKeyboardInterrupt>(py) {
        let error = TaskError::new_err(format!("{} was interrupted at item {}", raised.place, failed.index()));
        error.set_cause(py, Some(cause));
        return error;
    }
    note(py, &cause, &format!("in {}, at item ", raised.place), failed);
    cause
}

/// What can be read of what was made before the failure.
fn still(failed: &millpond::TaskError) -> String {
    match failed.unread() {
        0 => String::new(),
        1 => "; 1 item before it can still be read".to_owned(),
        unread => format!("; {unread} items before it can still be read"),
    }
}

/// Adds a note to an exception that has none of this text: a function may raise the same object
/// again and again.
pub(crate) fn note_once(py: Python<'_>, error: &PyErr, note: &str) {
    let exception = error.value(py);
    let notes = exception.getattr(intern!(py, "__notes__")).and_then(|notes| notes.contains(note));
    if !notes.unwrap_or(false) {
        // Before Python 3.11 there are no notes.
        let _ = exception.call_method1(intern!(py, "add_note"), (note,));
    }
}

/// Sees to it that the exception has one note that begins with `place`, though a function may raise the same object again and again.
/// Where this failure was raised before, the note says what can be read now.
fn note(py: Python<'_>, error: &PyErr, place: &str, failed: &millpond::TaskError) {
    let exception = error.value(py);
    let at = format!("{place}{}", failed.index());
    let note = at.clone() + &still(failed);
    let notes = exception.getattr(intern!(py, "__notes__"));
    if let Some(notes) = notes.ok().and_then(|notes| notes.cast_into::<PyList>().ok()) {
        for (number, before) in notes.iter().enumerate() {
            let Ok(before) = before.extract::<String>() else { continue };
            if before.starts_with(place) {
                if before != note && (before == at || before.starts_with(&(at + ";"))) {
                    let _ = notes.set_item(number, note);
                }
                return;
            }
        }
    }
    // Before Python 3.11 there are no notes.
    let _ = exception.call_method1(intern!(py, "add_note"), (note,));
}
