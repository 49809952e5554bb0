//! What changes while somebody reads.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_core::Stream;
use millpond_pool::{Pool, ReadError, Retry, ScopedPool};
use millpond_sync::Parker;
use shuttle::thread;

use crate::setup::{Threads, explore, with_pool};

/// Calls `body` with a pool that another thread makes serial and then larger meanwhile.
fn resized(body: fn(&Pool)) {
    with_pool(2, |pool| {
        thread::scope(|scope| {
            scope.spawn(|| {
                pool.set_size(0);
                pool.set_size(3);
            });
            body(pool);
        });
    });
}

/// ```text
/// reader    walks … sleeps at the head that a helper has out
/// resizer             size 0 … size 3
/// helper                  too many: leaves … others are lent
/// ```
#[test]
fn a_read_goes_on_whatever_the_size() {
    explore(|| {
        resized(|pool| {
            let mut reader = pool.source(0..8_u32).max_chunksize(1).map(|n| n + 1).sequential(|n| n);
            assert!(reader.read_all().unwrap().into_iter().eq(1..=8));
        });
    });
}

/// ```text
/// reader    lists its job, lends ── sleeps
/// resizer             size 0: tells the readers of all jobs … size 3
/// helper    walks, takes the job off … puts it back, tells its reader
/// ```
#[test]
fn an_awaited_read_goes_on_whatever_the_size() {
    explore(awaited_while_resized);
}

/// ```text
/// reader    lists its job, asks for helpers of 0 … looks: not serial, sleeps
/// resizer   size 0 …                               size 1: asks for helpers
/// ```
#[test]
fn an_awaited_read_is_found_by_a_pool_that_grows() {
    explore(awaited_while_growing);
}

/// An awaited read of one item beside a resize.
pub(crate) fn awaited_while_growing() {
    with_pool(2, |pool| {
        let mut reader = pool.source(0..1_u32);
        thread::scope(|scope| {
            scope.spawn(|| {
                pool.set_size(0);
                pool.set_size(1);
            });
            assert_eq!(Parker::block_on(reader.read_async(1)).unwrap(), [0]);
        });
    });
}

/// An awaited read beside a resize.
pub(crate) fn awaited_while_resized() {
    resized(|pool| {
        let mut reader = pool.source(0..6_u32).max_chunksize(1).map(|n| n + 1).sequential(|n| n);
        assert!(Parker::block_on(reader.read_async(4)).unwrap().into_iter().eq(1..=4));
        assert!(Parker::block_on(reader.read_async(4)).unwrap().into_iter().eq(5..=6));
    });
}

/// ```text
/// stream    size 0: opens no window …
/// resizer                    size 3
/// stream    … nothing is wanted that a helper could do: works itself
/// ```
#[test]
fn a_stream_goes_on_whatever_the_size() {
    explore(|| {
        resized(|pool| {
            let mut reader = pool.source(0..5_u32).max_chunksize(1).map(|n| n + 1).sequential(|n| n);
            let mut next = || Parker::block_on(poll_fn(|context| pin!(&mut reader).poll_next(context)));
            for n in 1..=5 {
                assert_eq!(next().unwrap().unwrap(), n);
            }
            assert!(next().is_none());
        });
    });
}

/// ```text
/// reader    … takes a beginning of the output, then the end
/// remover      head Done, ending … waits for the chunks in flight
/// ```
#[test]
fn a_removed_task_leaves_a_beginning_of_the_output() {
    explore(|| {
        with_pool(2, |pool| {
            let mut reader = pool.source(0..8_u32).max_chunksize(1).map(|n| n + 1).sequential(|n| n);
            let task = reader.task_id();
            thread::scope(|scope| {
                scope.spawn(|| pool.remove_task(task).unwrap());
                let items = reader.read_all().unwrap();
                assert!(items.iter().copied().eq(1..=u32::try_from(items.len()).unwrap()), "{items:?}");
            });
            assert_eq!(reader.read(1).unwrap(), []);
        });
    });
}

