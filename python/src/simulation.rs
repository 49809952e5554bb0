//! Simulated pools: the engine's simulations for Python functions, on threads of which one runs at a time.
//!
//! A simulation tells by a panic that it cannot go on. What Python calls is therefore called within [`told`], which makes an exception of
//! that; without a simulation anywhere it costs a load of a counter.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use millpond::simulation::{self, Dismissed, Faults, Order, Schedule};
use millpond::sync::{WaitList, host};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::context::Context;
use crate::errors::{SimulationError, SimulationOver};
use crate::interpreter::{attached, detached};
use crate::reader::SLICE;

/// Whether the calling thread runs a simulation.
#[inline]
pub(crate) fn is_simulated() -> bool {
    host::is_hosted()
}

/// Calls `body`; gives what a simulation says by a panic as an exception.
#[inline]
pub(crate) fn told<R>(body: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    if is_simulated() { caught(body) } else { body() }
}

#[cold]
fn caught<R>(body: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(said(payload)))
}

fn said(payload: Box<dyn Any + Send>) -> PyErr {
    if payload.is::<Dismissed>() {
        return SimulationOver::new_err("the simulation is over, and with it what this thread was at");
    }
    match payload.downcast::<String>() {
        Ok(text) if text.starts_with("the simulation of seed ") => {
            let error = SimulationError::new_err(*text);
            // How the run went, for whoever looks; the error counts also without.
            let _ = attached(|py| {
                let module = py.import("millpond.testing._simulation")?;
                module.call_method1("attach_report", (error.value(py),)).map(drop)
            });
            error
        }
        Ok(text) => resume_unwind(text),
        Err(payload) => resume_unwind(payload),
    }
}

/// What is around the life of a simulated thread: it keeps its thread state, and has a name in Python.
fn life(live: &mut dyn FnMut()) {
    let mut is_lived = false;
    let _ = attached(|py| {
        let name = std::thread::current().name().unwrap_or("simulated").to_owned();
        let threads = py.import("millpond._threads");
        if let Err(error) =
            threads.as_ref().map_err(|error| error.clone_ref(py)).and_then(|it| it.call_method1("begin", (name,)))
        {
            error.write_unraisable(py, None);
        }
        detached(py, live);
        is_lived = true;
        if let Err(error) = threads.and_then(|it| it.call_method0("end")) {
            error.write_unraisable(py, None);
        }
    });
    if !is_lived {
        // The interpreter is on its way out; the simulation ends nonetheless.
        live();
    }
}

/// What is around a job of a simulated thread: it is attached while it works.
fn job(work: &mut dyn FnMut()) {
    let mut is_done = false;
    let _ = attached(|_| {
        work();
        is_done = true;
    });
    if !is_done {
        work();
    }
}

/// A simulation to be.
#[pyclass(frozen, module = "millpond._native")]
pub(crate) struct Simulation(simulation::Simulation);

impl Simulation {
    pub(crate) fn options(&self) -> simulation::Simulation {
        self.0.clone()
    }
}

/// Seconds as they come from Python, checked there.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// One in how many chunks fails, one in how many is slow, one in how many waits is cut short; how many resizes, visits and removals; which
/// tasks fail at which calls.
type Drawn = (u32, u32, u32, u32, u32, u32, Vec<(String, u64)>);

#[pymethods]
impl Simulation {
    /// Drawn from a seed: how, `preemptions` says; negative for a random walk.
    #[new]
    #[expect(clippy::too_many_arguments, reason = "called from one place, by position")]
    fn new(
        seed: u64,
        workers: Option<usize>,
        preemptions: Option<i64>,
        faults: Drawn,
        most_steps: u64,
        trace_rows: usize,
        patience: f64,
        schedule: Option<&str>,
    ) -> PyResult<Self> {
        let mut options = match schedule {
            None => simulation::Simulation::new(seed),
            Some(text) => {
                let schedule = Schedule::from_str(text).map_err(|error| PyValueError::new_err(error.to_string()))?;
                simulation::Simulation::replay(&schedule)
            }
        };
        if let Some(workers) = workers {
            options = options.workers(workers);
        }
        if let Some(preemptions) = preemptions {
            options = options.order(match usize::try_from(preemptions) {
                Ok(preemptions) => Order::Priorities { preemptions },
                Err(_) => Order::RandomWalk,
            });
        }
        let (fail, slow, cancel, resize, visit, remove, chosen) = faults;
        let mut faults = Faults::none().fail(fail).slow(slow).cancel(cancel).resize(resize).visit(visit).remove(remove);
        for (task, call) in chosen {
            faults = faults.fail_at(task, call);
        }
        let options = options.faults(faults).most_steps(most_steps).trace_rows(trace_rows).patience(seconds(patience));
        Ok(Self(options.quiet().on_threads_within(life, job)))
    }

    #[getter]
    fn seed(&self) -> u64 {
        self.0.seed()
    }
}

/// How a run went.
#[pyclass(frozen, module = "millpond._native", name = "_Report")]
pub(crate) struct Report(simulation::Report);

#[pymethods]
impl Report {
    #[getter]
    fn seed(&self) -> u64 {
        self.0.seed
    }

    #[getter]
    fn schedule(&self) -> String {
        self.0.schedule.to_string()
    }

    /// How many choices the schedule has, and how many faults.
    #[getter]
    fn choices(&self) -> (usize, usize) {
        (self.0.schedule.choices(), self.0.schedule.faults())
    }

    #[getter]
    fn steps(&self) -> u64 {
        self.0.steps
    }

    #[getter]
    fn switches(&self) -> u64 {
        self.0.switches
    }

