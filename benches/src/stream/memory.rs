//! What is on the heap while items stream through, and what a task and a lane hold.
//!
//! Peaks are above what was there before the pool and the graph were made, which are counted with
//! them.

use std::hint::black_box;

use millpond::{Pool, PoolReader};
use rayon::prelude::*;

use super::maps::{all, iterator, tasks};
use super::{WORKERS, rayon_pool};
use crate::harness::{Case, Group, Measured, Row, Unit};
use crate::heap::Heap;

/// How many tasks are made to see what each holds.
const TASKS: u32 = 100_000;

/// All cases; `heap` is the program's global allocator.
pub fn memory(group: &mut Group, heap: &Heap) {
    streams(group, heap);
    slow_sink(group, heap);
    billion(group, heap);
    tasks_and_lanes(group, heap);
}

/// The highest that the heap is while `run` sums, and the sum.
fn peak(heap: &Heap, run: impl FnOnce() -> u64) -> Measured<u64> {
    let (value, result) = heap.peak_of(run);
    Measured { value, result }
}

/// `count` items through four maps and two workers, summed by `sink` item by item.
fn stream(count: u64, sink: impl Fn(u64) -> u64) -> u64 {
    let pool = Pool::new(WORKERS);
    tasks(&pool, black_box(count)).fold(0_u64, |sum, item| sum.wrapping_add(sink(item))).expect("nothing fails")
}

fn streams(group: &mut Group, heap: &Heap) {
    Case::new("memory-100k", Unit::cost("bytes"))
        .ours_measured(|| peak(heap, || stream(100_000, |item| item)))
        .run(group);
    let rayon = rayon_pool();
    Case::new("memory-10m", Unit::cost("bytes"))
        .ours_measured(|| peak(heap, || stream(10_000_000, |item| item)))
        .rival_measured("collect", || {
            peak(heap, || {
                let items: Vec<u64> = iterator(0..black_box(10_000_000)).collect();
                black_box(items).into_iter().fold(0, u64::wrapping_add)
            })
        })
        .rival_measured("par_iter", || {
            peak(heap, || {
                let items = || (0..black_box(10_000_000_u32)).into_par_iter().map(u64::from);
                rayon.install(|| items().map(all).collect::<Vec<_>>()).into_iter().fold(0, u64::wrapping_add)
            })
        })
        .run(group);
}

/// The reader is slower than the workers: what they have made waits, and must not grow.
fn slow_sink(group: &mut Group, heap: &Heap) {
    let slowly = |item| (0..50).fold(item, |value, _| black_box(value));
    Case::new("memory-10m-slow-sink", Unit::cost("bytes"))
        .ours_measured(|| peak(heap, || stream(10_000_000, slowly)))
        .run(group);
}

/// Measured once, because it takes seconds and is compared with the rows before it alone.
fn billion(group: &mut Group, heap: &Heap) {
    if !group.selects("memory-1000m") {
        return;
    }
    let Measured { value, .. } = peak(heap, || stream(1_000_000_000, |item| item));
    let row = Row {
        group: "stream".to_owned(),
        case: "memory-1000m".to_owned(),
        ours: value,
        rival: None,
        unit: "bytes".to_owned(),
        runs: 1,
    };
    println!("{}", row.to_json());
    group.push(row);
}

/// Bytes per task: of tasks that may share lanes, and of tasks each in a lane of its own; before
/// and after an item went through them all.
fn tasks_and_lanes(group: &mut Group, heap: &Heap) {
    let shared = |reader: PoolReader<u64>| reader.map(|item| item);
    let own = |reader: PoolReader<u64>| reader.map(|item| item).concurrency(1);
    chain(group, heap, "memory-per-task", shared, 0);
    chain(group, heap, "memory-per-task-read", shared, 1);
    chain(group, heap, "memory-per-lane", own, 0);
    chain(group, heap, "memory-per-lane-read", own, 1);
}

/// A chain of tasks, each added by `add`, and what they hold after a read of `count` items from the
/// last.
fn chain(group: &mut Group, heap: &Heap, name: &str, add: impl Fn(PoolReader<u64>) -> PoolReader<u64>, count: usize) {
    let pool = Pool::serial();
    Case::new(name, Unit::cost("bytes"))
        .ours_measured(|| {
            let (bytes, (reader, result)) = heap.left_by(|| {
                let mut reader = (1..TASKS).fold(pool.source(0_u64..), |reader, _| add(reader));
                let result = if count == 0 { Vec::new() } else { reader.read(count).expect("nothing fails") };
                (reader, result.len())
            });
            drop(reader);
            Measured { value: bytes / f64::from(TASKS), result }
        })
        .run(group);
}
