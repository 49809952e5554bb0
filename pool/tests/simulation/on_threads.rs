//! Helpers on threads of the system's: the same runs, and no thread is left.

use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use millpond_channel::{bounded, unbounded};
use millpond_pool::Pool;
use millpond_pool::simulation::{self, Report, Simulation};
use parking_lot::Mutex;

use crate::repeat::simulations;
use crate::twenty_tasks;

/// A run of many tasks that two threads read from, one of which the simulation runs.
fn run(simulation: Simulation) -> Report {
    let pool = Pool::simulated_with(simulation.trace_rows(100_000));
    let mut reader = twenty_tasks(&pool);
    let mut shared = reader.clone();
    let (writer, ended) = unbounded();
    simulation::spawn_apart(Some("other".into()), move || {
        while shared.read(5).is_ok_and(|items| !items.is_empty()) {}
        drop(shared);
        writer.write(()).expect("open");
    });
    while reader.read(7).is_ok_and(|items| !items.is_empty()) {}
    ended.read(1).expect("open");
    drop(reader);
    drop(pool);
    simulation::last().expect("a run has ended")
}

#[test]
fn a_seed_gives_the_same_run_on_threads_as_on_stacks() {
    for simulation in (0..30).flat_map(simulations) {
        let (stacks, threads) = (run(simulation.clone()), run(simulation.on_threads()));
        assert_eq!((stacks.steps, stacks.elapsed, stacks.switches), (threads.steps, threads.elapsed, threads.switches));
        assert_eq!(stacks.trace, threads.trace, "seed {}", stacks.seed);
        assert_eq!(stacks.schedule, threads.schedule);
        assert_eq!(stacks.verdict, threads.verdict);
    }
}

#[test]
fn a_schedule_of_one_kind_is_replayed_by_the_other() {
    for simulation in (0..10).flat_map(simulations) {
        let first = run(simulation.on_threads());
        assert_eq!(first.trace, run(Simulation::replay(&first.schedule)).trace, "seed {}", first.seed);
    }
}

#[test]
fn functions_run_on_several_threads_and_never_two_at_once() {
    let (seen, inside) = (Arc::new(Mutex::new(HashSet::<ThreadId>::new())), Arc::new(AtomicUsize::new(0)));
    for seed in 0..50 {
        let pool = Pool::simulated_with(Simulation::new(seed).workers(3).on_threads());
        let (seen, inside) = (Arc::clone(&seen), Arc::clone(&inside));
        let mut items = pool.source(0..200_u32).map(move |n| {
            assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0, "nobody else runs");
            seen.lock().insert(thread::current().id());
            inside.fetch_sub(1, Ordering::Relaxed);
            n
        });
        assert!(items.read_all().unwrap().into_iter().eq(0..200), "seed {seed}");
    }
    assert!(seen.lock().len() > 20, "{} threads", seen.lock().len());
    assert!(seen.lock().contains(&thread::current().id()), "the caller works too");
}

/// Counts as long as it is there.
struct Counted(&'static AtomicUsize);

impl Counted {
    fn new(count: &'static AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn threads_are_gone_when_the_last_pool_is_with_what_was_their_own() {
    static THERE: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static OWN: RefCell<Option<Counted>> = const { RefCell::new(None) });
    let mut most = 0;
    for seed in 0..50 {
        let pool = Pool::simulated_with(Simulation::new(seed).workers(4).on_threads());
        let own = |n| {
            OWN.with_borrow_mut(|own| {
                own.get_or_insert_with(|| Counted::new(&THERE));
            });
            n
        };
        assert_eq!(pool.source(0..100).map(own).read_all().unwrap().len(), 100);
        OWN.take();
        most = most.max(THERE.load(Ordering::Relaxed));
        drop(pool);
        assert_eq!(THERE.load(Ordering::Relaxed), 0, "seed {seed}");
    }
    assert!(most > 0, "helpers had something of their own");
}

#[test]
fn lives_and_jobs_happen_inside_what_is_named() {
    static LIVES: AtomicUsize = AtomicUsize::new(0);
    static JOBS: AtomicUsize = AtomicUsize::new(0);
    static NOW: AtomicUsize = AtomicUsize::new(0);
    for seed in 0..20 {
        let simulation = Simulation::new(seed).workers(3).on_threads_within(
            |life| {
                LIVES.fetch_add(1, Ordering::Relaxed);
                let _now = Counted::new(&NOW);
                life();
            },
            |job| {
                assert!(NOW.load(Ordering::Relaxed) > 0, "a job is in a life");
                JOBS.fetch_add(1, Ordering::Relaxed);
                job();
            },
        );
        let pool = Pool::simulated_with(simulation);
        let mut reader = pool.source(0..400).map(|n| n + 1).sequential(|n| n).map(|n| n - 1);
        while !reader.read(40).unwrap().is_empty() {}
        drop((reader, pool));
        assert_eq!(NOW.load(Ordering::Relaxed), 0, "seed {seed}");
    }
    let (lives, jobs) = (LIVES.load(Ordering::Relaxed), JOBS.load(Ordering::Relaxed));
    assert!(0 < lives && lives < jobs, "{lives} threads have done {jobs} jobs");
}

fn message(body: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(body)).expect_err("it panics");
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap()
}

