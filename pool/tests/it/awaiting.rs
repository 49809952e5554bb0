//! Reads that await, on no particular runtime.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use millpond_channel::unbounded;
use millpond_pool::ReadError;

use crate::calls::Calls;
use crate::executor::{next, poll_once, run, run_all};

in_every_mode! {
    fn an_awaited_read_gives_what_a_blocking_one_gives(pool) {
        let calls = Calls::new();
        let mut reader = pool.source(calls.numbers()).map(|n| n * 2).sequential(|n| n);
        assert_eq!(run(reader.read_async(3)).unwrap(), [0, 2, 4]);
        assert_eq!(calls.count(), 3);
        assert!(run(reader.read_async(500)).unwrap().into_iter().eq((3..503).map(|n| n * 2)));
        assert_eq!(calls.count(), 503);
        assert_eq!(reader.read(1).unwrap(), [1006]);
    }

    fn an_awaited_read_of_all_ends_with_the_source(pool) {
        let mut reader = pool.source(0..5000).map(|n| n).filter(|n| n % 2 == 0).batch(7);
        assert_eq!(run(reader.read_all_async()).unwrap().len(), 2500_usize.div_ceil(7));
        assert!(run(reader.read_all_async()).unwrap().is_empty());
        assert!(run(reader.read_async(1)).unwrap().is_empty());
    }

    fn an_awaited_read_fails_as_a_blocking_one_does(pool) {
        let mut reader = pool.source(0..).try_map(|n| if n < 20 { Ok(n) } else { Err("no") });
        for count in [21, usize::MAX] {
            let error = run(reader.read_async(count)).unwrap_err();
            assert_eq!(error.as_task_error().map(|error| (error.index(), error.unread())), Some((20, 20)));
        }
        assert!(run(reader.read_async(20)).unwrap().into_iter().eq(0..20));
        for count in [1, 9, usize::MAX] {
            let error = run(reader.read_async(count)).unwrap_err();
            assert_eq!(error.as_task_error().map(|error| (error.index(), error.unread())), Some((20, 0)));
        }
        assert!(run(reader.read_async(0)).unwrap().is_empty());
    }

    fn a_stream_gives_the_items_one_by_one(pool) {
        let mut reader = pool.source(0..300).map(|n| n).flat_map(|n| [n, n]);
        let mut items = Vec::new();
        run(async {
            while let Some(item) = next(&mut reader).await {
                items.push(item.unwrap());
            }
        });
        assert!(items.into_iter().eq((0..300).flat_map(|n| [n, n])));
        assert!(run(next(&mut reader)).is_none());
    }

    fn a_stream_gives_its_error_once(pool) {
        let mut reader = pool.source(0..).try_map(|n| if n < 2 { Ok(n) } else { Err("no") });
        assert_eq!(run(next(&mut reader)).unwrap().unwrap(), 0);
        assert_eq!(run(next(&mut reader)).unwrap().unwrap(), 1);
        assert!(run(next(&mut reader)).unwrap().is_err());
        assert!(run(next(&mut reader)).is_none());
    }

    fn a_read_that_is_not_awaited_to_its_end_loses_nothing(pool) {
        let (writer, channel) = unbounded();
        let mut reader = pool.channel(channel).map(|n: u32| n);
        assert!(poll_once(reader.read_async(2)).is_none());
        writer.write(1).unwrap();
        assert!(poll_once(reader.read_async(2)).is_none());
        assert!(poll_once(reader.read_all_async()).is_none());
        writer.write_from([2, 3]).unwrap();
        assert_eq!(run(reader.read_async(2)).unwrap(), [1, 2]);
        assert!(poll_once(reader.read_all_async()).is_none());
        writer.close();
        assert_eq!(run(reader.read_all_async()).unwrap(), [3]);
    }

    fn futures_dropped_at_any_moment_lose_nothing(pool) {
        let mut reader = pool.source(0_u64..2000).map(|n| n).sequential(|n| n);
        let mut items = Vec::new();
        while items.len() < 2000 {
            for count in [usize::MAX, 3, 50] {
                if let Some(more) = poll_once(reader.read_async(count)) {
                    items.extend(more.unwrap());
                }
            }
            if let Some(Some(item)) = poll_once(next(&mut reader)) {
                items.push(item.unwrap());
            }
            items.extend(reader.read(1).unwrap());
        }
        assert!(items.into_iter().eq(0..2000));
    }

    fn an_awaited_read_wakes_when_data_comes(pool) {
        let (writer, channel) = unbounded();
        let watched = channel.clone();
        let mut reader = pool.channel(channel).map(|n: u32| n + 1).batch(2);
        let thread = std::thread::spawn(move || {
            for n in 0..20 {
                while watched.waiting_readers() == 0 && !watched.is_empty() {
                    std::thread::yield_now();
                }
                writer.write(n).unwrap();
            }
        });
        for n in 0..10 {
            assert_eq!(run(reader.read_async(1)).unwrap(), [[2 * n + 1, 2 * n + 2]]);
        }
        thread.join().unwrap();
        assert!(run(reader.read_async(1)).unwrap().is_empty());
    }

    fn many_reads_are_awaited_on_one_thread(pool) {
        let reader = pool.source(0_u64..1000).map(|n| n).sequential(|n| n);
        let (writer, channel) = unbounded();
        let fed = pool.channel(channel).map(|n: u64| n);
        let lone = (0..10).map(|n| pool.source(0..n).map(|n| n).fold_task(0, |sum, n| sum + n));
        let mut readers: Vec<_> = (0..20).map(|_| reader.clone()).chain((0..20).map(|_| fed.clone())).chain(lone).collect();
        drop((reader, fed));
        writer.write_from(1000..1100).unwrap();
        writer.close();
        let results = run_all(readers.iter_mut().map(|reader| async {
            let mut all = Vec::new();
            loop {
                let items = reader.read_async(7).await.unwrap();
                if items.is_empty() {
                    return all;
                }
                all.extend(items);
            }
        }));
        let mut shared: Vec<u64> = results[..40].concat();
        shared.sort_unstable();
        assert!(shared.into_iter().eq(0..1100));
        assert!(results[40..].iter().map(|sums| sums[0]).eq((0..10).map(|n: u64| n * n.saturating_sub(1) / 2)));
    }

    fn an_awaited_read_says_that_its_pool_is_gone(pool) {
        let (_writer, channel) = unbounded::<u32>();
        let watched = channel.clone();
        let mut reader = pool.channel(channel).map(|n| n);
        let thread = std::thread::spawn(move || run(reader.read_async(1)));
        while watched.waiting_readers() == 0 {
            std::thread::yield_now();
        }
        drop(pool);
        assert!(matches!(thread.join().unwrap(), Err(ReadError::PoolGone { .. })));
    }

    fn an_awaited_read_goes_on_whatever_size_the_pool_gets(pool) {
        let (writer, channel) = unbounded();
        let watched = channel.clone();
        let mut reader = pool.channel(channel).map(|n: u64| n).sequential(|n| n);
        let thread = std::thread::spawn(move || run(reader.read_async(500)));
        while watched.waiting_readers() == 0 {
            std::thread::yield_now();
        }
        for n in 0..500 {
            if n % 25 == 0 {
                pool.set_size([0, 2, 1, 0, 3][(n / 25) as usize % 5]);
            }
            writer.write(n).unwrap();
        }
        assert!(thread.join().unwrap().unwrap().into_iter().eq(0..500));
    }
}

