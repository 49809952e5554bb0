//! A body run in every mode, and its results compared.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::trial::Trial;
use millpond_pool::Pool;
use millpond_simulation::{self as simulation, Faults, Report, Simulation};

/// How a run's pool worked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// In serial mode.
    Serial,
    /// On so many of rayon's threads.
    Rayon(usize),
    /// In a simulation of this seed.
    Seed(u64),
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial => f.write_str("serial mode"),
            Self::Rayon(workers) => write!(f, "a pool of {workers}"),
            Self::Seed(seed) => write!(f, "the simulation of seed {seed}"),
        }
    }
}

/// What a body gave, and how often it called what.
#[derive(Debug, PartialEq)]
struct Outcome<R> {
    result: R,
    calls: Option<BTreeMap<String, u64>>,
}

/// A body gave in one mode what it did not give in serial mode, or panicked.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// In which mode.
    pub mode: Mode,
    /// What differs, or the panic's message.
    pub message: String,
    /// The shortest run that was found to fail, for a simulation.
    pub report: Option<Box<Report>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, message, report } = self;
        write!(f, "in {mode}: {message}")?;
        if let Some(report) = report {
            write!(f, "\n{report}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// How a body is checked; [`check`] is the short form.
///
/// ```
/// use millpond_simulation::Faults;
/// use millpond_testing::Check;
///
/// Check::new().seeds(0..50).faults(Faults::harmless()).run(|trial| trial.source(0..100).map(|n| n * 2).read_all().unwrap());
/// ```
#[derive(Debug, Clone)]
#[must_use = "a check does nothing until it is run"]
pub struct Check {
    seeds: std::ops::Range<u64>,
    workers: Option<usize>,
    threads: Vec<usize>,
    faults: Faults,
    compares_calls: bool,
}

impl Default for Check {
    fn default() -> Self {
        Self::new()
    }
}

impl Check {
    /// Serial mode, pools of 1, 2 and 4, and 200 seeds, or as many as the environment variable `MILLPOND_SEEDS` says, beginning with
    /// `MILLPOND_SEED`.
    ///
    /// # Panics
    /// When one of these is no number.
    pub fn new() -> Self {
        let number = |name: &str, default: u64| {
            let parse = |text: String| text.parse().unwrap_or_else(|_| panic!("`{name}` is `{text}`; give a number"));
            std::env::var(name).map_or(default, parse)
        };
        let first = number("MILLPOND_SEED", 0);
        Self {
            seeds: first..first.saturating_add(number("MILLPOND_SEEDS", 200)),
            workers: None,
            threads: vec![1, 2, 4],
            faults: Faults::none(),
            compares_calls: true,
        }
    }

    /// These seeds, whatever the environment says.
    pub fn seeds(self, seeds: std::ops::Range<u64>) -> Self {
        Self { seeds, ..self }
    }

    /// So many workers in simulations; 1 to 4 by default, by the seed.
    pub fn workers(self, workers: usize) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// Pools of these sizes on rayon's threads.
    pub fn threads(self, sizes: impl Into<Vec<usize>>) -> Self {
        Self { threads: sizes.into(), ..self }
    }

    /// What goes wrong in simulations.
    pub fn faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// Does not compare how often functions were called: for graphs where that is a matter of chance (an iteration that is broken
    /// off, the longer side of a zip).
    pub fn without_calls(self) -> Self {
        Self { compares_calls: false, ..self }
    }

    /// Runs the body in serial mode, on threads and in simulations, and compares what it gives and the calls that it counted.
    ///
    /// # Panics
    /// When the body panics or gives something else than in serial mode; says in which mode, and for a simulation the shortest
    /// schedule with its last steps.
    #[track_caller]
    pub fn run<R: PartialEq + Debug>(&self, body: impl Fn(&Trial) -> R) {
        if let Err(failure) = self.find(body) {
            panic!("{failure}");
        }
    }

    /// Like [`run`](Self::run), and gives what fails instead of panicking.
    ///
    /// # Errors
    /// When a run differs from serial mode, or panics.
    pub fn find<R: PartialEq + Debug>(&self, body: impl Fn(&Trial) -> R) -> Result<(), Failure> {
        let fail = |mode, message, report| Err(Failure { mode, message, report });
        let expected = match self.outcome(Pool::serial(), &body) {
            Ok(outcome) => outcome,
            Err(message) => return fail(Mode::Serial, message, None),
        };
        let difference = |pool: Pool| match self.outcome(pool, &body) {
            Err(message) => Some(format!("the body panicked: {message}")),
            Ok(outcome) => expected.difference(&outcome),
        };
        for &size in &self.threads {
            if let Some(message) = difference(Pool::rayon(size)) {
                return fail(Mode::Rayon(size), message, None);
            }
        }
        for seed in self.seeds.clone() {
            let mut simulation = Simulation::new(seed).faults(self.faults.clone()).quiet();
            if let Some(workers) = self.workers {
                simulation = simulation.workers(workers);
            }
            let Some(message) = difference(Pool::simulated_with(simulation)) else { continue };
            let whole = simulation::last();
            let shrunk = whole.as_ref().and_then(|report| {
                simulation::shrink(&report.schedule, |simulation| {
                    difference(Pool::simulated_with(simulation)).is_some()
                })
            });
            return fail(Mode::Seed(seed), message, shrunk.map(|shrunk| shrunk.report).or(whole).map(Box::new));
        }
        Ok(())
    }

    /// What the body gives with this pool, or its panic's message.
    fn outcome<R>(&self, pool: Pool, body: &impl Fn(&Trial) -> R) -> Result<Outcome<R>, String> {
        let trial = Trial::new(pool);
        let run = || {
            let result = body(&trial);
            let calls = self.compares_calls.then(|| trial.all_calls());
            drop(trial);
            Outcome { result, calls }
        };
        quietly(|| catch_unwind(AssertUnwindSafe(run)).map_err(|payload| text(&*payload)))
    }
}

/// Runs `body` without messages of panics in this thread: what fails is told once, and not for each of the runs that shorten it.
fn quietly<R>(body: impl FnOnce() -> R) -> R {
    thread_local!(static IS_QUIET: Cell<bool> = const { Cell::new(false) });
    static FILTER: Once = Once::new();
    FILTER.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                before(panic);
            }
        }));
    });
    let before = IS_QUIET.replace(true);
    let result = body();
    IS_QUIET.set(before);
    result
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("(a payload that is no text)").to_owned()
}

impl<R: PartialEq + Debug> Outcome<R> {
    /// What is different in another run, if anything is.
    fn difference(&self, other: &Self) -> Option<String> {
        if self.result != other.result {
            return Some(format!("the body gave `{:?}`, and in serial mode `{:?}`", other.result, self.result));
        }
        let (ours, theirs) = (self.calls.as_ref()?, other.calls.as_ref()?);
        let name = ours.keys().chain(theirs.keys()).find(|name| ours.get(*name) != theirs.get(*name))?;
        let count = |calls: &BTreeMap<String, u64>| calls.get(name).copied().unwrap_or(0);
        Some(format!("`{name}` was called `{}` times, and in serial mode `{}` times", count(theirs), count(ours)))
    }
}

/// Runs the body in serial mode, on pools of 1, 2 and 4, and in simulations of 200 seeds; compares what it gives and how often it called
/// what it counts. [`Check`] has options.
///
/// # Panics
/// As [`Check::run`].
#[track_caller]
pub fn check<R: PartialEq + Debug>(body: impl Fn(&Trial) -> R) {
    Check::new().run(body);
}
