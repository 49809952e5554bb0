//! Sources that other threads write to, and pools that read from each other.

use std::time::Duration;

use millpond_channel::{bounded, unbounded};
use millpond_pool::{Pool, ReadError};

use crate::calls::Calls;
use crate::workers;

/// A wait that is over at once.
const MOMENT: Duration = Duration::from_millis(1);

in_every_mode! {
    fn a_channel_is_read_as_it_is_written(pool) {
        let (writer, channel) = unbounded();
        let mut reader = pool.channel(channel).map(|n: u32| n * 2).filter(|n| n % 3 != 0);
        writer.write_from([1, 2, 3]).unwrap();
        assert_eq!(reader.read(2).unwrap(), [2, 4]);
        let thread = std::thread::spawn(move || {
            for n in 4..=1000 {
                writer.write(n).unwrap();
            }
        });
        let expected: Vec<u32> = (4..=1000).map(|n| n * 2).filter(|n| n % 3 != 0).collect();
        assert_eq!(reader.read_all().unwrap(), expected);
        thread.join().unwrap();
    }

    fn closing_the_channel_ends_the_read_with_what_was_in_it(pool) {
        let (writer, channel) = unbounded();
        let mut reader = pool.channel(channel).batch(4);
        let thread = std::thread::spawn(move || {
            writer.write_from(0..6).unwrap();
            writer.close();
        });
        assert_eq!(reader.read_all().unwrap(), [vec![0, 1, 2, 3], vec![4, 5]]);
        assert!(reader.read(1).unwrap().is_empty());
        thread.join().unwrap();
    }

    fn a_bounded_channel_holds_its_writer_back(pool) {
        let (writer, channel) = bounded(4);
        let watched = channel.clone();
        let written = Calls::new();
        let counted = written.clone();
        let mut reader = pool.channel(channel).map(|n: usize| n);
        let thread = std::thread::spawn(move || {
            for n in 0..500 {
                writer.write(n).unwrap();
                counted.add();
            }
        });
        let mut read = 0;
        while read < 500 {
            assert_eq!(reader.read(1).unwrap(), [read]);
            read += 1;
            // What is read, what fits, and what the writer has handed over and not counted yet.
            assert!(written.count() <= read + 4 + 1, "{} written, {read} read", written.count());
        }
        thread.join().unwrap();
        drop(watched);
        assert!(reader.read(1).unwrap().is_empty());
    }

    fn a_read_of_more_than_a_bounded_channel_holds_goes_on(pool) {
        let (writer, channel) = bounded(3);
        let mut reader = pool.channel(channel).min_count(50).sequential(|n: usize| n);
        let thread = std::thread::spawn(move || writer.write_from(0..1000).unwrap());
        assert!(reader.read(70).unwrap().into_iter().eq(0..70));
        assert!(reader.read_all().unwrap().into_iter().eq(70..1000));
        thread.join().unwrap();
    }

    fn an_open_empty_channel_times_out_and_loses_nothing(pool) {
        let (writer, channel) = unbounded();
        let mut reader = pool.channel(channel).map(|n: u32| n);
        writer.write_from([1, 2]).unwrap();
        // Long enough for both items to have come, on a busy machine too.
        let error = reader.read_timeout(5, MOMENT * 200).unwrap_err();
        assert!(matches!(error, ReadError::TimedOut { asked: 5, ready: 2, .. }), "{error}");
        writer.write(3).unwrap();
        assert_eq!(reader.read(3).unwrap(), [1, 2, 3]);
    }

    fn a_serial_channel_that_is_filled_in_between_is_read(pool) {
        if pool.size() > 1 {
            // A helper is another thread, and a serial channel is one thread's.
            return;
        }
        let (writer, channel) = millpond_channel::serial();
        let mut reader = pool.channel(channel).map(|n: u32| n + 1);
        writer.write_from([1, 2, 3]).unwrap();
        assert_eq!(reader.read(3).unwrap(), [2, 3, 4]);
        writer.write_from([4]).unwrap();
        writer.close();
        assert_eq!(reader.read_all().unwrap(), [5]);
    }

    fn a_merge_is_not_held_up_by_a_parked_input(pool) {
        let (writer, channel) = unbounded();
        let mut merged = pool.channel(channel).merge(pool.source(10..30));
        let mut first = merged.read(20).unwrap();
        first.sort_unstable();
        assert!(first.into_iter().eq(10..30));
        writer.write_from([1, 2]).unwrap();
        let mut rest = merged.read(2).unwrap();
        rest.sort_unstable();
        assert_eq!(rest, [1, 2]);
        writer.close();
        assert!(merged.read(1).unwrap().is_empty());
    }

    fn a_merge_that_was_asked_for_all_gives_what_comes_first(pool) {
        for input in 0..6 {
            for count in 1..=3 {
                let (writers, readers): (Vec<_>, Vec<_>) = (0..6).map(|_| unbounded()).unzip();
                let calls = Calls::new();
                let readers = readers.into_iter().map(|reader| pool.channel(reader).map(calls.counting()));
                let mut merged = pool.merge(readers);
                assert!(merged.read_all_timeout(MOMENT).unwrap_err().is_timed_out());
                writers[input].write_from(0..9).unwrap();
                assert_eq!(merged.read(count).unwrap(), (0..count).collect::<Vec<_>>(), "input {input}");
                assert_eq!(calls.count(), count, "input {input}");
            }
        }
    }

    fn a_merge_of_parked_inputs_gives_what_comes_first(pool) {
        let (left, left_channel) = unbounded();
        let (right, right_channel) = unbounded();
        let mut merged = pool.channel(left_channel).map(|n: u32| n).merge(pool.channel(right_channel).sequential(|n| n));
        for (writer, item) in [(&right, 1), (&left, 2), (&left, 3), (&right, 4)] {
            assert!(merged.read_timeout(1, MOMENT).unwrap_err().is_timed_out());
            writer.write(item).unwrap();
            assert_eq!(merged.read(1).unwrap(), [item]);
        }
        drop((left, right));
        assert!(merged.read_all().unwrap().is_empty());
    }

    fn a_zip_waits_for_its_parked_side(pool) {
        let (writer, channel) = unbounded();
        let calls = Calls::new();
        let mut pairs = pool.channel(channel).zip(pool.source(calls.numbers()));
        assert!(pairs.read_timeout(2, MOMENT).unwrap_err().is_timed_out());
        let thread = std::thread::spawn(move || {
            writer.write_from("ab".chars()).unwrap();
            writer
        });
        assert_eq!(pairs.read(2).unwrap(), [('a', 0), ('b', 1)]);
        assert_eq!(calls.count(), 2);
        drop(thread.join().unwrap());
        assert!(pairs.read(1).unwrap().is_empty());
    }

    fn a_reader_of_another_pool_is_a_source(pool) {
        for other in [Pool::serial(), workers::pool(1), workers::pool(2)] {
            let calls = Calls::new();
            let there = other.source(calls.numbers()).map(|n| n + 1);
            let mut here = there.into_pool(&pool).map(|n| n * 2);
            assert_eq!(here.read(3).unwrap(), [2, 4, 6]);
            assert_eq!(calls.count(), 3);
            assert!(here.read(2000).unwrap().into_iter().eq((4..2004).map(|n| n * 2)));
            assert_eq!(calls.count(), 2003);
        }
    }

    fn tasks_of_other_pools_are_connected_where_they_meet(pool) {
        let other = workers::pool(2);
        let mut pairs = pool.source(0..50).zip(other.source(50..100).map(|n| n));
        assert!(pairs.read_all().unwrap().into_iter().eq((0..50).zip(50..100)));
        let mut chained = pool.chain([pool.source(0..5), other.source(5..10), pool.source(10..12)]);
        assert!(chained.read_all().unwrap().into_iter().eq(0..12));
        let mut back = pool.source(0..500).map(|n| n).into_pool(&other).filter(|n| n % 2 == 0).into_pool(&pool).batch(5);
        assert_eq!(back.read_all().unwrap().len(), 50);
    }

    fn a_serial_pool_runs_in_the_thread_that_reads_also_for_another_pool(pool) {
        let owner = std::thread::current().id();
        let here = move |n: u64| {
            assert_eq!(std::thread::current().id(), owner, "run by a worker of another pool");
            n
        };
        // Slow enough that workers come to help.
        let slow = |n: u64| (0..2000).fold(n, |n, k| std::hint::black_box(n ^ k ^ k));
        let serial = Pool::serial();
        let through = |end: u64| serial.source((0..end).map(here)).map(here).into_pool(&pool).map(slow);
        assert!(through(1000).read_all().unwrap().into_iter().eq(0..1000));
        assert!(through(1000).read_ahead(20).by_ref().map(Result::unwrap).eq(0..1000));
        let awaited = crate::executor::run(through(1000).read_all_async()).unwrap();
        assert!(awaited.into_iter().eq(0..1000));
        let mut back = through(2000).read_ahead(50).into_pool(&serial).map(here).batch(5);
        for group in 0..400 {
            assert!(back.read(1).unwrap().concat().into_iter().eq(group * 5..group * 5 + 5));
        }
        assert!(back.read(1).unwrap().is_empty());
        let mut merged = pool.merge([through(500), through(500)]).read_all().unwrap();
        merged.sort_unstable();
        assert!(merged.into_iter().eq((0..1000).map(|n| n / 2)));
    }

    fn a_failure_in_another_pool_comes_through_as_it_is(pool) {
        let other = workers::pool(2);
        let bad = other.source(0..).try_map(|n| if n < 3 { Ok(n) } else { Err("no") }).named("there");
        let mut here = bad.into_pool(&pool).map(|n| n);
        for unread in [3, 0] {
            let error = here.read(9).unwrap_err();
            let error = error.as_task_error().unwrap();
            assert_eq!((error.task(), error.index(), error.cause().to_string().as_str()), ("there", 3, "no"));
            assert_eq!(error.unread(), unread);
            assert!(here.read(unread).unwrap().into_iter().eq(0..unread));
        }
    }

    fn a_source_of_another_pool_that_is_gone_is_an_error(pool) {
        let other = workers::pool(2);
        let mut here = other.source(0..).named("there").into_pool(&pool).map(|n| n);
        assert_eq!(here.read(2).unwrap(), [0, 1]);
        drop(other);
        let error = here.read(1).unwrap_err();
        let cause = error.as_task_error().unwrap().cause().to_string();
        assert_eq!(cause, "reading from task `there` whose pool is gone; keep the pool alive for as long as its readers");
    }

    fn a_parked_source_in_another_pool_parks_the_demand(pool) {
        let other = workers::pool(1);
        let (writer, channel) = unbounded();
        let mut here = other.channel(channel).map(|n: u32| n + 1).into_pool(&pool).map(|n| n * 10);
        assert!(here.read_timeout(1, MOMENT).unwrap_err().is_timed_out());
        writer.write(1).unwrap();
        assert_eq!(here.read(1).unwrap(), [20]);
        let thread = std::thread::spawn(move || here.read_all().unwrap());
        writer.write_from(2..5).unwrap();
        drop(writer);
        assert_eq!(thread.join().unwrap(), [30, 40, 50]);
    }
}

