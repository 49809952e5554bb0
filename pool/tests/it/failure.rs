//! A task that stops: what was before comes first, then the error, with all that helps to find the cause.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use millpond_pool::{BoxError, Cause, Pool, PoolReader, ReadError, Retry, TaskError};

use crate::calls::Calls;

#[derive(Debug, PartialEq, Eq)]
struct Bad(u64);

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad item {}", self.0)
    }
}

impl Error for Bad {}

/// Accepts numbers below `bad`.
fn below(bad: u64) -> impl Fn(u64) -> Result<u64, Bad> + Send + Sync {
    move |n| if n < bad { Ok(n) } else { Err(Bad(n)) }
}

/// What a read failed with.
fn task_error<T: fmt::Debug>(result: Result<Vec<T>, ReadError>) -> TaskError {
    result.unwrap_err().as_task_error().expect("a task failed").clone()
}

/// What was made before the error, which may be nothing, and the error.
fn read_to_error<T: Send + fmt::Debug + 'static>(mut reader: PoolReader<T>) -> (Vec<T>, TaskError) {
    let unread = task_error(reader.read_all()).unread();
    let items = reader.read(unread).unwrap();
    let error = task_error(reader.read_all());
    assert_eq!((items.len(), error.unread()), (unread, 0));
    (items, error)
}

