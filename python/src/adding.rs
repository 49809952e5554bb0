//! Adding tasks: what the methods of the Python classes do once they have checked their arguments.

mod joints;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use millpond::{Cause, Task, Verdict};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

pub(crate) use self::joints::{_division, _join, _tee, _zip};
use crate::channel::{self, Opened};
use crate::context::{Context, is_simple};
use crate::function::{Function, OnError, Policy};
use crate::interpreter::{attached, iterate, staying};
use crate::keeper::{Held, Keeper};
use crate::object::Object;
use crate::operation::{Expansion, Kind, Operation};
use crate::place::{Place, Raised};
use crate::pool::{Pool, Reader};
use crate::pulling::{Pulled, Pulling};
use crate::reader::{Added, Open, PoolReader, duration};
use crate::retrying::{Retries, Retrying};
use crate::source::{Iterable, Iterating};
use crate::waiting::{AtOutput, InChannel};
use crate::window::{Awaiting, Window};

/// A task's name, and the file and line that added it.
type Named = (String, String, u32);

/// Concurrency, whether ordered, least and most items per chunk, read-ahead: as the engine has them where they are given.
type Limits = (Option<usize>, bool, Option<usize>, Option<usize>, usize);

/// What to do with errors, retries, timeout. The first is nothing, `"skip"`, a handler, or a tuple of
/// exception classes, each with one of these.
type Failing = (Option<Py<PyAny>>, Retries, Option<f64>);

fn place((name, file, line): Named) -> Arc<Place> {
    Place::new(name, file, line)
}

fn on_error(py: Python<'_>, choice: Option<Py<PyAny>>) -> PyResult<OnError> {
    let Some(choice) = choice else { return Ok(OnError::Raise) };
    if let Ok(classes) = choice.bind(py).cast_exact::<PyTuple>() {
        let mut choices = Vec::with_capacity(classes.len());
        for class in classes {
            let (class, choice): (Py<PyAny>, Option<Py<PyAny>>) = class.extract()?;
            choices.push((class, on_error(py, choice)?));
        }
        return Ok(OnError::ByClass(choices));
    }
    Ok(if choice.bind(py).is_callable() { OnError::Handle(choice) } else { OnError::Skip })
}

fn policy(py: Python<'_>, (choice, retries, timeout): Failing) -> PyResult<Policy> {
    Ok(Policy { on_error: on_error(py, choice)?, retrying: Retrying::new(retries), timeout: duration(timeout) })
}

/// The function of a task that is about to be added.
fn called(
    py: Python<'_>,
    function: Py<PyAny>,
    is_starred: bool,
    named: Named,
    failing: Failing,
) -> PyResult<Arc<Function>> {
    let (place, policy) = (place(named), policy(py, failing)?);
    Ok(Arc::new(Function::new(function, place, Context::current(py)?, policy, is_starred)))
}

/// The keeper of the task that `reader` reads from, of what it holds and what waits for the reader.
fn kept(
    py: Python<'_>,
    reader: &Reader,
    held: Option<Arc<dyn Held>>,
    upstream: impl IntoIterator<Item = Option<Py<Keeper>>>,
) -> PyResult<Py<Keeper>> {
    let waiting: Arc<dyn Held> = Arc::new(AtOutput(reader.contents()));
    Keeper::new(py, held.into_iter().chain([waiting]).collect(), upstream)
}

