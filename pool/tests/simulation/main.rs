//! Simulated pools: what they promise, and that they find what is wrong.

mod capacity;
mod channels;
mod clock;
mod deadlock;
mod faults;
mod found;
mod limits;
mod locks;
mod on_threads;
mod repeat;
mod rings;
mod shrinking;
mod speed;
mod threads;
mod values;

use millpond_pool::{Pool, PoolReader};

/// A graph of some twenty tasks over 200 items: a fork, a join, functions with state.
fn twenty_tasks(pool: &Pool) -> PoolReader<u64> {
    let numbers = pool.source(0..200_u64).map(|n| n + 1).filter(|n| n % 7 != 0).map(|n| n * 3);
    let mut branches = numbers.tee(2);
    let (second, first) = (branches.pop().expect("two"), branches.pop().expect("two"));
    let second = second.batch(4).map(|group| group.iter().sum::<u64>()).map(|n| n ^ 5).inspect(|_| {}).map(|n| n + 1);
    let first = first.map(|n| n + 1).sequential(|n| n + 2).skip(3).filter(|n| n % 2 == 0).map(|n| n / 2);
    let joined = first.zip(second).map(|(left, right)| left + right).filter(|n| n % 3 != 0).map(|n| n + 1);
    joined.enumerate().map(|(at, n)| n + at as u64).map(|n| n * 2)
}

/// How many of so many runs there is time for: under a sanitizer, with which each takes some twenty times as long, a tenth.
fn in_time(count: u64) -> u64 {
    if std::env::var_os("MILLPOND_SANITIZER").is_some() { count / 10 } else { count }
}

/// The seeds to run: `default` of them, or as many as `MILLPOND_SEEDS` says but at most `most`, from `MILLPOND_SEED` on.
fn seeds(default: u64, most: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("MILLPOND_SEED").unwrap_or(0);
    first..first + number("MILLPOND_SEEDS").unwrap_or(default).min(most)
}