in_every_mode! {
    fn items_before_the_failing_one_come_first(pool) {
        for bad in [0, 1, 2, 50, 999] {
            let mut reader = pool.source(0_u64..).try_map(below(bad));
            if bad > 0 {
                assert!(reader.read(bad as usize).unwrap().into_iter().eq(0..bad));
            }
            assert_eq!(task_error(reader.read(1)).index(), bad);
        }
    }

    fn the_error_names_task_place_and_item_and_keeps_the_cause(pool) {
        let line = line!() + 1;
        let mut reader = pool.source(0_u64..).try_map(below(3)).named("parse");
        assert_eq!(reader.read(3).unwrap(), [0, 1, 2]);
        let error = task_error(reader.read(3));
        assert_eq!((error.task(), error.index()), ("parse", 3));
        assert_eq!((error.location().file(), error.location().line()), (file!(), line));
        assert!(matches!(error.cause(), Cause::Error(cause) if cause.downcast_ref() == Some(&Bad(3))));
        assert_eq!(error.source().and_then(|cause| cause.downcast_ref()), Some(&Bad(3)));
        let column = error.location().column();
        let text = format!("task `parse` (added at {}:{line}:{column}) failed at item 3: bad item 3", file!());
        assert_eq!(error.to_string(), text);
        assert_eq!(ReadError::from(error).to_string(), text);
    }

    fn the_error_stays(pool) {
        let mut reader = pool.source(0_u64..).try_map(below(1));
        let mut other = reader.clone();
        assert_eq!(reader.read(1).unwrap(), [0]);
        for _ in 0..3 {
            assert_eq!(task_error(reader.read(5)).index(), 1);
            assert_eq!(task_error(reader.read_all()).index(), 1);
            assert_eq!(task_error(reader.read_some(5)).index(), 1);
            assert_eq!(task_error(other.try_read(5).map(Option::unwrap_or_default)).index(), 1);
            assert_eq!(task_error(other.read_timeout(1, Duration::from_secs(9))).index(), 1);
        }
    }

    fn iteration_gives_the_error_once(pool) {
        let mut reader = pool.source(0_u64..).try_map(below(2));
        assert_eq!(reader.next().unwrap().unwrap(), 0);
        assert_eq!(reader.next().unwrap().unwrap(), 1);
        assert_eq!(task_error(reader.next().unwrap().map(|item| vec![item])).index(), 2);
        assert!(reader.next().is_none());
        assert!(reader.next().is_none());
        assert_eq!(task_error(reader.read(1)).index(), 2, "reading still says why");
    }

    fn folding_reads_say_the_error(pool) {
        let failing = || pool.source(0_u64..100).try_map(below(10));
        assert_eq!(failing().fold(0, |a, b| a + b).unwrap_err().as_task_error().map(TaskError::index), Some(10));
        assert_eq!(failing().count().unwrap_err().as_task_error().map(TaskError::index), Some(10));
        assert_eq!(failing().collect::<Vec<_>>().unwrap_err().as_task_error().map(TaskError::index), Some(10));
    }

    fn the_index_counts_what_the_task_was_given(pool) {
        // Behind a filter it is given every second item only.
        let (items, error) = read_to_error(pool.source(0_u64..).filter(|n| n % 2 == 0).try_map(below(100)).named("picky"));
        assert_eq!((items.len(), error.task(), error.index()), (50, "picky", 50));
        // Behind a skip, a batch and a flattening.
        let (items, error) = read_to_error(pool.source(0_u64..).skip(10).batch(3).flatten().try_map(below(40)));
        assert_eq!((items.len(), error.index()), (30, 30));
        // Behind sequential tasks, and when it is one itself.
        let reader = pool.source(0_u64..).sequential(|n| n).filter(|n| n % 5 == 0);
        let (items, error) = read_to_error(reader.scan(0_u64, |sum, n| {
            *sum += 1;
            if *sum > 7 { Err(Bad(n)) } else { Ok(Some(n)) }
        }));
        assert_eq!((items.len(), error.task(), error.index()), (7, "scan", 7));
        // In front of a filter that lets little through.
        let (items, error) = read_to_error(pool.source(0_u64..).try_map(below(95)).filter(|n| n % 10 == 0));
        assert_eq!((items.len(), error.index()), (10, 95));
    }

    fn of_two_failing_tasks_the_one_whose_item_is_first_counts(pool) {
        let both = |first, second| {
            let line = pool.source(0_u64..).try_map(below(first)).named("first").try_map(below(second)).named("second");
            let (items, error) = read_to_error(line);
            (items.len() as u64, error.task().to_owned())
        };
        assert_eq!(both(20, 10), (10, "second".to_owned()));
        assert_eq!(both(10, 20), (10, "first".to_owned()));
        assert_eq!(both(15, 15), (15, "first".to_owned()));
    }

    fn a_failed_task_is_called_for_nothing_after(pool) {
        let calls = Calls::new();
        let counted = calls.clone();
        let mut reader = pool.source(0_u64..).try_map(move |n| { counted.add(); if n < 5 { Ok(n) } else { Err(Bad(n)) } });
        assert_eq!(reader.read(1).unwrap(), [0]);
        assert_eq!(task_error(reader.read(100)).unread(), 4);
        let so_far = calls.count();
        assert_eq!(reader.read(4).unwrap().len(), 4);
        assert_eq!(task_error(reader.read(100)).index(), 5);
        assert_eq!(calls.count(), so_far);
        if crate::modes::is_serial(&pool) {
            assert_eq!(so_far, 6);
        }
    }

    fn a_failure_upstream_reaches_every_kind_of_task(pool) {
        let failing = || pool.source(0_u64..).try_map(below(10)).named("bad");
        let fine = || pool.source(0_u64..);
        let check = |(items, error): (Vec<u64>, TaskError), count: usize| {
            assert_eq!((items.len(), error.task(), error.index()), (count, "bad", 10));
        };
        check(read_to_error(failing().map(|n| n)), 10);
        check(read_to_error(failing().sequential(|n| n)), 10);
        check(read_to_error(failing().enumerate().map(|(_, n)| n)), 10);
        check(read_to_error(failing().batch(4).flatten()), 10);
        check(read_to_error(failing().zip(fine()).map(|(a, _)| a)), 10);
        check(read_to_error(fine().zip(failing()).map(|(a, _)| a)), 10);
        check(read_to_error(failing().chain(fine())), 10);
        check(read_to_error(fine().take(5).chain(failing())), 15);
        check(read_to_error(failing().fold_task(0, |a, b| a + b)), 0);
        check(read_to_error(failing().flat_map(|n| [n, n])), 20);
        check(read_to_error(failing().skip(3)), 7);
        check(read_to_error(failing().take(11)), 10);
        check(read_to_error(failing().concurrency(1)), 10);
        // Its index counts what had finished before, and a later chunk may be the first to fail.
        let (items, error) = read_to_error(failing().map(|n| n).unordered().map(|n| n));
        assert_eq!((items.len(), error.task()), (10, "bad"));
        let merged = failing().merge(pool.source([]));
        check(read_to_error(merged), 10);
        for branch in failing().tee(3) {
            check(read_to_error(branch), 10);
        }
        for part in failing().partition(2, |n| (n % 2) as usize) {
            check(read_to_error(part), 5);
        }
    }

    fn what_ends_before_the_failing_item_does_not_fail(pool) {
        let mut reader = pool.source(0_u64..).try_map(below(10)).take(10);
        assert_eq!(reader.read_all().unwrap().len(), 10);
        assert!(reader.read(1).unwrap().is_empty());
        let mut reader = pool.source(0_u64..).try_map(below(10)).zip(pool.source(0..10));
        assert_eq!(reader.read(10).unwrap().len(), 10);
    }

    fn an_incomplete_batch_comes_before_the_error(pool) {
        let (items, error) = read_to_error(pool.source(0_u64..).try_map(below(10)).batch(4));
        assert_eq!(items, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
        assert_eq!(error.index(), 10);
    }

    fn other_branches_go_on_when_one_fails(pool) {
        let [good, bad] = pool.source(0_u64..1000).tee(2).try_into().unwrap();
        let mut good = good.map(|n| n);
        let (items, _) = read_to_error(bad.try_map(below(7)));
        assert_eq!(items.len(), 7);
        assert!(good.read_all().unwrap().into_iter().eq(0..1000));
    }

    fn an_unordered_task_that_fails_stops_with_its_error(pool) {
        for bad in [0, 1, 17, 400] {
            let mut reader = pool.source(0_u64..2000).sequential(|n| n).try_map(below(bad)).unordered().map(|n| n);
            let mut items = Vec::new();
            let error = loop {
                match reader.read_some(13) {
                    Ok(more) => { assert!(!more.is_empty()); items.extend(more); }
                    Err(error) => break error,
                }
            };
            items.sort_unstable();
            assert!(items.iter().all(|n| *n < bad) && items.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(error.as_task_error().unwrap().task(), "try_map");
        }
    }

    fn map_chunks_that_fails_loses_its_chunk_and_says_its_first_item(pool) {
        let chunked = pool
            .source(0_u64..100)
            .map_chunks(|items: Vec<u64>| if items.contains(&25) { Err(Bad(25)) } else { Ok(items) })
            .min_count(10)
            .max_chunksize(10);
        let (items, error) = read_to_error(chunked);
        assert!(items.into_iter().eq(0..20));
        assert_eq!((error.task(), error.index()), ("map_chunks", 20));
    }

    fn a_call_that_fails_is_made_again(pool) {
        let calls = Calls::new();
        let counted = calls.clone();
        // Every item succeeds at the third call.
        let tries = Arc::new(std::sync::Mutex::new(std::collections::HashMap::new()));
        let mut reader = pool.source(0_u64..20).retry_map(Retry::times(2), move |n| {
            counted.add();
            let mut tries = tries.lock().unwrap();
            let count = tries.entry(*n).or_insert(0);
            *count += 1;
            if *count == 3 { Ok(*n) } else { Err(Bad(*n)) }
        });
        assert!(reader.read_all().unwrap().into_iter().eq(0..20));
        assert_eq!(calls.count(), 60);
    }

    fn a_call_that_fails_too_often_stops_the_task(pool) {
        let calls = Calls::new();
        let counted = calls.clone();
        let retry = Retry::times(3).wait(Duration::from_micros(10)).doubling();
        let (items, error) = read_to_error(pool.source(0_u64..5).retry_map(retry, move |n| {
            if *n == 4 { counted.add(); Err(Bad(4)) } else { Ok(*n) }
        }));
        assert_eq!((items, error.index(), error.task()), (vec![0, 1, 2, 3], 4, "retry_map"));
        assert_eq!(calls.count(), 4);
    }

    fn only_errors_that_are_worth_it_are_tried_again(pool) {
        let calls = Calls::new();
        let counted = calls.clone();
        let retry = Retry::times(2).retry_if(|error| error.is::<Bad>());
        let (items, error) = read_to_error(pool.source(0_u64..5).retry_map(retry, move |n| -> Result<u64, BoxError> {
            // Another worker may be at the item after it.
            match *n {
                1 => {
                    counted.add();
                    Err(Bad(1).into())
                }
                _ => Ok(*n),
            }
        }));
        assert_eq!((items, error.index(), calls.count()), (vec![0], 1, 3));

        let calls = Calls::new();
        let counted = calls.clone();
        let (_, error) = read_to_error(pool.source([1_u64]).retry_map(retry, move |_| -> Result<u64, BoxError> {
            counted.add();
            Err("of another kind".into())
        }));
        assert_eq!((error.index(), calls.count()), (0, 1));
    }

    fn rejecting_makes_failing_calls_again_first(pool) {
        let calls = Calls::new();
        let counted = calls.clone();
        let (mut fine, mut rejected) = pool.source(0_u64..10).try_map_or_reject(Retry::times(1), move |n| {
            if n % 2 == 0 { Ok(*n) } else { counted.add(); Err(Bad(*n)) }
        });
        assert_eq!(fine.read_all().unwrap(), [0, 2, 4, 6, 8]);
        let rejected = rejected.read_all().unwrap();
        assert_eq!(rejected.iter().map(|rejected| rejected.item).collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
        assert!(rejected.iter().all(|rejected| matches!(&rejected.cause, Cause::Error(cause) if cause.downcast_ref() == Some(&Bad(rejected.item)))));
        assert_eq!(calls.count(), 10);
    }

    fn the_pool_is_usable_after_a_failure(pool) {
        let (_, error) = read_to_error(pool.source(0_u64..).try_map(below(0)).map(|n| n));
        assert_eq!(error.index(), 0);
        assert!(pool.source(0..500).map(|n| n).read_all().unwrap().into_iter().eq(0..500));
    }

    fn an_error_outlives_its_pool(pool) {
        let (_, error) = read_to_error(pool.source(0_u64..).try_map(below(0)).named("gone"));
        drop::<Pool>(pool);
        assert_eq!(error.task(), "gone");
    }
}

#[test]
fn waits_between_calls_double() {
    let retry = Retry::times(9).wait(Duration::from_millis(3)).doubling();
    let waits: Vec<u128> = (1..5).map(|again| retry.wait_before(again).as_millis()).collect();
    assert_eq!(waits, [3, 6, 12, 24]);
    assert_eq!(retry.wait_before(u32::MAX), Duration::from_millis(3).saturating_mul(u32::MAX));
    assert_eq!(Retry::times(2).wait(Duration::from_millis(3)).wait_before(2), Duration::from_millis(3));
    assert_eq!(Retry::NEVER.waits().count(), 0);
}

#[test]
fn waits_are_as_many_as_further_calls_and_no_longer_than_the_longest() {
    let retry = Retry::times(4).wait(Duration::from_millis(3)).doubling().max_wait(Duration::from_millis(10));
    let waits: Vec<u128> = retry.waits().map(|wait| wait.as_millis()).collect();
    assert_eq!(waits, [3, 6, 10, 10]);
}

#[test]
fn jitter_makes_waits_shorter_by_up_to_its_share() {
    let wait = Duration::from_millis(100);
    let waits: Vec<Duration> = Retry::times(1000).wait(wait).jitter(0.5).waits().collect();
    assert!(waits.iter().all(|drawn| (wait / 2..=wait).contains(drawn)));
    // Of a thousand some are in each quarter of what they may be.
    assert!(waits.iter().any(|drawn| *drawn < wait * 5 / 8) && waits.iter().any(|drawn| *drawn > wait * 7 / 8));
    assert!(Retry::times(9).wait(wait).jitter(0.0).waits().all(|drawn| drawn == wait));
}
