//! What a read of one line of tasks runs, to the call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millpond_pool::{Pool, ReadError};

use crate::calls::Calls;
use crate::modes::is_serial;

/// Work that takes long enough for helpers to be called.
fn work(item: u64) -> u64 {
    (0..3_000).fold(item, |sum, n| std::hint::black_box(sum ^ n));
    item
}

/// Whether so many of a chunk were made with its first item: all of them, unless the thread was not
/// run for a while, whereupon what it had not begun was left for when it is wanted.
fn made_at_once(pool: &Pool, made: usize, all: usize) -> bool {
    if is_serial(pool) { made == all } else { (1..=all).contains(&made) }
}

in_every_mode! {
    fn adding_tasks_runs_nothing(pool) {
        let calls = Calls::new();
        let reader = pool
            .source(calls.numbers())
            .map(calls.counting())
            .filter({ let calls = calls.clone(); move |_| { calls.add(); true } })
            .enumerate()
            .batch(3)
            .flatten()
            .sequential(calls.counting());
        let branches = reader.tee(2);
        let copy = branches[0].clone();
        assert_eq!(calls.count(), 0);
        drop((branches, copy));
        assert_eq!(calls.count(), 0);
    }

    fn pull_runs_only_what_is_read(pool) {
        let (made, mapped) = (Calls::new(), Calls::new());
        let mut reader = pool.source(made.numbers()).map(mapped.counting());
        let mut read = 0;
        for count in [1, 1, 2, 7, 100, 1, 1000, 3] {
            let items = reader.read(count).unwrap();
            assert!(items.iter().copied().eq(read..read + count as u64));
            read += count as u64;
            assert_eq!((made.count(), mapped.count()), (read as usize, read as usize));
        }
    }

    fn pull_of_slow_tasks_runs_only_what_is_read(pool) {
        let (made, mapped) = (Calls::new(), Calls::new());
        let mut reader = pool.source(made.numbers()).map(work).sequential(work).map(mapped.counting()).map(work);
        let mut read = 0;
        for count in [1, 5, 64, 300, 2, 300, 1] {
            assert_eq!(reader.read(count).unwrap().len(), count);
            read += count;
            assert_eq!((made.count(), mapped.count()), (read, read));
        }
    }

    fn every_lane_of_a_line_runs_only_what_is_read(pool) {
        let stages: Vec<Calls> = (0..5).map(|_| Calls::new()).collect();
        let mut reader = pool.source(0_u64..);
        for stage in &stages {
            reader = reader.map(stage.counting()).sequential(stage.counting());
        }
        for (count, total) in [(1, 1), (10, 11), (500, 511), (1, 512)] {
            assert_eq!(reader.read(count).unwrap().len(), count);
            for stage in &stages {
                assert_eq!(stage.count(), 2 * total);
            }
        }
    }

    fn a_filter_asks_for_as_many_as_it_takes(pool) {
        let (made, looked_at) = (Calls::new(), Calls::new());
        let counted = looked_at.clone();
        let mut multiples = pool.source(made.numbers()).filter(move |n| { counted.add(); n % 5 == 0 });
        assert_eq!(multiples.read(1).unwrap(), [0]);
        assert_eq!(looked_at.count(), 1);
        assert_eq!(multiples.read(1).unwrap(), [5]);
        assert_eq!(looked_at.count(), 6);
        assert_eq!(multiples.read(4).unwrap(), [10, 15, 20, 25]);
        // A read of several asks for as many at first, so it may overshoot by less than it asked for.
        assert!((26..30).contains(&looked_at.count()), "{}", looked_at.count());
        assert_eq!(made.count(), looked_at.count());
    }

    fn a_filter_never_asks_for_more_than_is_still_missing(pool) {
        let looked_at = Calls::new();
        let counted = looked_at.clone();
        let mut all = pool.source(0_u64..).filter(move |_| { counted.add(); true });
        for total in [3, 6, 9] {
            assert_eq!(all.read(3).unwrap().len(), 3);
            assert_eq!(looked_at.count(), total);
        }
    }

    fn a_flat_map_asks_for_one_input_at_a_time(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(calls.numbers()).flat_map(|n| vec![n; 10]);
        assert_eq!(reader.read(1).unwrap(), [0]);
        assert_eq!(calls.count(), 1);
        assert_eq!(reader.read(9).unwrap(), [0; 9]);
        assert_eq!(calls.count(), 1);
        assert_eq!(reader.read(11).unwrap().last(), Some(&2));
        assert_eq!(calls.count(), 3);
    }

    fn a_batch_asks_for_whole_groups(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(0_u64..).map(calls.counting()).batch(7);
        assert_eq!(reader.read(1).unwrap(), [[0, 1, 2, 3, 4, 5, 6]]);
        assert_eq!(calls.count(), 7);
        assert_eq!(reader.read(20).unwrap().len(), 20);
        assert_eq!(calls.count(), 7 * 21);
    }

    fn a_flattened_batch_asks_for_the_groups_that_it_needs(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(calls.numbers()).batch(4).flatten();
        assert_eq!(reader.read(5).unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(calls.count(), 8);
        assert_eq!(reader.read(3).unwrap(), [5, 6, 7]);
        assert_eq!(calls.count(), 8);
    }

    fn take_asks_its_input_for_no_more(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(calls.numbers()).map(work).take(5);
        assert_eq!(reader.read(3).unwrap(), [0, 1, 2]);
        assert_eq!(calls.count(), 3);
        assert_eq!(reader.read_all().unwrap(), [3, 4]);
        assert_eq!(calls.count(), 5);
        assert!(reader.read(1).unwrap().is_empty());
        assert_eq!(calls.count(), 5);
    }

    fn take_of_nothing_asks_for_nothing(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(calls.numbers()).take(0);
        assert!(reader.read_all().unwrap().is_empty());
        assert!(reader.next().is_none());
        assert_eq!(calls.count(), 0);
    }

    fn take_of_more_than_there_is_ends_with_the_input(pool) {
        assert_eq!(pool.source(0..3).take(9).read_all().unwrap(), [0, 1, 2]);
    }

    fn skip_asks_for_what_it_skips_when_it_is_read(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(calls.numbers()).skip(10);
        assert_eq!(calls.count(), 0);
        assert_eq!(reader.read(2).unwrap(), [10, 11]);
        assert_eq!(calls.count(), 12);
        assert_eq!(reader.read(1).unwrap(), [12]);
        assert_eq!(calls.count(), 13);
    }

    fn take_while_looks_at_no_item_after_the_first_that_fails(pool) {
        let looked_at = Calls::new();
        let counted = looked_at.clone();
        let mut reader = pool.source(0_u64..).take_while(move |n| { counted.add(); *n < 3 });
        assert_eq!(reader.read(2).unwrap(), [0, 1]);
        assert_eq!(looked_at.count(), 2);
        assert_eq!(reader.read(100).unwrap(), [2]);
        assert_eq!(looked_at.count(), 4);
        assert!(reader.read(1).unwrap().is_empty());
        assert_eq!(looked_at.count(), 4);
    }

    fn skip_while_gives_what_comes_after(pool) {
        let mut reader = pool.source([1, 2, 9, 1, 2]).skip_while(|n| *n < 5);
        assert_eq!(reader.read_all().unwrap(), [9, 1, 2]);
    }

    fn min_count_makes_more_at_once_and_serves_later_reads(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(0_u64..).map(calls.counting()).min_count(10);
        assert_eq!(reader.read(1).unwrap(), [0]);
        assert!(made_at_once(&pool, calls.count(), 10));
        assert_eq!(reader.read(9).unwrap().len(), 9);
        assert_eq!(calls.count(), 10);
        assert_eq!(reader.read(1).unwrap(), [10]);
        assert!(made_at_once(&pool, calls.count() - 10, 10));
        assert_eq!(reader.read(25).unwrap().len(), 25);
        // 9 are there; 16 are missing, and the last firing for them may have to take more than it needs.
        assert!((36..46).contains(&calls.count()), "{} calls", calls.count());
    }

    fn the_largest_min_count_of_a_line_holds_downstream(pool) {
        let (first, last) = (Calls::new(), Calls::new());
        let mut reader = pool
            .source(0_u64..)
            .map(first.counting())
            .min_count(20)
            .sequential(|n| n)
            .map(last.counting())
            .min_count(3);
        assert_eq!(reader.read(1).unwrap(), [0]);
        assert!(made_at_once(&pool, first.count(), 20) && made_at_once(&pool, last.count(), 20));
        assert_eq!(reader.read(19).unwrap().len(), 19);
        assert_eq!((first.count(), last.count()), (20, 20));
    }

    fn min_count_takes_fewer_only_at_the_end(pool) {
        let sizes = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&sizes);
        let mut reader = pool
            .source(0..23)
            .map_chunks(move |items: Vec<u32>| { seen.lock().unwrap().push(items.len()); Ok::<_, ReadError>(items) })
            .min_count(10)
            .max_chunksize(10);
        assert_eq!(reader.read_all().unwrap(), (0..23).collect::<Vec<_>>());
        let mut sizes = sizes.lock().unwrap().clone();
        sizes.sort_unstable();
        assert_eq!(sizes, [3, 10, 10]);
    }

    fn map_chunks_gets_chunks_within_their_bounds(pool) {
        let (small, largest) = (Calls::new(), Arc::new(AtomicUsize::new(0)));
        let (few, most) = (small.clone(), Arc::clone(&largest));
        let chunked = pool
            .source(0_u64..10_000)
            .map_chunks(move |items: Vec<u64>| {
                if items.len() < 4 {
                    few.add();
                }
                most.fetch_max(items.len(), Ordering::SeqCst);
                Ok::<_, ReadError>(items)
            })
            .min_count(4)
            .max_chunksize(16);
        assert!(chunked.collect::<Vec<_>>().unwrap().into_iter().eq(0..10_000));
        assert!(largest.load(Ordering::SeqCst) <= 16);
        assert!(small.count() <= 1, "only the last chunk may be smaller");
    }

    fn max_chunksize_of_one_gives_items_one_by_one(pool) {
        let mut reader = pool
            .source(0..50)
            .map_chunks(|items: Vec<u32>| { assert_eq!(items.len(), 1); Ok::<_, ReadError>(items) })
            .max_chunksize(1);
        assert_eq!(reader.read_all().unwrap().len(), 50);
    }

    fn iterating_pulls_ahead_by_a_bounded_window(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(0_u64..).map(calls.counting()).max_chunksize(10);
        for item in 0..5 {
            assert_eq!(reader.next().unwrap().unwrap(), item);
            if is_serial(&pool) {
                assert_eq!(calls.count() as u64, item + 1);
            }
        }
        // Two chunks of ten per worker, one that the reader has taken, and what is being made.
        let most = (2 * pool.size() + 1 + pool.size()) * 10;
        assert!(calls.count() <= most.max(5), "{} calls", calls.count());
        drop(reader);
        assert!(calls.count() <= most.max(5), "{} calls", calls.count());
    }

    fn what_an_iteration_took_ahead_goes_back(pool) {
        let mut reader = pool.source(0_u64..1000).map(work).max_chunksize(7);
        let mut rest = reader.clone();
        assert_eq!(reader.by_ref().take(3).map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2]);
        drop(reader);
        let mut left = rest.read_all().unwrap();
        left.sort_unstable();
        assert!(left.into_iter().eq(3..1000));
    }

    fn reading_goes_on_where_iterating_stopped(pool) {
        let mut reader = pool.source(0_u64..500).map(work).max_chunksize(7);
        assert_eq!(reader.next().unwrap().unwrap(), 0);
        assert_eq!(reader.read(20).unwrap(), (1..21).collect::<Vec<_>>());
        assert_eq!(reader.next().unwrap().unwrap(), 21);
        let next = reader.try_read(1).unwrap().unwrap_or_default();
        let rest = reader.map(|item| item).read_all().unwrap();
        assert!(next.into_iter().chain(rest).eq(22..500));
    }

    fn an_endless_source_serves_any_number_of_reads(pool) {
        let mut reader = pool.source(0_u64..).map(|n| n * 2).filter(|n| n % 3 == 0);
        let mut next = 0;
        for count in [1_usize, 10, 1, 5000, 3] {
            let expected: Vec<u64> = (next..next + count as u64).map(|n| n * 6).collect();
            assert_eq!(reader.read(count).unwrap(), expected);
            next += count as u64;
        }
    }

    fn a_source_that_has_ended_is_not_asked_again(pool) {
        let asked_after_end = Calls::new();
        let counted = asked_after_end.clone();
        let mut has_ended = false;
        let source = std::iter::from_fn(move || {
            if has_ended { counted.add(); }
            has_ended = true;
            None::<u32>
        });
        let mut reader = pool.source(source);
        for _ in 0..3 {
            assert!(reader.read(2).unwrap().is_empty());
            assert!(reader.read_all().unwrap().is_empty());
        }
        assert_eq!(asked_after_end.count(), 0);
    }

    fn reading_exactly_what_there_is_does_not_look_for_the_end(pool) {
        let asked = Calls::new();
        let counted = asked.clone();
        let mut numbers = 0..4;
        let mut reader = pool.source(std::iter::from_fn(move || { counted.add(); numbers.next() }));
        assert_eq!(reader.read(4).unwrap(), [0, 1, 2, 3]);
        assert_eq!(asked.count(), 4);
        assert!(reader.read(1).unwrap().is_empty());
        assert_eq!(asked.count(), 5);
    }

    fn a_fold_task_runs_when_it_is_read(pool) {
        let calls = Calls::new();
        let mut sum = pool.source(0_u64..100).map(calls.counting()).fold_task(0, |sum, n| sum + n);
        assert_eq!(calls.count(), 0);
        assert_eq!(sum.read(1).unwrap(), [4950]);
        assert_eq!(calls.count(), 100);
        assert!(sum.read(1).unwrap().is_empty());
    }

    fn the_folding_reads_give_what_iterators_give(pool) {
        assert_eq!(pool.source(1..=10).fold(0, |sum, n| sum + n).unwrap(), 55);
        assert_eq!(pool.source(1..=10).reduce(|a, b| a * 2 + b).unwrap(), (1..=10).reduce(|a, b| a * 2 + b));
        assert_eq!(pool.source(0..0).reduce(|a: i32, b| a + b).unwrap(), None);
        assert_eq!(pool.source(0..1234).count().unwrap(), 1234);
        let mut seen = Vec::new();
        pool.source(0..20).for_each(|n| seen.push(n)).unwrap();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
        let set: std::collections::BTreeSet<u32> = pool.source([3, 1, 2]).collect().unwrap();
        assert_eq!(set.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
