//! Four stages that take their time: how much quicker two workers are.
//!
//! The rivals' chunks are sized by hand, as one that knows the functions would; ours has the
//! settings that a pool has by itself.

use std::hint::black_box;
use std::time::Duration;

use millpond::Pool;
use pariter::IteratorExt as _;
use rayon::prelude::*;

use super::{WORKERS, rayon_pool, threads};
use crate::body::Body;
use crate::ends;
use crate::harness::{Case, Group, Unit};

/// Chunks in a bounded channel of a thread per stage.
const CHUNKS: usize = 16;

/// Both lengths of body.
pub fn bodies(group: &mut Group) {
    case(group, "body-1us", Duration::from_micros(1), 20_000, 32);
    case(group, "body-20us", Duration::from_micros(20), 1_500, 1);
}

/// Both lengths of body on either kind of threads: `ours` beside another pool of ours.
pub fn on_either(group: &mut Group, ours: &Pool, rival: &str, theirs: &Pool) {
    for (name, time, count) in [("body-1us", 1, 20_000), ("body-20us", 20, 1_500)] {
        let body = Body::lasting(Duration::from_micros(time));
        Case::new(name, Unit::nanoseconds_per("item", count))
            .ours(|| through(ours, body, count))
            .rival(rival, || through(theirs, body, count))
            .run(group);
    }
}

/// `count` items through four tasks whose function is `body`, summed.
fn through(pool: &Pool, body: Body, count: u64) -> u64 {
    let stage = move |item| body.run(item);
    let tasks = pool.source(0..black_box(count)).map(stage).map(stage).map(stage).map(stage);
    tasks.fold(0, u64::wrapping_add).expect("nothing fails")
}

fn sum(items: impl Iterator<Item = u64>) -> u64 {
    items.fold(0, u64::wrapping_add)
}

/// `count` items through four stages whose function takes `time`; chunks made by hand have `chunk`
/// items.
fn case(group: &mut Group, name: &str, time: Duration, count: u64, chunk: usize) {
    if !group.selects(name) {
        return;
    }
    let body = Body::lasting(time);
    let stage = move |item| body.run(item);
    let stages = (stage, stage, stage, stage);
    let all = move |item| stage(stage(stage(stage(item))));
    let (serial, pool, rayon) = (Pool::serial(), Pool::new(WORKERS), rayon_pool());
    Case::new(name, Unit::nanoseconds_per("item", count))
        .ours(|| through(&pool, body, count))
        .rival("serial", || through(&serial, body, count))
        .rival("iterator", || sum((0..black_box(count)).map(all)))
        .rival("par_iter", || {
            // A range of `u32` knows its length.
            let items = || (0..black_box(count as u32)).into_par_iter().map(u64::from);
            let maps = || items().map(stage).map(stage).map(stage).map(stage);
            sum(rayon.install(|| maps().collect::<Vec<_>>()).into_iter())
        })
        .rival("par_bridge", || {
            let maps = || (0..black_box(count)).par_bridge().map(stage).map(stage).map(stage).map(stage);
            rayon.install(|| maps().reduce(|| 0, u64::wrapping_add))
        })
        .rival("pariter", || {
            let items = 0..black_box(count);
            sum(items.parallel_map(stage).parallel_map(stage).parallel_map(stage).parallel_map(stage))
        })
        .rival("pariter-fused", || sum((0..black_box(count)).parallel_map(all)))
        .rival("thread-per-stage-crossbeam-chunks", || {
            threads::in_chunks(0..black_box(count), chunk, stages, ends!(crossbeam_channel::bounded(CHUNKS)))
        })
        .rival("thread-per-stage-flume-chunks", || {
            threads::in_chunks(0..black_box(count), chunk, stages, ends!(flume::bounded(CHUNKS)))
        })
        .rival("thread-per-stage-kanal-chunks", || {
            threads::in_chunks(0..black_box(count), chunk, stages, ends!(kanal::bounded(CHUNKS)))
        })
        .run(group);
}
