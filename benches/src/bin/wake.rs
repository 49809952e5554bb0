//! Small reads beside rayon: how long they take, right after another and after a pause, and what
//! they cost the machine.
//!
//! Calls right after one another are timed as a batch. Calls after a pause are timed one by one,
//! which includes looking at the clock (some 30 ns); the figure is their median or, as said, their
//! 99th percentile.

use std::hint::black_box;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use millpond::{Pool, PoolReader};
use millpond_benches::body::Body;
use millpond_benches::harness::{Case, Group, Measured, Unit, median};
use millpond_benches::stream::{WORKERS, rayon_pool};
use nix::time::{ClockId, clock_gettime};
use rayon::ThreadPool;
use rayon::prelude::*;

/// How long a pause is.
const PAUSE: Duration = Duration::from_millis(1);
/// Calls in a batch of those that take well under a microsecond, and of those that switch threads.
const QUICK: u64 = 500;
const SWITCHING: u64 = 20;
/// Batches in a run.
const BATCHES: u64 = 51;
/// Calls after a pause in one run.
const PAUSED: usize = 100;

fn main() {
    let mut group = Group::new("wake");
    read_one(&mut group);
    read_one_serial(&mut group);
    read_one_after_pause(&mut group);
    read_ten_after_pause(&mut group);
    wakes_of_small_reads(&mut group);
    processor_at_one_kilohertz(&mut group);
    processor_after_a_read(&mut group);
    group.finish();
}

/// The work of a call: so little that any thread switch is too much.
fn trivial(item: u64) -> u64 {
    item.wrapping_mul(3) ^ 1
}

/// A trivial graph of two tasks.
fn two_tasks(pool: &Pool) -> PoolReader<u64> {
    pool.source(0_u64..).map(trivial)
}

fn read_one_of(reader: &mut PoolReader<u64>) -> u64 {
    reader.read(1).expect("nothing fails")[0]
}

fn spawn_and_receive(rayon: &ThreadPool, item: u64) -> u64 {
    let (sender, receiver) = mpsc::sync_channel(1);
    rayon.spawn(move || sender.send(trivial(item)).expect("it is waited for"));
    receiver.recv().expect("it is sent")
}

/// Nanoseconds per call, one right after the other; the results must be those of 0, 1, 2, ….
///
/// The median of [`BATCHES`] batches of `calls` calls each, which are so short that few of them are
/// preempted.
fn back_to_back(calls: u64, mut call: impl FnMut(u64) -> u64) -> Measured<()> {
    let batch = |batch: u64| {
        let numbers = || batch * calls..(batch + 1) * calls;
        let begin = Instant::now();
        let sum = numbers().fold(0, |sum: u64, number| sum.wrapping_add(black_box(call(black_box(number)))));
        let time = begin.elapsed().as_secs_f64() * 1e9 / calls as f64;
        assert_eq!(sum, numbers().map(trivial).fold(0, u64::wrapping_add), "the sum of what the calls gave");
        time
    };
    let times: Vec<f64> = (0..BATCHES).map(batch).collect();
    Measured { value: median(&times), result: () }
}

/// Nanoseconds that each call takes after a pause.
fn after_pauses(calls: usize, mut call: impl FnMut(u64)) -> Vec<f64> {
    let timed = |number| {
        thread::sleep(PAUSE);
        let begin = Instant::now();
        call(number);
        begin.elapsed().as_secs_f64() * 1e9
    };
    (0..calls as u64).map(timed).collect()
}

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * percent / 100).min(values.len() - 1)]
}

/// One item after the other, from a thread that is not of the pool.
fn read_one(group: &mut Group) {
    let (pool, rayon) = (Pool::new(WORKERS), rayon_pool());
    Case::new("read-one", Unit::nanoseconds_per("call", 1))
        .ours_measured(|| {
            let mut reader = two_tasks(&pool);
            back_to_back(QUICK, |_| read_one_of(&mut reader))
        })
        .rival_measured("rayon-install", || back_to_back(SWITCHING, |item| rayon.install(|| trivial(item))))
        .rival_measured("rayon-spawn-channel", || back_to_back(SWITCHING, |item| spawn_and_receive(&rayon, item)))
        .rival_measured("mutex", || {
            let source = parking_lot::Mutex::new(0_u64..);
            back_to_back(QUICK, |_| black_box(vec![trivial(source.lock().next().expect("it is endless"))])[0])
        })
        .run(group);
}

/// The same without threads.
fn read_one_serial(group: &mut Group) {
    let (serial, pool) = (Pool::serial(), Pool::new(WORKERS));
    Case::new("read-one-serial", Unit::nanoseconds_per("call", 1))
        .ours_measured(|| {
            let mut reader = two_tasks(&serial);
            back_to_back(QUICK, |_| read_one_of(&mut reader))
        })
        .rival_measured("two-workers", || {
            let mut reader = two_tasks(&pool);
            back_to_back(QUICK, |_| read_one_of(&mut reader))
        })
        .rival_measured("boxed-iterator", || {
            let mut items: Box<dyn Iterator<Item = u64>> = black_box(Box::new((0_u64..).map(trivial)));
            back_to_back(QUICK, |_| black_box(items.by_ref().take(1).collect::<Vec<_>>())[0])
        })
        .run(group);
}

