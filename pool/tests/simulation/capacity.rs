//! Branches of limited room, in simulations.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use millpond_pool::simulation::{self, Simulation};
use millpond_pool::{Branches, Capacity, Pool, PoolReader, ReadError, Task};
use millpond_sync::Parker;

use crate::in_time;

fn two<T: Send>(readers: Vec<PoolReader<T>>) -> [PoolReader<T>; 2] {
    readers.try_into().unwrap_or_else(|_| panic!("two branches"))
}

fn is_full<T>(result: &Result<T, ReadError>) -> bool {
    matches!(result, Err(ReadError::BranchFull { .. }))
}

#[test]
fn branches_keep_to_their_capacity_and_give_all() {
    for seed in 0..400_usize {
        let (capacity, count) = (1 + seed % 9, 60);
        let pool = Pool::simulated_with(Simulation::new(seed as u64).workers(1 + seed % 3));
        let (made, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]));
        let source = pool.source((0..count).inspect({
            let (made, taken) = (Arc::clone(&made), Arc::clone(&taken));
            move |_| {
                let made = made.fetch_add(1, Ordering::SeqCst) + 1;
                for (taken, asked) in taken.iter().zip([5, 1]) {
                    let kept = made - taken.load(Ordering::SeqCst);
                    // What a read asks for may be kept for it, and what it has taken may not be
                    // counted yet.
                    assert!(kept <= capacity.max(asked) + asked, "seed {seed}: {kept} kept of {capacity}");
                }
            }
        }));
        let [mut first, mut second] = two(source.map(|n| n).tee(Branches::new(2).capacity(capacity)));
        let other = simulation::spawn({
            let taken = Arc::clone(&taken);
            move || {
                let mut all = Vec::new();
                while let Some(item) = second.read(1).expect("nothing fails").pop() {
                    taken[1].fetch_add(1, Ordering::SeqCst);
                    all.push(item);
                }
                all
            }
        });
        let mut all = Vec::new();
        loop {
            let items = first.read(5).expect("nothing fails");
            taken[0].fetch_add(items.len(), Ordering::SeqCst);
            if items.is_empty() {
                break;
            }
            all.extend(items);
        }
        assert!(all.into_iter().eq(0..count), "seed {seed}");
        assert!(other.join().expect("no panic").into_iter().eq(0..count), "seed {seed}");
    }
}

#[test]
fn a_thread_that_reads_one_branch_alone_is_told() {
    for seed in 0..200 {
        let pool = Pool::simulated(seed);
        let [mut first, mut second] = two(pool.source(0..100_u32).map(|n| n).tee(Branches::new(2).capacity(7)));
        assert!(is_full(&first.read_all()), "seed {seed}");
        assert_eq!(second.read(7).unwrap(), [0, 1, 2, 3, 4, 5, 6], "seed {seed}");
        assert_eq!(first.read(14).unwrap().len(), 14, "seed {seed}");
        assert!(is_full(&first.read(1)), "seed {seed}");
    }
}

#[test]
fn threads_that_wait_for_each_other_to_make_room_are_told() {
    for seed in 0..200 {
        let pool = Pool::simulated_with(Simulation::new(seed).workers(2));
        let branch = || two(pool.source(0..100_u32).map(|n| n).tee(Branches::new(2).capacity(3)));
        let ([mut a, mut b], [mut c, mut d]) = (branch(), branch());
        let other = simulation::spawn(move || {
            c.read(1).expect("there is room");
            let result = b.read(50);
            (result, c)
        });
        d.read(1).expect("there is room");
        a.read(1).expect("there is room");
        let mine = d.read(50);
        let (theirs, c) = other.join().expect("no panic");
        // One that has ended makes no room either.
        assert!(is_full(&mine) && is_full(&theirs), "seed {seed}");
        drop((a, c));
        assert_eq!(d.read(50).unwrap().len(), 50, "seed {seed}");
    }
}

#[test]
fn a_function_that_reads_one_branch_is_told_while_the_other_one_calls_it() {
    for seed in 0..200 {
        let pool = Pool::simulated_with(Simulation::new(seed).workers(2));
        let [mut first, second] = two(pool.source(0..100_u32).tee(Branches::new(2).capacity(4)));
        let mut lens = second.scan((), move |_: &mut (), _| first.read(3).map(|items| Some(items.len())));
        let error = lens.read_all().expect_err("three are read for one");
        assert!(error.to_string().contains("is full"), "seed {seed}: {error}");
    }
}

/// What two branches give to two threads, the second of which reads like this.
fn beside(
    seed: u64,
    capacity: usize,
    second: fn(PoolReader<u32>) -> Result<usize, ReadError>,
) -> Result<usize, ReadError> {
    let pool = Pool::simulated_with(Simulation::new(seed).workers(1 + seed as usize % 3));
    let [mut first, other] = two(pool.source(0..30_u32).map(|n| n).tee(Branches::new(2).capacity(capacity)));
    let other = simulation::spawn(move || second(other));
    let items = first.read_all();
    assert_eq!(other.join().expect("no panic").expect("only the first waits for room"), 30, "seed {seed}");
    items.map(|items| items.len())
}

