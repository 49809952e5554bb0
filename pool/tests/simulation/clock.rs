//! Time is the simulation's own.

use std::time::{Duration, Instant};

use millpond_channel::unbounded;
use millpond_pool::simulation::{self, Faults, Simulation};
use millpond_pool::{Pool, ReadError, Retry};

/// What must not take as long as it says.
fn quickly(body: impl FnOnce()) {
    let started = Instant::now();
    body();
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
}

#[test]
fn a_time_out_of_a_day_takes_no_time() {
    quickly(|| {
        for seed in 0..50 {
            let pool = Pool::simulated(seed);
            let (_writer, channel) = unbounded::<u32>();
            let mut reader = pool.channel(channel).map(|n| n);
            let day = Duration::from_secs(24 * 60 * 60);
            let error = reader.read_timeout(1, day).unwrap_err();
            let ReadError::TimedOut { waited, .. } = error else { panic!("{error}") };
            assert!(waited >= day);
            assert!(simulation::current().expect("a run").elapsed() >= day);
        }
    });
}

#[test]
fn back_offs_take_no_time() {
    quickly(|| {
        let pool = Pool::simulated(3);
        let retry = Retry::times(3).wait(Duration::from_secs(3_600)).doubling();
        let (mut accepted, mut rejected) = pool.source(0..10_u32).try_map_or_reject(retry, |&n| match n {
            4 => Err("never"),
            n => Ok(n),
        });
        assert_eq!(accepted.read_all().unwrap().len(), 9);
        assert_eq!(rejected.read_all().unwrap().len(), 1);
        assert!(simulation::current().expect("a run").elapsed() >= Duration::from_secs(7 * 3_600));
    });
}

/// A read of one item in serial mode goes its own way, without a chunk.
#[test]
fn back_offs_of_single_items_take_no_time() {
    quickly(|| {
        for seed in 0..8 {
            let pool = Pool::simulated_with(Simulation::new(seed).workers(0));
            let retry = Retry::times(2).wait(Duration::from_secs(2)).doubling();
            let mut reader = pool.source(0..400_u32).retry_map(retry, |&n| if n == 300 { Err("never") } else { Ok(n) });
            let read: Vec<_> = std::iter::from_fn(|| reader.read(1).ok()).flatten().collect();
            assert!(read.into_iter().eq(0..300), "seed {seed}");
            let elapsed = simulation::current().expect("a run").elapsed();
            assert!(elapsed >= Duration::from_secs(6), "seed {seed}: {elapsed:?} by its clock");
        }
    });
}

#[test]
fn sleepers_wake_in_the_order_of_their_moments() {
    quickly(|| {
        for seed in 0..50 {
            let _pool = Pool::simulated(seed);
            let (writer, reader) = unbounded();
            let threads: Vec<_> = [30, 10, 20]
                .map(|minutes| {
                    let writer = writer.clone();
                    simulation::spawn(move || {
                        simulation::sleep(Duration::from_secs(60 * minutes));
                        writer.write(minutes).expect("open");
                    })
                })
                .into_iter()
                .collect();
            assert_eq!(reader.read(3).unwrap(), [10, 20, 30], "seed {seed}");
            threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        }
    });
}

#[test]
fn slow_tasks_make_reads_time_out_which_lose_nothing() {
    quickly(|| {
        let mut timed_out = 0;
        for seed in 0..200 {
            let pool = Pool::simulated_with(Simulation::new(seed).faults(Faults::none().slow(5).cancel(3)));
            let mut reader = pool.source(0..100_u32).map(|n| n).max_chunksize(10).sequential(|n| n);
            let mut items = Vec::new();
            loop {
                match reader.read_timeout(9, Duration::from_millis(2)) {
                    Ok(more) if more.is_empty() => break,
                    Ok(more) => items.extend(more),
                    Err(ReadError::TimedOut { .. }) => timed_out += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            assert!(items.into_iter().eq(0..100), "seed {seed}");
        }
        assert!(timed_out > 100, "{timed_out} timed out");
    });
}
