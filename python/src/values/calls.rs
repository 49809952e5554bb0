//! Calls under way: which calls of values' functions a thread is in, and who waits for which of
//! them.
//!
//! A call has a number. What a thread does *belongs* to the calls that it is in. What it hands to
//! other threads belongs to these calls as well: their numbers go along in the context that
//! functions of streams, coroutines, executors' functions and other gets run in. A call that has
//! ended belongs to nobody's wait any more, so an old context does no harm.
//!
//! What a helper does for a reader belongs to the calls that are reading from it, wherever the reader
//! was made.
//!
//! A thread that would wait for a call which it belongs to, or for one that waits for such a call
//! in turn, would wait for ever: its value needs itself. The search goes from a call to what the
//! waiting threads that belong to it wait for. It takes what a call has handed on for a part of the
//! call, whether or not the call waits for it.
//!
//! Each call that is waited for has a condition variable of its own, so its end wakes those whom it
//! concerns.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

/// How often a thread that waits looks whether it was interrupted.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(50);

thread_local! {
    /// The calls that this thread is in, the outermost first.
    static OWN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    /// The reader that this thread helps, by the address of what its helpers hold; 0 for none.
    static HELPED: Cell<usize> = const { Cell::new(0) };
}

/// Reads under way within calls: the reader, as in [`HELPED`], and the calls.
static READS: Mutex<Vec<(usize, Vec<u64>)>> = Mutex::new(Vec::new());

/// Whom this thread waits for, and what it belongs to.
struct Waiter {
    call: u64,
    belongs_to: Vec<u64>,
}

#[derive(Default)]
struct Waits {
    waiters: HashMap<ThreadId, Waiter>,
    /// What the end of a call is told by, and to how many.
    ends: HashMap<u64, (Arc<Condvar>, usize)>,
}

static WAITS: Mutex<Option<Waits>> = Mutex::new(None);
/// How many threads wait or are about to.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// A call that this thread is in until this is dropped.
pub(super) struct UnderWay {
    pub(super) number: u64,
}

impl UnderWay {
    pub(super) fn begin() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        OWN.with_borrow_mut(|own| own.push(number));
        Self { number }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        OWN.with_borrow_mut(|own| {
            // The last one, but where a greenlet goes on while another one is in a call.
            if let Some(place) = own.iter().rposition(|number| *number == self.number) {
                own.remove(place);
            }
        });
    }
}

/// A read within calls that this thread is in.
pub(crate) struct Read {
    reader: usize,
    calls: Vec<u64>,
}

impl Read {
    /// Notes that this thread reads from `reader`, if it does so within calls.
    pub(crate) fn begin(reader: usize) -> Option<Self> {
        let calls = own();
        if calls.is_empty() {
            return None;
        }
        reads().push((reader, calls.clone()));
        Some(Self { reader, calls })
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        let mut reads = reads();
        let place = reads.iter().rposition(|(reader, calls)| *reader == self.reader && *calls == self.calls);
        place.map(|place| reads.swap_remove(place));
    }
}

fn reads() -> MutexGuard<'static, Vec<(usize, Vec<u64>)>> {
    READS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calls that this thread is in, and those that read from the reader which it helps.
fn own() -> Vec<u64> {
    let mut own = OWN.with_borrow(Clone::clone);
    let helped = HELPED.get();
    if helped != 0 {
        own.extend(reads().iter().filter(|(reader, _)| *reader == helped).flat_map(|(_, calls)| calls));
    }
    own
}

/// Works for the reader that is known by `reader`.
pub(crate) fn helping<R>(reader: usize, work: impl FnOnce() -> R) -> R {
    struct Before(usize);
    impl Drop for Before {
        fn drop(&mut self) {
            HELPED.set(self.0);
        }
    }
    let _before = Before(HELPED.replace(reader));
    work()
}