in_parallel! {
    fn an_awaited_read_of_slow_tasks_makes_no_more_than_it_reads(pool) {
        let calls = Calls::new();
        let slow = |n: u64| { (0..2000).fold(n, |sum, k| std::hint::black_box(sum ^ k)); n };
        let mut reader = pool.source(calls.numbers()).map(slow);
        let mut read = 0;
        for count in [1, 10, 200, 3, 200] {
            assert_eq!(run(reader.read_async(count)).unwrap().len(), count);
            read += count;
            assert_eq!(calls.count(), read);
        }
    }

    fn an_awaited_read_ends_when_the_pool_becomes_serial_meanwhile(pool) {
        let mut reader = pool.source(0_u64..100_000).map(|n| n).sequential(|n| n);
        let (half, is_half) = std::sync::mpsc::channel();
        let mut other = reader.clone();
        drop(reader.try_read(1));
        let thread = std::thread::spawn(move || {
            half.send(()).unwrap();
            run(other.read_all_async())
        });
        is_half.recv().unwrap();
        pool.set_size(0);
        assert!(thread.join().unwrap().unwrap().into_iter().eq(0..100_000));
    }
}

/// One helper has the last data in hand when its turn is over, another finds the channel empty meanwhile.
///
/// ```text
/// helper 1                              helper 2
/// is in `other`
///                                       walks from `reader`: of its 64 landings the last is that of item 21 in the middle lane
///                                       is in the last one's `map`
/// leaves `other`
/// walks from `reader`: source parked, job removed
///                                       leaves `map`, lands, pauses: the job must be listed again
/// ```
#[test]
fn a_job_goes_on_that_was_parked_while_a_helper_had_its_last_data_in_hand() {
    crate::modes::watched("a_job_goes_on_that_was_parked_while_a_helper_had_its_last_data_in_hand", || {
        let pool = crate::workers::pool(2);
        let (entered, is_entered) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let may_go_on = std::sync::Mutex::new(may_go_on);
        let is_in_other = entered.clone();
        let mut other = pool.source(0..1).map(move |n: u64| {
            is_in_other.send(()).unwrap();
            may_go_on.lock().unwrap().recv().unwrap();
            n
        });
        let other = std::thread::spawn(move || run(other.read_async(1)).unwrap());
        is_entered.recv().unwrap();

        let (writer, channel) = unbounded();
        writer.write_from([0, 0].into_iter().chain(1..=21_u64)).unwrap();
        let (land, may_land) = std::sync::mpsc::channel::<()>();
        let may_land = std::sync::Mutex::new(may_land);
        let calls = Calls::new();
        let last = move |n: u64| {
            if n == 21 {
                entered.send(()).unwrap();
                may_land.lock().unwrap().recv().unwrap();
            }
            n
        };
        let singly = pool.channel(channel).max_chunksize(1).filter(|n| *n > 0);
        let mut reader = singly.sequential(|n| n).map(last).sequential(calls.counting());
        let mut read = pin!(reader.read_async(22));
        let mut context = Context::from_waker(Waker::noop());
        assert!(read.as_mut().poll(&mut context).is_pending());
        is_entered.recv().unwrap();
        // All that would wake the reader has done so: it asks once more, and from now on only the helpers can go on.
        assert!(read.as_mut().poll(&mut context).is_pending());
        go_on.send(()).unwrap();
        assert_eq!(other.join().unwrap(), [0]);
        // Helper 1 takes the job off, or goes at once because it has seen that nothing has changed.
        while !["jobs: 0", "helpers: 1"].iter().any(|state| format!("{pool:?}").contains(state)) {
            std::thread::yield_now();
        }
        land.send(()).unwrap();
        calls.wait_for(21);
        writer.write(22).unwrap();
        assert!(run(read).unwrap().into_iter().eq(1..=22));
    });
}
