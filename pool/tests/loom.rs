//! Every interleaving of the pool's smallest operations, up to a number of preemptions, with what the orderings of its atomics allow; and
//! broken protocols that must be found. The pool itself, not a model of it. Run by `ci/loom.sh`.
#![cfg(loom)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::sync::{Condvar, Mutex};
use loom::thread;
use millpond_pool::fault::Fault;
use millpond_pool::values::{self, Graph};
use millpond_pool::workers::{Help, Workers};
use millpond_pool::{Pool, PoolReader, ReadError};
use millpond_sync::Parker;
use millpond_sync::fault;

/// One thread, which helps with one job after the other until it is told to end.
#[derive(Debug, Default)]
struct OneThread {
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

#[derive(Default)]
struct Jobs {
    list: VecDeque<Arc<dyn Help>>,
    is_over: bool,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs").field("count", &self.list.len()).finish_non_exhaustive()
    }
}

impl OneThread {
    fn work(&self) {
        loop {
            let mut jobs = self.jobs.lock().unwrap();
            let job = loop {
                match jobs.list.pop_front() {
                    Some(job) => break job,
                    None if jobs.is_over => return,
                    None => jobs = self.changed.wait(jobs).unwrap(),
                }
            };
            drop(jobs);
            job.help();
        }
    }
}

impl Workers for OneThread {
    fn lend(&self, count: usize, job: Arc<dyn Help>) {
        let mut jobs = self.jobs.lock().unwrap();
        jobs.list.extend(std::iter::repeat_n(job, count));
        drop(jobs);
        self.changed.notify_one();
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        (0..count).for_each(body);
    }

    fn threads(&self) -> usize {
        1
    }
}

/// Tries every interleaving of `body`, up to the usual number of preemptions, on a pool of this size, which is given one thread to be
/// helped by.
fn model(size: usize, body: fn(Pool)) {
    fault::clear();
    model_of(loom::model::Builder::new(), size, body);
}

fn model_of(builder: loom::model::Builder, size: usize, body: fn(Pool)) {
    builder.check(move || {
        let threads = Arc::new(OneThread::default());
        let helper = thread::spawn({
            let threads = Arc::clone(&threads);
            move || threads.work()
        });
        body(Pool::with_workers(size, Arc::clone(&threads) as Arc<dyn Workers>));
        threads.jobs.lock().unwrap().is_over = true;
        threads.changed.notify_one();
        helper.join().unwrap();
    });
}

/// The same with fewer preemptions than usual, where there are too many threads for those.
fn model_up_to(preemptions: usize, size: usize, body: fn(Pool)) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    model_of(builder, size, body);
}

/// The same with a broken engine, and as many preemptions as it takes to see it.
fn broken(fault: Fault, preemptions: usize, size: usize, body: fn(Pool)) {
    fault::set(fault);
    model_up_to(preemptions, size, body);
}

/// One item, awaited.
fn awaited_item(pool: Pool) {
    let mut reader = pool.source(0..1_u32);
    assert_eq!(Parker::block_on(reader.read_async(1)).unwrap(), [0]);
}

/// ```text
/// reader   enters   takes(none)   lists its job   tick   lends ── sleeps ──┐
/// helper                                        walks … lands: tells ──────┘ counts out   tick? goes
/// ```
#[test]
fn an_awaited_item_is_made_by_the_helper() {
    model(1, awaited_item);
}

/// ```text
/// reader   sleeps
/// helper            lands ── and tells nobody
/// ```
#[test]
#[should_panic(expected = "deadlock")]
fn a_lost_wakeup_is_found() {
    broken(Fault::LandsInSilence, 1, 1, awaited_item);
}

/// An item of a channel that another thread writes to, awaited.
fn awaited_from_a_channel(pool: Pool) {
    let (writer, reader) = millpond_channel::unbounded();
    let mut reader = pool.channel(reader);
    let writes = thread::spawn(move || writer.write(7_u32).unwrap());
    assert_eq!(Parker::block_on(reader.read_async(1)).unwrap(), [7]);
    writes.join().unwrap();
}

/// ```text
/// reader   lists its job, lends ── sleeps ─────────────────────┐ … lists it anew
/// helper   walks: parked, takes the job off                    │
/// writer                             push: tells the source's ─┘
/// ```
#[test]
fn a_job_that_is_parked_goes_on_when_data_comes() {
    model(1, awaited_from_a_channel);
}

/// Two items, awaited one by one.
fn awaited_one_by_one(pool: Pool) {
    let mut reader = pool.source(0..2_u32);
    assert_eq!(Parker::block_on(reader.read_async(1)).unwrap(), [0]);
    assert_eq!(Parker::block_on(reader.read_async(1)).unwrap(), [1]);
}

/// ```text
/// reader   takes … lists its job again   tick   the helper is counted: lends none ── sleeps
/// helper                    walked in vain                                counts out   tick! stays
/// ```
#[test]
fn a_helper_that_goes_looks_once_more() {
    model(1, awaited_one_by_one);
}

/// The same, where it does not.
#[test]
#[should_panic(expected = "deadlock")]
fn a_helper_that_leaves_without_looking_again_is_found() {
    broken(Fault::HelperLeavesBlindly, 1, 1, awaited_one_by_one);
}

/// ```text
/// reader   asks for one more: its job is still listed ── sleeps
/// helper   walked: all is there             takes the job off   is more wanted? puts it back
/// ```
#[test]
#[should_panic(expected = "deadlock")]
fn a_job_that_is_dropped_early_is_found() {
    broken(Fault::JobDroppedEarly, 1, 1, awaited_one_by_one);
}

