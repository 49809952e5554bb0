//! Many more workers than processors, on functions that sleep: whether what the workers share holds
//! them up.
//!
//! A sleeping call needs no processor, so 32 workers can have 32 calls under way on a machine with
//! two. What each call costs beside its sleep (handing out, landing, waking) is then all that keeps
//! them from the ideal, which is threads that each have a share of the calls from the start and
//! share nothing.

use std::hint::black_box;
use std::thread::{scope, sleep};
use std::time::Duration;

use millpond::Pool;
use rayon::prelude::*;

use crate::harness::{Case, Group, Unit};

/// What a call takes, beside the timer's slack.
const SLEEP: Duration = Duration::from_micros(50);
/// How many calls there are for each worker.
const CALLS: u64 = 1_000;

/// 2, 8 and 32 workers.
pub fn scaling(group: &mut Group) {
    for workers in [2, 8, 32] {
        case(group, workers);
    }
}

fn body(item: u64) -> u64 {
    sleep(SLEEP);
    black_box(item)
}

fn case(group: &mut Group, workers: usize) {
    let name = format!("sleeping-50us-{workers}-workers");
    if !group.selects(&name) {
        return;
    }
    let pool = Pool::new(workers);
    let rayon = rayon::ThreadPoolBuilder::new().num_threads(workers).build().expect("threads can be started");
    let count = CALLS * workers as u64;
    let threads = || {
        let share = |worker: u64| (worker * CALLS..(worker + 1) * CALLS).map(body).sum::<u64>();
        scope(|scope| {
            let others: Vec<_> = (1..workers as u64).map(|worker| scope.spawn(move || share(worker))).collect();
            share(0) + others.into_iter().map(|thread| thread.join().expect("nothing panics")).sum::<u64>()
        })
    };
    Case::new(&name, Unit::milliseconds())
        .ours(|| pool.source(0..count).map(body).read_all().expect("nothing fails").into_iter().sum::<u64>())
        .rival("threads-with-shares", threads)
        .rival("par_bridge", || rayon.install(|| (0..count).par_bridge().map(body).sum::<u64>()))
        .run(group);
}
