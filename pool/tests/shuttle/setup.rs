//! How a body is explored: on workers that are the model checker's threads, by two schedulers, for a bounded time.

use std::any::Any;
use std::env;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use millpond_pool::Pool;
use millpond_pool::workers::{Help, Workers};
use millpond_sync::fault;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::thread::{self, JoinHandle};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// More steps than any schedule takes that comes to an end.
const MOST_STEPS: usize = 300_000;

/// Workers each of whose threads is one of the checker's, and new.
#[derive(Debug, Default)]
pub(crate) struct Threads(Mutex<Vec<JoinHandle<()>>>);

impl Threads {
    fn add(&self, body: impl FnOnce() + Send + 'static) {
        let handle = thread::spawn(body);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    }

    /// Waits until all threads that were lent have come back.
    pub(crate) fn join(&self) {
        loop {
            // Joining makes way for others, which may lend: not under the lock.
            let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(handle) = next else { return };
            handle.join().expect("a helper does not panic");
        }
    }
}

impl Workers for Threads {
    fn lend(&self, count: usize, job: Arc<dyn Help>) {
        for _ in 0..count {
            let job = Arc::clone(&job);
            self.add(move || job.help());
        }
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(body);
    }

    fn threads(&self) -> usize {
        8
    }
}

/// Calls `body` with a pool of so many workers; then drops it and waits for all helpers, so that one that never leaves is found.
pub(crate) fn with_pool(size: usize, body: impl FnOnce(&Pool)) {
    let threads = Arc::new(Threads::default());
    let pool = Pool::with_workers(size, Arc::clone(&threads) as Arc<dyn Workers>);
    body(&pool);
    drop(pool);
    threads.join();
}

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name)
        .ok()
        .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: `{text}`")))
}

fn config(persistence: FailurePersistence) -> Config {
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    config.failure_persistence = persistence;
    config.silence_warnings = true;
    config
}

/// How the next thread is chosen.
#[derive(Debug, Clone, Copy)]
enum Choice {
    /// Any thread at each step.
    Walk,
    /// By priorities, which change so many times in a schedule (PCT).
    Preemptions(usize),
}

/// Runs `body` in `count` schedules that are drawn from `seed`.
fn run<B: Fn() + Send + Sync + 'static>(body: &Arc<B>, choice: Choice, seed: u64, count: usize, print: bool) {
    let scheduler: Box<dyn Scheduler + Send> = match choice {
        Choice::Walk => Box::new(RandomScheduler::new_from_seed(seed, count)),
        Choice::Preemptions(most) => Box::new(PctScheduler::new_from_seed(seed, most, count)),
    };
    let persistence = if print { FailurePersistence::Print } else { FailurePersistence::None };
    let body = Arc::clone(body);
    Runner::new(scheduler, config(persistence)).run(move || body());
}

/// What a schedule is drawn by, in turn.
const CHOICES: [Choice; 3] = [Choice::Walk, Choice::Preemptions(2), Choice::Preemptions(4)];

/// How many schedules are drawn from a seed.
const PER_SEED: usize = 25;

/// Runs `body` in as many schedules as the time allows, a third of them of a random walk, the others of few preemptions. One
/// that fails is printed; `SHUTTLE_SCHEDULE=… ci/shuttle.sh NAME` runs it again.
pub(crate) fn explore(body: impl Fn() + Send + Sync + 'static) {
    let body = Arc::new(body);
    if let Ok(schedule) = env::var("SHUTTLE_SCHEDULE") {
        shuttle::replay(move || body(), &schedule);
        return;
    }
    let time = Duration::from_millis(number("SHUTTLE_MILLISECONDS", 1_000));
    let begun = Instant::now();
    let (mut seed, mut schedules) = (number("SHUTTLE_SEED", 1), 0);
    while schedules == 0 || begun.elapsed() < time {
        for choice in CHOICES {
            run(&body, choice, seed, PER_SEED, true);
            schedules += PER_SEED;
        }
        seed += 1;
    }
    println!("explored {schedules} schedules in {} ms", begun.elapsed().as_millis());
}

/// Sets a fault, and fails if no schedule shows it: one must end with a panic whose message has one of these words.
pub(crate) fn finds<F: Any + Copy + fmt::Debug>(fault: F, signs: &[&str], body: impl Fn() + Send + Sync + 'static) {
    let schedules = Arc::new(AtomicUsize::new(0));
    let body = Arc::new({
        let schedules = Arc::clone(&schedules);
        move || {
            schedules.fetch_add(1, Ordering::Relaxed);
            body();
        }
    });
    fault::set(fault);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        for seed in 1..=MOST_SEEDS {
            CHOICES.into_iter().for_each(|choice| run(&body, choice, seed, PER_SEED, false));
        }
    }));
    fault::clear();
    let schedules = schedules.load(Ordering::Relaxed);
    let Err(payload) = outcome else { panic!("{fault:?} was not found in {schedules} schedules") };
    let message = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref().copied());
    let message = message.unwrap_or("(no message)");
    assert!(signs.iter().any(|sign| message.contains(sign)), "{fault:?} was found by something else: {message}");
    println!("found {fault:?} in schedule {schedules}: {}", message.lines().next().unwrap_or_default());
}

/// From how many seeds a fault is looked for at the most.
const MOST_SEEDS: u64 = 2_000;