/// A read that works, of a pool whose helper may take part once the first item is there.
fn blocked_beside_a_helper(pool: Pool) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let mut reader = pool.source(0..9_u32).max_chunksize(1).map(move |n| {
        counted.fetch_add(1, Ordering::Relaxed);
        n
    });
    assert_eq!(reader.read(3).unwrap(), [0, 1, 2]);
    assert_eq!(calls.load(Ordering::Relaxed), 3, "calls");
}

/// ```text
/// reader   lacks 2: grants 1, asks for help … lands       lacks 0, or waits for the helper's chunk
/// helper                               lacks 1: grants 1 … lands: tells
/// ```
#[test]
fn what_is_in_flight_is_not_made_again() {
    model(2, blocked_beside_a_helper);
}

/// ```text
/// reader   makes the last item
/// helper                           it is not counted as coming: makes one more
/// ```
#[test]
#[should_panic(expected = "calls")]
fn a_demand_that_is_counted_as_met_after_landing_instead_of_before_is_found() {
    broken(Fault::MadeNotCounted, 1, 2, blocked_beside_a_helper);
}

/// A demand that is one too low: the last item is never made.
#[test]
#[should_panic(expected = "deadlock")]
fn a_demand_off_by_one_is_found() {
    broken(Fault::DemandShort, 1, 2, blocked_beside_a_helper);
}

/// An awaited item of a pool that one thread makes serial and another one large again.
fn awaited_beside_resizes(pool: Pool) {
    let pool = Arc::new(pool);
    let mut reader = pool.source(0..1_u32);
    let resizes = [0, 1].map(|size| {
        let pool = Arc::clone(&pool);
        thread::spawn(move || pool.set_size(size))
    });
    assert_eq!(Parker::block_on(reader.read_async(1)).unwrap(), [0]);
    resizes.into_iter().for_each(|resize| resize.join().unwrap());
}

/// ```text
/// reader          lists its job   lends: of 0, none         not serial ── sleeps
/// shrinks   size 0 …
/// grows                                                size 1   jobs? lends
/// ```
#[test]
fn a_pool_that_grows_looks_for_jobs() {
    model_up_to(1, 1, awaited_beside_resizes);
}

/// One item, unless the pool is serial and another thread is inside.
fn read_if_let_in(mut reader: PoolReader<u32>) -> Vec<u32> {
    match reader.read(1) {
        Ok(items) => items,
        Err(ReadError::SerialBusy { .. }) => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

/// Two threads that read one item each, while `meanwhile` is done to the pool.
fn two_threads(pool: &Pool, meanwhile: impl FnOnce(&Pool)) {
    let reader = pool.source(0..9_u32);
    let other = reader.clone();
    let there = thread::spawn(move || read_if_let_in(other));
    meanwhile(pool);
    let mut items = read_if_let_in(reader);
    items.extend(there.join().unwrap());
    items.sort_unstable();
    assert!(items == [0] || items == [0, 1], "{items:?}");
}

/// ```text
/// thread a   takes the gate   reads, no lock   gives it back ──┐
/// thread b                    refused, or …     takes it ──────┴─ sees what was done
/// ```
/// The state behind the gate is watched: two accesses that nothing orders are found.
#[test]
fn a_serial_gate_hands_its_state_over() {
    model(0, |pool| two_threads(&pool, |_| {}));
}

/// ```text
/// thread a   holds a pass, locks … gives it back: the last one, size 0 ── free
/// resizer             size 0
/// thread b                                                    takes the gate for itself, no lock
/// ```
#[test]
fn a_gate_that_becomes_serial_is_handed_over_by_the_last_that_shared_it() {
    model(1, |pool| two_threads(&pool, |pool| pool.set_size(0)));
}

/// ```text
/// thread a   takes the gate for itself, no lock … gives it back ── free
/// resizer             size 1
/// thread b                                                       shares the gate, locks
/// ```
#[test]
fn a_gate_that_is_shared_again_is_handed_over_by_the_one_that_had_it() {
    model(0, |pool| two_threads(&pool, |pool| pool.set_size(1)));
}

/// Three tasks of a graph of values, of which the last waits for two; the two are shared with the helper from the beginning.
fn two_and_their_sum(pool: Pool) {
    let mut graph = Graph::new();
    let parts = [1, 2].map(|n| {
        graph.task("part", (), move |()| {
            // The caller's takes long enough for the helper to come, the helper's for the caller to go to sleep.
            (0..if n == 1 { 50 } else { 500 }).for_each(|_| thread::yield_now());
            n
        })
    });
    let sum = graph.task("sum", (parts[0], parts[1]), |(a, b)| a + b);
    assert_eq!(*pool.get(&mut graph, sum).unwrap(), 3);
}

/// ```text
/// caller   runs a … arrives: 1 left      its queue is empty: sleeps ──┐
/// helper   steals b …                arrives: 0 left, runs the sum … counts out: 0 active, wakes
/// ```
#[test]
fn the_last_to_arrive_runs_what_was_waited_for() {
    model(2, two_and_their_sum);
}

/// ```text
/// caller   two are awaited                one left
/// helper                    two are awaited: one left … nobody runs the sum
/// ```
#[test]
#[should_panic(expected = "an input is there before its consumer runs")]
fn two_arrivals_that_are_counted_as_one_are_found() {
    fault::set(values::fault::Fault::ArrivalsLost);
    model_up_to(2, 2, two_and_their_sum);
}

/// ```text
/// caller   one is active ── sleeps
/// helper                           counts itself out, wakes nobody
/// ```
/// In the model the caller's sleep has no end.
#[test]
#[should_panic(expected = "deadlock")]
fn a_run_that_ends_in_silence_is_found() {
    fault::set(values::fault::Fault::EndsInSilence);
    model_up_to(2, 2, two_and_their_sum);
}
