//! Async iterators, as sources and as results of functions: pulled on an event loop, one item after the other.
//!
//! As for coroutines (`window.rs`) there are two ends. The engine's end is a source that asks for as many items as are lacking, and
//! never for more than [`MOST_AHEAD`] before they are taken; while there are none its demand is parked, which occupies no worker. The
//! loop's end (`millpond._pulling`) pulls as many as it was asked for and hands each over. Where the iterators are the items of a task
//! upstream, the engine's end takes the next of them when the last one is through and items are still lacking.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use millpond::{BoxError, Demand, PollSupply, ReadError, TaskError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString, PyTuple};

use crate::context::Context;
use crate::interpreter::{Iteration, attached, call_method, iterate};
use crate::keeper::Held;
use crate::object::Object;
use crate::operation::gone;
use crate::place::{Place, Raised};
use crate::pool::Reader;
use crate::window::Hold;

/// At most so many items are asked for or wait to be taken, however many are lacking.
const MOST_AHEAD: usize = 256;

#[derive(Default)]
struct State {
    results: VecDeque<Object>,
    /// How many more items the loop was asked for.
    asked: usize,
    /// Whether the loop has an iterator that may have more items.
    is_open: bool,
    failure: Option<PyErr>,
    /// Called when there may be something to give on.
    waker: Option<Waker>,
    hold: Hold,
}

/// What the two ends share.
struct Shared {
    state: Mutex<State>,
    place: Arc<Place>,
    /// Pulls: has `open(iterable)`, `ask(count)`, `resume()` and `close()`.
    puller: Py<PyAny>,
    /// In which inner iterables that are no async ones are iterated.
    context: Context,
    /// Whether the collector takes the puller apart.
    is_condemned: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes the engine.
    fn tell(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.lock();
            change(&mut state);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Calls a method of the puller.
    fn call<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
        arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>,
    ) -> Result<(), BoxError> {
        let called = call_method(self.puller.bind(py), name, arguments);
        called.map(drop).map_err(|error| Raised::boxed(error, &self.place))
    }
}

/// The loop's end.
#[pyclass(frozen, module = "millpond._native", name = "_Pulled")]
pub(crate) struct Pulled(Mutex<Option<Arc<Shared>>>);

impl Pulled {
    fn tell(&self, change: impl FnOnce(&mut State)) {
        let shared = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(shared) = shared {
            shared.tell(change);
        }
    }
}

#[pymethods]
impl Pulled {
    #[new]
    fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// The next item, one of those that were asked for.
    fn give(&self, item: Py<PyAny>) {
        self.tell(|state| {
            state.asked = state.asked.saturating_sub(1);
            state.results.push_back(Object(item));
        });
    }

    /// The iterator has no more items.
    fn end(&self) {
        self.tell(|state| (state.is_open, state.asked) = (false, 0));
    }

    /// The iterator has failed.
    fn fail(&self, error: Bound<'_, PyAny>) {
        self.tell(|state| {
            state.failure.get_or_insert(PyErr::from_value(error));
        });
    }

    /// The loop pulls no more: whoever reads is to ask again.
    fn hold(&self) {
        self.tell(|state| (state.hold, state.asked) = (Hold::Fresh, 0));
    }
}

/// The engine's end.
pub(crate) struct Pulling {
    shared: Arc<Shared>,
    /// Where the iterables come from; a source has one and no input.
    input: Option<Reader>,
    /// An inner iterable that is no async one.
    inner: Option<Py<PyIterator>>,
    upstream: Option<TaskError>,
}

impl Pulling {
    /// Both ends; the loop's is `pulled`, which the puller has.
    pub(crate) fn new(
        py: Python<'_>,
        input: Option<Reader>,
        pulled: &Pulled,
        puller: Py<PyAny>,
        place: Arc<Place>,
    ) -> PyResult<(Self, Arc<dyn Held>)> {
        let state = State { is_open: input.is_none(), ..State::default() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            place,
            puller,
            context: Context::current(py)?,
            is_condemned: AtomicBool::new(false),
        });
        *pulled.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&shared));
        let held = Arc::clone(&shared) as Arc<dyn Held>;
        Ok((Self { shared, input, inner: None, upstream: None }, held))
    }

    /// Takes items of an inner iterable that is no async one, until there are `most`. Whether it may have more.
    fn iterate(&mut self, most: usize, into: &mut Vec<Object>) -> bool {
        let Some(inner) = self.inner.take() else { return false };
        let iterated = attached(|py| {
            let inner = inner.bind(py);
            self.shared.context.run_on(py, false, || {
                let iteration = Iteration::new(inner);
                while into.len() < most {
                    match iteration.next()? {
                        Some(item) => into.push(item.into()),
                        None => return Ok(false),
                    }
                }
                Ok(true)
            })
        });
        match iterated.map(Result::flatten) {
            Some(Ok(true)) => {
                self.inner = Some(inner);
                return true;
            }
            Some(Err(error)) => self.shared.lock().failure = Some(error),
            Some(Ok(false)) | None => {}
        }
        let _ = attached(|_| drop(inner));
        false
    }

    /// Opens the next iterable. Whether there was one; none where it is not there yet.
    fn advance(&mut self, waker: &Waker) -> Option<Result<bool, BoxError>> {
        let Some(input) = &mut self.input else { return Some(Ok(false)) };
        let next = match input.poll_working(1, 1, waker) {
            Poll::Pending => return None,
            Poll::Ready(Ok(mut items)) => items.pop(),
            Poll::Ready(Err(ReadError::Task(error))) => {
                self.upstream = Some(error);
                None
            }
            Poll::Ready(Err(error)) => return Some(Err(error.into())),
        };
        let Some(next) = next else {
            self.input = None;
            return Some(Ok(false));
        };
        let opened = attached(|py| {
            let next = next.0.into_bound(py);
            if next.get_type().hasattr(intern!(py, "__aiter__"))?
                && !next.get_type().hasattr(intern!(py, "__iter__"))?
            {
                return Ok((None, Some(next.unbind())));
            }
            Ok((Some(iterate(&next)?.unbind()), None))
        });
        match opened {
            None => Some(Err(gone())),
            Some(Err(error)) => Some(Err(Raised::boxed(error, &self.shared.place))),
            Some(Ok((inner, awaited))) => {
                self.inner = inner;
                let Some(iterable) = awaited else { return Some(Ok(true)) };
                self.shared.lock().is_open = true;
                let opened = attached(|py| self.shared.call(py, intern!(py, "open"), (iterable,)));
                Some(opened.unwrap_or_else(|| Err(gone())).map(|()| true))
            }
        }
    }

    /// Asks for what is lacking.
    fn ask(&self, lacking: usize) -> Result<(), BoxError> {
        let more = {
            let mut state = self.shared.lock();
            let more = lacking.saturating_sub(state.asked + state.results.len());
            state.asked += more;
            more
        };
        if more == 0 {
            return Ok(());
        }
        attached(|py| self.shared.call(py, intern!(py, "ask"), (more,))).unwrap_or_else(|| Err(gone()))
    }
}

