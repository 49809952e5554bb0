//! Graphs of any depth work on any size of pool, in time that goes with their size.

use std::sync::LazyLock;

use millpond_pool::PoolReader;

use crate::calls::Calls;

/// How many tasks a deep chain has: as the names say, or a tenth where all is slower under a sanitizer. A wide merge has a hundredth.
static DEPTH: LazyLock<usize> =
    LazyLock::new(|| if std::env::var_os("MILLPOND_SANITIZER").is_some() { 10_000 } else { 100_000 });

in_every_mode! {
    fn a_chain_of_a_hundred_thousand_maps(pool) {
        let mut reader = pool.source(0_usize..);
        for _ in 0..*DEPTH {
            reader = reader.map(|n| n + 1);
        }
        assert_eq!(pool.task_count(), *DEPTH + 1);
        assert_eq!(reader.read(3).unwrap(), [*DEPTH, *DEPTH + 1, *DEPTH + 2]);
        drop(reader);
        // A helper may be looking at it still.
        while pool.task_count() > 0 {
            std::thread::yield_now();
        }
    }

    fn a_chain_of_twenty_thousand_sequential_tasks(pool) {
        let depth = *DEPTH / 5;
        let mut reader = pool.source(0_usize..3);
        for _ in 0..depth {
            reader = reader.sequential(|n| n + 1);
        }
        assert_eq!(reader.read(1).unwrap(), [depth]);
        assert_eq!(reader.read_all().unwrap(), [depth + 1, depth + 2]);
        drop(reader);
        // A helper may be looking at it still.
        while pool.task_count() > 0 {
            std::thread::yield_now();
        }
    }

    fn a_chain_of_many_readers(pool) {
        let width = *DEPTH as u64 / 20;
        let mut chained = pool.chain((0..width).map(|n| pool.source(n * 2..n * 2 + 2)));
        assert!(chained.read(400).unwrap().into_iter().eq(0..400));
        assert!(chained.read_all().unwrap().into_iter().eq(400..width * 2));
    }

    fn a_merge_of_many_readers_asks_those_that_it_needs(pool) {
        let width = *DEPTH as u64 / 100;
        let calls = Calls::new();
        let reader = |n: u64| pool.source(n * 2..n * 2 + 2).map(calls.counting());
        let mut merged = pool.merge((0..width).map(reader));
        let mut all: Vec<u64> = Vec::new();
        for read in 1..=50 {
            all.extend(merged.read(1).unwrap());
            assert_eq!(calls.count(), read);
        }
        all.extend(merged.read(30).unwrap());
        assert_eq!(calls.count(), 80);
        all.extend(merged.read_all().unwrap());
        all.sort_unstable();
        assert!(all.into_iter().eq(0..width * 2));
    }

    fn dropping_a_chain_of_a_hundred_thousand_unread_tasks(pool) {
        let mut reader = pool.source(0_usize..);
        for _ in 0..*DEPTH / 2 {
            reader = reader.sequential(|n| n).map(|n| n);
        }
        drop(reader);
        // A helper may be looking at it still.
        while pool.task_count() > 0 {
            std::thread::yield_now();
        }
    }

    fn dropping_the_pool_of_a_deep_chain(pool) {
        let mut reader = pool.source(0_usize..);
        for _ in 0..*DEPTH / 4 {
            reader = reader.sequential(|n| n);
        }
        assert_eq!(reader.read(1).unwrap(), [0]);
        drop(pool);
        assert!(reader.read(1).is_err());
    }

    fn sixty_diamonds_in_a_row(pool) {
        let calls = Calls::new();
        let mut reader: PoolReader<u64> = pool.source(calls.numbers());
        for _ in 0..60 {
            let [left, right] = reader.tee(2).try_into().unwrap();
            reader = left.zip(right.sequential(|n| n)).map(|(a, b)| u64::midpoint(a, b));
        }
        assert_eq!(reader.read(1).unwrap(), [0]);
        assert_eq!(calls.count(), 1);
        assert!(reader.read(50).unwrap().into_iter().eq(1..51));
        assert_eq!(calls.count(), 51);
    }

    fn sixty_diamonds_over_a_parked_source(pool) {
        let (writer, channel) = millpond_channel::unbounded();
        let mut reader: PoolReader<u64> = pool.channel(channel);
        for _ in 0..60 {
            let [left, right] = reader.tee(2).try_into().unwrap();
            reader = left.sequential(|n| n).zip(right).map(|(a, b)| u64::midpoint(a, b));
        }
        assert!(reader.read_timeout(1, std::time::Duration::from_millis(1)).unwrap_err().is_timed_out());
        writer.write_from(0..20).unwrap();
        assert!(reader.read(20).unwrap().into_iter().eq(0..20));
    }

    fn sixty_diamonds_that_join_by_merging(pool) {
        let mut reader: PoolReader<u64> = pool.source(0..);
        for _ in 0..60 {
            let parts = reader.partition(2, |n| (n % 2) as usize);
            reader = pool.merge(parts).map(|n| n / 2 * 2 + n % 2);
        }
        let mut all = reader.read(100).unwrap();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 100);
    }

    fn diamonds_over_shared_readers(pool) {
        // Each level reads two clones of the one below.
        let mut reader: PoolReader<u64> = pool.source(0..5000).sequential(|n| n);
        for _ in 0..30 {
            let other = reader.clone();
            reader = pool.merge([reader, other]);
        }
        let mut all = reader.read_all().unwrap();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..5000));
    }

    fn a_zip_of_branches_one_of_which_batches(pool) {
        let [singles, groups] = pool.source(0_u64..).tee(2).try_into().unwrap();
        let mut pairs = groups.batch(10_000).zip(singles.map(|n| n));
        let first = pairs.read(1).unwrap().remove(0);
        assert_eq!((first.0.len(), first.1), (10_000, 0));
        assert_eq!(pairs.read(3).unwrap().last().map(|(group, single)| (group[0], *single)), Some((30_000, 3)));
    }

    fn a_zip_of_branches_one_of_which_filters_nearly_all(pool) {
        let [all, few] = pool.source(0_u64..).tee(2).try_into().unwrap();
        let mut pairs = all.zip(few.filter(|n| n % 5000 == 4999).batch(3)).max_chunksize(7);
        for index in 0..3 {
            assert_eq!(pairs.read(1).unwrap(), [(index, vec![4999, 9999, 14999].into_iter().map(|n| n + index * 15_000).collect())]);
        }
    }

    fn a_wide_merge(pool) {
        let width = *DEPTH as u64 / 100;
        let mut merged = pool.merge((0..width).map(|n| pool.source(n * 10..n * 10 + 10).sequential(|n| n)));
        let mut all = merged.read_all().unwrap();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..width * 10));
    }

    fn a_wide_tee(pool) {
        let branches = pool.source(0_u64..50).tee(300);
        let mut sums = pool.merge(branches.into_iter().map(|branch| branch.fold_task(0, |sum, n| sum + n)));
        assert_eq!(sums.read_all().unwrap(), [1225; 300]);
    }

    fn a_slow_consumer_holds_up_only_itself(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(calls.numbers()).map(|n| n).max_chunksize(4);
        let mut taken = 0_usize;
        for item in reader.by_ref() {
            assert_eq!(item.unwrap(), taken as u64);
            taken += 1;
            // However long it takes, no more is made than the window, what was taken with this item, and what is under way.
            let most = taken + 4 * (2 * pool.size() + 1 + pool.size());
            assert!(calls.count() <= most, "{} made for {taken} taken", calls.count());
            std::thread::yield_now();
            if taken == 200 {
                break;
            }
        }
    }
}
