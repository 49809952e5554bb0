//! A graph that changes while it is fed and read: threads write into its channel, tasks are added to its output, read from and dropped.

use std::thread;

use millpond_channel::Writer;
use millpond_pool::{Pool, PoolReader};
use millpond_proof::program::Wrong;

use crate::counts::Counts;
use crate::mode::Mode;
use crate::random::Random;
use crate::seen::Seen;
use crate::tamper::tamper;
use crate::ways::{Came, once};

const MARK: u64 = 0x5555_5555_5555_5555;

/// Writes every other number, a few at once.
fn write(writer: &Writer<u64>, from: u64, count: u64, random: &mut Random) {
    let mut numbers = (from..count).step_by(2);
    loop {
        let some: Vec<u64> = numbers.by_ref().take(1 + random.below(100) as usize).collect();
        if some.is_empty() || writer.write_all(some).is_err() {
            break;
        }
    }
}

/// Adds tasks to the output, each read for a number of items and dropped, until that ends. Each must leave the others the rest.
fn visit(hub: &PoolReader<u64>, pool: &Pool, seen: &Seen, seed: u64) -> Result<Counts, Wrong> {
    let (mut random, mut counts) = (Random::new(seed), Counts::default());
    loop {
        let mut missing = 1 + random.below(400) as usize;
        let mut visitor = hub.clone().map(|number| number ^ MARK);
        while missing > 0 {
            match once(&mut visitor, missing, true, &mut random, &mut counts)? {
                Came::Items(mut items) => {
                    missing -= items.len();
                    tamper(&mut items);
                    counts.items += items.len() as u64;
                    seen.note(items.into_iter().map(|item| item ^ MARK));
                }
                Came::Nothing => {}
                Came::End => return Ok(counts),
            }
        }
        drop(visitor);
        counts.dropped += 1;
        if random.one_in(4) {
            remove(pool, &mut random, &mut counts)?;
        }
    }
}

/// Adds a graph, reads some of it, removes a task and reads on to its end: a beginning of what it would have given.
fn remove(pool: &Pool, random: &mut Random, counts: &mut Counts) -> Result<(), Wrong> {
    let mut reader = pool.source(0_u64..1 << 40).map(|number| number * 2).sequential(|number| number + 1);
    let id = reader.task_id();
    let mut next = 0;
    let asked = 1 + random.below(100) as usize;
    let mut is_removed = false;
    for _ in 0..1_000_000 {
        match once(&mut reader, asked, true, random, counts)? {
            Came::Items(items) => {
                if !items.iter().zip(next..).all(|(item, number)| *item == number * 2 + 1) {
                    return Err(Wrong { what: "a removed task gave something else".to_owned(), ..Wrong::default() });
                }
                next += items.len() as u64;
                counts.items += items.len() as u64;
            }
            Came::Nothing => {}
            Came::End if is_removed => return Ok(()),
            Came::End => return Err(Wrong { what: "an endless source ended".to_owned(), ..Wrong::default() }),
        }
        if !is_removed && next > 0 {
            // A serial pool may be in use.
            is_removed = pool.remove_task(id).is_ok();
            counts.removed += u64::from(is_removed);
        }
    }
    Err(Wrong { what: "a removed task did not end".to_owned(), ..Wrong::default() })
}

/// Reads to the end.
fn read_on(mut reader: PoolReader<u64>, seen: &Seen, seed: u64) -> Result<Counts, Wrong> {
    let (mut random, mut counts) = (Random::new(seed), Counts::default());
    loop {
        match once(&mut reader, 500, false, &mut random, &mut counts)? {
            Came::Items(items) => {
                counts.items += items.len() as u64;
                seen.note(items);
            }
            Came::Nothing => {}
            Came::End => return Ok(counts),
        }
    }
}

pub(crate) fn run(seed: u64, random: &mut Random, mode: Mode) -> Result<Counts, Wrong> {
    let count = 2_000 + random.below(30_000);
    let pool = mode.pool();
    let (writer, channel) = if random.one_in(3) {
        millpond_channel::unbounded()
    } else {
        millpond_channel::bounded(1 + random.below(200) as usize)
    };
    let other = writer.clone();
    let hub = pool.channel(channel).map(|number| number).max_chunksize(1 + random.below(300) as usize);
    let seen = Seen::new(count as usize);
    let visitors = 1 + random.below(2);
    let has_reader = random.one_in(2);
    let (results, resizes) = mode.beside(&pool, || {
        thread::scope(|scope| {
            let (pool, seen, hub) = (&pool, &seen, &hub);
            scope.spawn(move || write(&writer, 0, count, &mut Random::new(seed ^ 1)));
            scope.spawn(move || write(&other, 1, count, &mut Random::new(seed ^ 2)));
            let mut threads = Vec::new();
            for number in 0..visitors {
                threads.push(scope.spawn(move || visit(hub, pool, seen, seed ^ (8 + number))));
            }
            if has_reader {
                let reader = hub.clone();
                threads.push(scope.spawn(move || read_on(reader, seen, seed ^ 3)));
            }
            let threads = threads.into_iter();
            let mut results: Vec<_> =
                threads.map(|thread| thread.join().expect("a reading thread does not panic")).collect();
            results.push(read_on(hub.clone(), seen, seed ^ 4));
            results
        })
    });
    let mut counts = Counts { live: 1, resizes, ..Counts::default() };
    for result in results {
        counts.add(&result?);
    }
    seen.check(|_| true)?;
    Ok(counts)
}