/// How many items are lacking beyond `made`. Whoever wants all there are gets a chunk at a time, so that what lies ahead stays bounded.
fn lacking(demand: Demand, made: usize) -> usize {
    let wanted = if demand.missing == usize::MAX { demand.most } else { demand.missing };
    wanted.saturating_sub(made).min(MOST_AHEAD)
}

impl PollSupply<Object> for Pulling {
    fn needs_reader(&self) -> bool {
        self.input.as_ref().is_some_and(Reader::needs_reader)
    }

    fn poll_supply(&mut self, demand: Demand, into: &mut Vec<Object>, waker: &Waker) -> Poll<Result<bool, BoxError>> {
        loop {
            let (is_open, has_failed, is_held) = {
                let mut state = self.shared.lock();
                let is_over =
                    state.failure.is_some() || (!state.is_open && self.inner.is_none() && self.input.is_none());
                if is_over || into.len() + state.results.len() >= demand.least {
                    let count = state.results.len().min(demand.most.saturating_sub(into.len()));
                    into.extend(state.results.drain(..count));
                }
                (state.is_open, state.failure.is_some(), state.hold != Hold::No)
            };
            if !into.is_empty() && into.len() >= demand.least {
                if is_open && !has_failed && !is_held {
                    // What is still lacking is pulled while this is on its way.
                    self.ask(lacking(demand, into.len()))?;
                }
                return Poll::Ready(Ok(true));
            }
            if has_failed {
                if !into.is_empty() {
                    return Poll::Ready(Ok(true));
                }
                let failure = self.shared.lock().failure.take();
                return match failure {
                    Some(error) => Poll::Ready(Err(Raised::boxed(error, &self.shared.place))),
                    None => continue,
                };
            }
            if self.inner.is_some() {
                if self.iterate(demand.most, into) {
                    return Poll::Ready(Ok(true));
                }
                continue;
            }
            if !is_open {
                match self.advance(waker) {
                    Some(Ok(true)) => continue,
                    Some(Ok(false)) if !self.shared.lock().results.is_empty() => continue,
                    Some(Ok(false)) if !into.is_empty() => return Poll::Ready(Ok(true)),
                    Some(Ok(false)) => {
                        return Poll::Ready(match self.upstream.take() {
                            Some(error) => Err(Box::new(error)),
                            None => Ok(false),
                        });
                    }
                    Some(Err(error)) => return Poll::Ready(Err(error)),
                    None if into.is_empty() => return Poll::Pending,
                    None => return Poll::Ready(Ok(true)),
                }
            }
            let hold = {
                let mut state = self.shared.lock();
                let hold = state.hold;
                state.hold = if hold == Hold::Fresh { Hold::Seen } else { Hold::No };
                hold
            };
            match hold {
                Hold::No => {}
                Hold::Fresh => {
                    waker.wake_by_ref();
                    return Poll::Pending;
                }
                Hold::Seen => {
                    let resumed = attached(|py| self.shared.call(py, intern!(py, "resume"), PyTuple::empty(py)));
                    resumed.unwrap_or_else(|| Err(gone()))?;
                }
            }
            self.ask(lacking(demand, into.len()))?;
            let mut state = self.shared.lock();
            let is_changed = state.failure.is_some() || !state.is_open || state.results.len() >= demand.least.max(1);
            if !is_changed {
                state.waker = Some(waker.clone());
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Pulling {
    fn drop(&mut self) {
        let left = {
            let mut state = self.shared.lock();
            state.waker = None;
            (std::mem::take(&mut state.results), state.failure.take())
        };
        let inner = self.inner.take();
        let _ = attached(|py| {
            drop(left);
            // What is garbage is not called: its generators are closed by the collector, by way of their loop.
            if self.shared.is_condemned.load(Ordering::Relaxed) {
                return;
            }
            drop(inner);
            if let Err(error) = call_method(self.shared.puller.bind(py), intern!(py, "close"), PyTuple::empty(py)) {
                error.write_unraisable(py, None);
            }
        });
    }
}

impl Held for Shared {
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.puller)?;
        visit.call(self.context.object())?;
        self.place.traverse(visit)
    }

    fn runner(&self) -> Option<&Py<PyAny>> {
        Some(&self.puller)
    }

    fn condemn(&self) {
        self.is_condemned.store(true, Ordering::Relaxed);
    }
}