#[test]
fn a_deadlock_is_told_and_those_in_it_are_taken_apart() {
    static THERE: AtomicUsize = AtomicUsize::new(0);
    let told = message(|| {
        let _pool = Pool::simulated_with(Simulation::new(1).patience(Duration::ZERO).quiet().on_threads());
        let ((to_left, left), (to_right, right)) = (unbounded::<u32>(), unbounded::<u32>());
        simulation::spawn_apart(Some("one".into()), move || {
            let _there = Counted::new(&THERE);
            let _ = left.read(1);
            let _ = to_right.write(1);
        });
        simulation::spawn_apart(Some("two".into()), move || {
            let _there = Counted::new(&THERE);
            let _ = right.read(1);
            let _ = to_left.write(1);
        });
        let (_writer, never) = unbounded::<u32>();
        let _ = never.read(1);
    });
    assert_eq!(told, "the simulation of seed 1 cannot go on: a deadlock: caller, one, two can wait for ever");
    assert_eq!(THERE.load(Ordering::Relaxed), 0, "what they had is dropped");
    assert!(simulation::current().is_none());
}

#[test]
fn a_read_is_not_gone_on_with_when_its_simulation_is_over() {
    let (ended, went_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    message(|| {
        let pool = Pool::simulated_with(Simulation::new(1).patience(Duration::ZERO).quiet().on_threads());
        let (_writer, channel) = unbounded::<u32>();
        let mut never = pool.channel(channel);
        let (ends, goes_on) = (Arc::clone(&ended), Arc::clone(&went_on));
        let mut other = never.clone();
        simulation::spawn_apart(None, move || {
            let _ends = scopeguard(move || {
                ends.fetch_add(1, Ordering::Relaxed);
            });
            // That the pool is gone by then wakes it, and must not be what it hears.
            let _ = other.read(1);
            goes_on.fetch_add(1, Ordering::Relaxed);
        });
        let _ = never.read(1);
    });
    assert_eq!((ended.load(Ordering::Relaxed), went_on.load(Ordering::Relaxed)), (1, 0));
}

/// Calls `end` when it is dropped.
fn scopeguard(end: impl FnMut()) -> impl Drop {
    struct Guard<F: FnMut()>(F);
    impl<F: FnMut()> Drop for Guard<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    Guard(end)
}

#[test]
fn a_panic_of_a_thread_apart_ends_the_simulation() {
    let told = message(|| {
        let _pool = Pool::simulated_with(Simulation::new(1).quiet().on_threads());
        let (writer, ended) = bounded::<u32>(1);
        simulation::spawn_apart(None, move || {
            let _writer = writer;
            std::panic::resume_unwind(Box::new("its own"));
        });
        let _ = ended.read(1);
    });
    assert_eq!(told, "its own");
    assert!(simulation::current().is_none());
}

#[test]
fn a_thread_that_stays_here_is_started_from_here_only() {
    let told = message(|| {
        let _pool = Pool::simulated_with(Simulation::new(1).quiet().on_threads());
        let (writer, ended) = unbounded::<u32>();
        simulation::spawn_apart(None, move || {
            let inner = catch_unwind(|| drop(simulation::spawn(|| ())));
            let text = inner.expect_err("refused").downcast_ref::<&str>().expect("text").to_string();
            drop(writer);
            std::panic::resume_unwind(Box::new(text));
        });
        let _ = ended.read(1);
    });
    assert_eq!(
        told,
        "starting a simulated thread on the thread that the simulation began in failed: this is another one; use \
         `spawn_apart`"
    );
}

#[test]
fn a_pool_may_be_made_and_dropped_on_any_of_them() {
    for seed in 0..50 {
        let pool = Pool::simulated_with(Simulation::new(seed).on_threads());
        let (writer, sums) = unbounded::<u32>();
        simulation::spawn_apart(None, move || {
            let other = Pool::simulated(seed + 1);
            let sum = other.source(0..50_u32).map(|n| n).read_all().unwrap().into_iter().sum();
            drop(other);
            writer.write(sum).expect("open");
            drop((pool, writer));
        });
        assert_eq!(sums.read_all().expect("open"), [1225], "seed {seed}");
        // The last pool went elsewhere, so the simulation ends here with the next thing that has to do with it.
        drop(Pool::simulated(seed));
        assert!(simulation::current().is_none(), "seed {seed}");
    }
}
