//! Waits of threads: detached while they sleep, with a look at signals every now and then, and
//! known to whoever forks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use millpond::sync::{Deadline, Parker};
use pyo3::intern;
use pyo3::prelude::*;

use super::ask::{Ask, Ended};
use super::time::Patience;
use super::unit;
use super::wait::Wait;
use crate::reader::SLICE;
use crate::simulation::{is_simulated, told};

type Slot = Arc<Mutex<Option<Box<dyn Ask>>>>;

/// What threads wait for at this moment. In the child of a fork these threads are gone.
static BLOCKED: Mutex<BTreeMap<u64, Slot>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread's wait. Dropping it gives up.
struct Blocked {
    number: u64,
    slot: Slot,
}

impl Blocked {
    fn new(ask: Box<dyn Ask>) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let slot = Arc::new(Mutex::new(Some(ask)));
        locked(&BLOCKED).insert(number, Arc::clone(&slot));
        Self { number, slot }
    }

    /// One round. It is put in order that the thread has got what it asked for.
    fn advance(&self, waker: &Waker, is_over: bool) -> PyResult<Option<Ended>> {
        // Subtle: a round may wake others by way of Python, so nothing is locked during it.
        let Some(mut ask) = locked(&self.slot).take() else { return Ok(Some(Ended::Late)) };
        let ended = ask.advance(waker, is_over);
        if matches!(ended, Some(Ended::Had)) {
            ask.arrived()?;
        }
        if ended.is_none() {
            *locked(&self.slot) = Some(ask);
        }
        Ok(ended)
    }

    fn check(&self) -> PyResult<()> {
        let Some(ask) = locked(&self.slot).take() else { return Ok(()) };
        ask.check()?;
        *locked(&self.slot) = Some(ask);
        Ok(())
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        locked(&BLOCKED).remove(&self.number);
        let ask = locked(&self.slot).take();
        drop(ask);
    }
}

/// The threads that waited in the process that this one was forked from leave.
pub(super) fn forked() {
    let blocked = std::mem::take(&mut *locked(&BLOCKED));
    for slot in blocked.into_values() {
        let ask = locked(&slot).take();
        drop(ask);
    }
}

/// Waits in the calling thread or greenlet.
///
/// # Errors
/// What a signal handler raises, and what the wait ends with. Nothing has been taken then.
///
/// # Blocking
/// Until the wait ends.
#[cold]
pub(super) fn block(py: Python<'_>, ask: Box<dyn Ask>, patience: Patience) -> PyResult<Py<PyAny>> {
    if is_simulated() {
        return told(|| Ok(ask.block(patience.deadline())))?.give(py);
    }
    if patience != Patience::None && unit::is_greenlet(py)? {
        let module = py.import(intern!(py, "millpond.sync._gevent"))?;
        return Ok(module.call_method1("wait", (Wait::new(ask), patience.seconds()))?.unbind());
    }
    let deadline = patience.deadline();
    let blocked = Blocked::new(ask);
    Parker::with(|parker| {
        let _nested = parker.nested();
        let mut is_over = patience == Patience::None;
        loop {
            if let Some(ended) = blocked.advance(parker.waker(), is_over)? {
                return ended.give(py);
            }
            is_over = sleep(py, parker, &blocked, deadline)?;
        }
    })
}

/// Sleeps until it is woken, or the time is up: then true.
fn sleep(py: Python<'_>, parker: &Parker, blocked: &Blocked, deadline: Deadline) -> PyResult<bool> {
    loop {
        let slice = Deadline::after(SLICE);
        let is_last = deadline.moment().is_some_and(|end| slice.moment().is_none_or(|slice| end <= slice));
        if parker.park_deadline(if is_last { deadline } else { slice }) {
            return Ok(false);
        }
        if is_last {
            return Ok(true);
        }
        py.check_signals()?;
        blocked.check()?;
    }
}