fn read_one_after_pause(group: &mut Group) {
    let (pool, rayon) = (Pool::new(WORKERS), rayon_pool());
    for (name, percent) in [("read-one-after-pause", 50), ("read-one-after-pause-p99", 99)] {
        let figure = |mut values: Vec<f64>| Measured { value: percentile(&mut values, percent), result: () };
        Case::new(name, Unit::nanoseconds_per("call", 1))
            .ours_measured(|| {
                let mut reader = two_tasks(&pool);
                figure(after_pauses(PAUSED, |item| assert_eq!(read_one_of(&mut reader), trivial(item))))
            })
            .rival_measured("rayon-install", || {
                figure(after_pauses(PAUSED, |item| assert_eq!(rayon.install(|| trivial(item)), trivial(item))))
            })
            .rival_measured("rayon-spawn-channel", || {
                figure(after_pauses(PAUSED, |item| assert_eq!(spawn_and_receive(&rayon, item), trivial(item))))
            })
            .run(group);
    }
}

/// 16 items that take 20 µs each, after a pause in which the threads went to sleep. That they take
/// that long is known from earlier reads. `ideal` is half of what a plain loop takes after the same
/// pause.
fn read_ten_after_pause(group: &mut Group) {
    const ITEMS: u64 = 16;
    if !group.selects("read-ten-after-pause") {
        return;
    }
    let body = Body::lasting(Duration::from_micros(20));
    let expected = |read: u64| (read * ITEMS..(read + 1) * ITEMS).map(|item| body.run(item)).collect::<Vec<_>>();
    let (pool, serial, rayon) = (Pool::new(WORKERS), Pool::serial(), rayon_pool());
    // What comes out is compared outside of the time that is taken.
    let measure = |read: &mut dyn FnMut(u64) -> Vec<u64>| {
        let mut times = Vec::new();
        for number in 0..PAUSED as u64 {
            let expected = expected(number);
            thread::sleep(PAUSE);
            let begin = Instant::now();
            let items = read(number);
            times.push(begin.elapsed().as_secs_f64() * 1e6);
            assert_eq!(items, expected, "the items of read {number}");
        }
        median(&times)
    };
    let figure = |value| Measured { value, result: () };
    let ours = |pool: &Pool| {
        let mut reader = pool.source(0_u64..).map(move |item| body.run(item));
        figure(measure(&mut |_| reader.read(ITEMS as usize).expect("nothing fails")))
    };
    let plain = || measure(&mut |read| black_box(expected(black_box(read))));
    Case::new("read-ten-after-pause", Unit::microseconds_per("read", 1))
        .ours_measured(|| ours(&pool))
        .rival_measured("ideal", || figure(plain() / 2.0))
        .rival_measured("serial", || ours(&serial))
        .rival_measured("rayon-install", || {
            figure(measure(&mut |read| {
                // A range that knows its length, cut into single items.
                let items = || (0..ITEMS as u32).into_par_iter().with_max_len(1);
                rayon.install(|| items().map(|item| body.run(read * ITEMS + u64::from(item))).collect())
            }))
        })
        .run(group);
}

/// How often small reads ask for a thread.
fn wakes_of_small_reads(group: &mut Group) {
    Case::new("wakes-of-small-reads", Unit::cost("wakes"))
        .ours_measured(|| {
            let pool = Pool::new(WORKERS);
            let mut reader = two_tasks(&pool);
            for _ in 0..10_000 {
                read_one_of(&mut reader);
            }
            assert_eq!(reader.read(16).expect("nothing fails").len(), 16);
            Measured { value: pool.wakes() as f64, result: () }
        })
        .run(group);
}

/// What the process has used of all processors so far.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("there is such a clock").into()
}

/// Which part of one processor the process uses while `work` runs.
fn processor_share(work: impl FnOnce()) -> Measured<()> {
    let (begin, before) = (Instant::now(), processor_time());
    work();
    let used = processor_time() - before;
    Measured { value: used.as_secs_f64() / begin.elapsed().as_secs_f64(), result: () }
}

/// A read of one item every millisecond, as a control loop does it; `sleep` is the loop without it.
fn processor_at_one_kilohertz(group: &mut Group) {
    const CALLS: u64 = 300;
    let (pool, rayon) = (Pool::new(WORKERS), rayon_pool());
    let every_millisecond = |call: &mut dyn FnMut(u64) -> u64| {
        processor_share(|| {
            for item in 0..CALLS {
                assert_eq!(call(black_box(item)), trivial(item));
                thread::sleep(PAUSE);
            }
        })
    };
    Case::new("processor-at-1khz", Unit::cost("processors"))
        .ours_measured(|| {
            let mut reader = two_tasks(&pool);
            every_millisecond(&mut |_| read_one_of(&mut reader))
        })
        .rival_measured("rayon-install", || every_millisecond(&mut |item| rayon.install(|| trivial(item))))
        .rival_measured("rayon-spawn-channel", || every_millisecond(&mut |item| spawn_and_receive(&rayon, item)))
        .rival_measured("sleep", || every_millisecond(&mut trivial))
        .run(group);
}

/// What the workers use when a read that they took part in has been over for a millisecond.
fn processor_after_a_read(group: &mut Group) {
    let body = Body::lasting(Duration::from_micros(20));
    let (pool, rayon) = (Pool::new(WORKERS), rayon_pool());
    let idle = || {
        thread::sleep(PAUSE);
        processor_share(|| thread::sleep(Duration::from_millis(50)))
    };
    Case::new("processor-when-idle", Unit::cost("processors"))
        .ours_measured(|| {
            let mut reader = pool.source(0_u64..).map(move |item| body.run(item));
            assert_eq!(reader.read(500).expect("nothing fails").len(), 500);
            idle()
        })
        .rival_measured("rayon-install", || {
            let work = || (0..500_u64).into_par_iter().map(|item| body.run(item)).collect::<Vec<_>>();
            assert_eq!(rayon.install(work).len(), 500);
            idle()
        })
        .run(group);
}