/// Dropping one of two readers, and so half of the graph, does not take the other's items.
#[test]
fn a_reader_that_is_dropped_beside_another_lets_go_of_what_only_it_needed() {
    explore(|| {
        let alive = Arc::new(());
        with_pool(3, |pool| {
            let mut branches = pool.source(0..6_u32).max_chunksize(1).tee(2).into_iter();
            let mut stays = branches.next().unwrap().map(|n| n + 1);
            let goes = branches.next().unwrap().map({
                let alive = Arc::clone(&alive);
                move |n| (n, Arc::clone(&alive)).0
            });
            let mut other = goes.clone();
            let there = thread::spawn(move || {
                drop(goes);
                other.read(1).unwrap()
            });
            assert!(stays.read_all().unwrap().into_iter().eq(1..=6));
            assert_eq!(there.join().unwrap(), [0]);
        });
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

/// ```text
/// reader    walks … sleeps ──────┐
/// dropper      closes: tells all ┘
/// ```
#[test]
fn a_pool_that_is_dropped_ends_its_reads() {
    explore(|| {
        let threads = Arc::new(Threads::default());
        let pool = Pool::with_workers(2, Arc::clone(&threads) as Arc<dyn millpond_pool::workers::Workers>);
        let mut reader = pool.source(0_u32..).max_chunksize(1).map(|n| n + 1).sequential(|n| n);
        let mut awaiting = pool.source(0_u32..).max_chunksize(1).map(|n| n + 1);
        let reads = thread::spawn(move || {
            let mut expected = 1..;
            loop {
                match reader.read(2) {
                    Ok(items) => {
                        assert!(items.into_iter().all(|item| Some(item) == expected.next()));
                        // A reader that is preferred for ever would never let the other thread drop the pool.
                        thread::yield_now();
                    }
                    Err(error) => return assert!(matches!(error, ReadError::PoolGone { .. }), "{error}"),
                }
            }
        });
        let awaits = thread::spawn(move || {
            loop {
                if let Err(error) = Parker::block_on(awaiting.read_async(2)) {
                    return assert!(matches!(error, ReadError::PoolGone { .. }), "{error}");
                }
                thread::yield_now();
            }
        });
        drop(pool);
        reads.join().unwrap();
        awaits.join().unwrap();
        threads.join();
    });
}

/// Retries that wait, beside a time limit that may pass first: then nothing is lost.
#[test]
fn a_read_that_times_out_among_retries_loses_nothing() {
    explore(|| {
        with_pool(2, |pool| {
            let tries = AtomicUsize::new(0);
            let retry = Retry::times(3).wait(Duration::from_millis(1));
            let mut reader = pool.source(0..5_usize).max_chunksize(1).retry_map(retry, move |n| {
                if tries.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) { Err("not yet") } else { Ok(*n) }
            });
            let mut items = Vec::new();
            loop {
                match reader.read_timeout(2, Duration::from_micros(300)) {
                    Ok(more) if more.is_empty() => break,
                    Ok(more) => items.extend(more),
                    Err(ReadError::TimedOut { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            assert!(items.into_iter().eq(0..5));
        });
    });
}

/// ```text
/// caller   scope … closes the count, waits ──┐
/// helper   holds on to what is borrowed … lets go, tells
/// ```
#[test]
fn a_scope_outlives_its_helpers() {
    explore(|| {
        let threads = Arc::new(Threads::default());
        let calls = AtomicUsize::new(0);
        let words = ["a", "mill", "by", "the", "pond"].map(str::to_owned);
        let workers = Arc::clone(&threads) as Arc<dyn millpond_pool::workers::Workers>;
        ScopedPool::scope_with_workers(3, workers, |pool| {
            let mut lengths = pool.source(&words).max_chunksize(1).map(|word| {
                calls.fetch_add(1, Ordering::Relaxed);
                word.len()
            });
            assert_eq!(lengths.read(4).unwrap(), [1, 4, 2, 3]);
        });
        assert_eq!(calls.load(Ordering::Relaxed), 4);
        threads.join();
    });
}
