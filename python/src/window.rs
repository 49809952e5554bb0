//! Tasks whose function is a coroutine function: many calls under way at once, on an event loop.
//!
//! A window stands between the engine and the loop. The engine's end is a source that takes items from the task upstream as they are
//! asked for, hands them to whoever runs the coroutines (`millpond._loop`), and gives results in order; while there is
//! none its demand is parked, which occupies no worker. The loop's end says what came of an item. Beside the calls that are
//! under way as many more items wait at the loop, so that a call that ends is followed by the next one at once; but never more than
//! were asked for.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use millpond::{BoxError, Demand, Interruption, PollSupply, ReadError, TaskError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::interpreter::{attached, call_method};
use crate::keeper::Held;
use crate::object::Object;
use crate::place::{Place, Raised};
use crate::pool::Reader;

/// What came of an item.
enum Answer {
    /// Nothing yet.
    Waiting,
    Result(Object),
    /// The item is left out.
    Skipped,
    Failed(PyErr),
}

/// Whether the loop begins no further calls until somebody reads.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    #[default]
    No,
    /// Since the last time that the engine asked. What asks now may have begun for the read that was given up.
    Fresh,
    /// The engine has been told to ask again: it does so only for somebody who reads.
    Seen,
}

#[derive(Default)]
struct State {
    /// In order: the items that were handed to the loop and not given on.
    answers: VecDeque<Answer>,
    /// The number of the first of them.
    first: u64,
    /// Out of order: the numbers of the items that were handed to the loop and not answered, and the results of the others.
    open: HashSet<u64>,
    results: VecDeque<Object>,
    failure: Option<PyErr>,
    /// What a coroutine was interrupted by; the loop has its item again and begins no further call.
    interrupt: Option<PyErr>,
    /// Called when there may be something to give on.
    waker: Option<Waker>,
    hold: Hold,
}

