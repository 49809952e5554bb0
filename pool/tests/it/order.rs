//! Items come in the order of the input, whatever the workers do, and each exactly once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use millpond_pool::{Pool, PoolReader, ReadError, Retry, Task};

use crate::calls::Calls;

/// Takes about as long as waking a thread is worth, and more for some than for others.
fn uneven(item: u64) -> u64 {
    let rounds = if item.is_multiple_of(7) { 3_000 } else { 50 };
    (0..rounds).fold(item, |sum, n| std::hint::black_box(sum ^ n));
    item
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items
}

in_every_mode! {
    fn items_come_in_order_whatever_they_cost(pool) {
        let mut reader = pool.source(0_u64..3000).map(uneven).filter(|n| n % 2 == 0).map(uneven);
        assert!(reader.read(500).unwrap().into_iter().eq((0..1000).step_by(2)));
        assert!(reader.read_all().unwrap().into_iter().eq((1000..3000).step_by(2)));
    }

    fn iteration_gives_items_in_order(pool) {
        let reader = pool.source(0_u64..2000).map(uneven).sequential(|n| n).flat_map(|n| [n, n]).map(uneven);
        assert!(Iterator::map(reader, Result::unwrap).eq((0..2000).flat_map(|n| [n, n])));
    }

    fn an_unordered_task_gives_all(pool) {
        let mut reader = pool.source(0_u64..2000).map(uneven).unordered();
        assert!(sorted(reader.read_all().unwrap()).into_iter().eq(0..2000));
    }

    fn an_unordered_task_before_an_ordered_one_gives_all(pool) {
        let reader = pool.source(0_u64..2000).map(uneven).unordered().sequential(|n| n).map(uneven);
        assert!(sorted(reader.collect::<Vec<_>>().unwrap()).into_iter().eq(0..2000));
    }

    fn every_item_passes_every_task_exactly_once(pool) {
        let counts: Vec<Calls> = (0..9).map(|_| Calls::new()).collect();
        let count = |index: usize| counts[index].counting();
        let seen = counts[8].clone();
        let reader = pool
            .source(0_u64..1000)
            .map(count(0))
            .try_map({ let count = count(1); move |n| Ok::<_, ReadError>(count(n)) })
            .filter_map({ let count = count(2); move |n| Some(count(n)) })
            .retry_map(Retry::NEVER, { let calls = counts[3].clone(); move |n| { calls.add(); Ok::<_, ReadError>(*n) } })
            .batch(3)
            .flatten()
            .sequential(count(4))
            .enumerate()
            .map(|(index, n)| { assert_eq!(index as u64, n); n })
            .scan((), { let count = count(5); move |(), n| Ok::<_, ReadError>(Some(count(n))) })
            .map_chunks({ let calls = counts[6].clone(); move |items: Vec<u64>| { for _ in &items { calls.add(); } Ok::<_, ReadError>(items) } })
            .take_while(|_| true)
            .skip_while(|_| false)
            .skip(0)
            .take(5000)
            .flat_map({ let count = count(7); move |n| Some(count(n)) })
            .inspect(move |_| { seen.add(); });
        assert!(reader.collect::<Vec<_>>().unwrap().into_iter().eq(0..1000));
        for (index, calls) in counts.iter().enumerate() {
            assert_eq!(calls.count(), 1000, "stage {index}");
        }
    }

    fn readers_in_several_threads_share_the_items(pool) {
        if crate::modes::is_serial(&pool) {
            return;
        }
        let calls = Calls::new();
        let reader = pool.source(0_u64..20_000).map(calls.counting()).map(|n| n);
        let readers: Vec<PoolReader<u64>> = (0..4).map(|_| reader.clone()).collect();
        let parts: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let threads: Vec<_> = readers
                .into_iter()
                .enumerate()
                .map(|(index, mut reader)| scope.spawn(move || {
                    let mut part = Vec::new();
                    loop {
                        let items = match index {
                            0 => reader.read(7).unwrap(),
                            1 => reader.read(100).unwrap(),
                            2 => Iterator::take(reader.by_ref(), 3).map(Result::unwrap).collect(),
                            _ => reader.read_some(50).unwrap(),
                        };
                        if items.is_empty() {
                            return part;
                        }
                        assert!(items.is_sorted());
                        part.extend(items);
                    }
                }))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(parts.iter().all(|part| part.is_sorted()), "each reader sees items in order");
        assert!(sorted(parts.concat()).into_iter().eq(0..20_000));
        assert_eq!(calls.count(), 20_000);
    }

    fn readers_in_several_threads_make_no_more_than_they_read(pool) {
        if crate::modes::is_serial(&pool) {
            return;
        }
        let calls = Calls::new();
        let reader = pool.source(calls.numbers()).map(uneven);
        let total: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (1..=4)
                .map(|count| {
                    let mut reader = reader.clone();
                    scope.spawn(move || (0..50).map(|_| reader.read(count * 3).unwrap().len()).sum::<usize>())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(total, 50 * 3 * (1 + 2 + 3 + 4));
        assert_eq!(calls.count(), total);
    }

    fn each_branch_of_a_tee_gets_all(pool) {
        let branches = pool.source(0_u64..1000).map(uneven).tee(3);
        if crate::modes::is_serial(&pool) {
            for mut branch in branches {
                assert!(branch.read_all().unwrap().into_iter().eq(0..1000));
            }
            return;
        }
        std::thread::scope(|scope| {
            for mut branch in branches {
                scope.spawn(move || assert!(branch.read_all().unwrap().into_iter().eq(0..1000)));
            }
        });
    }

    fn branches_that_are_dropped_hold_nobody_up(pool) {
        let [a, mut b, c] = pool.source(0_u64..100).tee(3).try_into().unwrap();
        drop(a);
        assert!(b.read(10).unwrap().into_iter().eq(0..10));
        drop(b);
        assert!(c.map(|n| n).read_all().unwrap().into_iter().eq(0..100));
    }

    fn a_dropped_branch_is_cloned_for_no_more(pool) {
        struct Counted(Calls);
        impl Clone for Counted {
            fn clone(&self) -> Self {
                self.0.add();
                Self(self.0.clone())
            }
        }
        let clones = Calls::new();
        let counted = clones.clone();
        let [a, mut b] = pool.source(0..100).map(move |_| Counted(counted.clone())).tee(2).try_into().unwrap();
        assert_eq!(b.read(10).unwrap().len(), 10);
        assert_eq!(clones.count(), 10);
        drop(a);
        assert_eq!(b.read(90).unwrap().len(), 90);
        assert_eq!(clones.count(), 10);
    }

    fn a_partition_sends_each_item_one_way(pool) {
        let parts = pool.source(0_usize..3000).map(|n| n).partition(3, |n| n % 3);
        for (index, mut part) in parts.into_iter().enumerate().rev() {
            assert!(part.read_all().unwrap().into_iter().eq((index..3000).step_by(3)));
        }
    }

    fn rejected_items_go_to_a_reader_of_their_own(pool) {
        let texts = pool.source((0..300).map(|n| if n % 10 == 3 { format!("x{n}") } else { n.to_string() }));
        let (mut numbers, mut rejected) = texts.try_map_or_reject(Retry::NEVER, |text| text.parse::<u32>());
        assert_eq!(numbers.read(5).unwrap(), [0, 1, 2, 4, 5]);
        let first = rejected.read(1).unwrap().remove(0);
        assert_eq!((first.item.as_str(), first.to_string().as_str()), ("x3", "invalid digit found in string"));
        assert_eq!(numbers.read_all().unwrap().len(), 270 - 5);
        let rest: Vec<String> = rejected.read_all().unwrap().into_iter().map(|rejected| rejected.item).collect();
        assert_eq!(rest, (1..30).map(|n| format!("x{}", n * 10 + 3)).collect::<Vec<_>>());
    }

    fn accepted_items_come_where_nobody_reads_the_rejected(pool) {
        let (numbers, rejected) =
            pool.source(["1", "x", "3"]).try_map_or_reject(Retry::NEVER, |text| text.parse::<u32>());
        drop(rejected);
        assert_eq!(numbers.map(|n| n).read_all().unwrap(), [1, 3]);
        let (numbers, mut rejected) =
            pool.source(["1", "x", "3"]).try_map_or_reject(Retry::NEVER, |text| text.parse::<u32>());
        drop(numbers);
        assert_eq!(rejected.read_all().unwrap().len(), 1);
    }

    fn concurrency_of_one_runs_one_at_a_time_and_in_order(pool) {
        let (is_inside, order) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let log = Arc::clone(&order);
        let reader = pool
            .source(0_u64..500)
            .map(uneven)
            .map(move |n| {
                assert!(!is_inside.swap(true, Ordering::SeqCst), "two at once");
                log.lock().unwrap().push(n);
                is_inside.store(false, Ordering::SeqCst);
                n
            })
            .concurrency(1)
            .map(uneven);
        assert!(reader.collect::<Vec<_>>().unwrap().into_iter().eq(0..500));
        assert!(order.lock().unwrap().iter().copied().eq(0..500));
    }

    fn tasks_and_methods_say_the_same(pool) {
        let by_method = |pool: &Pool| {
            let [a, b] = pool.source(0..100).map(|n| n + 1).filter(|n| n % 3 != 0).tee(2).try_into().unwrap();
            a.zip(b.skip(1)).batch(4).enumerate().read_all().unwrap()
        };
        let by_task = |pool: &Pool| {
            let source = pool.add_task(Task::source(0..100));
            let mapped = pool.add_task(Task::map(source, |n| n + 1));
            let [a, b] = pool.add_task(Task::filter(mapped, |n| n % 3 != 0)).tee(2).try_into().unwrap();
            let skipped = pool.add_task(Task::skip(b, 1));
            let batched = pool.add_task(Task::batch(pool.add_task(Task::zip(a, skipped)), 4));
            pool.add_task(Task::enumerate(batched)).read_all().unwrap()
        };
        assert_eq!(by_method(&pool), by_task(&pool));
    }

    fn chains_and_zips_of_clones_use_each_item_once(pool) {
        let reader = pool.source(0..100);
        let other = reader.clone();
        let mut chained = reader.chain(other);
        assert_eq!(sorted(chained.read_all().unwrap()), (0..100).collect::<Vec<_>>());
        let reader = pool.source(0..100);
        let other = reader.clone();
        let pairs = reader.zip(other).read_all().unwrap();
        // How the two sides share is not said; what only one of them got has no partner.
        let mut used = sorted(pairs.iter().flat_map(|(a, b)| [*a, *b]).collect());
        used.dedup();
        assert!(!pairs.is_empty() && used.len() == 2 * pairs.len(), "{} of {} pairs", used.len(), pairs.len());
    }
}

in_parallel! {
    fn a_slow_first_chunk_holds_back_those_after_it(pool) {
        // The first item waits until another worker has done the second: only then does either come, in order.
        let second_is_done = Arc::new(Barrier::new(2));
        let meets = Arc::clone(&second_is_done);
        let mut reader = pool
            .source(0_u64..40)
            .map(move |n| {
                if n < 2 {
                    meets.wait();
                }
                n
            })
            .max_chunksize(1)
            .read_ahead(8);
        std::thread::scope(|scope| {
            // A second reader asks, so that there are two threads whatever the helpers do.
            let mut other = reader.clone();
            let half = scope.spawn(move || other.read(20).unwrap());
            let mine = reader.read(20).unwrap();
            let theirs = half.join().unwrap();
            assert!(mine.is_sorted() && theirs.is_sorted());
            assert!(sorted([mine, theirs].concat()).into_iter().eq(0..40));
        });
    }

    fn an_unordered_task_gives_what_is_ready_past_a_slow_chunk(pool) {
        let is_read = Arc::new(AtomicBool::new(false));
        let gate = Arc::clone(&is_read);
        let reader = pool
            .source(0_u64..8)
            .map(move |n| {
                while n == 0 && !gate.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                n
            })
            .max_chunksize(1)
            .unordered();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let mut reader = reader.clone();
                let is_read = Arc::clone(&is_read);
                scope.spawn(move || {
                    while let [item] = reader.read(1).unwrap()[..] {
                        if item == 5 {
                            is_read.store(true, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
    }
}