in_parallel! {
    fn parked_demands_hold_no_worker(pool) {
        let mut writers = Vec::new();
        let mut threads = Vec::new();
        for _ in 0..4 {
            let (writer, channel) = unbounded::<u32>();
            let watched = channel.clone();
            let mut reader = pool.channel(channel).map(|n| n).sequential(|n| n);
            threads.push(std::thread::spawn(move || reader.read(3)));
            while watched.waiting_readers() == 0 {
                std::thread::yield_now();
            }
            writers.push(writer);
        }
        let mut fifth = pool.source(0_u64..3000).map(|n| n).sequential(|n| n);
        assert!(fifth.read_all().unwrap().into_iter().eq(0..3000));
        for (index, writer) in writers.iter().enumerate() {
            writer.write_from([index as u32; 3]).unwrap();
        }
        for (index, thread) in threads.into_iter().enumerate() {
            assert_eq!(thread.join().unwrap().unwrap(), [index as u32; 3]);
        }
    }

    fn a_parked_reader_times_out_while_others_are_busy(pool) {
        let (_writer, channel) = unbounded::<u32>();
        let mut parked = pool.channel(channel).map(|n| n);
        let busy = pool.source(0_u64..).map(|n| n).sequential(|n| n);
        let is_over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let mut busy = busy.clone();
                let is_over = &is_over;
                scope.spawn(move || {
                    while !is_over.load(std::sync::atomic::Ordering::SeqCst) {
                        busy.read(500).unwrap();
                    }
                });
            }
            assert!(parked.read_timeout(1, Duration::from_millis(5)).unwrap_err().is_timed_out());
            is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        });
    }

    fn a_reader_that_wanted_all_there_is_leaves_others_what_they_wanted(pool) {
        let (writer, channel) = unbounded::<u32>();
        let watched = channel.clone();
        let mut greedy = pool.channel(channel).map(|n| n);
        let mut modest = greedy.clone();
        let thread = std::thread::spawn(move || modest.read(3).unwrap());
        while watched.waiting_readers() == 0 {
            std::thread::yield_now();
        }
        assert!(greedy.read_timeout(usize::MAX, MOMENT).unwrap_err().is_timed_out());
        writer.write_from(0..3).unwrap();
        assert_eq!(thread.join().unwrap(), [0, 1, 2]);
    }
}

watched_tests! {
    fn a_serial_pool_does_not_wait_for_what_only_it_could_write() {
        let pool = Pool::serial();
        let (writer, channel) = millpond_channel::serial::<u32>();
        let mut reader = pool.channel(channel).named("feed").map(|n| n);
        let text = "task `feed` reads from a serial channel that is open and empty, so a serial pool would wait for ever; \
                    write to the channel or close it first";
        assert_eq!(reader.read(1).unwrap_err().to_string(), text);
        assert_eq!(reader.next().unwrap().unwrap_err().to_string(), text);
        writer.write_from([7, 8]).unwrap();
        assert_eq!(reader.read(3).unwrap_err().to_string(), text);
        assert_eq!(reader.read(2).unwrap(), [7, 8]);
        writer.write(9).unwrap();
        assert!(reader.next().is_none(), "the iteration ended with its error");
        assert_eq!(reader.clone().next().unwrap().unwrap(), 9);
        writer.close();
        assert!(reader.read(1).unwrap().is_empty());
    }
}