fn limited<T: Send>(task: Task<'static, T>, place: &Place, limits: Limits) -> Task<'static, T> {
    let (concurrency, is_ordered, min_count, max_chunksize, read_ahead) = limits;
    let mut task = task.name(place.name.as_str());
    if let Some(workers) = concurrency {
        task = task.concurrency(workers);
    }
    if let Some(items) = min_count {
        task = task.min_count(items);
    }
    if let Some(items) = max_chunksize {
        task = task.max_chunksize(items);
    }
    if !is_ordered {
        task = task.unordered();
    }
    if read_ahead > 0 { task.read_ahead(read_ahead) } else { task }
}

/// A reader taken apart, for a task that reads from it.
struct Upstream {
    open: Open,
    engine: Arc<crate::pool::Engine>,
}

impl Upstream {
    fn of(py: Python<'_>, reader: &PoolReader) -> PyResult<Self> {
        let engine = reader.pool().get().engine()?;
        Ok(Self { open: reader.open(py)?, engine })
    }

    /// Adds a task made from the reader, which calls a function.
    fn add_called(
        self,
        py: Python<'_>,
        function: &Arc<Function>,
        limits: Limits,
        length: Option<usize>,
        task: impl FnOnce(Reader, Arc<Function>) -> Task<'static, Object>,
    ) -> PyResult<Added> {
        let (held, place) = (Arc::clone(function) as Arc<dyn Held>, Arc::clone(&function.place));
        self.add(py, place, limits, length, Some(held), |input| task(input, Arc::clone(function)))
    }

    /// Adds a task made from the reader, whose functions `held` holds.
    fn add(
        self,
        py: Python<'_>,
        place: Arc<Place>,
        limits: Limits,
        length: Option<usize>,
        held: Option<Arc<dyn Held>>,
        task: impl FnOnce(Reader) -> Task<'static, Object>,
    ) -> PyResult<Added> {
        let Self { open, engine } = self;
        let Open { reader, pool, keeper, .. } = open;
        let reader = engine.pool.add_task(limited(task(reader), &place, limits));
        let keeper = kept(py, &reader, held, [keeper])?;
        Ok(Added::new(Open::new(reader, pool, place, keeper, length)))
    }
}

/// The items of an iterable.
#[pyfunction]
#[pyo3(signature = (pool, items, named, limits, is_reader_only=false))]
pub(crate) fn _source(
    py: Python<'_>,
    pool: &Bound<'_, Pool>,
    items: &Bound<'_, PyAny>,
    named: Named,
    limits: Limits,
    is_reader_only: bool,
) -> PyResult<Added> {
    let engine = pool.get().engine()?;
    let length = staying(|| items.len().ok());
    let iterator = iterate(items)?;
    let is_generator =
        iterator.is_instance(&py.import(intern!(py, "types"))?.getattr(intern!(py, "GeneratorType"))?)?;
    let is_simple = is_simple(iterator.as_any());
    let (iterator, place) = (iterator.unbind(), place(named));
    let context = Context::current(py)?;
    let iterating = Arc::new(Iterating {
        iterator,
        place: Arc::clone(&place),
        context,
        is_simple,
        is_generator,
        is_condemned: AtomicBool::new(false),
        made_in: thread::current().id(),
    });
    let held = Arc::clone(&iterating) as Arc<dyn Held>;
    let task = limited(Task::supply(Iterable(iterating)), &place, limits);
    let task = if is_reader_only { task.reader_only() } else { task };
    let reader = engine.pool.add_task(task);
    let keeper = kept(py, &reader, Some(held), [])?;
    Ok(Added::new(Open::new(reader, pool.clone().unbind(), place, keeper, length)))
}

/// A function that is called with each item.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "called from one place, by position")]
pub(crate) fn _operation(
    py: Python<'_>,
    reader: &PoolReader,
    kind: &str,
    function: Py<PyAny>,
    is_starred: bool,
    named: Named,
    limits: Limits,
    failing: Failing,
) -> PyResult<Added> {
    let kind = match kind {
        "map" => Kind::Map,
        "filter" => Kind::Filter,
        "filter_map" => Kind::FilterMap,
        "tap" => Kind::Tap,
        _ => return Err(PyValueError::new_err(format!("there is no kind of task `{kind}`"))),
    };
    let keeps_length = failing.0.is_none() && matches!(kind, Kind::Map | Kind::Tap);
    let function = called(py, function, is_starred, named, failing)?;
    let upstream = Upstream::of(py, reader)?;
    let length = upstream.open.length.filter(|_| keeps_length);
    upstream.add_called(py, &function, limits, length, |input, function| {
        Task::operator(input, Operation { function, kind })
    })
}

/// A function each of whose results is an iterable of items. `pool` gives the pool, for those that are async ones.
#[pyfunction]
pub(crate) fn _expansion(
    py: Python<'_>,
    reader: &PoolReader,
    function: Py<PyAny>,
    pool: Py<PyAny>,
    named: Named,
    limits: Limits,
    failing: Failing,
) -> PyResult<Added> {
    let function = called(py, function, false, named, failing)?;
    let upstream = Upstream::of(py, reader)?;
    upstream.add_called(py, &function, limits, None, move |input, function| {
        Task::expander(input, Expansion { function, pool })
    })
}

/// A coroutine function that is called with each item; `runner` runs the coroutines and tells `window` what comes of them.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "called from one place, by position")]
pub(crate) fn _awaiting(
    py: Python<'_>,
    reader: &PoolReader,
    window: &Window,
    runner: Py<PyAny>,
    concurrency: usize,
    is_ordered: bool,
    keeps_length: bool,
    named: Named,
    limits: Limits,
) -> PyResult<Added> {
    let place = place(named);
    let upstream = Upstream::of(py, reader)?;
    let length = upstream.open.length.filter(|_| keeps_length);
    let named = Arc::clone(&place);
    let Upstream { open, engine } = upstream;
    let Open { reader, pool, keeper, .. } = open;
    let input = reader.task_id();
    let (awaiting, held) = Awaiting::new(reader, window, runner, named, concurrency, is_ordered);
    let task = limited(Task::poll_supply([input], awaiting), &place, limits);
    let reader = engine.pool.add_task(task);
    let keeper = kept(py, &reader, Some(held), [keeper])?;
    Ok(Added::new(Open::new(reader, pool, place, keeper, length)))
}

/// The items of an async iterator, or of all those that `reader` gives; `puller` pulls them and hands them to `pulled`.
#[pyfunction]
pub(crate) fn _pulling(
    py: Python<'_>,
    pool: &Bound<'_, Pool>,
    reader: Option<&PoolReader>,
    pulled: &Pulled,
    puller: Py<PyAny>,
    named: Named,
    limits: Limits,
) -> PyResult<Added> {
    let engine = pool.get().engine()?;
    let place = place(named);
    let (input, keeper) = match reader {
        Some(reader) => {
            let open = reader.open(py)?;
            (Some(open.reader), open.keeper)
        }
        None => (None, None),
    };
    let inputs = input.as_ref().map(Reader::task_id);
    let (pulling, held) = Pulling::new(py, input, pulled, puller, Arc::clone(&place))?;
    let task = limited(Task::poll_supply(inputs, pulling), &place, limits);
    let reader = engine.pool.add_task(task);
    let keeper = kept(py, &reader, Some(held), [keeper])?;
    Ok(Added::new(Open::new(reader, pool.clone().unbind(), place, keeper, None)))
}

/// A channel: its writing end, and a source of what is written.
#[pyfunction]
pub(crate) fn _channel(
    pool: &Bound<'_, Pool>,
    capacity: Option<usize>,
    named: Named,
    limits: Limits,
) -> PyResult<(Opened, Added)> {
    let engine = pool.get().engine()?;
    let place = place(named);
    let (writer, reader) = channel::open(capacity);
    let held = Arc::new(InChannel(reader.contents())) as Arc<dyn Held>;
    let reader = engine.pool.add_task(limited(Task::channel(reader), &place, limits));
    let keeper = kept(pool.py(), &reader, Some(held), [])?;
    Ok((writer, Added::new(Open::new(reader, pool.clone().unbind(), place, keeper, None))))
}

/// The first `count` items.
#[pyfunction]
pub(crate) fn _take(
    py: Python<'_>,
    reader: &PoolReader,
    count: usize,
    named: Named,
    limits: Limits,
) -> PyResult<Added> {
    let upstream = Upstream::of(py, reader)?;
    let length = upstream.open.length.map(|length| length.min(count));
    upstream.add(py, place(named), limits, length, None, |input| Task::take(input, count))
}

/// All but the first `count` items.
#[pyfunction]
pub(crate) fn _skip(
    py: Python<'_>,
    reader: &PoolReader,
    count: usize,
    named: Named,
    limits: Limits,
) -> PyResult<Added> {
    let upstream = Upstream::of(py, reader)?;
    let length = upstream.open.length.map(|length| length.saturating_sub(count));
    upstream.add(py, place(named), limits, length, None, |input| Task::skip(input, count))
}

/// Items while a function says yes.
#[pyfunction]
pub(crate) fn _take_while(
    py: Python<'_>,
    reader: &PoolReader,
    function: Py<PyAny>,
    named: Named,
    limits: Limits,
    failing: Failing,
) -> PyResult<Added> {
    let function = called(py, function, false, named, failing)?;
    let upstream = Upstream::of(py, reader)?;
    upstream.add_called(py, &function, limits, None, |input, function| {
        Task::decide_interruptibly(input, move |item: Object, back: &mut Option<Object>| {
            let answer = attached(|py| {
                let result = function.in_context(py, || function.ask(py, item.0.bind(py), None));
                result.map_err(|error| function.end_one(py, error, Object(item.0.clone_ref(py)), back))
            });
            match answer {
                Some(Ok(Some(true))) => Verdict::Give(item),
                Some(Ok(None)) => Verdict::Skip,
                Some(Ok(Some(false))) | None => Verdict::Stop,
                Some(Err(error)) => Verdict::Fail(Cause::Error(error)),
            }
        })
    })
}

/// Pairs of a number and an item.
#[pyfunction]
pub(crate) fn _enumerate(
    py: Python<'_>,
    reader: &PoolReader,
    start: i128,
    named: Named,
    limits: Limits,
) -> PyResult<Added> {
    let place = place(named);
    let upstream = Upstream::of(py, reader)?;
    let length = upstream.open.length;
    let named = Arc::clone(&place);
    upstream.add(py, place, limits, length, None, move |input| {
        Task::scan(input, start, move |next, item: Object| {
            let pair = attached(|py| {
                // The usual number is made in a tenth of the time.
                let pair = match i64::try_from(*next) {
                    Ok(number) => (number, item.0).into_pyobject(py),
                    Err(_) => (*next, item.0).into_pyobject(py),
                };
                let pair = pair.map(|pair| Object::from(pair.into_any()));
                pair.map_err(|error| Raised::boxed(error, &named))
            });
            *next += 1;
            pair.transpose()
        })
    })
}

/// The same task, whose output a task that is no part of the engine reads from now on.
#[pyfunction]
pub(crate) fn _take_over(py: Python<'_>, reader: &PoolReader) -> PyResult<Added> {
    Ok(Added::new(reader.open(py)?))
}

/// Lists of `size` items.
#[pyfunction]
pub(crate) fn _batch(
    py: Python<'_>,
    reader: &PoolReader,
    size: usize,
    named: Named,
    limits: Limits,
) -> PyResult<Added> {
    let upstream = Upstream::of(py, reader)?;
    let length = upstream.open.length.map(|length| length.div_ceil(size));
    upstream.add(py, place(named), limits, length, None, |input| {
        Task::batch_with(input, size, |batches| {
            let lists = attached(|py| {
                let list = |batch: Vec<Object>| PyList::new(py, batch.into_iter().map(|item| item.0));
                batches.into_iter().map(|batch| list(batch).map(|list| Object::from(list.into_any()))).collect()
            });
            memory(lists)
        })
    })
}

/// What a conversion gives that fails only when there is no memory for a list or a tuple, or no interpreter.
fn memory(converted: Option<PyResult<Vec<Object>>>) -> Vec<Object> {
    match converted {
        None => Vec::new(),
        Some(Ok(objects)) => objects,
        Some(Err(error)) => std::panic::panic_any(error.to_string()),
    }
}
