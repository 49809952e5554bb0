//! What a host makes go wrong in the functions of tasks.
//!
//! A host that runs several threads in turns, such as a simulation, may say at each call of a function that it fails, panics or is
//! slow. Here this becomes a failure of the task, as if its function had done so. Without such a host all of this is a look whether there
//! is one, per chunk.

use millpond_sync::host::{self, Call, Fault};

use crate::head::Next;
use crate::lane::{Firing, LATE_NANOS};
use crate::stage::{Batch, Ran};
use millpond_workers::Cause;
use millpond_workers::discard::discard;

/// What a fault is to its reader.
fn cause(is_panic: bool) -> Cause {
    const TEXT: &str = "injected by the simulation";
    if is_panic { Cause::panic(Box::new(TEXT)) } else { Cause::Error(TEXT.into()) }
}

/// A chunk that is cut short by a fault.
struct Cut {
    /// The task's place in its lane.
    task: usize,
    /// The item that fails.
    at: usize,
    is_panic: bool,
}

/// A stage is about to be given its items: time passes, and the host says what goes wrong.
#[cold]
#[inline(never)]
fn before_call(firing: &mut Firing<'_, '_>, items: usize) -> Option<Cut> {
    let number = firing.next_task();
    let fault = host::call(|| {
        let task = firing.lane.header().tasks.get(number)?;
        Some(Call { name: Some(&task.name), number: task.id.number(), items, timed: items })
    });
    match fault? {
        Fault::Fail(at) if at < items => Some(Cut { task: number, at, is_panic: false }),
        Fault::Panic(at) if at < items => Some(Cut { task: number, at, is_panic: true }),
        Fault::Slow(nanos) if u128::from(nanos) > LATE_NANOS => {
            // Somewhere in it; the number that was drawn says where.
            firing.late_after.set(Some(nanos.trailing_zeros() as usize * 7 % (items + 1)));
            None
        }
        _ => None,
    }
}

/// Gives a stage its items, and has go wrong what is to. The stage is called from one place, so that it is inlined there.
#[inline(always)]
pub(crate) fn call<A, O, B>(
    mut batch: Batch<A, O>,
    firing: &mut Firing<'_, '_>,
    run_stage: impl FnOnce(Batch<A, O>, &mut Firing<'_, '_>) -> Ran<A, O, B>,
) -> Ran<A, O, B> {
    let is_hosted = host::is_hosted();
    let task = firing.next_task();
    let cut = if is_hosted { before_call(firing, batch.items.len()) } else { None };
    let others = cut.as_ref().map(|cut| batch.items.split_off(cut.at));
    let (results, mut rest) = run_stage(batch, firing);
    if is_hosted && let Some(rest) = &mut rest {
        // What it has not begun, it is given again.
        rest.items.extend(others.into_iter().flatten());
        not_called(firing, task, rest.items.len());
    } else if let Some(Cut { task, at, is_panic }) = cut {
        firing.fail_instead(task, at, cause(is_panic));
        discard(others);
    }
    (results, rest)
}

/// The stage of this task has not begun so many of the items that it was given.
#[cold]
#[inline(never)]
fn not_called(firing: &Firing<'_, '_>, task: usize, items: usize) {
    if let Some(task) = firing.lane.header().tasks.get(task) {
        host::not_called(&task.name, items);
    }
}

/// What goes wrong instead of a head's making a chunk, where something does.
#[inline]
pub(crate) fn call_head(firing: &Firing<'_, '_>) -> Option<Next> {
    let most = firing.order.most;
    let fault = host::call(|| {
        let task = firing.lane.header().tasks.first()?;
        Some(Call { name: Some(&task.name), number: task.id.number(), items: most, timed: most.min(64) })
    });
    match fault? {
        Fault::Fail(_) => Some(Next::Fail(cause(false))),
        Fault::Panic(_) => Some(Next::Fail(cause(true))),
        Fault::Slow(_) => None,
    }
}