    #[getter]
    fn elapsed(&self) -> f64 {
        self.0.elapsed.as_secs_f64()
    }

    #[getter]
    fn verdict(&self) -> Option<&str> {
        self.0.verdict.as_deref()
    }

    /// The last rows of the trace as a table.
    fn table(&self, rows: usize) -> String {
        self.0.trace.last(rows).to_string()
    }
}

/// How the simulation that runs in this thread has gone so far.
#[pyfunction]
pub(crate) fn _current_report() -> Option<Report> {
    simulation::current().map(|run| Report(run.report()))
}

/// How the last simulation that ended in this thread went.
#[pyfunction]
pub(crate) fn _last_report() -> Option<Report> {
    simulation::last().map(Report)
}

/// Whether this thread runs a simulation, and of which seed.
#[pyfunction]
pub(crate) fn _current_seed() -> Option<u64> {
    simulation::current().map(|run| run.seed())
}

#[pyfunction]
pub(crate) fn _note(what: String) {
    simulation::note(what);
}

/// The simulation's clock, in seconds since it began; `None` where there is none.
#[pyfunction]
pub(crate) fn _now() -> Option<f64> {
    let run = simulation::current()?;
    // Looking takes time too, so that whoever looks again and again sees it pass.
    let _ = host::now();
    Some(run.elapsed().as_secs_f64())
}

#[pyfunction]
pub(crate) fn _sleep(py: Python<'_>, seconds: f64) -> PyResult<()> {
    sleep(py, self::seconds(seconds))
}

/// Sleeps, by the clock of whoever runs the thread.
pub(crate) fn sleep(py: Python<'_>, duration: Duration) -> PyResult<()> {
    if is_simulated() {
        caught(|| {
            simulation::sleep(duration);
            Ok(())
        })
    } else {
        patiently(py, duration, |slice| {
            py.detach(|| std::thread::sleep(slice));
            true
        })
        .map(drop)
    }
}

/// Waits for so long by the system's clock, a slice at a time, looking in between whether there was a
/// signal. Says whether it has not been in vain: whether each `wait` for a slice gave true.
///
/// # Errors
/// What the signal's handler raised.
pub(crate) fn patiently(py: Python<'_>, duration: Duration, mut wait: impl FnMut(Duration) -> bool) -> PyResult<bool> {
    let started = Instant::now();
    while let Some(left) = duration.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) {
        if !wait(left.min(SLICE)) {
            return Ok(false);
        }
        py.check_signals()?;
    }
    Ok(true)
}

#[pyfunction]
pub(crate) fn _yield_now() -> PyResult<()> {
    told(|| {
        simulation::yield_now();
        Ok(())
    })
}

/// A shorter schedule that fails, with its run and how many runs it took; `None` when the schedule itself does not fail. `fails` is given a
/// simulation and says whether it fails.
#[pyfunction]
pub(crate) fn _shrink(
    py: Python<'_>,
    schedule: &str,
    fails: &Bound<'_, PyAny>,
    most_steps: u64,
    trace_rows: usize,
    patience: f64,
) -> PyResult<Option<(Py<Report>, usize)>> {
    let schedule = Schedule::from_str(schedule).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let mut raised = None;
    let shrunk = simulation::shrink(&schedule, |simulation| {
        if raised.is_some() {
            return false;
        }
        let simulation = simulation.most_steps(most_steps).trace_rows(trace_rows).patience(seconds(patience));
        let simulation = Simulation(simulation.on_threads_within(life, job));
        let failed = fails.call1((simulation,)).and_then(|failed| failed.is_truthy());
        failed.unwrap_or_else(|error| {
            raised = Some(error);
            false
        })
    });
    match raised {
        Some(error) => Err(error),
        None => shrunk.map(|shrunk| Ok((Py::new(py, Report(shrunk.report))?, shrunk.runs))).transpose(),
    }
}

/// A thread of a simulation, which calls a function.
#[pyclass(frozen, module = "millpond._native", name = "_Thread")]
pub(crate) struct Thread(Arc<Ending>);

#[derive(Default)]
struct Ending {
    outcome: Mutex<Option<PyResult<Py<PyAny>>>>,
    ended: WaitList,
}

impl Ending {
    fn outcome(&self, py: Python<'_>) -> Option<PyResult<Py<PyAny>>> {
        let outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.as_ref().map(|outcome| match outcome {
            Ok(result) => Ok(result.clone_ref(py)),
            Err(error) => Err(error.clone_ref(py)),
        })
    }
}

#[pymethods]
impl Thread {
    /// Waits until it has ended; what its function returned or raised.
    fn join(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        told(|| self.0.ended.wait_until(|| self.0.outcome(py)))
    }

    #[getter]
    fn is_alive(&self) -> bool {
        self.0.outcome.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

/// Has a further thread of this thread's simulation call `function`.
#[pyfunction]
pub(crate) fn _spawn(py: Python<'_>, function: Py<PyAny>, name: Option<String>) -> PyResult<Thread> {
    if !is_simulated() {
        return Err(SimulationError::new_err(
            "starting a simulated thread, and this thread runs no simulation; make a pool with `Pool.simulated` first",
        ));
    }
    let ending = Arc::new(Ending::default());
    let context = Context::current(py)?;
    let told_to = Arc::clone(&ending);
    simulation::spawn_apart(name.map(Into::into), move || {
        let outcome = attached(|py| {
            let outcome = context.run(py, || function.call0(py)).flatten();
            drop(function.into_bound(py));
            outcome
        });
        if let Some(outcome) = outcome {
            *told_to.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        }
        told_to.ended.notify_all();
    });
    Ok(Thread(ending))
}