/// What the two ends share.
struct Shared {
    state: Mutex<State>,
    is_ordered: bool,
    place: Arc<Place>,
    /// Runs the coroutines: has `submit(items)`, with pairs of a number and an item, and `close()`.
    runner: Py<PyAny>,
    /// Whether the collector takes the runner apart.
    is_condemned: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down what came of an item, and wakes the engine where there is something to give on.
    fn answer(&self, number: u64, answer: Answer) {
        let mut state = self.lock();
        let is_next =
            if self.is_ordered { state.answer(number, answer) } else { state.answer_unordered(number, answer) };
        let waker = if is_next { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    /// How many items were taken from upstream and not given on.
    fn under_way(&self) -> usize {
        self.answers.len() + self.open.len() + self.results.len()
    }

    /// Takes down what came of an item, and says whether that is what comes next.
    fn answer(&mut self, number: u64, answer: Answer) -> bool {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let Some((place, before)) = place.and_then(|place| Some((place, self.answers.get_mut(place)?))) else {
            return false;
        };
        *before = answer;
        place == 0
    }

    /// Likewise where the order does not matter.
    fn answer_unordered(&mut self, number: u64, answer: Answer) -> bool {
        if !self.open.remove(&number) {
            return false;
        }
        match answer {
            Answer::Result(object) => self.results.push_back(object),
            Answer::Failed(error) => {
                self.failure.get_or_insert(error);
            }
            Answer::Skipped | Answer::Waiting => {}
        }
        true
    }

    /// Moves what is next into `into`, `most` items at the most.
    fn give(&mut self, most: usize, into: &mut Vec<Object>) {
        let count = self.results.len().min(most - into.len());
        into.extend(self.results.drain(..count));
        while into.len() < most && self.failure.is_none() {
            match self.answers.front() {
                None | Some(Answer::Waiting) => break,
                Some(_) => {}
            }
            self.first += 1;
            match self.answers.pop_front() {
                Some(Answer::Result(object)) => into.push(object),
                Some(Answer::Failed(error)) => self.failure = Some(error),
                _ => {}
            }
        }
    }
}

/// The loop's end of a window.
#[pyclass(frozen, module = "millpond._native", name = "_Window")]
pub(crate) struct Window(Mutex<Option<Arc<Shared>>>);

impl Window {
    fn shared(&self) -> Option<Arc<Shared>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[pymethods]
impl Window {
    #[new]
    fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// The coroutine for item `number` has returned `result`.
    fn succeed(&self, number: u64, result: Py<PyAny>) {
        if let Some(shared) = self.shared() {
            shared.answer(number, Answer::Result(Object(result)));
        }
    }

    /// Item `number` is left out.
    fn skip(&self, number: u64) {
        if let Some(shared) = self.shared() {
            shared.answer(number, Answer::Skipped);
        }
    }

    /// The coroutine for item `number` has raised `error`.
    fn fail(&self, number: u64, error: Bound<'_, PyAny>) {
        if let Some(shared) = self.shared() {
            shared.answer(number, Answer::Failed(PyErr::from_value(error)));
        }
    }

    /// A coroutine was interrupted by `error`, which is no failure of its item. The loop has that
    /// again, and begins no further calls: whoever reads is told, and whoever reads after that is
    /// to have it go on.
    fn interrupt(&self, error: Bound<'_, PyAny>) {
        let Some(shared) = self.shared() else { return };
        let waker = {
            let mut state = shared.lock();
            state.interrupt.get_or_insert(PyErr::from_value(error));
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The loop begins no further calls: whoever reads is to have it go on.
    fn hold(&self) {
        let Some(shared) = self.shared() else { return };
        let waker = {
            let mut state = shared.lock();
            state.hold = Hold::Fresh;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The engine's end of a window.
pub(crate) struct Awaiting {
    input: Reader,
    shared: Arc<Shared>,
    /// How many calls may be under way at once.
    concurrency: usize,
    /// The number of the next item.
    next: u64,
    has_ended: bool,
    upstream: Option<TaskError>,
}

impl Awaiting {
    /// Both ends; the loop's is `window`, which the runner has.
    pub(crate) fn new(
        input: Reader,
        window: &Window,
        runner: Py<PyAny>,
        place: Arc<Place>,
        concurrency: usize,
        is_ordered: bool,
    ) -> (Self, Arc<dyn Held>) {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            is_ordered,
            place,
            runner,
            is_condemned: AtomicBool::new(false),
        });
        *window.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&shared));
        let held = Arc::clone(&shared) as Arc<dyn Held>;
        (Self { input, shared, concurrency, next: 0, has_ended: false, upstream: None }, held)
    }

    /// Takes items from upstream and hands them to the loop, as far as they are lacking; says whether it did.
    fn top_up(&mut self, wanted: usize, waker: &Waker) -> Result<bool, BoxError> {
        let under_way = self.shared.lock().under_way();
        let room = wanted.min(self.concurrency.saturating_mul(2)).saturating_sub(under_way);
        if room == 0 || self.has_ended {
            return Ok(false);
        }
        let items = match self.input.poll_working(1, room, waker) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(items)) => items,
            Poll::Ready(Err(error)) => {
                self.has_ended = true;
                match error {
                    ReadError::Task(error) => self.upstream = Some(error),
                    error => return Err(error.into()),
                }
                return Ok(false);
            }
        };
        if items.is_empty() {
            self.has_ended = true;
            return Ok(false);
        }
        {
            let mut state = self.shared.lock();
            if self.shared.is_ordered {
                state.answers.extend(items.iter().map(|_| Answer::Waiting));
            } else {
                state.open.extend(self.next..self.next + items.len() as u64);
            }
        }
        let first = self.next;
        self.next += items.len() as u64;
        let submitted = attached(|py| {
            let pairs = PyList::new(py, (first..).zip(items.into_iter().map(|item| item.0)).collect::<Vec<_>>())?;
            call_method(self.shared.runner.bind(py), intern!(py, "submit"), (pairs,)).map(drop)
        });
        match submitted {
            Some(Ok(())) => Ok(true),
            Some(Err(error)) => Err(Raised::boxed(error, &self.shared.place)),
            None => Err("the interpreter is shutting down".into()),
        }
    }
}

impl Awaiting {
    /// Has the loop go on, since somebody reads.
    fn resume(&self) {
        let _ = attached(|py| {
            if let Err(error) = call_method(self.shared.runner.bind(py), intern!(py, "resume"), PyTuple::empty(py)) {
                error.write_unraisable(py, None);
            }
        });
    }
}

impl PollSupply<Object> for Awaiting {
    fn needs_reader(&self) -> bool {
        self.input.needs_reader()
    }

    fn poll_supply(&mut self, demand: Demand, into: &mut Vec<Object>, waker: &Waker) -> Poll<Result<bool, BoxError>> {
        loop {
            let interrupt = {
                let mut state = self.shared.lock();
                let interrupt = state.interrupt.take();
                match interrupt {
                    // Whoever asks next does so for a read that is yet to begin.
                    Some(_) => state.hold = Hold::Seen,
                    None => state.give(demand.most, into),
                }
                interrupt
            };
            if let Some(interrupt) = interrupt {
                return Poll::Ready(Err(Box::new(Interruption(Raised::boxed(interrupt, &self.shared.place)))));
            }
            let wanted = demand.missing.saturating_sub(into.len());
            match self.top_up(wanted, waker) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            if !into.is_empty() {
                return Poll::Ready(Ok(true));
            }
            let mut state = self.shared.lock();
            // In order, a failure is taken out of its place when its turn has come; out of order it waits for what was done before.
            let is_next_there = !state.results.is_empty()
                || (state.failure.is_none() && !matches!(state.answers.front(), None | Some(Answer::Waiting)));
            if is_next_there {
                continue;
            }
            if let Some(error) = state.failure.take() {
                return Poll::Ready(Err(Raised::boxed(error, &self.shared.place)));
            }
            if self.has_ended && state.under_way() == 0 {
                return Poll::Ready(match self.upstream.take() {
                    Some(error) => Err(Box::new(error)),
                    None => Ok(false),
                });
            }
            if state.interrupt.is_some() {
                continue;
            }
            match state.hold {
                Hold::No => state.waker = Some(waker.clone()),
                Hold::Fresh => {
                    state.hold = Hold::Seen;
                    drop(state);
                    waker.wake_by_ref();
                }
                Hold::Seen => {
                    state.hold = Hold::No;
                    drop(state);
                    self.resume();
                    continue;
                }
            }
            return Poll::Pending;
        }
    }
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        let left = {
            let mut state = self.shared.lock();
            // What is answered from now on is an answer to nothing.
            state.open.clear();
            state.waker = None;
            let failed = (state.failure.take(), state.interrupt.take());
            (std::mem::take(&mut state.answers), std::mem::take(&mut state.results), failed)
        };
        let _ = attached(|py| {
            drop(left);
            // What is garbage has nothing under way, or its loop would hold it.
            if self.shared.is_condemned.load(Ordering::Relaxed) {
                return;
            }
            if let Err(error) = call_method(self.shared.runner.bind(py), intern!(py, "close"), PyTuple::empty(py)) {
                error.write_unraisable(py, None);
            }
        });
    }
}

impl Held for Shared {
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.runner)?;
        self.place.traverse(visit)
    }

    fn runner(&self) -> Option<&Py<PyAny>> {
        Some(&self.runner)
    }

    fn condemn(&self) {
        self.is_condemned.store(true, Ordering::Relaxed);
    }
}
