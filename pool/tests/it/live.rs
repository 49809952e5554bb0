//! A graph that changes while it is read: sizes, new tasks, removed tasks.

use std::time::{Duration, Instant};

use millpond_channel::unbounded;

use crate::calls::Calls;
use crate::modes::is_serial;

in_every_mode! {
    fn resizing_between_reads_changes_nothing_else(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(calls.numbers()).map(|n| n).sequential(|n| n).batch(2).flatten();
        let mut next = 0;
        for size in [0, 1, 8, 0, 2, 0, 0, 3] {
            pool.set_size(size);
            assert_eq!(pool.size(), size);
            for count in [1, 20, 333] {
                assert!(reader.read(count).unwrap().into_iter().eq(next..next + count as u64));
                next += count as u64;
            }
            assert_eq!(reader.next().unwrap().unwrap(), next);
            next += 1;
        }
    }

    fn resizing_during_reads_loses_nothing(pool) {
        let calls = Calls::new();
        let reader = pool.source(0_u64..200_000).map(calls.counting()).sequential(|n| n).map(|n| n);
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let is_over = &is_over;
            scope.spawn(move || {
                for size in [0, 2, 0, 8, 1, 3].into_iter().cycle() {
                    if is_over.load(std::sync::atomic::Ordering::SeqCst) {
                        break;
                    }
                    pool.set_size(size);
                    std::thread::yield_now();
                }
            });
            let mut reader = reader;
            let mut items = reader.read(10_000).unwrap();
            items.extend(Iterator::take(reader.by_ref(), 10_000).map(Result::unwrap));
            items.extend(reader.read_all().unwrap());
            is_over.store(true, std::sync::atomic::Ordering::SeqCst);
            assert!(items.into_iter().eq(0..200_000));
        });
        assert_eq!(calls.count(), 200_000);
    }

    fn a_task_removed_before_its_first_read_gives_nothing(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(calls.numbers()).map(|n| n);
        pool.remove_task(reader.task_id()).unwrap();
        assert_eq!(reader.read_all().unwrap(), [] as [u64; 0]);
        assert_eq!(calls.count(), 0);
    }

    fn a_removed_task_ends_its_readers_after_what_was_made(pool) {
        let mut numbers = pool.source(0..).map(|n| n).min_count(10);
        let task = numbers.task_id();
        assert_eq!(numbers.read(1).unwrap(), [0]);
        pool.remove_task(task).unwrap();
        assert!(numbers.read_all().unwrap().into_iter().eq(1..10));
        assert!(numbers.read(1).unwrap().is_empty());
        pool.remove_task(task).unwrap();
    }

    fn removing_a_task_lets_go_of_what_only_it_needed(pool) {
        let upstream = pool.source(0..).sequential(|n| n);
        let mut kept = upstream.clone();
        let mut reader = upstream.sequential(|n| n);
        assert_eq!(reader.read(2).unwrap(), [0, 1]);
        pool.remove_task(reader.task_id()).unwrap();
        assert!(reader.read(1).unwrap().is_empty());
        assert_eq!(kept.read(2).unwrap(), [2, 3]);
    }

    fn removing_a_task_ends_a_read_that_waits(pool) {
        if is_serial(&pool) {
            return;
        }
        let (_writer, channel) = unbounded::<u32>();
        let watched = channel.clone();
        let fed = pool.channel(channel);
        let mut first = fed.clone();
        let task = fed.task_id();
        let mut reader = fed.sequential(|n| n);
        let thread = std::thread::spawn(move || reader.read(1).unwrap());
        let other = std::thread::spawn(move || first.read(1).unwrap());
        while watched.waiting_readers() == 0 {
            std::thread::yield_now();
        }
        pool.remove_task(task).unwrap();
        assert!(thread.join().unwrap().is_empty());
        assert!(other.join().unwrap().is_empty());
    }

    fn removing_a_task_during_a_read_keeps_what_was_made(pool) {
        if is_serial(&pool) {
            return;
        }
        let calls = Calls::new();
        let mut reader = pool.source(0_u64..).map(calls.counting());
        let task = { reader = reader.clone(); reader.task_id() };
        let thread = std::thread::spawn(move || reader.read_all().unwrap());
        calls.wait_for(1000);
        pool.remove_task(task).unwrap();
        let items = thread.join().unwrap();
        assert!(items.iter().copied().eq(0..items.len() as u64));
        assert_eq!(items.len(), calls.count());
    }

    fn a_timed_out_read_loses_nothing(pool) {
        let (writer, channel) = unbounded();
        let mut reader = pool.channel(channel).map(|n: u64| n).sequential(|n| n);
        let mut items = Vec::new();
        for n in 0..50 {
            writer.write(n).unwrap();
            match reader.read_timeout(3, Duration::from_micros(200)) {
                Ok(more) => items.extend(more),
                Err(error) => assert!(error.is_timed_out()),
            }
            if n == 20 {
                assert!(reader.read_all_timeout(Duration::from_micros(200)).unwrap_err().is_timed_out());
            }
        }
        writer.close();
        items.extend(reader.read_all().unwrap());
        assert!(items.into_iter().eq(0..50));
    }

    fn a_deadline_in_the_past_takes_what_is_there(pool) {
        let past = Instant::now();
        // A function of chunks gets all five at once, however late the thread is.
        let mut reader = pool.source(0..10).map_chunks(Ok::<Vec<i32>, String>).min_count(5);
        assert_eq!(reader.read(1).unwrap(), [0]);
        assert_eq!(reader.read_deadline(4, past).unwrap(), [1, 2, 3, 4]);
        let (_writer, channel) = unbounded::<u32>();
        let mut empty = pool.channel(channel).named("empty");
        let error = empty.read_deadline(2, past).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("reading `2` items timed out after "), "{text}");
        assert!(text.ends_with(" with `0` ready; read again to go on"), "{text}");
        let text = empty.read_all_timeout(Duration::ZERO).unwrap_err().to_string();
        assert!(text.starts_with("reading all items timed out after "), "{text}");
    }

    fn a_timeout_ends_a_read_of_a_slow_endless_source(pool) {
        let mut reader = pool.source(0_u64..).map(|n| n).filter(|_| false);
        assert!(reader.read_timeout(1, Duration::from_millis(2)).unwrap_err().is_timed_out());
    }

    fn trying_runs_nothing_and_takes_what_is_there(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(0..12).map(calls.counting()).min_count(5);
        assert!(reader.try_read(3).unwrap().is_none());
        assert_eq!(calls.count(), 0);
        assert_eq!(reader.read(1).unwrap(), [0]);
        assert_eq!(reader.try_read(2).unwrap().unwrap(), [1, 2]);
        assert_eq!(reader.try_read(usize::MAX).unwrap().unwrap(), [3, 4]);
        assert!(reader.try_read(usize::MAX).unwrap().is_none());
        assert_eq!(calls.count(), 5);
        assert_eq!(reader.read_all().unwrap().len(), 7);
        assert!(reader.try_read(1).unwrap().unwrap().is_empty());
    }
}
