//! Numbers through four trivial functions: what an engine costs per item.
//!
//! Each side sums what comes out, in the calling thread. Rivals that hand over item by item are
//! slow, and get fewer items, so that a round stays short; every figure is per item. Each side's
//! sum is compared with that of a plain loop.

use std::hint::black_box;
use std::time::Instant;

use millpond::channel::{Reader, Writer};
use millpond::{Pool, PoolReader};
use pariter::IteratorExt as _;
use rayon::prelude::*;

use super::{WORKERS, rayon_pool, threads};
use crate::ends;
use crate::harness::{Case, Group, Measured, Unit};

/// For sides that are quick.
const MANY: u64 = 10_000_000;
/// For sides that hand over item by item.
const FEW: u64 = 300_000;
/// For those that take microseconds per item.
const FEWEST: u64 = 50_000;
/// Items in a bounded channel of a thread per stage.
const CAPACITY: usize = 1024;
/// Items in a chunk made by hand, the size that others measure with.
const CHUNK: usize = 1024;
/// Chunks in a bounded channel of a thread per stage.
const CHUNKS: usize = 16;

#[inline]
fn first(item: u64) -> u64 {
    item.wrapping_mul(3)
}

#[inline]
fn second(item: u64) -> u64 {
    item ^ (item >> 3)
}

#[inline]
fn third(item: u64) -> u64 {
    item.wrapping_add(17)
}

#[inline]
fn fourth(item: u64) -> u64 {
    item ^ 0x5555
}

fn sum(items: impl Iterator<Item = u64>) -> u64 {
    items.fold(0, u64::wrapping_add)
}

/// All four functions in one.
pub(super) fn all(item: u64) -> u64 {
    fourth(third(second(first(item))))
}

/// The four maps of a plain iterator.
pub(super) fn iterator(items: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    items.map(first).map(second).map(third).map(fourth)
}

/// The four maps, each behind a `dyn Iterator` as an engine without types has it.
fn boxed(count: u64) -> Box<dyn Iterator<Item = u64>> {
    let items: Box<dyn Iterator<Item = u64>> = Box::new(0..count);
    let items: Box<dyn Iterator<Item = u64>> = Box::new(items.map(first));
    let items: Box<dyn Iterator<Item = u64>> = Box::new(items.map(second));
    let items: Box<dyn Iterator<Item = u64>> = Box::new(items.map(third));
    Box::new(items.map(fourth))
}

/// The four maps as tasks of ours.
pub(super) fn tasks(pool: &Pool, count: u64) -> PoolReader<u64> {
    pool.source(0..count).map(first).map(second).map(third).map(fourth)
}

fn ours(pool: &Pool, count: u64) -> u64 {
    tasks(pool, count).fold(0, u64::wrapping_add).expect("nothing fails")
}

/// Measures `run` on `count` items, per item, and compares its sum with that of a plain loop.
fn per_item(count: u64, run: impl FnOnce(u64) -> u64) -> Measured<()> {
    let begin = Instant::now();
    let result = black_box(run(black_box(count)));
    let value = begin.elapsed().as_secs_f64() * 1e9 / count as f64;
    assert_eq!(result, sum(iterator(0..count)), "the sum of {count} items after four maps");
    Measured { value, result: () }
}

fn unit() -> Unit {
    Unit::nanoseconds_per("item", 1)
}

/// One thread: a plain iterator, which the compiler makes one loop of, and one that it cannot see
/// through.
pub fn serial(group: &mut Group) {
    let pool = Pool::serial();
    Case::new("serial-4-maps-10m", unit())
        .ours_measured(|| per_item(MANY, |count| ours(&pool, count)))
        .rival_measured("iterator", || per_item(MANY, |count| sum(iterator(0..count))))
        .rival_measured("boxed-iterator", || per_item(MANY, |count| sum(boxed(count))))
        .run(group);
}

/// One thread, and every item is asked for by itself, so that none is made before its time.
pub fn itemwise(group: &mut Group) {
    let pool = Pool::serial();
    Case::new("serial-4-maps-itemwise", unit())
        .ours_measured(|| per_item(FEW, |count| sum(tasks(&pool, count).map_while(Result::ok))))
        .rival_measured("boxed-iterator", || per_item(FEW, |count| sum(boxed(count))))
        .rival_measured("serial-channels", || {
            let [a, b, c, d] = std::array::from_fn(|_| millpond::channel::serial());
            let through = |(writer, reader): &(Writer<u64>, Reader<u64>), item| {
                writer.write(item).expect("it is open");
                reader.read_one().expect("there is an item")
            };
            let hops = |item| {
                let item = through(&b, second(through(&a, first(item))));
                through(&d, fourth(through(&c, third(item))))
            };
            per_item(FEW, |count| sum((0..count).map(hops)))
        })
        .run(group);
}

