//! Reads that take their time: in slices, between which Python is asked whether there was a signal.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use millpond::ReadError;
use millpond::sync::host;
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::{ENDED, FAILED, PoolReader, SLICE};
use crate::errors::{ReadTimeoutError, raise, timed_out};
use crate::greenlets;
use crate::interpreter::{call_method, staying};
use crate::object::Object;
use crate::pool::Reader;
use crate::reading::Ahead;
use crate::simulation::{is_simulated, told};

/// An attempt at a read in a simulation, which may say by a panic that it cannot go on. Apart, for
/// the other reads' sake.
#[cold]
#[inline(never)]
fn attempt_simulated<R>(
    attempt: &mut dyn FnMut(Option<Duration>) -> Result<R, ReadError>,
    slice: Option<Duration>,
) -> PyResult<Result<R, ReadError>> {
    told(|| Ok(attempt(slice)))
}

impl PoolReader {
    /// Tries until it comes off, looking in between whether there was a signal or the reader was
    /// closed. What it tries is told how long it may take.
    ///
    /// Without a time-out the clock is not looked at here: that takes as long as some quick items.
    pub(super) fn patiently<R>(
        &self,
        py: Python<'_>,
        asked: usize,
        timeout: Option<Duration>,
        mut attempt: impl FnMut(Option<Duration>) -> Result<R, ReadError>,
    ) -> PyResult<R> {
        // In a simulation signals wait: a wait that is cut short by the clock of the system would
        // not be the same again.
        let slices = !is_simulated();
        let started = timeout.map(|timeout| (host::now(), timeout));
        loop {
            let left = started.map(|(started, timeout)| timeout.saturating_sub(host::now() - started));
            let slice = if slices { Some(left.map_or(SLICE, |left| left.min(SLICE))) } else { left };
            let outcome = if slices { attempt(slice) } else { attempt_simulated(&mut attempt, slice)? };
            match outcome {
                Ok(result) => return Ok(result),
                Err(ReadError::TimedOut { .. }) => {
                    if let Some((started, _)) = started
                        && left == slice
                    {
                        return Err(timed_out(asked, host::now() - started));
                    }
                    py.check_signals()?;
                    if self.is_closed.load(Ordering::Relaxed) {
                        return Err(self.gone());
                    }
                    for runner in self.runners(py) {
                        call_method(runner.bind(py), intern!(py, "check_wait"), PyTuple::empty(py))?;
                    }
                }
                Err(error) => {
                    if matches!(error, ReadError::Task(_)) {
                        self.met.store(FAILED, Ordering::Relaxed);
                    }
                    return Err(raise(py, &error));
                }
            }
        }
    }

    /// The next item of an iteration, `None` at its end. A failure ends it too: it comes once.
    #[inline]
    pub(crate) fn advance(
        slf: &Bound<'_, Self>,
        is_over: &AtomicBool,
        ahead: Option<&OnceLock<Py<Ahead>>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        if is_over.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let this = slf.get();
        if let Some(item) = this.next_now(slf.py()) {
            return Ok(Some(item.0));
        }
        if greenlets::may_be_here()
            && let Some(item) = Self::advance_in_greenlet(slf, is_over, ahead)?
        {
            return Ok(item);
        }
        this.advance_patiently(slf.py(), is_over)
    }

    /// The next item, where a greenlet is to wait for it; what is within says what
    /// [`advance`](Self::advance) does.
    #[cold]
    fn advance_in_greenlet(
        slf: &Bound<'_, Self>,
        is_over: &AtomicBool,
        ahead: Option<&OnceLock<Py<Ahead>>>,
    ) -> PyResult<Option<Option<Py<PyAny>>>> {
        let (py, this) = (slf.py(), slf.get());
        let ahead = match ahead {
            None => None,
            Some(place) => Some(match place.get() {
                Some(ahead) => ahead,
                None => {
                    let ahead = Py::new(py, this._ahead(py)?)?;
                    place.get_or_init(|| ahead)
                }
            }),
        };
        match greenlets::instead(py, "is_one", "advance", (slf, ahead)) {
            Ok(None) => Ok(None),
            Ok(Some(items)) => {
                let item = items.cast::<PyList>()?.iter().next();
                if item.is_none() {
                    is_over.store(true, Ordering::Relaxed);
                    this.met.store(ENDED, Ordering::Relaxed);
                }
                Ok(Some(item.map(Bound::unbind)))
            }
            Err(error) => {
                is_over.store(error.is_instance_of::<PyException>(py), Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// The next item, however long it takes.
    #[cold]
    #[inline(never)]
    fn advance_patiently(&self, py: Python<'_>, is_over: &AtomicBool) -> PyResult<Option<Py<PyAny>>> {
        let item = staying(|| {
            self.with(py, |reader| {
                self.patiently(py, 1, None, |slice| {
                    let next = reader.read_next(slice.map(|slice| Instant::now() + slice));
                    // Only its end and a task's failure end it. An exception of a signal's handler
                    // does not: whoever goes on gets the rest. Nor does a pool that was closed or
                    // is busy: threads that share an iteration would take that for the end of the
                    // items.
                    if matches!(next, Ok(None) | Err(ReadError::Task(_))) {
                        is_over.store(true, Ordering::Relaxed);
                    }
                    next
                })
            })
        })?;
        match &item {
            Some(_) => self.count(1),
            None => self.met.store(ENDED, Ordering::Relaxed),
        }
        Ok(item.map(|item| item.0))
    }

    /// Reads, however long it takes.
    pub(super) fn read_patiently<'py>(
        &self,
        py: Python<'py>,
        count: usize,
        timeout: Option<Duration>,
        partial: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let items = self.with(py, |reader| {
            let outcome = self.patiently(py, count, timeout, |slice| {
                let result = match slice {
                    Some(slice) => reader.read_timeout(count, slice),
                    None => reader.read(count),
                };
                if partial { items_first(reader, count, result) } else { result }
            });
            match outcome {
                Err(error) if partial && error.is_instance_of::<ReadTimeoutError>(py) => {
                    reader.try_read(count).map_err(|error| raise(py, &error))?.ok_or(error)
                }
                outcome => outcome,
            }
        })?;
        if !partial && items.len() < count {
            self.met.store(ENDED, Ordering::Relaxed);
        }
        self.list(py, items)
    }
}

/// What a read gives that gives the items before a failure first.
pub(crate) fn items_first(
    reader: &mut Reader,
    count: usize,
    result: Result<Vec<Object>, ReadError>,
) -> Result<Vec<Object>, ReadError> {
    match result {
        Err(ReadError::Task(error)) if error.unread() > 0 => match reader.try_read(count)? {
            Some(items) => Ok(items),
            None => Err(error.into()),
        },
        result => result,
    }
}
