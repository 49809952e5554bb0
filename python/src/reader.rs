//! The reader of a task's output: reading from it pulls.

mod checks;
mod open;
mod patience;

#[cfg(Py_GIL_DISABLED)]
use std::sync::atomic::fence;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use millpond::ReadError;
use pyo3::exceptions::{PyBaseException, PyRuntimeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyList;

use self::checks::checked_count;
pub(crate) use self::checks::{checked_timeout, duration};
pub(crate) use self::open::{Added, Open};
pub(crate) use self::patience::items_first;
use crate::errors::{ReaderClosedError, raise, timed_out};
use crate::greenlets;
use crate::interpreter::{attached, staying};
use crate::iteration::Iteration;
use crate::keeper::Kept;
use crate::object::Object;
use crate::place::Place;
use crate::pool::{Pool, Reader};
use crate::reading::{Ahead, Reading};
use crate::seat::{Seat, Seated};
use crate::simulation::{is_simulated, told};

/// How long a wait lasts before Python is asked whether there was a signal.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// The reader of a task's output: the Python class `millpond.PoolReader` is made of it.
#[pyclass(frozen, subclass, weakref, module = "millpond._native", name = "PoolReader")]
pub(crate) struct PoolReader {
    /// The one that reads are made with, unless another thread is at it; `None` when it went into a task or was closed.
    reader: Seat<Option<Reader>>,
    /// What further threads copy theirs from; made by the first read.
    spare: OnceLock<Mutex<Option<Reader>>>,
    pool: Py<Pool>,
    place: Arc<Place>,
    /// As long as somebody may be reading; whoever reads from a copy has one of this too.
    keeper: Kept,
    length: Option<usize>,
    /// How many items have been read.
    taken: AtomicUsize,
    /// Whether the iteration by `next(reader)` is over; each `iter(reader)` is one of its own.
    is_over: AtomicBool,
    is_closed: AtomicBool,
    /// What the last read met that was not an item.
    met: AtomicU8,
}

/// A reader has met its end.
const ENDED: u8 = 1;
/// A reader has met a failure.
const FAILED: u8 = 2;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What panicked was the engine's or the user's; the reader itself is as good as before.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets the thread go on that is to do something first.
#[cold]
fn make_way(py: Python<'_>) -> PyResult<()> {
    told(|| {
        if is_simulated() {
            millpond::simulation::yield_now();
        } else {
            py.detach(std::thread::yield_now);
        }
        Ok(())
    })
}

impl PoolReader {
    /// Why there is nothing to read from.
    fn gone(&self) -> PyErr {
        let name = &self.place.name;
        if self.is_closed.load(Ordering::Relaxed) {
            ReaderClosedError::new_err(format!("reading from the reader of task `{name}`, which was closed"))
        } else {
            ReaderClosedError::new_err(format!(
                "reading from the reader of task `{name}`, which another task reads from; read from that one, or `tee` the \
                 reader before"
            ))
        }
    }

    /// Calls `body` with the engine's reader, or with another one of the same output while another thread is at that.
    fn with<R>(&self, py: Python<'_>, body: impl FnOnce(&mut Reader) -> PyResult<R>) -> PyResult<R> {
        let mut seated = loop {
            if let Some(seated) = self.reader.try_take(py) {
                break seated;
            }
            if let Some(spare) = self.spare.get() {
                let keeper = self.keeper.get(py)?;
                let _read = keeper.as_ref().and_then(|keeper| keeper.get().read());
                let spare = lock(spare).clone();
                return body(&mut spare.ok_or_else(|| self.gone())?);
            }
            // Whoever sits there is about to make the spare one or to rise: nobody waits before that.
            make_way(py)?;
        };
        let reader = seated.as_mut().ok_or_else(|| self.gone())?;
        let keeper = self.keeper.get(py)?;
        let _read = keeper.as_ref().and_then(|keeper| keeper.get().read());
        self.spare.get_or_init(|| Mutex::new(Some(reader.clone())));
        let result = body(reader);
        self.rise(py, seated);
        result
    }

    /// Makes way for others. Lets go of the reader that was read with if this one was closed meanwhile, from elsewhere.
    #[inline]
    fn rise(&self, py: Python<'_>, seated: Seated<'_, Option<Reader>>) {
        // Subtle: in this order, and `let_go` in the other one. So of two at once, one sees what the other did.
        drop(seated);
        #[cfg(Py_GIL_DISABLED)]
        fence(Ordering::SeqCst);
        if self.is_closed.load(Ordering::Relaxed) {
            self.vacate(py);
        }
    }

    /// Lets go of the reader that further threads copy.
    fn drop_spare(&self) {
        // Out of the lock first: letting go of a reader may give others their turn.
        let spare = self.spare.get().and_then(|spare| lock(spare).take());
        drop(spare);
    }

    /// Lets go of the engine's readers. Where another thread is reading, that does it when it rises.
    #[cold]
    fn vacate(&self, py: Python<'_>) {
        self.drop_spare();
        let Some(mut seated) = self.reader.try_take(py) else { return };
        let reader = seated.take();
        let keeper = self.keeper.take();
        drop(seated);
        if let Some(keeper) = &keeper {
            keeper.get().condemn_garbage(py);
        }
        drop(reader);
        drop(keeper);
    }

    /// The next item, where it takes no waiting and nobody is in the way; `None` says nothing.
    #[inline]
    fn next_now(&self, py: Python<'_>) -> Option<Object> {
        if is_simulated() {
            return None;
        }
        let mut seated = self.reader.try_take(py)?;
        let item = match (&mut *seated, self.spare.get()) {
            (Some(reader), Some(_)) => reader.next_now(),
            _ => return None,
        };
        if item.is_some() {
            self.count(1);
        }
        self.rise(py, seated);
        item
    }

    /// How many items are left, where that is known.
    pub(crate) fn left<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let left = self.length.map(|length| length.saturating_sub(self.taken.load(Ordering::Relaxed)));
        match left {
            Some(left) => Ok(left.into_pyobject(py)?.into_any()),
            None => Ok(py.NotImplemented().into_bound(py)),
        }
    }

    /// What runs the coroutines of tasks upstream.
    fn runners(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let keeper = self.keeper.look(py);
        keeper.map_or_else(Vec::new, |keeper| keeper.get().runners().map(|runner| runner.clone_ref(py)).collect())
    }

    fn count(&self, items: usize) {
        #[cfg(Py_GIL_DISABLED)]
        self.taken.fetch_add(items, Ordering::Relaxed);
        // The interpreter's lock keeps others out between these two.
        #[cfg(not(Py_GIL_DISABLED))]
        self.taken.store(self.taken.load(Ordering::Relaxed) + items, Ordering::Relaxed);
    }

    fn list<'py>(&self, py: Python<'py>, items: Vec<Object>) -> PyResult<Bound<'py, PyList>> {
        self.count(items.len());
        PyList::new(py, items.into_iter().map(|item| item.0))
    }

    /// What it is made of, for a task that reads from it: this reader is no more.
    pub(crate) fn open(&self, py: Python<'_>) -> PyResult<Open> {
        let Some(mut seated) = self.reader.try_take(py) else {
            return Err(PyRuntimeError::new_err(format!(
                "adding a task to the reader of task `{}` while it is being read from; read from one of the two only",
                self.place.name
            )));
        };
        let reader = seated.take();
        drop(seated);
        let reader = reader.ok_or_else(|| self.gone())?;
        self.drop_spare();
        Ok(Open {
            reader,
            pool: self.pool.clone_ref(py),
            place: Arc::clone(&self.place),
            keeper: self.keeper.take(),
            length: self.length.map(|length| length.saturating_sub(self.taken.load(Ordering::Relaxed))),
        })
    }

    pub(crate) fn pool(&self) -> &Py<Pool> {
        &self.pool
    }

    fn let_go(&self, py: Python<'_>) {
        self.is_closed.store(true, Ordering::Relaxed);
        #[cfg(Py_GIL_DISABLED)]
        fence(Ordering::SeqCst);
        self.vacate(py);
    }
}

