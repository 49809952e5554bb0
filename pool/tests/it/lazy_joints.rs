//! What a read of tasks with several inputs or outputs runs, to the call.

use std::sync::{Arc, Mutex};

use millpond_pool::ReadError;
use millpond_sync::Parker;

use crate::calls::Calls;
use crate::modes::is_serial;

in_every_mode! {
    fn a_zip_asks_both_sides_for_as_many_as_are_read(pool) {
        let (left, right) = (Calls::new(), Calls::new());
        let mut pairs = pool.source(left.numbers()).zip(pool.source(right.numbers()));
        for (count, total) in [(1, 1), (10, 11), (500, 511)] {
            assert_eq!(pairs.read(count).unwrap().len(), count);
            assert_eq!((left.count(), right.count()), (total, total));
        }
    }

    fn a_zip_ends_with_the_shorter_side(pool) {
        let mut pairs = pool.source(0..3).zip(pool.source(10..));
        assert_eq!(pairs.read_all().unwrap(), [(0, 10), (1, 11), (2, 12)]);
        let mut pairs = pool.source(0..).zip(pool.source(10..12));
        assert_eq!(pairs.read_all().unwrap(), [(0, 10), (1, 11)]);
    }

    fn a_chain_asks_for_the_second_only_after_the_first(pool) {
        let (first, second) = (Calls::new(), Calls::new());
        let mut chained = pool.source(0..5).map(first.counting()).chain(pool.source(5..).map(second.counting()));
        assert_eq!(chained.read(4).unwrap(), [0, 1, 2, 3]);
        assert_eq!((first.count(), second.count()), (4, 0));
        assert_eq!(chained.read(3).unwrap(), [4, 5, 6]);
        assert_eq!(first.count(), 5);
        assert_eq!(second.count(), 2);
    }

    fn a_chain_of_empty_inputs_is_empty(pool) {
        let mut chained = pool.chain((0..50).map(|_| pool.source(0..0)));
        assert!(chained.read_all().unwrap().is_empty());
        let mut nothing = pool.chain(std::iter::empty::<millpond_pool::PoolReader<u32>>());
        assert!(nothing.read_all().unwrap().is_empty());
        let mut nothing = pool.merge(std::iter::empty::<millpond_pool::PoolReader<u32>>());
        assert!(nothing.read_all().unwrap().is_empty());
    }

    fn a_merge_asks_for_as_many_in_all_as_are_read(pool) {
        let (left, right) = (Calls::new(), Calls::new());
        let mut merged = pool.source(left.numbers()).merge(pool.source(right.numbers()));
        for (count, total) in [(1, 1), (1, 2), (10, 12), (501, 513)] {
            assert_eq!(merged.read(count).unwrap().len(), count);
            assert_eq!(left.count() + right.count(), total);
        }
    }

    fn a_merge_of_many_asks_for_as_many_in_all_as_are_read(pool) {
        let calls = Calls::new();
        let mut merged = pool.merge((0..20).map(|_| pool.source(calls.numbers()).sequential(|n| n)));
        for (count, total) in [(1, 1), (3, 4), (100, 104)] {
            assert_eq!(merged.read(count).unwrap().len(), count);
            assert_eq!(calls.count(), total);
        }
    }

    fn a_merge_goes_on_with_what_is_left_when_an_input_ends(pool) {
        let mut merged = pool.source(0..3).merge(pool.source(100..200));
        let mut all = merged.read_all().unwrap();
        all.sort_unstable();
        assert_eq!(all, (0..3).chain(100..200).collect::<Vec<_>>());
    }

    fn a_tee_makes_each_item_once(pool) {
        let calls = Calls::new();
        let [mut a, mut b, mut c] = pool.source(calls.numbers()).tee(3).try_into().unwrap();
        assert_eq!(a.read(10).unwrap(), (0..10).collect::<Vec<_>>());
        assert_eq!(calls.count(), 10);
        assert_eq!(b.read(4).unwrap(), [0, 1, 2, 3]);
        assert_eq!(c.read(12).unwrap(), (0..12).collect::<Vec<_>>());
        assert_eq!(calls.count(), 12);
        assert_eq!(b.read(8).unwrap(), (4..12).collect::<Vec<_>>());
        assert_eq!(calls.count(), 12);
    }

    fn a_tee_of_one_is_the_input(pool) {
        let mut only = pool.source(0..9).tee(1).remove(0);
        assert_eq!(only.read_all().unwrap(), (0..9).collect::<Vec<_>>());
    }

    fn a_diamond_makes_each_item_once(pool) {
        let calls = Calls::new();
        let [left, right] = pool.source(calls.numbers()).tee(2).try_into().unwrap();
        let mut sums = left.map(|n| n * 2).zip(right.sequential(|n| n * 3)).map(|(a, b)| a + b);
        for (count, total) in [(1, 1), (20, 21), (400, 421)] {
            assert_eq!(sums.read(count).unwrap().len(), count);
            assert_eq!(calls.count(), total);
        }
        assert_eq!(sums.read(1).unwrap(), [421 * 5]);
    }

    fn a_partition_makes_each_item_once(pool) {
        let calls = Calls::new();
        let [mut even, mut odd] = pool.source(calls.numbers()).partition(2, |n| (n % 2) as usize).try_into().unwrap();
        assert_eq!(odd.read(1).unwrap(), [1]);
        assert_eq!(calls.count(), 2);
        assert_eq!(even.read(1).unwrap(), [0]);
        assert_eq!(calls.count(), 2);
        assert_eq!(even.read(3).unwrap(), [2, 4, 6]);
        let so_far = calls.count();
        assert!((7..=9).contains(&so_far), "{so_far}");
        assert_eq!(odd.read(3).unwrap(), [3, 5, 7]);
    }

    fn read_ahead_keeps_so_many_ready_and_no_more(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(0_u64..).map(calls.counting()).read_ahead(20);
        assert_eq!(calls.count(), 0, "nothing is ahead of what has never been read");
        assert_eq!(reader.read(5).unwrap(), [0, 1, 2, 3, 4]);
        if is_serial(&pool) {
            assert_eq!(calls.count(), 5);
        }
        assert!(calls.count() <= 25, "{} calls", calls.count());
        for read in 2..50 {
            assert_eq!(reader.read(5).unwrap().len(), 5);
            assert!(calls.count() <= read * 5 + 20, "{} calls for {} reads", calls.count(), read);
        }
        if is_serial(&pool) {
            assert_eq!(calls.count(), 49 * 5);
        }
    }

    fn buffered_items_count_for_a_read(pool) {
        let calls = Calls::new();
        let mut numbers = pool.source(0_u64..).map(calls.counting()).min_count(16);
        let mut other = numbers.clone();
        assert_eq!(numbers.read(1).unwrap(), [0]);
        assert_eq!(other.read(15).unwrap().len(), 15);
        assert_eq!(calls.count(), 16);
    }

    fn min_count_holds_for_a_task_that_reads_from_a_joint(pool) {
        for joint in 0..3 {
            let sizes = Arc::new(Mutex::new(Vec::new()));
            let seen = Arc::clone(&sizes);
            let (left, right) = (pool.source(0_u64..17), pool.source(17_u64..40));
            let joined = match joint {
                0 => left.merge(right),
                1 => left.chain(right),
                _ => left.zip(right).flat_map(|(left, right)| [left, right]),
            };
            let noted = move |items: Vec<u64>| { seen.lock().unwrap().push(items.len()); Ok::<_, ReadError>(items) };
            let mut reader = joined.map_chunks(noted).min_count(10).max_chunksize(10);
            let items = [reader.read(1).unwrap(), reader.read_all().unwrap()].concat();
            assert_eq!(items.len(), if joint < 2 { 40 } else { 34 });
            let sizes = sizes.lock().unwrap();
            let small = sizes.iter().filter(|size| **size != 10).count();
            assert!(small <= 1, "only the last chunk may be smaller: {sizes:?}");
        }
    }
}

in_parallel! {
    fn read_ahead_is_kept_full_between_reads_whatever_the_window(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(0_u64..).map(calls.counting()).max_chunksize(1).read_ahead(50);
        let mut read = 0;
        for count in [1, 3, 1, 60, 2] {
            reader.read(count).unwrap();
            read += count;
            calls.wait_for(read + 50);
            assert_eq!(calls.count(), read + 50);
        }
        // The first that is taken of fifty is made up for, not only the last.
        let some = reader.try_read(5).unwrap().unwrap().len();
        assert!(some > 0);
        read += some;
        calls.wait_for(read + 50);
        read += Parker::block_on(reader.read_async(9)).unwrap().len();
        calls.wait_for(read + 50);
        read += reader.by_ref().take(7).inspect(|item| assert!(item.is_ok())).count();
        calls.wait_for(read + 50);
    }
}
