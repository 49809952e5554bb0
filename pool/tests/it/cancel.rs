//! What nobody can read any more stops at the next item, and is let go.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::time::Duration;

use millpond_pool::{Pool, ReadError, Retry};

use crate::calls::Calls;
use crate::modes::is_serial;

/// Says when it is dropped.
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn new() -> (Self, Arc<AtomicBool>) {
        let is_dropped = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&is_dropped)), is_dropped)
    }

    /// Passes items on, and keeps the flag as long as it lives.
    fn passing<T>(self) -> impl Fn(T) -> T + Send + Sync {
        move |item| {
            let _ = &self;
            item
        }
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Yields until a flag is up; the watchdog ends what never gets there.
fn wait_for(flag: &AtomicBool) {
    while !flag.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
}

/// Yields until the pool has no tasks.
fn wait_for_no_tasks(pool: &Pool) {
    while pool.task_count() > 0 {
        std::thread::yield_now();
    }
}

in_every_mode! {
    fn dropping_a_reader_that_never_read_lets_go_of_all(pool) {
        let (source, source_is_dropped) = Flag::new();
        let (function, function_is_dropped) = Flag::new();
        let reader = pool.source((0..).map(source.passing())).map(function.passing()).batch(3).sequential(|n| n);
        assert!(pool.task_count() >= 4);
        drop(reader);
        assert!(source_is_dropped.load(Ordering::SeqCst) && function_is_dropped.load(Ordering::SeqCst));
        assert_eq!(pool.task_count(), 0);
    }

    fn dropping_a_reader_lets_go_of_iterators_and_functions(pool) {
        let (source, source_is_dropped) = Flag::new();
        let (function, function_is_dropped) = Flag::new();
        let (state, state_is_dropped) = Flag::new();
        let mut reader =
            pool.source((0_u64..).map(source.passing())).map(function.passing()).sequential(state.passing());
        assert_eq!(reader.read(100).unwrap().len(), 100);
        assert_eq!(reader.next().unwrap().unwrap(), 100);
        reader.close();
        wait_for(&source_is_dropped);
        wait_for(&function_is_dropped);
        wait_for(&state_is_dropped);
        wait_for_no_tasks(&pool);
    }

    fn items_that_nobody_reads_are_dropped_with_the_reader(pool) {
        let (flag, is_dropped) = Flag::new();
        let item = Arc::new(flag);
        let mut reader = pool.source((0..10).map(move |_| Arc::clone(&item))).min_count(10);
        assert_eq!(reader.read(1).unwrap().len(), 1);
        drop(reader);
        wait_for(&is_dropped);
    }

    fn a_source_that_has_ended_is_dropped_at_once(pool) {
        let (source, is_dropped) = Flag::new();
        let mut reader = pool.source((0..5).map(source.passing()));
        assert_eq!(reader.read(5).unwrap().len(), 5);
        assert!(reader.read(1).unwrap().is_empty());
        wait_for(&is_dropped);
    }

    fn taking_the_last_item_lets_go_of_the_source(pool) {
        let (source, is_dropped) = Flag::new();
        let mut reader = pool.source((0..).map(source.passing())).sequential(|n| n).take(5);
        assert_eq!(reader.read(5).unwrap(), [0, 1, 2, 3, 4]);
        wait_for(&is_dropped);
        assert!(reader.read(1).unwrap().is_empty());
    }

    fn a_failure_lets_go_of_the_source(pool) {
        let (source, is_dropped) = Flag::new();
        let mut reader =
            pool.source((0..).map(source.passing())).sequential(|n| n).try_map(|n| if n < 5 { Ok(n) } else { Err("no") });
        assert!(reader.read(9).is_err());
        wait_for(&is_dropped);
        assert_eq!(reader.read(5).unwrap().len(), 5);
    }

    fn one_of_several_readers_may_go(pool) {
        let (source, is_dropped) = Flag::new();
        let reader = pool.source((0..100).map(source.passing())).map(|n| n);
        let mut other = reader.clone();
        drop(reader);
        assert_eq!(other.read(50).unwrap().len(), 50);
        assert!(!is_dropped.load(Ordering::SeqCst));
        assert_eq!(pool.task_count(), 2);
        drop(other);
        wait_for(&is_dropped);
        wait_for_no_tasks(&pool);
    }

    fn what_is_shared_upstream_survives(pool) {
        let (source, is_dropped) = Flag::new();
        let [left, right] = pool.source((0..1000).map(source.passing())).tee(2).try_into().unwrap();
        let mut left = left.map(|n| n).batch(10);
        let mut right = right.filter(|n| n % 2 == 0);
        assert_eq!(left.read(3).unwrap().len(), 3);
        assert_eq!(right.read(100).unwrap().len(), 100);
        let count = pool.task_count();
        drop(left);
        while pool.task_count() > count - 2 {
            std::thread::yield_now();
        }
        assert!(!is_dropped.load(Ordering::SeqCst));
        assert_eq!(right.read_all().unwrap().len(), 400);
        drop(right);
        wait_for_no_tasks(&pool);
    }

    fn the_losing_side_of_a_zip_goes_when_it_ends(pool) {
        let (source, is_dropped) = Flag::new();
        let mut pairs = pool.source(0..3).zip(pool.source((0..).map(source.passing())));
        assert_eq!(pairs.read_all().unwrap().len(), 3);
        wait_for(&is_dropped);
    }

    fn a_task_that_uses_the_reader_keeps_it(pool) {
        let (source, is_dropped) = Flag::new();
        let mut inner = pool.source((0_u64..).map(source.passing()));
        assert_eq!(inner.read(3).unwrap(), [0, 1, 2]);
        let mut outer = inner.map(|n| n * 10);
        assert_eq!(outer.read(2).unwrap(), [30, 40]);
        assert!(!is_dropped.load(Ordering::SeqCst));
        drop(outer);
        wait_for(&is_dropped);
    }

    fn a_drop_within_a_function_lets_go_as_well(pool) {
        let (source, is_dropped) = Flag::new();
        let victim = std::sync::Mutex::new(Some(pool.source((0..).map(source.passing())).map(|n: u32| n)));
        let mut reader = pool.source(0..3).map(move |n| { drop(victim.lock().unwrap().take()); n });
        assert_eq!(reader.read_all().unwrap(), [0, 1, 2]);
        wait_for(&is_dropped);
    }

    fn readers_say_that_their_pool_is_gone(pool) {
        let mut read = pool.source(0..9).map(|n| n).named("orphaned");
        let mut unread = pool.source(0..9).named("unread");
        let mut iterated = pool.source(0..900).map(|n| n).max_chunksize(1);
        assert_eq!(read.read(2).unwrap(), [0, 1]);
        assert_eq!(iterated.next().unwrap().unwrap(), 0);
        drop(pool);
        let text = "reading from task `orphaned` whose pool is gone; keep the pool alive for as long as its readers";
        assert_eq!(read.read(1).unwrap_err().to_string(), text);
        assert_eq!(read.read_all().unwrap_err().to_string(), text);
        assert_eq!(read.try_read(1).unwrap_err().to_string(), text);
        assert_eq!(read.next().unwrap().unwrap_err().to_string(), text);
        assert!(matches!(unread.read(1), Err(ReadError::PoolGone { task }) if &*task == "unread"));
        assert!(matches!(iterated.next(), Some(Ok(1) | Err(ReadError::PoolGone { .. }))));
        let mut after = unread.map(|n| n);
        assert!(matches!(after.read(1), Err(ReadError::PoolGone { .. })));
    }

    fn dropping_the_pool_lets_go_of_iterators(pool) {
        let (source, is_dropped) = Flag::new();
        let mut reader = pool.source((0..).map(source.passing())).map(|n| n);
        assert_eq!(reader.read(3).unwrap(), [0, 1, 2]);
        drop(pool);
        wait_for(&is_dropped);
        assert!(reader.read(1).is_err());
    }

    fn dropping_the_pool_ends_a_read_that_waits(pool) {
        let (writer, channel) = millpond_channel::unbounded::<u32>();
        let watched = channel.clone();
        let mut reader = pool.channel(channel).map(|n| n).named("waiting");
        writer.write(1).unwrap();
        assert_eq!(reader.read(1).unwrap(), [1]);
        let thread = std::thread::spawn(move || reader.read(1));
        while watched.waiting_readers() == 0 {
            std::thread::yield_now();
        }
        drop(pool);
        assert!(matches!(thread.join().unwrap(), Err(ReadError::PoolGone { task }) if &*task == "waiting"));
        drop(writer);
    }

    fn dropping_the_pool_ends_a_read_at_the_next_item(pool) {
        let (started, has_started) = mpsc::channel();
        let (resume, resumes) = mpsc::channel::<()>();
        let resumes = std::sync::Mutex::new(resumes);
        let calls = Calls::new();
        let counted = calls.clone();
        let mut reader = pool.source(0..1_000_000).map(move |n| {
            if counted.add() == 500 {
                started.send(()).unwrap();
                resumes.lock().unwrap().recv().unwrap();
            }
            n
        });
        let thread = std::thread::spawn(move || reader.read_all());
        has_started.recv().unwrap();
        drop(pool);
        let so_far = calls.count();
        resume.send(()).unwrap();
        assert!(matches!(thread.join().unwrap(), Err(ReadError::PoolGone { .. })));
        // Each worker looks after at most 64 quick items.
        assert!(calls.count() <= so_far + 9 * 64, "{} calls after {so_far}", calls.count());
    }
}

in_parallel! {
    fn a_function_stops_at_the_next_item_when_its_reader_goes(pool) {
        // A helper is stopped in the middle of a chunk while the reader is dropped here.
        let (started, has_started) = mpsc::channel();
        let (resume, resumes) = mpsc::channel::<()>();
        let (started, resumes) = (std::sync::Mutex::new(started), std::sync::Mutex::new(resumes));
        let calls = Calls::new();
        let counted = calls.clone();
        let (source, is_dropped) = Flag::new();
        let here = std::thread::current().id();
        let mut reader = pool
            .source((0_u64..).map(source.passing()))
            .map(move |n| {
                let count = counted.add();
                (0..5_000).fold(n, |sum, k| std::hint::black_box(sum ^ k));
                if count > 20 && std::thread::current().id() != here && started.lock().unwrap().send(()).is_ok() {
                    // Only the first helper gets an answer; when the other end is gone, all go on.
                    let _ = resumes.lock().unwrap().recv();
                }
                n
            });
        let mut other = reader.clone();
        // What this reader lacks, the stopped helper may have in hand.
        let thread = std::thread::spawn(move || { let _ = other.read(20_000); other });
        has_started.recv().unwrap();
        drop(has_started);
        let waiting = calls.count();
        let _ = reader.try_read(1);
        drop(reader);
        resume.send(()).unwrap();
        drop(resume);
        drop(thread.join().unwrap());
        wait_for(&is_dropped);
        assert!(waiting <= calls.count());
        assert!(calls.count() < 100_000);
    }

    fn a_dropped_iteration_stops_its_helpers_in_the_middle_of_a_chunk(pool) {
        let (is_dropped, entered) = (Arc::new(AtomicBool::new(false)), Calls::new());
        let (gate, inside) = (Arc::clone(&is_dropped), entered.clone());
        let here = std::thread::current().id();
        let calls = Calls::new();
        let counted = calls.clone();
        let read = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let read_so_far = Arc::clone(&read);
        let mut reader = pool
            .source(0_u64..)
            .map(move |n| {
                counted.add();
                (0..2_000).fold(n, |sum, k| std::hint::black_box(sum ^ k));
                // Not in the chunk that the iteration may be waiting for at this moment.
                let is_ahead = n >= read_so_far.load(Ordering::SeqCst) + 16;
                if is_ahead && std::thread::current().id() != here {
                    inside.add();
                    wait_for(&gate);
                }
                n
            })
            .max_chunksize(8)
            .min_count(8);
        let mut items = 0_u64;
        while entered.count() == 0 {
            assert_eq!(reader.next().unwrap().unwrap(), items);
            items += 1;
            read.store(items, Ordering::SeqCst);
        }
        drop(reader);
        let so_far = calls.count();
        is_dropped.store(true, Ordering::SeqCst);
        wait_for_no_tasks(&pool);
        // Those inside finish the item that they are at.
        assert!(calls.count() <= so_far + 2 * pool.size(), "{} calls after {so_far}", calls.count());
    }
}

in_every_mode! {
    fn a_pool_may_go_with_items_in_flight_and_readers_all_over(pool) {
        if is_serial(&pool) {
            return;
        }
        let reader = pool.source(0_u64..).map(|n| n).sequential(|n| n).map(|n| n);
        let started = Calls::new();
        let threads: Vec<_> = (0..4)
            .map(|index| {
                let (mut reader, started) = (reader.clone(), started.clone());
                std::thread::spawn(move || {
                    loop {
                        let result = match index {
                            0 => reader.read(10).map(|_| ()),
                            1 => reader.next().expect("endless").map(|_| ()),
                            2 => reader.read_some(7).map(|_| ()),
                            _ => reader.read(3000).map(|_| ()),
                        };
                        match result {
                            Ok(()) => { started.add(); }
                            Err(error) => return error,
                        }
                    }
                })
            })
            .collect();
        started.wait_for(100);
        drop(pool);
        for thread in threads {
            assert!(matches!(thread.join().unwrap(), ReadError::PoolGone { .. }));
        }
    }
    fn a_wait_before_another_call_ends_when_nobody_can_read_the_result(pool) {
        if is_serial(&pool) {
            return;
        }
        let calls = Calls::new();
        let called = calls.clone();
        let (flag, is_dropped) = Flag::new();
        let pass = flag.passing();
        let retry = Retry::times(9).wait(Duration::from_secs(3600));
        let mut reader = pool.source(0_u64..).retry_map(retry, move |n| {
            called.add();
            if *n < 3 { Ok(pass(*n)) } else { Err("no") }
        });
        let (mut numbers, mut rejected) = pool.source(0_u64..).try_map_or_reject(retry, calls.failing());
        let mut reads = (Box::pin(reader.read_async(9)), Box::pin(numbers.read_async(1)), Box::pin(rejected.read_async(1)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(reads.0.as_mut().poll(&mut context).is_pending());
        assert!(reads.1.as_mut().poll(&mut context).is_pending());
        assert!(reads.2.as_mut().poll(&mut context).is_pending());
        calls.wait_for(if pool.size() > 1 { 5 } else { 1 });
        drop(reads);
        drop((reader, numbers, rejected));
        wait_for_no_tasks(&pool);
        wait_for(&is_dropped);
    }
}