impl Drop for PoolReader {
    /// The collector may let a reader go that it has found to be garbage, and not have cleared it before.
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            let _ = attached(|py| keeper.get().condemn_garbage(py));
        }
    }
}

#[pymethods]
impl PoolReader {
    #[new]
    fn new(added: &Added) -> PyResult<Self> {
        let open = added.take();
        let open = open.ok_or_else(|| PyRuntimeError::new_err("a task has one reader; use `tee` for more"))?;
        let Open { reader, pool, place, keeper, length } = open;
        Ok(Self {
            reader: Seat::new(Some(reader)),
            spare: OnceLock::new(),
            pool,
            place,
            keeper: Kept::new(keeper),
            length,
            taken: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            met: AtomicU8::new(0),
        })
    }

    /// Read items, working for them meanwhile.
    ///
    /// A read gives what was asked for, or raises. Then it has taken nothing: what has been made stays, and a smaller
    /// read, `try_read` or an iteration gives it.
    ///
    /// Parameters
    /// ----------
    /// count : int, optional
    ///     How many; fewer mean the end, and nothing else. All by default, and none for 0.
    /// timeout : float, optional
    ///     Seconds to wait at the most.
    /// partial : bool, default False
    ///     Whether to give what there is, if anything, where the time is up or a task has failed.
    ///
    /// Returns
    /// -------
    /// list
    ///     The items.
    ///
    /// Raises
    /// ------
    /// ReadTimeoutError
    ///     When the time is up; nothing is lost by that.
    /// Exception
    ///     What the function of a task raised, where it did so before there were `count` items. A note says how many
    ///     items before it can still be read.
    ///
    /// Examples
    /// --------
    /// >>> reader = Pool(0).source("abc").map(str.upper)
    /// >>> reader.read(2), reader.read(0), reader.read(2), reader.read(2)
    /// (['A', 'B'], [], ['C'], [])
    /// >>> writer, reader = Pool(0).channel()
    /// >>> writer.write_all("abc")
    /// >>> reader.read(2, timeout=1, partial=True), reader.read(2, timeout=0.01, partial=True)
    /// (['a', 'b'], ['c'])
    #[pyo3(
        signature = (count=None, *, timeout=None, partial=false),
        text_signature = "($self, count=None, *, timeout=None, partial=False)"
    )]
    fn read<'py>(
        slf: &Bound<'py, Self>,
        count: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
        partial: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let (py, this) = (slf.py(), slf.get());
        let count = count.map_or(Ok(usize::MAX), checked_count)?;
        let timeout = timeout.map_or(Ok(None), checked_timeout)?;
        if count == 0 {
            return Ok(PyList::empty(py));
        }
        if count == 1
            && let Some(item) = this.next_now(py)
        {
            return PyList::new(py, [item.0]);
        }
        if greenlets::may_be_here() {
            let asked = (count < usize::MAX).then_some(count);
            let seconds = timeout.map(|timeout| timeout.as_secs_f64());
            if let Some(items) = greenlets::instead(py, "is_one", "read", (slf, asked, seconds, partial))? {
                return Ok(items.cast_into()?);
            }
        }
        staying(|| this.read_patiently(py, count, timeout, partial))
    }

    #[pyo3(signature = (count=None))]
    fn _try_read<'py>(&self, py: Python<'py>, count: Option<usize>) -> PyResult<Option<Bound<'py, PyList>>> {
        let count = count.unwrap_or(usize::MAX);
        staying(|| {
            let read = |reader: &mut Reader| reader.try_read(count).map_err(|error| raise(py, &error));
            let items = told(|| self.with(py, read))?;
            items.map(|items| self.list(py, items)).transpose()
        })
    }

    /// What a read raises that has waited for so many seconds.
    #[staticmethod]
    #[pyo3(signature = (count, seconds))]
    fn _timed_out(py: Python<'_>, count: Option<usize>, seconds: f64) -> Py<PyBaseException> {
        timed_out(count.unwrap_or(usize::MAX), duration(Some(seconds)).unwrap_or_default()).into_value(py)
    }

    /// Begins a read that awaits.
    #[pyo3(signature = (count, partial))]
    fn _begin(&self, py: Python<'_>, count: Option<usize>, partial: bool) -> PyResult<Reading> {
        let count = count.unwrap_or(usize::MAX);
        let begin = |reader: &mut Reader| {
            // What an iteration has taken ahead comes first.
            reader.give_back_ahead();
            Ok(Reading::new(reader.clone(), self.keeper.get(py)?, count, partial))
        };
        staying(|| told(|| self.with(py, begin)))
    }

    /// What has workers work ahead of the reads of an iteration that awaits, as long as it is not closed.
    fn _ahead(&self, py: Python<'_>) -> PyResult<Ahead> {
        staying(|| self.with(py, |reader| Ok(Ahead::new(reader.clone()))))
    }

    /// What runs the coroutines of tasks upstream.
    fn _runners(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.runners(py)
    }

    /// Counts items that a read that awaited has got.
    fn _count(&self, items: usize) {
        self.count(items);
    }

    fn __iter__(slf: Py<Self>) -> Iteration {
        Iteration::over(slf)
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        Self::advance(slf, &slf.get().is_over, None)
    }

    fn __length_hint__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.left(py)
    }

    /// Stops what only this reader needed and lets go of it.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        staying(|| {
            told(|| {
                self.let_go(py);
                Ok(())
            })
        })
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// What the last read met that was not an item: `"ended"`, `"failed"` or nothing.
    #[getter]
    fn _met(&self) -> Option<&'static str> {
        match self.met.load(Ordering::Relaxed) {
            ENDED => Some("ended"),
            FAILED => Some("failed"),
            _ => None,
        }
    }

    /// The name of the task whose output this reads.
    #[getter]
    fn name(&self) -> &str {
        &self.place.name
    }

    /// Another reader of the same output: they share the items.
    fn _share(&self, py: Python<'_>) -> PyResult<Added> {
        let (reader, keeper) = staying(|| self.with(py, |reader| Ok((reader.clone(), self.keeper.get(py)?))))?;
        let (pool, place) = (self.pool.clone_ref(py), Arc::clone(&self.place));
        Ok(Added::new(Open { reader, pool, place, keeper, length: None }))
    }

    /// Adds items behind those that are there and that nobody has read yet, and counts them all.
    fn _waiting(&self, py: Python<'_>, added: Vec<Py<PyAny>>) -> PyResult<usize> {
        self.with(py, |reader| {
            let mut items = match reader.try_read(usize::MAX) {
                Err(error @ ReadError::Interrupted { .. }) => return Err(raise(py, &error)),
                items => items.ok().flatten().unwrap_or_default(),
            };
            items.extend(added.into_iter().map(Object));
            let count = items.len();
            reader.unread(items);
            Ok(count)
        })
    }

    #[getter]
    fn _place(&self) -> (&str, u32) {
        (&self.place.file, self.place.line)
    }

    /// The pool.
    #[getter]
    #[pyo3(name = "pool")]
    fn pool_object(&self, py: Python<'_>) -> Py<Pool> {
        self.pool.clone_ref(py)
    }

    #[getter]
    fn _is_moved(&self, py: Python<'_>) -> bool {
        self.reader.try_take(py).is_some_and(|seated| seated.is_none())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.pool)?;
        self.keeper.traverse(&visit)?;
        // While somebody reads, what that has taken ahead is in its hands.
        let shown = self.reader.look(|reader| {
            let ahead = reader.iter().flat_map(|reader| reader.taken_ahead());
            ahead.into_iter().try_for_each(|item| visit.call(&item.0))
        });
        shown.unwrap_or(Ok(()))
    }

    fn __clear__(&self, py: Python<'_>) {
        self.let_go(py);
    }
}
