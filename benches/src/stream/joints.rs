//! Graphs in which thousands of inputs meet: what an item costs, the building of the graph counted.

use std::hint::black_box;

use millpond::{Pool, PoolReader};
use rayon::prelude::*;

use super::{WORKERS, rayon_pool};
use crate::harness::{Case, Group, Unit};

/// All cases.
pub fn joints(group: &mut Group) {
    chain(group);
    merge(group);
    channels(group);
}

/// `count` sources of `length` numbers each.
fn sources(pool: &Pool, count: u64, length: u64) -> Vec<PoolReader<u64>> {
    (0..black_box(count)).map(|number| pool.source(number..number + length)).collect()
}

fn sum(reader: PoolReader<u64>) -> u64 {
    reader.fold(0, u64::wrapping_add).expect("nothing fails")
}

fn flat(count: u64, length: u64) -> impl Iterator<Item = u64> + Send {
    (0..black_box(count)).flat_map(move |number| number..number + length)
}

fn chain(group: &mut Group) {
    if !group.selects("chain-20k") {
        return;
    }
    let (count, length) = (20_000, 10);
    let (serial, pool) = (Pool::serial(), Pool::new(WORKERS));
    let through = |pool: &Pool| sum(pool.chain(sources(pool, count, length)));
    Case::new("chain-20k", Unit::nanoseconds_per("item", count * length))
        .ours(|| through(&pool))
        .rival("serial", || through(&serial))
        .rival("ideal", || flat(count, length).fold(0, u64::wrapping_add))
        .run(group);
}

fn merge(group: &mut Group) {
    if !group.selects("merge-4k") {
        return;
    }
    let (count, length) = (4_000, 50);
    let (serial, pool, rayon) = (Pool::serial(), Pool::new(WORKERS), rayon_pool());
    let through = |pool: &Pool| sum(pool.merge(sources(pool, count, length)));
    Case::new("merge-4k", Unit::nanoseconds_per("item", count * length))
        .ours(|| through(&pool))
        .rival("serial", || through(&serial))
        .rival("par_bridge", || rayon.install(|| flat(count, length).par_bridge().reduce(|| 0, u64::wrapping_add)))
        .rival("ideal", || flat(count, length).fold(0, u64::wrapping_add))
        .run(group);
}

/// Each item is written to one of a thousand channels and read from their merge; ideally, from that
/// channel.
fn channels(group: &mut Group) {
    if !group.selects("channels-1k") {
        return;
    }
    let (count, length) = (1_000, 10_000);
    let read = |pool: &Pool| {
        let (writers, readers): (Vec<_>, Vec<_>) = (0..count).map(|_| millpond::channel::bounded(4)).unzip();
        let mut merged = pool.merge(readers.into_iter().map(|reader| pool.channel(reader)));
        let mut total = 0_u64;
        for number in 0..black_box(length) {
            writers[number as usize * 7 % count].write(number).expect("the reader is there");
            total = total.wrapping_add(merged.read(1).expect("nothing fails")[0]);
        }
        total
    };
    let (serial, pool) = (Pool::serial(), Pool::new(WORKERS));
    Case::new("channels-1k", Unit::nanoseconds_per("item", length))
        .ours(|| read(&pool))
        .rival("serial", || read(&serial))
        .rival("ideal", || {
            let (writers, readers): (Vec<_>, Vec<_>) = (0..count).map(|_| millpond::channel::bounded(4)).unzip();
            let mut total = 0_u64;
            for number in 0..black_box(length) {
                let at = number as usize * 7 % count;
                writers[at].write(number).expect("the reader is there");
                total = total.wrapping_add(readers[at].read(1).expect("it is open")[0]);
            }
            total
        })
        .run(group);
}
