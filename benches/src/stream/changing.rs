//! Functions that are quick for most items and slow for some: whether those are shared out.
//!
//! The slow calls sleep, so they take the same time however many run at once, and the ideal is
//! their sum divided by the workers.

use std::hint::black_box;
use std::thread::sleep;
use std::time::{Duration, Instant};

use millpond::Pool;
use rayon::prelude::*;

use crate::harness::{Case, Group, Measured, Unit};

/// How many workers there are.
const WORKERS: u32 = 4;
/// How many items are quick.
const QUICK: u64 = 100_000;
/// What a slow call takes.
const SLOW: Duration = Duration::from_millis(5);

/// Which items are slow.
#[derive(Clone, Copy)]
enum Pattern {
    Last(u64),
    First(u64),
    Middle(u64),
    Each(u64),
}

impl Pattern {
    fn is_slow(self, item: u64) -> bool {
        match self {
            Self::Last(_) => item >= QUICK,
            Self::First(slow) => item < slow,
            Self::Middle(slow) => (QUICK / 2..QUICK / 2 + slow).contains(&item),
            Self::Each(each) => item % each == each - 1,
        }
    }

    fn count(self) -> u64 {
        match self {
            Self::Last(slow) | Self::First(slow) | Self::Middle(slow) => QUICK + slow,
            Self::Each(_) => QUICK,
        }
    }

    fn slow(self) -> u32 {
        let slow = match self {
            Self::Last(slow) | Self::First(slow) | Self::Middle(slow) => slow,
            Self::Each(each) => QUICK / each,
        };
        u32::try_from(slow).expect("some hundreds")
    }

    fn run(self, item: u64) -> u64 {
        if self.is_slow(item) {
            sleep(SLOW);
        }
        black_box(item)
    }
}

/// All patterns, and how long the first slow item takes to come.
pub fn changing(group: &mut Group) {
    case(group, "changing-cost", Pattern::Last(200));
    case(group, "changing-cost-first", Pattern::First(200));
    case(group, "changing-cost-middle", Pattern::Middle(200));
    case(group, "changing-cost-every-1000th", Pattern::Each(1000));
    first_slow(group);
}

fn case(group: &mut Group, name: &str, pattern: Pattern) {
    if !group.selects(name) {
        return;
    }
    let pool = Pool::new(WORKERS as usize);
    let rayon = rayon::ThreadPoolBuilder::new().num_threads(WORKERS as usize).build().expect("threads can be started");
    let count = pattern.count();
    let expected = (0..count).sum::<u64>();
    let reader = |pool: &Pool| pool.source(0..count).map(move |item| pattern.run(item));
    Case::new(name, Unit::milliseconds())
        .ours(|| reader(&pool).read_all().expect("nothing fails").into_iter().sum::<u64>())
        .rival("ideal", || {
            sleep(SLOW * pattern.slow() / WORKERS);
            expected
        })
        .rival("par_bridge", || rayon.install(|| (0..count).par_bridge().map(|item| pattern.run(item)).sum::<u64>()))
        .run(group);
}

/// How long after the start of an iteration the first slow item comes, with 100,000 quick ones
/// before it.
fn first_slow(group: &mut Group) {
    let name = "changing-cost-first-slow-item";
    if !group.selects(name) {
        return;
    }
    let pattern = Pattern::Last(200);
    let (pool, serial) = (Pool::new(WORKERS as usize), Pool::serial());
    let first = |pool: &Pool| {
        let started = Instant::now();
        let mut items = pool.source(0..pattern.count()).map(move |item| pattern.run(item));
        let item = items.nth(usize::try_from(QUICK).expect("it fits")).expect("it comes").expect("nothing fails");
        Measured { value: started.elapsed().as_secs_f64() * 1e3, result: item }
    };
    Case::new(name, Unit::cost("ms"))
        .ours_measured(|| first(&pool))
        .rival_measured("serial", || first(&serial))
        .run(group);
}