/// Two workers, in order, with the settings that a pool has by itself.
///
/// `par_iter` has its input and its output in memory; it gives the order back by collecting
/// (`par_iter-sum` needs no order and keeps nothing). `par_bridge` is without order. `pariter` has
/// a parallel map per stage, `pariter-fused` one for all four.
pub fn two_workers(group: &mut Group) {
    let (serial, pool, rayon) = (Pool::serial(), Pool::new(WORKERS), rayon_pool());
    let is_wanted = group.selects("two-workers-4-maps-10m");
    let slice: Vec<u64> = if is_wanted { (0..MANY).collect() } else { Vec::new() };
    if is_wanted {
        let in_order = tasks(&pool, FEW).map_while(Result::ok).eq(iterator(0..FEW));
        assert!(in_order, "items come in order");
    }
    Case::new("two-workers-4-maps-10m", unit())
        .ours_measured(|| per_item(MANY, |count| ours(&pool, count)))
        .rival_measured("serial", || per_item(MANY, |count| ours(&serial, count)))
        .rival_measured("iterator", || per_item(MANY, |count| sum(iterator(0..count))))
        .rival_measured("thread-per-stage-crossbeam-itemwise", || {
            per_item(FEW, |count| {
                threads::itemwise(0..count, (first, second, third, fourth), ends!(crossbeam_channel::bounded(CAPACITY)))
            })
        })
        .rival_measured("thread-per-stage-crossbeam-chunks", || {
            per_item(MANY, |count| {
                threads::in_chunks(
                    0..count,
                    CHUNK,
                    (first, second, third, fourth),
                    ends!(crossbeam_channel::bounded(CHUNKS)),
                )
            })
        })
        .rival_measured("thread-per-stage-flume-itemwise", || {
            per_item(FEW, |count| {
                threads::itemwise(0..count, (first, second, third, fourth), ends!(flume::bounded(CAPACITY)))
            })
        })
        .rival_measured("thread-per-stage-flume-chunks", || {
            per_item(MANY, |count| {
                threads::in_chunks(0..count, CHUNK, (first, second, third, fourth), ends!(flume::bounded(CHUNKS)))
            })
        })
        .rival_measured("thread-per-stage-kanal-itemwise", || {
            per_item(FEW, |count| {
                threads::itemwise(0..count, (first, second, third, fourth), ends!(kanal::bounded(CAPACITY)))
            })
        })
        .rival_measured("thread-per-stage-kanal-chunks", || {
            per_item(MANY, |count| {
                threads::in_chunks(0..count, CHUNK, (first, second, third, fourth), ends!(kanal::bounded(CHUNKS)))
            })
        })
        .rival_measured("par_iter", || {
            per_item(MANY, |_| {
                let maps = || slice.par_iter().copied().map(first).map(second).map(third).map(fourth);
                sum(rayon.install(|| maps().collect::<Vec<_>>()).into_iter())
            })
        })
        .rival_measured("par_iter-sum", || {
            per_item(MANY, |_| {
                let maps = || slice.par_iter().copied().map(first).map(second).map(third).map(fourth);
                rayon.install(|| maps().reduce(|| 0, u64::wrapping_add))
            })
        })
        .rival_measured("par_bridge", || {
            per_item(FEW, |count| {
                let maps = || (0..count).par_bridge().map(first).map(second).map(third).map(fourth);
                rayon.install(|| maps().reduce(|| 0, u64::wrapping_add))
            })
        })
        .rival_measured("pariter", || {
            per_item(FEWEST, |count| {
                sum((0..count).parallel_map(first).parallel_map(second).parallel_map(third).parallel_map(fourth))
            })
        })
        .rival_measured("pariter-fused", || per_item(FEWEST, |count| sum((0..count).parallel_map(all))))
        .run(group);
}

/// Two workers on either kind of threads: `ours` beside another pool of ours.
pub fn on_either(group: &mut Group, ours_on: &Pool, rival: &str, theirs_on: &Pool) {
    Case::new("two-workers-4-maps-10m", unit())
        .ours_measured(|| per_item(MANY, |count| ours(ours_on, count)))
        .rival_measured(rival, || per_item(MANY, |count| ours(theirs_on, count)))
        .run(group);
}

/// The first ten of 10^9 items, the making and the dropping of the graph included.
pub fn read_ten(group: &mut Group) {
    const ENDLESS: u64 = 1_000_000_000;
    /// Times per run; less where threads are started each time.
    const OFTEN: u32 = 1_000;
    const SELDOM: u32 = 20;
    let pool = Pool::new(WORKERS);
    let times = |times: u32, read: &dyn Fn() -> Vec<u64>| {
        let begin = Instant::now();
        let mut result = Vec::new();
        for _ in 0..times {
            result = black_box(read());
        }
        Measured { value: begin.elapsed().as_secs_f64() * 1e6 / f64::from(times), result }
    };
    let pariter = || {
        let items = (0..ENDLESS).parallel_map(first).parallel_map(second).parallel_map(third).parallel_map(fourth);
        items.take(10).collect()
    };
    Case::new("read-10-of-1e9", Unit::microseconds_per("call", 1))
        .ours_measured(|| times(OFTEN, &|| tasks(&pool, ENDLESS).read(10).expect("nothing fails")))
        .rival_measured("boxed-iterator", || times(OFTEN, &|| boxed(ENDLESS).take(10).collect()))
        .rival_measured("pariter", || times(SELDOM, &pariter))
        .run(group);
}
