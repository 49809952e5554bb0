//! Faults that the laws have found, each by name.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millpond_pool::{Branches, Capacity, Pool, ReadError};
use millpond_sync::Parker;

use crate::workers;

/// Two branches of one tee lead to the same task: nothing to do on the way by one said nothing about the other.
#[test]
fn a_merge_of_branches_of_one_tee_goes_on_where_the_first_branch_lacks_nothing() {
    let pool = Pool::serial();
    let mut branches = pool.source(0..3).tee(3);
    let last = branches.pop().expect("three").sequential(|item| item);
    branches.push(last);
    let mut merged = pool.merge(branches);
    let mut items = Vec::new();
    loop {
        let more = merged.read_some(1).expect("nothing fails here");
        if more.is_empty() {
            break;
        }
        items.extend(more);
    }
    items.sort_unstable();
    assert_eq!(items, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
}

/// A reader that is dropped before its task has a lane.
#[test]
fn a_reader_that_was_never_read_from_leaves_no_task_behind() {
    let pool = Pool::serial();
    drop(pool.source(0..3));
    assert_eq!(pool.task_count(), 0);
    drop(pool.source(0..3).map(|item| item + 1).sequential(|item| item));
    assert_eq!(pool.task_count(), 0);
}

/// What an awaited read had asked for was taken back only after it had its items: a helper in between made as many once more.
#[test]
fn an_awaited_read_takes_its_demand_back_with_its_items() {
    for _ in 0..100 {
        let pool = workers::pool(1);
        let made = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&made);
        let count = move |item| {
            counter.fetch_add(1, Ordering::Relaxed);
            item
        };
        let mut reader = pool.source(0..1_000).map(count);
        assert_eq!(Parker::block_on(reader.read_async(82)).expect("nothing fails here").len(), 82);
        drop((reader, pool));
        assert_eq!(made.load(Ordering::Relaxed), 82);
    }
}

/// Nobody was left to work for a future, or to wake it, once its pool was put into serial mode.
#[test]
fn an_awaited_read_goes_on_when_its_pool_becomes_serial() {
    for _ in 0..100 {
        let pool = Arc::new(workers::pool(2));
        let weak = Arc::downgrade(&pool);
        let resize = move |item| {
            if item == 3 {
                weak.upgrade().expect("the pool is there").set_size(0);
            }
            item
        };
        let mut reader = pool.source(0..10_000).map(resize).max_chunksize(1);
        let items = Parker::block_on(reader.read_async(5_000)).expect("nothing fails here");
        assert_eq!(items, (0..5_000).collect::<Vec<_>>());
    }
}

/// A task that joined the lane of a task with a `min_count` made its chunks smaller than that.
#[test]
fn a_smaller_max_chunksize_downstream_leaves_a_tasks_chunks_as_large_as_it_needs() {
    let pool = Pool::serial();
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&sizes);
    let whole = move |items: Vec<i32>| {
        noted.lock().expect("nothing panics here").push(items.len());
        Ok::<_, String>(items)
    };
    let mut reader = pool.source(0..10).map_chunks(whole).min_count(5).map(|item| item + 1).max_chunksize(1);
    assert_eq!(reader.read_all().expect("nothing fails here"), (1..=10).collect::<Vec<_>>());
    let sizes = sizes.lock().expect("nothing panics here").clone();
    assert!(sizes.iter().all(|&size| size >= 5), "chunks of {sizes:?}");
}

/// A zip whose inputs end at the same item, one of them by a failure, ended one way or the other by chance.
#[test]
fn a_zip_of_inputs_of_one_length_ends_as_the_left_one_does() {
    for _ in 0..200 {
        let pool = workers::pool(2);
        let left = pool.source(0..2).try_map(|item| if item == 1 { Err("planned") } else { Ok(item) }).concurrency(1);
        let mut zipped = left.zip(pool.source(0..1).concurrency(1));
        assert_eq!(zipped.read(1).expect("one pair"), [(0, 0)]);
        let error = Parker::block_on(zipped.read_async(5)).expect_err("the left failed");
        assert_eq!(error.as_task_error().map(|error| error.index()), Some(1));
    }
}

