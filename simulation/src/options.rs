//! What a simulation is to be like.

use std::time::Duration;

use super::faults::Faults;
use super::fiber::{Around, Surroundings};
use super::random::Random;
use super::schedule::Schedule;

/// How the order of a simulation's threads is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Order {
    /// One of the others, by the seed.
    #[default]
    Drawn,
    /// At each step, by a chance that the seed decides, another thread goes on.
    RandomWalk,
    /// The thread of the highest priority goes on; so many times, at moments that the seed decides, it falls to the lowest.
    Priorities {
        /// How many times.
        preemptions: usize,
    },
}

/// A simulation to be: a seed, and what is to be drawn from it. See the [module documentation](super).
///
/// ```
/// use millpond_simulation::{Faults, Simulation, current, simulate};
///
/// let simulation = Simulation::new(7).workers(3).faults(Faults::none().slow(20));
/// let seed = simulate(simulation, || current().map(|run| run.seed()));
/// assert_eq!(seed, Some(7));
/// ```
#[derive(Debug, Clone)]
#[must_use = "a simulation begins with a pool, `Pool::simulated_with`, or with `simulate`"]
pub struct Simulation {
    pub(super) seed: u64,
    pub(super) workers: usize,
    pub(super) order: Order,
    pub(super) faults: Faults,
    pub(super) patience: Duration,
    pub(super) lets_outsiders: bool,
    pub(super) surroundings: Option<Surroundings>,
    pub(super) most_steps: u64,
    pub(super) trace_rows: usize,
    pub(super) replayed: Option<Schedule>,
    pub(super) is_quiet: bool,
}

impl Simulation {
    /// A simulation of this seed: by default of 1 to 4 workers, by the seed, without faults.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            workers: 1 + Random::new(seed, 3).below(4) as usize,
            order: Order::Drawn,
            faults: Faults::none(),
            patience: Duration::from_secs(10),
            lets_outsiders: false,
            surroundings: None,
            most_steps: 20_000_000,
            trace_rows: 1_000,
            replayed: None,
            is_quiet: false,
        }
    }

    /// A simulation that goes as another one went, or as what [shrinking](super::shrink) left of it: the same choices at the same
    /// places, and the same faults.
    pub fn replay(schedule: &Schedule) -> Self {
        Self { workers: schedule.workers, replayed: Some(schedule.clone()), ..Self::new(schedule.seed) }
    }

    /// The pool's size: how many work at once, the reader counted; 0 for serial mode.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// How the order of threads is drawn.
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// What is to go wrong.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Each helper is a thread of the system's, one of which runs at any time, rather than a stack within the thread that the simulation begins
    /// in: for functions that ask which thread they are on, or belong to an interpreter that wants to know its threads. It is the same run,
    /// step by step, and takes some microseconds more per switch.
    pub fn on_threads(self) -> Self {
        self.on_threads_within(|life| life(), |job| job())
    }

    /// Like [`on_threads`](Self::on_threads); each thread's life happens inside `life`, and each of its jobs inside `job`. Each of these calls
    /// its argument, once.
    pub fn on_threads_within(mut self, life: Around, job: Around) -> Self {
        self.surroundings = Some(Surroundings { life, job });
        self
    }

    /// Threads of the system take part too: they read from the pool, or write into channels that it reads from.
    ///
    /// What they do is not drawn from the seed, so a run is not repeatable. Helpers then go on to the next point where they wait
    /// before a read returns, because nobody would run them while the caller waits for those threads.
    pub fn with_outsiders(mut self) -> Self {
        self.lets_outsiders = true;
        self
    }

    /// How long to wait, in real time, for data from outside the simulation when nobody in it can go on, before that is
    /// called a deadlock; 10 seconds by default.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// After how many steps a run is given up, as one that goes round in circles; 20 million by default.
    pub fn most_steps(mut self, steps: u64) -> Self {
        self.most_steps = steps;
        self
    }

    /// How many rows of the trace are kept, the last ones; 1000 by default.
    pub fn trace_rows(mut self, rows: usize) -> Self {
        self.trace_rows = rows;
        self
    }

    /// Prints nothing when a test fails while the simulation runs: somebody else will.
    pub fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// The size of the pool that it begins with.
    #[must_use]
    pub fn size(&self) -> usize {
        self.workers
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

impl From<u64> for Simulation {
    fn from(seed: u64) -> Self {
        Self::new(seed)
    }
}

impl From<&Schedule> for Simulation {
    fn from(schedule: &Schedule) -> Self {
        Self::replay(schedule)
    }
}
