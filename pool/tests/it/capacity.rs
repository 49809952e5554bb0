//! Branches of limited room: a full one makes the others wait, and a wait that could not end is an
//! error.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use millpond_pool::{Branches, Capacity, Pool, PoolReader, ReadError, Retry};

use crate::executor::{next, poll_once, run, run_all};

/// For where nobody else reads.
fn impatient(items: usize) -> Capacity {
    Capacity::new(items).patience(Duration::from_millis(1))
}

/// For where somebody else does, however long that takes.
fn patient(items: usize) -> Capacity {
    Capacity::new(items).patience(Duration::from_secs(3_600))
}

/// How many items a source has given.
fn counted(pool: &Pool, items: u64) -> (PoolReader<u64>, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let source = pool.source((0..items).inspect(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    (source, made)
}

fn two<T: Send>(readers: Vec<PoolReader<T>>) -> [PoolReader<T>; 2] {
    readers.try_into().unwrap_or_else(|_| panic!("two branches"))
}

#[track_caller]
fn assert_full<T: std::fmt::Debug>(result: Result<T, ReadError>, full: (&str, usize, usize)) {
    match result {
        Err(ReadError::BranchFull { task, branch, capacity, .. }) => assert_eq!((&*task, branch, capacity), full),
        other => panic!("{other:?} where {full:?} is full"),
    }
}

/// Lets the other futures of the executor go on first.
async fn make_way() {
    let mut has_made_way = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_made_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

in_every_mode! {
    fn a_thread_that_reads_one_branch_alone_is_told_and_loses_nothing(pool) {
        let (source, made) = counted(&pool, 100);
        let [mut first, mut second] = two(source.map(|n| n).tee(Branches::new(2).capacity(impatient(7))));
        assert_full(first.read(20), ("tee", 1, 7));
        assert_eq!(made.load(Ordering::SeqCst), 7);
        assert_full(first.read(20), ("tee", 1, 7));
        assert_eq!(second.read(5).unwrap(), [0, 1, 2, 3, 4]);
        assert_full(first.read(20), ("tee", 1, 7));
        assert_eq!(made.load(Ordering::SeqCst), 12);
        // What has been made can be read.
        assert_eq!(first.read(9).unwrap().len(), 9);
        drop(second);
        assert_eq!(first.read_all().unwrap(), (9..100).collect::<Vec<_>>());
    }

    fn reading_the_branches_in_turns_gives_all(pool) {
        for capacity in [1, 2, 7, 64] {
            let (source, made) = counted(&pool, 500);
            let mut branches = source.map(|n| n).tee(Branches::new(3).capacity(impatient(capacity)));
            let mut read = vec![Vec::new(); 3];
            while read.iter().any(|items| items.len() < 500) {
                for (branch, items) in branches.iter_mut().zip(&mut read) {
                    items.extend(branch.read(capacity).unwrap());
                }
                let made = made.load(Ordering::SeqCst);
                assert!(made <= read[0].len() + capacity, "{made} made, {} read", read[0].len());
            }
            assert!(read.iter().all(|items| items.iter().copied().eq(0..500)));
        }
    }

    fn every_form_of_read_is_told(pool) {
        let branch = || two(pool.source(0..100_u64).tee(Branches::new(2).capacity(impatient(7))));
        let [mut first, _second] = branch();
        assert_full(first.read_all(), ("tee", 1, 7));
        assert_eq!(first.try_read(100).unwrap(), Some((0..7).collect()));
        // What there is when the wait is over is given, and a time-out that is longer than the
        // patience is not waited for.
        let [mut first, _second] = branch();
        assert_eq!(first.read_some_timeout(20, Duration::from_secs(3_600)).unwrap(), (0..7).collect::<Vec<_>>());
        assert_full(first.read_timeout(1, Duration::from_secs(3_600)), ("tee", 1, 7));
        assert_full(first.read_some(20), ("tee", 1, 7));
        let [mut first, mut second] = branch();
        let items: Vec<u64> = first.by_ref().map_while(Result::ok).collect();
        assert_eq!(items, (0..7).collect::<Vec<_>>());
        assert!(first.next().is_none(), "an iteration is told once");
        assert_eq!(second.read(7).unwrap(), items);
        assert_eq!(first.read(3).unwrap(), [7, 8, 9]);
        let [first, mut second] = branch();
        let mut sum = 0;
        assert_full(first.clone().for_each(|n| sum += n), ("tee", 1, 7));
        assert_eq!((sum, second.read(7).unwrap().len()), (21, 7));
        assert_full(first.clone().fold(0, |sum, n| sum + n), ("tee", 1, 7));
        assert_full(first.collect::<Vec<_>>(), ("tee", 1, 7));
    }

    fn parts_keep_as_many_items_as_they_may(pool) {
        let (source, made) = counted(&pool, 1_000);
        let mut parts = source.partition(Branches::new(3).capacity(impatient(5)), |n| (n % 3) as usize);
        assert_full(parts[2].read(40), ("partition", 0, 5));
        assert!(made.load(Ordering::SeqCst) <= 15);
        assert_eq!(parts[0].read(5).unwrap(), [0, 3, 6, 9, 12]);
        assert_full(parts[2].read(40), ("partition", 1, 5));
        drop(parts.remove(1));
        drop(parts.remove(0));
        assert_eq!(parts[0].read_all().unwrap().len(), 333);
    }

    fn rejected_items_that_nobody_reads_keep_to_their_capacity(pool) {
        let refuse = |n: &u64| if *n < 50 { Err("small") } else { Ok(*n) };
        let (source, made) = counted(&pool, 100);
        let (mut numbers, mut rejected) = source.try_map_or_reject_within(impatient(8), Retry::NEVER, refuse);
        assert_full(numbers.read(1), ("try_map", 1, 8));
        assert_eq!(made.load(Ordering::SeqCst), 8);
        assert_eq!(rejected.read(8).unwrap().len(), 8);
        assert_full(numbers.read(1), ("try_map", 1, 8));
        drop(rejected);
        assert_eq!(numbers.read_all().unwrap(), (50..100).collect::<Vec<_>>());
        let results = pool.source(0..100_u64).map(move |n| refuse(&n));
        let (mut numbers, _rejected) = results.split_results_within(impatient(3));
        assert_full(numbers.read(1), ("map", 1, 3));
    }

    fn a_branch_keeps_to_its_capacity_after_tasks_that_give_many_at_once(pool) {
        let kinds: [fn(PoolReader<u64>) -> PoolReader<u64>; 3] = [
            |reader| reader.flat_map(|n| [n; 50]),
            |reader| reader.map(|n| n).min_count(20),
            |reader| reader.map_chunks(|items| Ok::<_, &str>(items.into_iter().flat_map(|n| [n; 3]).collect::<Vec<_>>())),
        ];
        for kind in kinds {
            let [mut first, mut second] =
                two(kind(pool.source(0..40)).tee(Branches::new(2).capacity(impatient(6))));
            assert_full(first.read(7), ("tee", 1, 6));
            assert_eq!(first.try_read(100).unwrap().map(|items| items.len()), Some(6));
            assert_eq!(second.try_read(100).unwrap().map(|items| items.len()), Some(6));
            let results = kind(pool.source(0..40)).map(|n| if n > 0 { Ok(n) } else { Err(n) });
            let (_numbers, mut rejected) = results.split_results_within(impatient(6));
            assert_full(rejected.read_all(), ("map", 0, 6));
        }
    }

    fn a_zip_of_branches_takes_from_both(pool) {
        let [first, second] = two(pool.source(0..1_000_u64).tee(Branches::new(2).capacity(patient(3))));
        let mut pairs = first.map(|n| n).zip(second.sequential(|n| n));
        assert!(pairs.read_all().unwrap().into_iter().eq((0..1_000).map(|n| (n, n))));
        // What they need at once they may keep.
        let [first, second] = two(pool.source(0..1_000_u64).tee(Branches::new(2).capacity(patient(3))));
        let pairs = first.batch(50).zip(second.batch(50)).read_all().unwrap();
        assert_eq!(pairs.len(), 20);
        let [first, second] = two(pool.source(0..1_000_u64).tee(Branches::new(2).capacity(patient(3))));
        let mut all = first.map(|n| n).merge(second.filter(|n| n % 2 == 0)).read_all().unwrap();
        all.sort_unstable();
        assert_eq!(all.len(), 1_500);
    }

    fn a_branch_that_is_read_by_way_of_the_waiting_read_alone_is_told(pool) {
        let branch = || two(pool.source(0..1_000_u64).tee(Branches::new(2).capacity(impatient(3))));
        let [first, second] = branch();
        assert_full(first.filter(|n| n % 10 == 9).zip(second.map(|n| n)).read(1), ("tee", 1, 3));
        let [first, second] = branch();
        assert_full(first.chain(second).read(4), ("tee", 1, 3));
        let [first, second] = branch();
        let joined = first.map(|n| n).chain(second.sequential(|n| n)).map(|n| n).sequential(|n| n);
        let [mut joined, other] = two(joined.tee(2));
        drop(other);
        assert_full(run(joined.read_async(4)), ("tee", 1, 3));
    }

    fn a_function_that_reads_one_branch_is_told_while_the_other_one_calls_it(pool) {
        let [mut first, second] = two(pool.source(0..1_000_u64).tee(Branches::new(2).capacity(impatient(4))));
        let mut sums = second.scan((), move |_: &mut (), n| first.read(3).map(|items| Some(n + items.len() as u64)));
        let error = sums.read_all().unwrap_err();
        let cause = std::error::Error::source(error.as_task_error().expect("the task failed")).map(ToString::to_string);
        assert!(cause.is_some_and(|cause| cause.contains("branch `1` of task `tee` is full")), "{error}");
    }

    fn reads_that_await_wait_for_each_other(pool) {
        for capacity in [1, 10] {
            let [mut first, mut second] = two(pool.source(0..500_u64).map(|n| n).tee(Branches::new(2).capacity(patient(capacity))));
            let reads = [
                Box::pin(async move { first.read_async(300).await }) as Pin<Box<dyn Future<Output = _>>>,
                Box::pin(async move { second.read_async(200).await }),
            ];
            let lens: Vec<usize> = run_all(reads).into_iter().map(|items: Result<Vec<u64>, ReadError>| items.unwrap().len()).collect();
            assert_eq!(lens, [300, 200]);
        }
    }

    fn a_read_that_awaits_waits_while_it_is_awaited(pool) {
        let (source, made) = counted(&pool, 500);
        let [mut first, mut second] = two(source.tee(Branches::new(2).capacity(patient(10))));
        let mut read = Box::pin(first.read_async(25));
        for room in [10, 20] {
            while made.load(Ordering::SeqCst) < room {
                assert!(poll_once(read.as_mut()).is_none());
                thread::yield_now();
            }
            assert!(poll_once(read.as_mut()).is_none());
            assert_eq!(second.read(10).unwrap().len(), 10);
        }
        assert_eq!(run(read).unwrap(), (0..25).collect::<Vec<_>>());
    }

    fn a_read_that_awaits_alone_is_told_and_loses_nothing(pool) {
        let branch = || two(pool.source(0..100_u64).map(|n| n).tee(Branches::new(2).capacity(impatient(7))));
        let [mut first, mut second] = branch();
        assert_full(run(first.read_async(20)), ("tee", 1, 7));
        assert_full(run(first.read_all_async()), ("tee", 1, 7));
        assert_eq!(run(second.read_async(7)).unwrap(), (0..7).collect::<Vec<_>>());
        assert_eq!(run(first.read_async(14)).unwrap(), (0..14).collect::<Vec<_>>());
        assert_full(run(first.read_some_async(9)), ("tee", 1, 7));
        let tail = first.map(|n| n).sequential(|n| n);
        let [mut tail, other] = two(tail.tee(2));
        assert_full(run(tail.read_async(1)), ("tee", 1, 7));
        drop(other);
        assert_full(run(next(&mut tail)).expect("this is not the end"), ("tee", 1, 7));
        drop(second);
        assert_eq!(tail.read_all().unwrap(), (14..100).collect::<Vec<_>>());
    }

    fn two_reads_that_await_are_both_told(pool) {
        let branches = pool.source(0..100_u64).map(|n| n).tee(Branches::new(3).capacity(impatient(7)));
        let [first, second, mut third] = branches.try_into().unwrap_or_else(|_| panic!("three branches"));
        // The first may wait for longer than that before the second begins, and is told so.
        let read = |mut reader: PoolReader<u64>| async move {
            loop {
                match reader.read_async(20).await {
                    Err(ReadError::BranchFull { branch: 0 | 1, .. }) => make_way().await,
                    read => break read,
                }
            }
        };
        let reads = [Box::pin(read(first)) as Pin<Box<dyn Future<Output = _>>>, Box::pin(read(second))];
        let (mut reads, mut told) = (Vec::from(reads), 0);
        for result in run_all(reads.drain(..)) {
            assert_full(result, ("tee", 2, 7));
            told += 1;
        }
        assert_eq!((told, third.read(7).unwrap().len()), (2, 7));
    }

    fn a_tee_of_a_tee_keeps_to_both_capacities(pool) {
        let (source, made) = counted(&pool, 100);
        let [first, mut second] = two(source.map(|n| n).tee(Branches::new(2).capacity(impatient(20))));
        let [mut third, mut fourth] = two(first.map(|n| n).tee(Branches::new(2).capacity(impatient(5))));
        assert_full(third.read(30), ("tee", 1, 5));
        assert_eq!(fourth.read(5).unwrap(), [0, 1, 2, 3, 4]);
        drop(fourth);
        assert_full(third.read(30), ("tee", 1, 20));
        assert!(made.load(Ordering::SeqCst) <= 20);
        assert_eq!(second.read(20).unwrap().len(), 20);
        assert_eq!(third.read(30).unwrap().len(), 30);
    }

    fn a_failure_is_given_to_every_branch_after_its_items(pool) {
        let fails = |n: u64| if n < 10 { Ok(n) } else { Err("ten") };
        let [mut first, mut second] = two(pool.source(0..100_u64).try_map(fails).tee(Branches::new(2).capacity(impatient(7))));
        assert_full(first.read(11), ("tee", 1, 7));
        assert_eq!(second.read(7).unwrap().len(), 7);
        for reader in [&mut first, &mut second] {
            assert!(reader.read_all().unwrap_err().as_task_error().is_some());
        }
        assert_eq!((first.read(10).unwrap().len(), second.read(3).unwrap()), (10, vec![7, 8, 9]));
    }

    fn a_capacity_of_nothing_is_refused(pool) {
        let message = |split: fn(PoolReader<u64>)| {
            let reader = pool.source(0..9_u64);
            let payload = catch_unwind(AssertUnwindSafe(|| split(reader))).unwrap_err();
            payload.downcast_ref::<String>().cloned().unwrap()
        };
        assert_eq!(message(|reader| drop(reader.tee(Branches::new(2).capacity(0)))), "task `tee` was given a capacity of `0`; give 1 or more");
        assert_eq!(message(|reader| drop(reader.partition(Branches::new(2).capacity(0), |_| 0))), "task `partition` was given a capacity of `0`; give 1 or more");
        assert_eq!(message(|reader| drop(reader.map(Ok::<_, u64>).split_results_within(0))), "task `split_results` was given a capacity of `0`; give 1 or more");
    }
}

/// Makes of each function a test on pools of one, two and eight workers.
macro_rules! in_threads {
    ($(fn $name:ident($pool:ident) $body:block)+) => {$(
        mod $name {
            use super::*;

            fn body($pool: Pool) $body

            #[test]
            fn one_worker() {
                crate::modes::watched(concat!(module_path!(), "::one_worker"), || body(crate::workers::pool(1)));
            }

            #[test]
            fn two_workers() {
                crate::modes::watched(concat!(module_path!(), "::two_workers"), || body(crate::workers::pool(2)));
            }

            #[test]
            fn eight_workers() {
                crate::modes::watched(concat!(module_path!(), "::eight_workers"), || body(crate::workers::pool(8)));
            }
        }
    )+};
}

in_threads! {
    fn a_thread_that_reads_the_other_branch_is_waited_for(pool) {
        for capacity in [1, 10, 1_000] {
            let (source, made) = counted(&pool, 20_000);
            let (tell, full) = mpsc::channel();
            let source = source.map(move |n| {
                if n + 1 == capacity {
                    tell.send(()).unwrap();
                }
                n
            });
            let branches = Branches::new(2).capacity(patient(usize::try_from(capacity).unwrap()));
            let [mut first, second] = two(source.tee(branches));
            let read = Arc::new(AtomicUsize::new(0));
            let (most, count) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&read));
            let reader = thread::spawn({
                let most = Arc::clone(&most);
                move || {
                    full.recv().unwrap();
                    second.map_while(Result::ok).inspect(|_| {
                        let kept = made.load(Ordering::SeqCst) - count.fetch_add(1, Ordering::SeqCst);
                        most.fetch_max(kept, Ordering::SeqCst);
                    }).count()
                }
            });
            assert!(first.read_all().unwrap().into_iter().eq(0..20_000));
            assert_eq!(reader.join().unwrap(), 20_000);
            // An iteration has taken a chunk that it has not given yet, and that is no larger than
            // the capacity.
            let most = most.load(Ordering::SeqCst);
            assert!(most <= 2 * usize::try_from(capacity).unwrap() + 1, "{most} items kept of {capacity}");
        }
    }

    fn a_read_with_a_time_out_ends_by_it(pool) {
        let [mut first, mut second] = two(pool.source(0..100_u64).tee(Branches::new(2).capacity(patient(7))));
        loop {
            match first.read_timeout(20, Duration::from_millis(1)) {
                Err(ReadError::TimedOut { ready: 7, .. }) => break,
                Err(ReadError::TimedOut { ready, .. }) => assert!(ready < 7),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(second.read(7).unwrap().len(), 7);
        assert_eq!(first.read(14).unwrap(), (0..14).collect::<Vec<_>>());
    }

    fn a_branch_that_is_dropped_is_waited_for_no_more(pool) {
        for awaits in [false, true] {
            let (source, made) = counted(&pool, 100);
            let [mut first, second] = two(source.tee(Branches::new(2).capacity(patient(7))));
            let dropping = thread::spawn(move || {
                while made.load(Ordering::SeqCst) < 7 {
                    thread::yield_now();
                }
                drop(second);
            });
            let items = if awaits { run(first.read_all_async()) } else { first.read_all() };
            assert_eq!(items.unwrap(), (0..100).collect::<Vec<_>>());
            dropping.join().unwrap();
        }
    }

    fn a_pool_that_is_dropped_ends_the_wait(pool) {
        let (source, made) = counted(&pool, 100);
        let [mut first, mut second] = two(source.tee(Branches::new(2).capacity(patient(7))));
        let blocks = thread::spawn(move || first.read(20));
        while made.load(Ordering::SeqCst) < 7 {
            thread::yield_now();
        }
        drop(pool);
        assert!(matches!(blocks.join().unwrap(), Err(ReadError::PoolGone { .. })));
        assert!(matches!(second.read(1), Err(ReadError::PoolGone { .. })));
    }

    fn a_thread_that_has_ended_is_not_waited_for(pool) {
        let [mut first, mut second] = two(pool.source(0..100_u64).tee(Branches::new(2).capacity(impatient(7))));
        let second = thread::spawn(move || {
            second.read(3).unwrap();
            second
        });
        let second = second.join().unwrap();
        assert_full(first.read(20), ("tee", 1, 7));
        drop(second);
        assert_eq!(first.read(20).unwrap().len(), 20);
    }

    fn threads_that_wait_for_each_other_to_make_room_are_told(pool) {
        let branch = || two(pool.source(0..1_000_u64).tee(Branches::new(2).capacity(impatient(7))));
        let ([mut a, mut b], [mut c, mut d]) = (branch(), branch());
        let barrier = Arc::new(Barrier::new(2));
        let other = thread::spawn({
            let barrier = Arc::clone(&barrier);
            move || {
                b.read(1).unwrap();
                barrier.wait();
                (d.read(100), b)
            }
        });
        c.read(1).unwrap();
        barrier.wait();
        let mine = a.read(100);
        let (theirs, _b) = other.join().unwrap();
        // Each of them was the only one that could have helped the other.
        for result in [mine, theirs] {
            assert!(matches!(result, Err(ReadError::BranchFull { capacity: 7, .. })), "{result:?}");
        }
    }
}
