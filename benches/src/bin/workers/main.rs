//! Group `workers`: the pool on libdispatch's threads beside the pool on rayon's, and the pool's
//! parallel-for beside the library's own.
//!
//! Needs libdispatch; `ci/bench.sh` brings it where it can. Two workers on each side.

mod dispatch;
#[allow(dead_code, reason = "the shapes are those of the group `values`, of which not all is used here")]
#[path = "../values/shape.rs"]
mod shape;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use millpond::Pool;
use millpond_benches::body::Body;
use millpond_benches::harness::{Case, Group, Measured, Unit, median};
use millpond_benches::stream::{WORKERS, bodies, maps, rayon_pool};
use rayon::prelude::*;

use self::dispatch::Dispatch;
use self::shape::{Shape, run, spin};

/// How long a pause is after which threads sleep.
const PAUSE: Duration = Duration::from_millis(1);

/// What is called with each number.
type Called<'a> = dyn Fn(usize) + Sync + 'a;

fn main() -> ExitCode {
    let gcd = match Pool::gcd(WORKERS) {
        Ok(pool) => pool,
        Err(error) => {
            eprintln!("the group `workers` cannot run: {error}");
            return ExitCode::FAILURE;
        }
    };
    let rayon = Pool::rayon(WORKERS);
    let mut group = Group::new("workers");
    maps::on_either(&mut group, &gcd, "rayon", &rayon);
    bodies::on_either(&mut group, &gcd, "rayon", &rayon);
    read_after_pause(&mut group, &gcd, &rayon);
    values(&mut group, &gcd, &rayon);
    apply(&mut group, &gcd, &rayon);
    group.finish();
    ExitCode::SUCCESS
}

/// 16 items that take 20 µs each, after a pause in which the threads went to sleep.
fn read_after_pause(group: &mut Group, gcd: &Pool, rayon: &Pool) {
    const ITEMS: usize = 16;
    const READS: usize = 100;
    let body = Body::lasting(Duration::from_micros(20));
    let read = |pool: &Pool| {
        let mut reader = pool.source(0_u64..).map(move |item| body.run(item));
        let mut sum = 0_u64;
        let times: Vec<_> = (0..READS)
            .map(|_| {
                thread::sleep(PAUSE);
                let begin = Instant::now();
                let items = reader.read(ITEMS).expect("nothing fails");
                let time = begin.elapsed().as_secs_f64() * 1e6;
                sum = items.into_iter().fold(sum, u64::wrapping_add);
                time
            })
            .collect();
        Measured { value: median(&times), result: sum }
    };
    Case::new("read-ten-after-pause", Unit::microseconds_per("read", 1))
        .ours_measured(|| read(gcd))
        .rival_measured("rayon", || read(rayon))
        .run(group);
}

/// Graphs of values, with the shapes and bodies of the group of that name.
fn values(group: &mut Group, gcd: &Pool, rayon: &Pool) {
    const ROUNDS: u64 = 1_000_000;
    let times: Vec<_> = (0..21)
        .map(|_| {
            let begin = Instant::now();
            spin(ROUNDS);
            begin.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    let rounds_per_microsecond = ROUNDS as f64 / median(&times);
    for (case, shape, tasks, microseconds) in [
        ("chain-256", "chain", 256, 0.0),
        ("tree-1m", "tree", (1 << 20) - 1, 0.0),
        ("wave-1m", "wave", 1 << 20, 0.0),
        ("level-16k", "level", 1 << 14, 0.0),
        ("tree-150ns", "tree", (1 << 16) - 1, 0.15),
        ("tree-1us", "tree", (1 << 14) - 1, 1.0),
        ("wave-1us", "wave", 1 << 14, 1.0),
        ("wave-256-1us", "wave", 256, 1.0),
        ("16-of-20us", "none", 16, 20.0),
    ] {
        if !group.selects(case) {
            continue;
        }
        let shape = Shape::new(shape, tasks);
        let rounds = (microseconds * rounds_per_microsecond) as u64;
        let repeats = (2e6 / (tasks as f64 * (1.0 + 100.0 * microseconds))).clamp(1.0, 5_000.0) as usize;
        let (mut ours, mut theirs) = (shape.control(rounds), shape.control(rounds));
        Case::new(case, Unit::nanoseconds_per("task", (repeats * tasks) as u64))
            .ours(|| run(gcd, &mut ours, repeats))
            .rival("rayon", || run(rayon, &mut theirs, repeats))
            .run(group);
    }
}

/// The pool's parallel-for, on either kind of threads, beside the library's and rayon's own.
fn apply(group: &mut Group, gcd: &Pool, rayon: &Pool) {
    let dispatch = Dispatch::loaded();
    let pool_of_rayon = rayon_pool();
    let par_iter = |count: usize, body: &Called<'_>| {
        pool_of_rayon.install(|| (0..count).into_par_iter().for_each(body));
    };
    // Once with a body that counts, so that it is known that all do the same.
    let counted = |apply: &dyn Fn(&Called<'_>)| {
        let calls = AtomicUsize::new(0);
        apply(&|_| _ = calls.fetch_add(1, Ordering::Relaxed));
        assert_eq!(calls.into_inner(), 10_000);
    };
    counted(&|body| gcd.apply(0..10_000, body));
    counted(&|body| rayon.apply(0..10_000, body));
    counted(&|body| dispatch.apply(10_000, &body));
    counted(&|body| par_iter(10_000, body));

    let microsecond = Body::lasting(Duration::from_micros(1));
    let empty = |index: usize| _ = black_box(index);
    let busy = |index: usize| _ = black_box(microsecond.run(index as u64));
    sides(group, "apply-empty-1m", 1_000_000, empty, gcd, rayon, &dispatch, par_iter);
    sides(group, "apply-1us-1m", 1_000_000, busy, gcd, rayon, &dispatch, par_iter);
    sides(group, "apply-empty-100", 100, empty, gcd, rayon, &dispatch, par_iter);
    sides(group, "apply-1us-1000", 1_000, busy, gcd, rayon, &dispatch, par_iter);
}

#[expect(clippy::too_many_arguments, reason = "a side each")]
fn sides(
    group: &mut Group,
    case: &str,
    count: usize,
    body: impl Fn(usize) + Sync,
    gcd: &Pool,
    rayon: &Pool,
    dispatch: &Dispatch,
    par_iter: impl Fn(usize, &Called<'_>),
) {
    let repeats = (10_000 / count).max(1);
    let again = |apply: &dyn Fn()| (0..repeats).for_each(|_| apply());
    Case::new(case, Unit::nanoseconds_per("iteration", (count * repeats) as u64))
        .ours(|| again(&|| gcd.apply(0..black_box(count), &body)))
        .rival("dispatch_apply", || again(&|| dispatch.apply(black_box(count), &body)))
        .rival("rayon", || again(&|| rayon.apply(0..black_box(count), &body)))
        .rival("par_iter", || again(&|| par_iter(black_box(count), &body)))
        .run(group);
}
