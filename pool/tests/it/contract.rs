//! What a read promises: it gives what was asked for, or fails and takes nothing.

use std::fmt;
use std::iter::FusedIterator;
use std::time::{Duration, Instant};

use futures_core::stream::FusedStream;
use millpond_channel::unbounded;
use millpond_pool::{Pool, PoolReader, ReadError, TaskError};

use crate::calls::Calls;
use crate::executor::{next, poll_once, run};
use crate::workers;

/// Longer than any test may run.
const LONG: Duration = Duration::from_secs(600);

type Read = fn(&mut PoolReader<u64>, usize) -> Result<Vec<u64>, ReadError>;

/// The reads that give a number of items.
const EXACT: [Read; 4] = [
    |reader, count| reader.read(count),
    |reader, count| reader.read_timeout(count, LONG),
    |reader, count| reader.read_deadline(count, Instant::now() + LONG),
    |reader, count| run(reader.read_async(count)),
];

/// The reads that give all items.
const ALL: [Read; 4] = [
    |reader, _| reader.read_all(),
    |reader, _| reader.read_all_timeout(LONG),
    |reader, _| reader.read_all_deadline(Instant::now() + LONG),
    |reader, _| run(reader.read_all_async()),
];

/// The reads that give what comes, up to a number of items.
const SOME: [Read; 6] = [
    |reader, most| reader.read_some(most),
    |reader, most| reader.read_some_timeout(most, LONG),
    |reader, most| reader.read_some_deadline(most, Instant::now() + LONG),
    |reader, most| run(reader.read_some_async(most)),
    |reader, most| reader.try_read(most).map(|items| items.expect("all that there will be is there")),
    |reader, most| reader.by_ref().take(most).collect(),
];

/// Numbers from 0, up to the one that fails.
fn failing_at(pool: &Pool, bad: u64) -> PoolReader<u64> {
    pool.source(0_u64..).try_map(move |n| if n < bad { Ok(n) } else { Err("bad") }).named("bad")
}

/// What a read failed with: how many items before the failing one can still be read.
fn unread<R: fmt::Debug>(result: Result<R, ReadError>) -> usize {
    let error = result.unwrap_err();
    let error = error.as_task_error().expect("a task failed");
    assert_eq!(error.task(), "bad");
    error.unread()
}

/// A reader's items before its failure, read in every order of sizes, with what every read must say.
fn gives_these_and_fails<T: Send + fmt::Debug + PartialEq + 'static>(mut reader: PoolReader<T>, items: &[T]) {
    let count = items.len();
    assert_eq!(unread(reader.read_all()), count);
    assert_eq!(unread(run(reader.read_async(count + 1))), count);
    let first = reader.read(count.min(1)).unwrap();
    let rest = reader.read(count - first.len()).unwrap();
    assert!(first.iter().chain(&rest).eq(items));
    assert_eq!(unread(reader.read(1)), 0);
    assert_eq!(unread(reader.try_read(1)), 0);
    assert_eq!(unread(reader.next().expect("it has failed")), 0);
    assert!(reader.next().is_none());
}