#[test]
fn a_branch_whose_items_are_worked_on_is_waited_for() {
    for seed in 0..50 {
        let slow = |reader: PoolReader<u32>| {
            let work = |n| {
                simulation::sleep(Duration::from_secs(60));
                n
            };
            reader.map(work).read_all().map(|items| items.len())
        };
        assert_eq!(beside(seed, 1 + seed as usize % 9, slow).expect("it is waited for"), 30, "seed {seed}");
    }
}

#[test]
fn a_branch_that_is_iterated_over_slowly_is_waited_for() {
    for seed in 0..50 {
        let slow = |reader: PoolReader<u32>| {
            let mut count = 0;
            for item in reader.map(|n| n) {
                item?;
                count += 1;
                simulation::sleep(Duration::from_secs(6));
            }
            Ok(count)
        };
        assert_eq!(beside(seed, 9, slow).expect("it is waited for"), 30, "seed {seed}");
    }
}

#[test]
fn a_branch_that_nobody_reads_for_long_is_given_up_and_read_on() {
    for seed in 0..50 {
        let slow = |mut reader: PoolReader<u32>| {
            simulation::sleep(Duration::from_secs(60));
            reader.read_all().map(|items| items.len())
        };
        let pool = Pool::simulated_with(Simulation::new(seed).workers(2));
        let [mut first, second] = two(pool.source(0..30_u32).map(|n| n).tee(Branches::new(2).capacity(9)));
        let other = simulation::spawn(move || slow(second));
        let mut told = 0;
        let items = loop {
            match first.read_all() {
                Ok(items) => break items,
                Err(error) => {
                    assert!(
                        matches!(error, ReadError::BranchFull { branch: 1, capacity: 9, ready: 9, .. }),
                        "seed {seed}: {error}"
                    );
                    told += 1;
                    simulation::sleep(Duration::from_secs(1));
                }
            }
        };
        assert!(told > 1 && items.into_iter().eq(0..30), "seed {seed}");
        assert_eq!(other.join().expect("no panic").expect("the first reads on"), 30, "seed {seed}");
    }
}

/// Read-ahead has a reader go to a full branch while a helper has the items that it needs in hand.
#[test]
fn branches_with_read_ahead_come_together_again() {
    for seed in 0..in_time(600) {
        let pool = Pool::simulated_with(Simulation::new(seed).workers(1 + seed as usize % 3));
        let chunk = 1 + seed as usize % 7;
        let numbers = pool.source(0..150_u64).max_chunksize(chunk).map(|n| n).concurrency(3).max_chunksize(chunk);
        let [first, second] = two(numbers.tee(Branches::new(2).capacity(1 + seed as usize % 5)));
        let first = first.map(|n| n + 1).max_chunksize(chunk).read_ahead(6);
        let second = second.map(|n| n).max_chunksize(chunk).map(|n| n + 1).max_chunksize(chunk).concurrency(2);
        let mut pairs = first.zip(second);
        let mut all = Vec::new();
        loop {
            let some = pairs.read(20).expect("both branches are read from");
            if some.is_empty() {
                break;
            }
            all.extend(some);
        }
        assert!(all.into_iter().eq((1..=150).map(|n| (n, n))), "seed {seed}");
    }
}

/// A read that awaits and works found the other branch full. That was read from before this one
/// entered the waiters.
#[test]
fn an_awaited_read_that_works_is_told_of_what_comes_before_it_sleeps() {
    for seed in 0..in_time(2_000) {
        let pool = Pool::simulated_with(Simulation::new(seed).workers(1 + seed as usize % 3));
        let numbers = pool.add_task(Task::source(0..40_u32).reader_only()).map(|n| n);
        let patience = Duration::from_secs(1_000_000);
        let [mut first, mut second] =
            two(numbers.tee(Branches::new(2).capacity(Capacity::new(1 + seed as usize % 5).patience(patience))));
        let other = simulation::spawn(move || {
            let mut all = Vec::new();
            loop {
                let some = Parker::block_on(second.read_some_async(3)).expect("nothing fails");
                if some.is_empty() {
                    return all;
                }
                all.extend(some);
            }
        });
        let mut all = Vec::new();
        while all.len() < 9 {
            all.extend(first.read(1).expect("nothing fails"));
            simulation::yield_now();
        }
        all.extend(first.read_all().expect("nothing fails"));
        assert!(all.into_iter().eq(0..40), "seed {seed}");
        assert!(other.join().expect("no panic").into_iter().eq(0..40), "seed {seed}");
    }
}
