//! Tasks that read from several readers, and a task that several readers read from.

use std::sync::Arc;
use std::time::Duration;

use millpond::{Branches, Capacity, Task};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::{Failing, Limits, Named, Upstream, called, kept, limited, memory, place};
use crate::division::{Divides, Division, Side, Sided};
use crate::interpreter::attached;
use crate::keeper::{Held, Keeper};
use crate::object::Object;
use crate::pool::Pool;
use crate::reader::{Added, Open, PoolReader};
use crate::waiting::AtOutput;

/// Pairs of the items of two readers; with `extends`, the left one's items are tuples that grow by one.
#[pyfunction]
pub(crate) fn _zip(
    py: Python<'_>,
    left: &PoolReader,
    right: &PoolReader,
    extends: bool,
    named: Named,
    limits: Limits,
) -> PyResult<Added> {
    let mut upstream = Upstream::of(py, left)?;
    let right_engine = right.pool().get().engine()?;
    let right = right.open(py)?;
    let length = upstream.open.length.zip(right.length).map(|(left, right)| left.min(right));
    upstream.open.keeper = Some(Keeper::new(py, Vec::new(), [upstream.open.keeper, right.keeper])?);
    let pool = Arc::clone(&upstream.engine);
    let right = if Arc::ptr_eq(&pool, &right_engine) { right.reader } else { right.reader.into_pool(&pool.pool) };
    upstream.add(py, place(named), limits, length, None, move |left| {
        Task::zip_with(left, right, move |pairs| {
            let tuples = attached(|py| {
                let tuple = |(left, right): (Object, Object)| -> PyResult<Object> {
                    if extends && let Ok(before) = left.0.bind(py).cast::<PyTuple>() {
                        let all = before.iter().chain([right.0.into_bound(py)]).collect::<Vec<_>>();
                        return Ok(PyTuple::new(py, all)?.into_any().into());
                    }
                    Ok(PyTuple::new(py, [left.0, right.0])?.into_any().into())
                };
                pairs.into_iter().map(tuple).collect()
            });
            memory(tuples)
        })
    })
}

/// The items of several readers, as they come or one reader after the other.
#[pyfunction]
pub(crate) fn _join(
    py: Python<'_>,
    pool: &Bound<'_, Pool>,
    readers: Vec<Bound<'_, PoolReader>>,
    merges: bool,
    named: Named,
    limits: Limits,
) -> PyResult<Added> {
    let engine = pool.get().engine()?;
    let place = place(named);
    let (mut inputs, mut keepers, mut length) = (Vec::new(), Vec::new(), Some(0_usize));
    for reader in &readers {
        let is_here = reader.get().pool().is(pool);
        let open = reader.get().open(py)?;
        length = length.zip(open.length).and_then(|(sum, more)| sum.checked_add(more));
        keepers.push(open.keeper);
        inputs.push(if is_here { open.reader } else { open.reader.into_pool(&engine.pool) });
    }
    let task = if merges { Task::merge(inputs) } else { Task::chain(inputs) };
    let reader = engine.pool.add_task(limited(task, &place, limits));
    let keeper = kept(py, &reader, None, keepers)?;
    Ok(Added::new(Open::new(reader, pool.clone().unbind(), place, keeper, length)))
}

/// Two readers: of what a function says yes to and of the rest, or `by_success` of its results and of what `rejected` makes of items
/// and the exceptions that they failed with.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "called from one place, by position")]
pub(crate) fn _division(
    py: Python<'_>,
    reader: &PoolReader,
    function: Py<PyAny>,
    by_success: bool,
    rejected: Option<Py<PyAny>>,
    named: Named,
    limits: Limits,
    failing: Failing,
    capacity: Kept,
) -> PyResult<(Added, Added)> {
    let function = called(py, function, false, named, failing)?;
    let place = Arc::clone(&function.place);
    let Upstream { open, engine } = Upstream::of(py, reader)?;
    let Open { reader, pool, keeper, .. } = open;
    let divides = if by_success { Divides::Success(rejected) } else { Divides::Answer };
    let division = Arc::new(Division { function, divides });
    let held = Arc::clone(&division) as Arc<dyn Held>;
    let task = limited(Task::operator(reader, Side(division)), &place, limits);
    let results = engine.pool.add_task(task);
    let (yes, no) = match kept_at_most(capacity) {
        Some(capacity) => results.split_outcomes_within(capacity),
        None => results.split_outcomes(),
    };
    let divided = Keeper::new(py, vec![held], [keeper])?;
    let added = |reader: millpond::PoolReader<Sided>, name, task: fn(Sided) -> Option<Object>| {
        let before = Keeper::new(py, vec![Arc::new(AtOutput(reader.contents()))], [Some(divided.clone_ref(py))])?;
        let reader = engine.pool.add_task(Task::filter_map(reader.helped_within(before.get().hold()), task).name(name));
        let keeper = kept(py, &reader, None, [Some(before)])?;
        Ok::<_, PyErr>(Added::new(Open::new(reader, pool.clone_ref(py), Arc::clone(&place), keeper, None)))
    };
    Ok((added(yes, "accepted", Result::ok)?, added(no, "rejected", Result::err)?))
}

/// Readers each of which gets every item.
#[pyfunction]
pub(crate) fn _tee(
    py: Python<'_>,
    reader: &PoolReader,
    count: usize,
    named: Named,
    capacity: Kept,
) -> PyResult<Vec<Added>> {
    let open = reader.open(py)?;
    let place = place(named);
    let added = |reader| {
        let keeper = open.keeper.as_ref().map(|keeper| keeper.clone_ref(py));
        let keeper = kept(py, &reader, None, [keeper])?;
        Ok(Added::new(Open::new(reader, open.pool.clone_ref(py), Arc::clone(&place), keeper, open.length)))
    };
    let branches = Branches::new(count);
    let branches = kept_at_most(capacity).map_or(branches, |capacity| branches.capacity(capacity));
    open.reader.tee(branches).into_iter().map(added).collect()
}

/// How many items a branch may keep, and how long it is waited for while full; none for all.
type Kept = Option<(usize, Option<f64>)>;

fn kept_at_most(capacity: Kept) -> Option<Capacity> {
    let (items, patience) = capacity?;
    let capacity = Capacity::new(items);
    let Some(seconds) = patience else { return Some(capacity) };
    // More than a duration can be is as good as for ever.
    let patience = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
    Some(capacity.patience(patience))
}