in_every_mode! {
    fn a_read_that_a_failure_cuts_short_fails_and_takes_nothing(pool) {
        for read in EXACT.into_iter().chain(ALL) {
            let mut reader = failing_at(&pool, 5);
            for _ in 0..3 {
                assert_eq!(unread(read(&mut reader, 6)), 5);
            }
            assert_eq!(reader.read(2).unwrap(), [0, 1]);
            assert_eq!(unread(read(&mut reader, 4)), 3);
            assert_eq!(reader.try_read(1).unwrap(), Some(vec![2]));
            assert_eq!(unread(read(&mut reader, 3)), 2);
            assert_eq!(reader.next().unwrap().unwrap(), 3);
            assert_eq!(unread(read(&mut reader, 2)), 1, "with what the iteration has taken ahead");
            assert_eq!(reader.next().unwrap().unwrap(), 4);
            assert_eq!(unread(reader.next().unwrap()), 0);
            assert!(reader.next().is_none());
            for _ in 0..3 {
                assert_eq!(unread(read(&mut reader, 1)), 0);
            }
        }
    }

    fn a_read_whose_items_are_all_there_succeeds(pool) {
        for read in EXACT {
            let mut reader = failing_at(&pool, 5);
            assert!(read(&mut reader, 5).unwrap().into_iter().eq(0..5));
            assert_eq!(unread(read(&mut reader, 1)), 0);
            let mut reader = failing_at(&pool, 5);
            assert_eq!(unread(reader.read(9)), 5);
            assert!(read(&mut reader, 5).unwrap().into_iter().eq(0..5));
        }
    }

    fn a_read_of_what_comes_gives_the_items_before_a_failure(pool) {
        for read in SOME {
            let mut reader = failing_at(&pool, 5);
            assert_eq!(unread(reader.read_all()), 5);
            let mut items = Vec::new();
            while items.len() < 5 {
                items.extend(read(&mut reader, 5 - items.len()).unwrap());
            }
            assert_eq!(items, [0, 1, 2, 3, 4]);
            assert_eq!(unread(read(&mut reader, 9)), 0);
        }
    }

    fn the_error_says_how_many_items_can_be_read(pool) {
        let mut reader = failing_at(&pool, 2);
        let text = |result: Result<Vec<u64>, ReadError>| result.unwrap_err().to_string();
        assert!(text(reader.read(5)).ends_with("failed at item 2: bad; 2 items before it can still be read"));
        assert_eq!(reader.read(1).unwrap(), [0]);
        assert!(text(reader.read_all()).ends_with("failed at item 2: bad; 1 item before it can still be read"));
        assert_eq!(reader.read(1).unwrap(), [1]);
        assert!(text(reader.read(1)).ends_with("failed at item 2: bad"));
    }

    fn readers_that_share_the_items_share_what_a_failing_read_leaves(pool) {
        let mut reader = failing_at(&pool, 6);
        assert_eq!(reader.next().unwrap().unwrap(), 0);
        let mut other = reader.clone();
        assert_eq!(unread(reader.read_all()), 5);
        assert_eq!(unread(other.read_all()), 5);
        assert_eq!(other.read(2).unwrap(), [1, 2]);
        assert_eq!(unread(reader.read(9)), 3);
        assert_eq!(reader.read(3).unwrap(), [3, 4, 5]);
        assert_eq!(unread(other.read(1)), 0);
    }

    fn behind_every_kind_of_task(pool) {
        let bad = || failing_at(&pool, 10);
        let fine = || pool.source(0_u64..);
        let to = |count: u64| (0..count).collect::<Vec<u64>>();
        gives_these_and_fails(bad(), &to(10));
        gives_these_and_fails(bad().map(|n| n), &to(10));
        gives_these_and_fails(bad().filter(|n| n % 2 == 1), &[1, 3, 5, 7, 9]);
        gives_these_and_fails(bad().filter(|_| false), &[]);
        gives_these_and_fails(bad().flat_map(|n| [n; 2]), &(0..20).map(|n| n / 2).collect::<Vec<u64>>());
        gives_these_and_fails(bad().sequential(|n| n), &to(10));
        gives_these_and_fails(bad().batch(4), &[vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
        gives_these_and_fails(bad().batch(5), &[vec![0, 1, 2, 3, 4], vec![5, 6, 7, 8, 9]]);
        gives_these_and_fails(bad().zip(fine()), &(0..10).map(|n| (n, n)).collect::<Vec<(u64, u64)>>());
        gives_these_and_fails(fine().zip(bad()), &(0..10).map(|n| (n, n)).collect::<Vec<(u64, u64)>>());
        gives_these_and_fails(bad().chain(fine()), &to(10));
        gives_these_and_fails(fine().take(3).chain(bad()), &[0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        gives_these_and_fails(bad().merge(pool.source([])), &to(10));
        gives_these_and_fails(bad().take(11), &to(10));
        gives_these_and_fails(bad().skip(7), &[7, 8, 9]);
        gives_these_and_fails(bad().take_while(|_| true), &to(10));
        gives_these_and_fails(bad().fold_task(0, |sum, n| sum + n), &[]);
        gives_these_and_fails(bad().map(|n| n).min_count(4), &to(10));
        gives_these_and_fails(bad().map(|n| n).max_chunksize(1), &to(10));
        gives_these_and_fails(bad().map(|n| n).read_ahead(5), &to(10));
        for branch in bad().tee(3) {
            gives_these_and_fails(branch, &to(10));
        }
        let [even, odd] = bad().partition(2, |n| (n % 2) as usize).try_into().unwrap();
        gives_these_and_fails(odd, &[1, 3, 5, 7, 9]);
        gives_these_and_fails(even, &[0, 2, 4, 6, 8]);
        let (fine, rejected) = bad().map(|n| if n < 7 { Ok(n) } else { Err(n) }).split_results();
        gives_these_and_fails(fine, &to(7));
        gives_these_and_fails(rejected, &[7, 8, 9]);
    }

    fn behind_another_pool(pool) {
        for size in [0, 1, 2] {
            let there = workers::pool(size);
            gives_these_and_fails(failing_at(&there, 10).into_pool(&pool), &(0..10).collect::<Vec<u64>>());
            let here = failing_at(&there, 10).into_pool(&pool).min_count(4).map(|n| n);
            gives_these_and_fails(here, &(0..10).collect::<Vec<u64>>());
        }
    }

    fn an_unordered_task_keeps_what_was_made_too(pool) {
        let mut reader = failing_at(&pool, 50).map(|n| n).unordered();
        let count = reader.read_all().unwrap_err().as_task_error().map(TaskError::unread).unwrap();
        let mut items = reader.read(count).unwrap();
        items.sort_unstable();
        items.dedup();
        assert_eq!(items.len(), count);
        assert!(items.iter().all(|n| *n < 50));
        assert!(reader.read(1).is_err());
    }

    fn reads_that_hand_items_on_fail_after_those_before(pool) {
        let mut items = Vec::new();
        assert_eq!(unread(failing_at(&pool, 5).read_chunks(None, |chunk| items.extend(chunk))), 0);
        assert_eq!(items, [0, 1, 2, 3, 4]);
        items.clear();
        assert_eq!(unread(failing_at(&pool, 5).for_each(|n| items.push(n))), 0);
        assert_eq!(items, [0, 1, 2, 3, 4]);
        assert_eq!(unread(failing_at(&pool, 5).fold(0, |sum, n| sum + n)), 0);
        assert_eq!(unread(failing_at(&pool, 5).reduce(|sum, n| sum + n)), 0);
        assert_eq!(unread(failing_at(&pool, 5).collect::<Vec<_>>()), 0);
        assert_eq!(unread(failing_at(&pool, 5).count()), 0);
    }

    fn nothing_is_read_where_nothing_is_asked_for(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(calls.numbers()).map(|n| n);
        for read in EXACT.into_iter().chain(SOME) {
            assert!(read(&mut reader, 0).unwrap().is_empty());
        }
        assert_eq!(calls.count(), 0);
        assert_eq!(reader.next().unwrap().unwrap(), 0);
        assert!(reader.read(0).unwrap().is_empty());
        assert_eq!(reader.read(2).unwrap(), [1, 2]);
        let mut failed = failing_at(&pool, 0);
        assert_eq!(unread(failed.read(1)), 0);
        assert!(failed.read(0).unwrap().is_empty());
    }

    fn an_iteration_ends_with_the_first_error_whatever_it_is(pool) {
        fn is_fused<I: FusedIterator + FusedStream>(_: &I) {}
        let mut reader = pool.source(0_u64..);
        is_fused(&reader);
        assert_eq!(reader.next().unwrap().unwrap(), 0);
        let mut stream = reader.clone();
        drop(pool);
        // What it had taken ahead, then the error, and no end to ask for.
        assert!(reader.by_ref().filter_map(Result::ok).count() < 10_000);
        assert!(reader.next().is_none() && reader.is_terminated());
        assert!(matches!(reader.read(1), Err(ReadError::PoolGone { .. })));
        assert!(matches!(run(next(&mut stream)), Some(Err(ReadError::PoolGone { .. }))));
        assert!(run(next(&mut stream)).is_none() && stream.is_terminated());
    }

    fn a_wait_that_is_cut_short_does_not_end_an_iteration(pool) {
        let (writer, channel) = unbounded();
        let mut reader = pool.channel(channel).map(|n: u64| n);
        for n in 0..3 {
            assert!(reader.next_deadline(Instant::now()).unwrap().unwrap_err().is_timed_out());
            assert!(poll_once(next(&mut reader)).is_none());
            writer.write(n).unwrap();
            assert_eq!(reader.next().unwrap().unwrap(), n);
        }
    }

    fn the_next_item_without_an_iteration_says_the_failure_each_time(pool) {
        let mut reader = failing_at(&pool, 2);
        assert_eq!(reader.read_next(None).unwrap(), Some(0));
        assert_eq!(reader.read_next(Some(Instant::now() + LONG)).unwrap(), Some(1));
        for _ in 0..3 {
            assert_eq!(unread(reader.read_next(None)), 0);
        }
        let mut reader = pool.source([7]);
        assert_eq!(reader.read_next(None).unwrap(), Some(7));
        assert_eq!(reader.read_next(None).unwrap(), None);
    }

    fn as_many_items_as_come_in_time(pool) {
        let (writer, channel) = unbounded();
        let calls = Calls::new();
        let mut reader = pool.channel(channel).map(calls.counting::<u64>());
        writer.write_from(0..5).unwrap();
        assert_eq!(reader.read_some_timeout(3, LONG).unwrap(), [0, 1, 2]);
        assert_eq!(calls.count(), 3, "it asks for no more");
        let moment = Duration::from_micros(500);
        let mut rest = Vec::new();
        while rest.len() < 2 {
            match reader.read_some_timeout(3, moment) {
                Ok(items) => rest.extend(items),
                // The thread did not have its turn in time.
                Err(error) => assert!(error.is_timed_out(), "{error}"),
            }
        }
        assert_eq!(rest, [3, 4]);
        let error = reader.read_some_timeout(3, moment).unwrap_err();
        assert!(matches!(error, ReadError::TimedOut { asked: 3, ready: 0, waited } if waited >= moment), "{error}");
        writer.write(5).unwrap();
        // What an iteration has taken ahead counts.
        assert_eq!(reader.next().unwrap().unwrap(), 5);
        writer.write(6).unwrap();
        writer.close();
        assert_eq!(reader.read_some_deadline(3, Instant::now() + LONG).unwrap(), [6]);
        assert!(reader.read_some_timeout(3, LONG).unwrap().is_empty());
        let mut failing = failing_at(&pool, 2);
        assert_eq!(failing.read_some_timeout(9, LONG).unwrap(), [0, 1]);
        assert_eq!(unread(failing.read_some_timeout(9, LONG)), 0);
    }

    fn a_read_of_all_whose_time_is_up_keeps_what_there_is(pool) {
        let mut reader = pool.source(0_u64..).map(|n| n);
        let moment = Duration::from_millis(2);
        let error = reader.read_all_timeout(moment).unwrap_err();
        let ReadError::TimedOut { asked: usize::MAX, ready, waited } = error else { panic!("{error}") };
        assert!(waited >= moment, "{error}");
        let mut shared = reader.clone();
        assert!(shared.read(ready).unwrap().into_iter().eq(0..ready as u64), "it is there for all that share it");
        assert_eq!(reader.read(1).unwrap(), [ready as u64]);
    }

    fn a_read_by_chunks_whose_time_is_up_stops_between_two(pool) {
        let mut reader = pool.source(0_u64..).map(|n| n);
        let mut items = Vec::new();
        let error = reader.read_chunks(Some(Instant::now()), |chunk| items.extend(chunk)).unwrap_err();
        assert!(error.is_timed_out(), "{error}");
        let rest = reader.read(3).unwrap();
        assert!(items.iter().chain(&rest).copied().eq(0..items.len() as u64 + 3));
    }

    fn what_is_given_back_is_there_for_all_that_share_it(pool) {
        let mut reader = pool.source(0_u64..);
        let items = reader.read(3).unwrap();
        reader.unread(items);
        assert_eq!(reader.clone().read(2).unwrap(), [0, 1]);
        assert_eq!(reader.read(2).unwrap(), [2, 3]);
    }
}

watched_tests! {
    fn an_iteration_over_a_pool_in_use_ends_with_its_error() {
        let pool = Pool::serial();
        let (mut other, mut stream) = (pool.source(0_u64..9), pool.source(0_u64..9));
        let result = std::thread::scope(|scope| {
            let (inside, is_inside) = std::sync::mpsc::channel();
            let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
            let mut busy = pool.source([1]).sequential(move |n: u64| {
                inside.send(()).unwrap();
                goes_on.recv().unwrap();
                n
            });
            let thread = scope.spawn(move || busy.read(1));
            is_inside.recv().unwrap();
            assert!(matches!(other.next(), Some(Err(ReadError::SerialBusy { .. }))));
            assert!(other.next().is_none() && run(next(&mut other)).is_none());
            assert!(matches!(run(next(&mut stream)), Some(Err(ReadError::SerialBusy { .. }))));
            go_on.send(()).unwrap();
            thread.join().unwrap()
        });
        assert_eq!(result.unwrap(), [1]);
        assert!(other.next().is_none(), "it is over for good");
        assert_eq!(other.read(2).unwrap(), [0, 1], "and reading goes on");
        assert_eq!(other.clone().next().unwrap().unwrap(), 2);
        assert!(stream.next().is_none());
    }
}
