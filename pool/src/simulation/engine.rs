//! What the engine's steps do in a simulation; see [`crate::host`], which calls it.

use std::task::Waker;
use std::time::Duration;

use millpond_sync::host::Host;

use super::faults::Planned;
use super::random::stir;
use super::run;
use super::scheduler::Scheduler;
use super::trace::{Event, Place};
use crate::discard::discard;
use crate::error::Cause;
use crate::head::Next;
use crate::host::Site;
use crate::lane::{Firing, Header, LATE_NANOS, TaskEntry};
use crate::stage::{Batch, Ran};

/// What an item of a task takes, in nanoseconds; which of these, the seed decides for each task, and for each run how many of them it
/// may be: quick tasks make large chunks and short runs.
const COSTS: [u64; 8] = [20, 50, 100, 200, 1_000, 3_000, 8_000, 30_000];
/// How many of them, by the run.
const COSTS_OF_RUNS: [u64; 4] = [3, 4, 6, 8];

/// Another thread may have its turn.
pub(crate) fn step(header: Option<(&Header<'_>, Option<u64>)>, site: Site) {
    if let Some(scheduler) = run::scheduler() {
        let place = header.and_then(|(header, chunk)| Some(Place { task: &header.tasks.last()?.name, chunk }));
        scheduler.step(place, Event::At(site));
    }
}

/// The number of the simulated thread that runs, where it has one of its own.
pub(crate) fn token() -> Option<usize> {
    run::scheduler().filter(|scheduler| !scheduler.is_of_caller()).map(|scheduler| scheduler.token())
}

/// What a task takes for an item, in nanoseconds.
fn cost(scheduler: &Scheduler, task: u64) -> u64 {
    let seed = scheduler.options.seed;
    let costs = COSTS_OF_RUNS[(stir(!seed) % COSTS_OF_RUNS.len() as u64) as usize];
    COSTS[(stir(seed ^ stir(task)) % costs) as usize]
}

/// Lets the time pass that a task takes for its items.
fn charge(scheduler: &Scheduler, task: &TaskEntry, items: usize) {
    scheduler.advance(cost(scheduler, task.id.number()).saturating_mul(items as u64));
}

/// A task of a graph of values is about to run: the time passes that it takes.
pub(crate) fn run_value(task: u32) {
    if let Some(scheduler) = run::scheduler() {
        scheduler.advance(cost(&scheduler, task.into()));
    }
}

/// Whether the thread runs a simulation that cannot go on: nobody else will run any more.
pub(crate) fn is_abandoned() -> bool {
    run::scheduler().is_some_and(|scheduler| scheduler.is_over())
}

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

/// A stage is about to be given its items: time passes, and what is to go wrong is said.
#[cold]
#[inline(never)]
fn before_call(firing: &mut Firing<'_, '_>, items: usize) -> Option<Cut> {
    let scheduler = run::scheduler()?;
    let number = firing.next_task();
    let planned = {
        let task = firing.lane.header().tasks.get(number)?;
        charge(&scheduler, task, items);
        scheduler.fault(&task.name, items)
    };
    match planned? {
        Planned::Fail(at) if at < items => Some(Cut { task: number, at, is_panic: false }),
        Planned::Panic(at) if at < items => Some(Cut { task: number, at, is_panic: true }),
        Planned::Slow(nanos) => {
            scheduler.sleep(Duration::from_nanos(nanos));
            if u128::from(nanos) > LATE_NANOS {
                // Somewhere in it; the number that was drawn says where.
                firing.late_after.set(Some(nanos.trailing_zeros() as usize * 7 % (items + 1)));
            }
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
    let is_simulated = run::is_simulated();
    let task = firing.next_task();
    let cut = if is_simulated { before_call(firing, batch.items.len()) } else { None };
    let others = cut.as_ref().map(|cut| batch.items.split_off(cut.at));
    let (results, mut rest) = run_stage(batch, firing);
    if is_simulated && let Some(rest) = &mut rest {
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
    if let Some(scheduler) = run::scheduler()
        && let Some(task) = firing.lane.header().tasks.get(task)
    {
        scheduler.not_called(&task.name, items);
    }
}

/// What goes wrong instead of a head's making a chunk, where something does.
pub(crate) fn call_head(firing: &Firing<'_, '_>) -> Option<Next> {
    let scheduler = run::scheduler()?;
    let task = firing.lane.header().tasks.first()?;
    charge(&scheduler, task, firing.order.most.min(64));
    match scheduler.fault(&task.name, firing.order.most)? {
        fault @ (Planned::Fail(_) | Planned::Panic(_)) => Some(Next::Fail(cause(matches!(fault, Planned::Panic(_))))),
        Planned::Slow(nanos) => {
            scheduler.sleep(Duration::from_nanos(nanos));
            None
        }
        _ => None,
    }
}

/// An operation of a reader's is over.
pub(crate) fn leave() {
    if let Some(scheduler) = run::scheduler() {
        if scheduler.options.lets_outsiders {
            scheduler.let_others_go_on();
        } else {
            scheduler.step(None, Event::At(Site::Returns));
        }
    }
}

/// A future is pending. Where whoever polls it knows nothing of the simulation, others go on here, and when they are not done the
/// future asks to be polled again.
pub(crate) fn pending(waker: &Waker) {
    if let Some(scheduler) = run::scheduler().filter(|scheduler| !waker.will_wake(scheduler.parker().waker())) {
        for _ in 0..scheduler.draw(64) {
            if !scheduler.is_anybody_ready() {
                break;
            }
            scheduler.step(None, Event::At(Site::Yields));
        }
        if scheduler.is_anybody_ready() || scheduler.sleep_as_long_as_others() {
            waker.wake_by_ref();
        }
    }
}
