//! Channels that other threads write to, as sources.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use millpond::channel;
use millpond::sync::host;
use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;

use crate::errors::{ChannelClosedError, ChannelFullError, ReadTimeoutError, unless_ending};
use crate::greenlets;
use crate::interpreter::staying;
use crate::object::Object;
use crate::reader::{SLICE, duration};
use crate::simulation::{is_simulated, told};
use crate::writing::Writing;

/// The writing end of a channel: the Python class `millpond.ChannelWriter` is made of it.
#[pyclass(frozen, subclass, weakref, module = "millpond._native", name = "ChannelWriter")]
pub(crate) struct ChannelWriter(channel::Writer<Object>);

/// A channel, unbounded or with room for so many items.
pub(crate) fn open(capacity: Option<usize>) -> (Opened, channel::Reader<Object>) {
    let (writer, reader) = match capacity {
        None => channel::unbounded(),
        Some(capacity) => channel::bounded(capacity),
    };
    (Opened(Mutex::new(Some(writer))), reader)
}

pub(crate) fn closed() -> PyErr {
    let error = "writing to a channel that was closed, or that nobody can read from any more";
    // Its reader goes with the pools.
    unless_ending(ChannelClosedError::new_err(error))
}

fn timed_out(after: Duration) -> PyErr {
    let seconds = after.as_secs_f64();
    ReadTimeoutError::new_err(format!("writing to a full channel timed out after `{seconds:.3}` seconds"))
}

/// A channel's writing end, before it is of its Python class.
#[pyclass(frozen, module = "millpond._native", name = "_Opened")]
pub(crate) struct Opened(Mutex<Option<channel::Writer<Object>>>);

impl ChannelWriter {
    /// Writes, looking in between whether there was a signal.
    fn write_patiently(&self, py: Python<'_>, mut item: Object, timeout: Option<Duration>) -> PyResult<()> {
        let started = host::now();
        let last = timeout.and_then(|timeout| started.checked_add(timeout));
        // As for reads.
        let slices = !is_simulated();
        loop {
            let slice = slices.then(|| Instant::now() + SLICE);
            let is_last = last.is_some_and(|last| slice.is_none_or(|slice| last <= slice));
            let written = match if is_last { last } else { slice } {
                Some(deadline) => self.0.write_deadline(item, deadline),
                None => return self.0.write(item).map_err(|_| closed()),
            };
            match written {
                Ok(()) => return Ok(()),
                Err(error) if !error.is_timed_out() => return Err(closed()),
                Err(error) => item = error.into_inner(),
            }
            if is_last {
                return Err(timed_out(host::now().saturating_duration_since(started)));
            }
            py.check_signals()?;
        }
    }
}

#[pymethods]
impl ChannelWriter {
    #[new]
    fn new(opened: &Opened) -> PyResult<Self> {
        let writer = opened.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        writer.map(Self).ok_or_else(closed)
    }

    #[pyo3(signature = (item, timeout=None))]
    fn _write(slf: &Bound<'_, Self>, item: Py<PyAny>, timeout: Option<f64>) -> PyResult<()> {
        let py = slf.py();
        if greenlets::may_be_here()
            && greenlets::instead(py, "is_one", "write", (slf, item.clone_ref(py), timeout))?.is_some()
        {
            return Ok(());
        }
        staying(|| told(|| slf.get().write_patiently(py, Object(item), duration(timeout))))
    }

    fn _try_write(&self, item: Py<PyAny>) -> PyResult<()> {
        self.0.try_write(Object(item)).map_err(|error| {
            if error.is_full() {
                ChannelFullError::new_err(
                    "writing to a full channel without waiting; write again later, or wait with `write`",
                )
            } else {
                closed()
            }
        })
    }

    /// What a write raises that has waited for so many seconds.
    #[staticmethod]
    fn _timed_out(py: Python<'_>, seconds: f64) -> Py<PyBaseException> {
        timed_out(duration(Some(seconds)).unwrap_or_default()).into_value(py)
    }

    /// Begins a write that awaits.
    fn _begin(&self, item: Py<PyAny>) -> Writing {
        Writing::new(self.0.clone(), Object(item))
    }

    /// Nothing more is written; what is in the channel can still be read.
    fn close(&self) {
        self.0.close();
    }

    /// Whether it was closed, or nobody can read from it any more.
    #[getter]
    fn closed(&self) -> bool {
        self.0.is_closed()
    }

    /// How many items it has room for; `None` for any number.
    #[getter]
    fn capacity(&self) -> Option<usize> {
        self.0.capacity()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }
}
