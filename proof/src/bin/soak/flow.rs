//! Many items through few tasks, whose functions fail, are called again, reject and are slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use millpond_pool::{PoolReader, Retry};
use millpond_proof::program::Wrong;

use crate::counts::Counts;
use crate::mode::Mode;
use crate::plan::mix;
use crate::random::Random;
use crate::seen::{Seen, is_alone};
use crate::tamper::tamper;
use crate::ways::{Came, once};

/// How often the function fails for an item before it succeeds.
fn failures(number: u64) -> u8 {
    let drawn = mix(number, 1);
    if drawn.is_multiple_of(32) { 1 + (drawn >> 8) as u8 % 3 } else { 0 }
}

fn is_filtered(number: u64) -> bool {
    mix(number, 2).is_multiple_of(11)
}

fn is_rejected(number: u64) -> bool {
    mix(number, 3).is_multiple_of(97)
}

/// Reads to the end in ways drawn from the seed; in order, where nobody else reads.
fn read_on(mut reader: PoolReader<u64>, seed: u64, seen: &Seen, is_alone: bool) -> Result<Counts, Wrong> {
    let (mut random, mut counts) = (Random::new(seed), Counts::default());
    let mut next = 0;
    loop {
        match once(&mut reader, 4_000, false, &mut random, &mut counts)? {
            Came::Items(mut items) => {
                tamper(&mut items);
                counts.items += items.len() as u64;
                if is_alone && (items[0] < next || !items.is_sorted()) {
                    return Err(Wrong { what: format!("items came out of order after `{next}`"), ..Wrong::default() });
                }
                next = items[items.len() - 1];
                seen.note(items);
            }
            Came::Nothing => {}
            Came::End => return Ok(counts),
        }
    }
}

/// Reads a little and drops the reader.
fn leave(mut reader: PoolReader<u64>, seed: u64) -> Result<Counts, Wrong> {
    let (mut random, mut counts) = (Random::new(seed), Counts::default());
    for _ in 0..1 + random.below(8) {
        once(&mut reader, 2_000, false, &mut random, &mut counts)?;
    }
    counts.dropped += 1;
    Ok(counts)
}

pub(crate) fn run(seed: u64, random: &mut Random, mode: Mode) -> Result<Counts, Wrong> {
    let count = 20_000 + random.below(180_000);
    let readers = if random.one_in(2) { 1 } else { 2 + random.below(2) as usize };
    let slow_one_in = if random.one_in(8) { 4_000 } else { 40_000 };
    let chunk = if random.one_in(4) { Some(1 + random.below(500) as usize) } else { None };
    let pool = mode.pool();
    let attempts: Arc<Vec<AtomicU8>> = Arc::new((0..count).map(|_| AtomicU8::new(0)).collect());
    let slow = Arc::new(AtomicU64::new(0));
    let (tried, slowed) = (Arc::clone(&attempts), Arc::clone(&slow));
    let flaky = move |number: &u64| {
        let before = tried[*number as usize].fetch_add(1, Ordering::Relaxed);
        if before < failures(*number) { Err("planned") } else { Ok(*number) }
    };
    let mut source = pool.source(0..count);
    if let Some(items) = chunk {
        source = source.max_chunksize(items);
    }
    let slowly = source.map(move |number| {
        if mix(number, 4).is_multiple_of(slow_one_in) {
            slowed.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_micros(100));
        }
        number
    });
    let kept = slowly.retry_map(Retry::times(3), flaky).filter(|number| !is_filtered(*number));
    let (accepted, rejected) =
        kept.try_map_or_reject(Retry::NEVER, |number| if is_rejected(*number) { Err("planned") } else { Ok(*number) });
    let rejected = rejected.map(|rejected| rejected.item);
    let mut branches = accepted.tee(2);
    let (doomed, accepted) = (branches.pop().expect("two"), branches.pop().expect("two"));
    let seen = Seen::new(count as usize);
    let (results, resizes) = mode.beside(&pool, || {
        thread::scope(|scope| {
            let seen = &seen;
            let mut threads = vec![scope.spawn(move || read_on(rejected, seed ^ 1, seen, true))];
            for number in 1..readers {
                let reader = accepted.clone();
                threads.push(scope.spawn(move || read_on(reader, seed ^ (number as u64 + 2), seen, false)));
            }
            threads.push(scope.spawn(move || leave(doomed.map(|number| number), seed ^ 7)));
            let mut results = vec![read_on(accepted.clone(), seed ^ 2, seen, readers == 1)];
            results.extend(threads.into_iter().map(|thread| thread.join().expect("a reading thread does not panic")));
            // What those that share had taken ahead when the others had come to the end.
            results.push(read_on(accepted, seed ^ 3, seen, false));
            results
        })
    });
    let mut counts = Counts { flows: 1, resizes, slow: slow.load(Ordering::Relaxed), ..Counts::default() };
    for result in results {
        counts.add(&result?);
    }
    seen.check(|number| !is_filtered(number))?;
    for (number, attempts) in (0..).zip(&*attempts) {
        let (got, wanted) = (attempts.load(Ordering::Relaxed), failures(number) + 1);
        if got != wanted {
            let what =
                format!("the function was called `{got}` times for item `{number}` and should be `{wanted}` times");
            return Err(Wrong { what, ..Wrong::default() });
        }
        counts.failures += u64::from(failures(number));
        counts.failures += u64::from(!is_filtered(number) && is_rejected(number));
    }
    drop(pool);
    if is_alone(&attempts) {
        return Ok(counts);
    }
    Err(Wrong { what: "functions are left when pool and readers are gone".to_owned(), ..Wrong::default() })
}