/// The demand of a task that has failed stayed with the reader that it shared the items with.
#[test]
fn a_task_that_failed_wants_nothing_of_a_shared_reader_any_more() {
    let pool = Pool::serial();
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let source = pool.source((0..10_000).inspect(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    let mut shared = source.clone();
    let mut failing = source.try_map(|_| Err::<i32, _>("planned"));
    assert!(failing.read(500).is_err());
    let before = made.load(Ordering::Relaxed);
    for _ in 0..8 {
        assert_eq!(shared.read(1).expect("nothing fails here").len(), 1);
    }
    assert!(made.load(Ordering::Relaxed) <= before + 8, "{} items for 8", made.load(Ordering::Relaxed) - before);
}

/// A task that has ended by a failure holds on to nothing that it will not use.
#[test]
fn a_task_that_failed_lets_its_source_go() {
    for size in [0, 2] {
        let pool = workers::pool(size);
        let held = Arc::new(());
        let holder = Arc::clone(&held);
        let source = pool.source((0..10_000).inspect(move |_| assert_eq!(Arc::strong_count(&holder), 2)));
        let mut failing = source.try_map(|_| Err::<i32, _>("planned"));
        assert!(failing.read(500).is_err());
        assert_eq!(Arc::strong_count(&held), 1, "size {size}");
    }
}

/// A value that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("planned"));
    }
}

/// A panic in the drop of a function's captured value left the lanes that were dropped after it in memory for ever.
#[test]
fn a_function_whose_drop_panics_keeps_no_other_task_alive() {
    let pool = Pool::serial();
    let bomb = Bomb;
    let bombed = pool.source(0..3).map(move |item| {
        let _ = &bomb;
        item
    });
    let mut reader = bombed.sequential(|item| item);
    assert_eq!(reader.read(1).expect("nothing fails here"), [0]);
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(reader)));
    let mut reader = pool.source(0..3).sequential(|item| item).sequential(|item| item);
    assert_eq!(reader.read(1).expect("nothing fails here"), [0]);
    drop(reader);
    assert_eq!(pool.task_count(), 0);
}

/// A reader went on to a full branch for the sake of what it reads ahead, and waited there while a helper brought it all that it
/// had asked for.
#[test]
fn a_reader_that_waits_at_a_full_branch_is_told_of_what_a_helper_brings() {
    let next = |n: u64| n + 1;
    for _ in 0..200 {
        let pool = workers::pool(2);
        let numbers = pool.source(0..3_000_u64).map(next).max_chunksize(69).concurrency(3).map(next).max_chunksize(69);
        let mut branches =
            numbers.tee(Branches::new(2).capacity(Capacity::new(25).patience(Duration::from_secs(1_000))));
        let (second, first) = (branches.pop().expect("two"), branches.pop().expect("two"));
        let second = second.map(next).max_chunksize(69).map(next).max_chunksize(69).concurrency(2);
        let mut pairs = first.map(next).max_chunksize(69).read_ahead(31).zip(second);
        let mut count = 0;
        while let Ok(some) = pairs.read(304) {
            count += some.len();
            if some.is_empty() {
                break;
            }
        }
        assert_eq!(count, 3_000);
    }
}

/// Another thread dropped a branch of a serial pool while a read found it full. The read said that a
/// function waits for itself.
#[test]
fn a_full_branch_that_is_dropped_meanwhile_is_no_function_that_waits_for_itself() {
    for round in 0..1_000_u64 {
        let pool = Pool::serial();
        let mut branches = pool.source(0..9_u64).tee(Branches::new(2).capacity(Capacity::new(3)));
        let (second, mut first) = (branches.pop().expect("two"), branches.pop().expect("two"));
        let is_read = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_read.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
                (0..round % 512).for_each(|_| std::hint::spin_loop());
                drop(second);
            });
            is_read.store(true, Ordering::Relaxed);
            let items = loop {
                match first.read(9) {
                    Err(ReadError::BranchFull { .. }) => std::thread::yield_now(),
                    read => break read,
                }
            };
            assert!(items.expect("nothing fails here").into_iter().eq(0..9));
        });
    }
}