/// Under this lock nothing is called, and nobody attaches.
fn waits() -> MutexGuard<'static, Option<Waits>> {
    WAITS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waits {
    /// Whether `call` cannot end before something that belongs to `own` has gone on.
    fn needs(&self, call: u64, own: &[u64]) -> bool {
        let (mut open, mut next) = (vec![call], 0);
        while let Some(call) = open.get(next).copied() {
            if own.contains(&call) {
                return true;
            }
            for waiter in self.waiters.values().filter(|waiter| waiter.belongs_to.contains(&call)) {
                if !open.contains(&waiter.call) {
                    open.push(waiter.call);
                }
            }
            next += 1;
        }
        false
    }

    fn leave(&mut self, call: u64, thread: ThreadId) {
        self.waiters.remove(&thread);
        if let Some((_, count)) = self.ends.get_mut(&call) {
            *count -= 1;
            if *count == 0 {
                self.ends.remove(&call);
            }
        }
    }
}

/// Waits for `longest` at the most for the end of the call whose number is in `under_way`, unless that needs this
/// thread's own calls: then false. With 0 there is none.
pub(super) fn wait(py: Python<'_>, under_way: &AtomicU64, longest: Duration) -> PyResult<bool> {
    let belongs_to = belonging(py)?;
    WAITING.fetch_add(1, Ordering::SeqCst);
    let may_wait = py.detach(|| {
        let mut place = waits();
        // Whoever ends the call from now on sees that somebody waits, and then needs this lock.
        let call = under_way.load(Ordering::SeqCst);
        if call == 0 {
            return true;
        }
        let waits = place.get_or_insert_default();
        if waits.needs(call, &belongs_to) {
            return false;
        }
        let thread = std::thread::current().id();
        waits.waiters.insert(thread, Waiter { call, belongs_to });
        let (end, count) = waits.ends.entry(call).or_default();
        *count += 1;
        let end = Arc::clone(end);
        (place, _) = end.wait_timeout(place, longest).unwrap_or_else(PoisonError::into_inner);
        place.get_or_insert_default().leave(call, thread);
        true
    });
    WAITING.fetch_sub(1, Ordering::SeqCst);
    py.check_signals()?;
    Ok(may_wait)
}

/// A call has ended, which can be seen already.
pub(super) fn has_ended(call: u64) {
    if WAITING.load(Ordering::SeqCst) == 0 {
        return;
    }
    let end = waits().as_ref().and_then(|waits| waits.ends.get(&call)).map(|(end, _)| Arc::clone(end));
    if let Some(end) = end {
        end.notify_all();
    }
}

/// The context variable that holds the numbers of the calls which a context belongs to.
fn variable(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static VARIABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = || {
        let class = py.import("contextvars")?.getattr("ContextVar")?;
        class.call1(("millpond values being made",)).map(Bound::unbind)
    };
    Ok(VARIABLE.get_or_try_init(py, make)?.bind(py))
}

/// The calls that what this thread does belongs to.
fn belonging(py: Python<'_>) -> PyResult<Vec<u64>> {
    let mut all: Vec<u64> = variable(py)?.call_method1("get", (PyTuple::empty(py),))?.extract()?;
    all.extend(own());
    Ok(all)
}

/// Has what runs in `context`, a copy of this thread's, belong to what this thread belongs to.
pub(crate) fn hand_on(py: Python<'_>, context: &Bound<'_, PyAny>) -> PyResult<()> {
    if OWN.with_borrow(Vec::is_empty) && HELPED.get() == 0 {
        return Ok(());
    }
    let belonging = PyTuple::new(py, belonging(py)?)?;
    context.call_method1("run", (variable(py)?.getattr("set")?, belonging))?;
    Ok(())
}

/// A copy of this thread's context for what it hands to another thread.
#[pyfunction]
pub(crate) fn _copy_context(py: Python<'_>) -> PyResult<Py<PyAny>> {
    let context = py.import("contextvars")?.call_method0("copy_context")?;
    hand_on(py, &context)?;
    Ok(context.unbind())
}
