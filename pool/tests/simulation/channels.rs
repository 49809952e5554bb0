//! Readers that await what comes through channels.

use std::time::Duration;

use millpond_channel::{bounded, serial, unbounded};
use millpond_pool::simulation::{self, Simulation};
use millpond_pool::{Pool, PoolReader, ReadError};

use crate::in_time;

/// Two readers, helpers that wait for both their channels, items that come in dribs and drabs.
#[test]
fn awaited_reads_get_all_that_comes_through_channels() {
    for seed in 0..in_time(2_000) {
        let simulation = Simulation::new(seed).workers(1 + seed as usize % 4).patience(Duration::ZERO);
        let pool = Pool::simulated_with(simulation);
        let threads: Vec<_> = (0..2)
            .map(|number| {
                let (writer, channel) = unbounded();
                let mut reader = pool
                    .channel(channel)
                    .max_chunksize(1 + number)
                    .filter(|n| n % 3 != 0)
                    .sequential(|n: u64| n)
                    .map(|n| n);
                let write = simulation::spawn(move || {
                    for n in 0..60 {
                        writer.write(n).expect("open");
                        if n % (5 + number as u64) == 0 {
                            simulation::yield_now();
                        }
                    }
                });
                let read = simulation::spawn(move || {
                    let mut all = Vec::new();
                    loop {
                        let items = simulation::block_on(reader.read_async(1 + all.len() % 7)).expect("nothing fails");
                        if items.is_empty() {
                            return all;
                        }
                        all.extend(items);
                    }
                });
                (write, read)
            })
            .collect();
        for (write, read) in threads {
            write.join().expect("no panic");
            let items = read.join().expect("no panic");
            assert!(items.into_iter().eq((0..60).filter(|n| n % 3 != 0)), "seed {seed}");
        }
    }
}

/// Who waits at a channel is told of its closing, whichever way it is closed and whoever waits.
#[test]
fn closing_a_channel_wakes_whoever_waits_at_it() {
    type Read = fn(&Pool, millpond_channel::Reader<u32>) -> Result<Vec<u32>, ReadError>;
    let reads: [Read; 3] = [
        |_, channel| Ok(channel.read(9).unwrap_or_default()),
        |pool, channel| pool.channel(channel).map(|n| n).read(9),
        |pool, channel| simulation::block_on(pool.channel(channel).map(|n| n).read_async(9)),
    ];
    for seed in 0..100 {
        for (number, read) in reads.into_iter().enumerate() {
            for is_dropped in [false, true] {
                let pool = Pool::simulated_with(Simulation::new(seed).patience(Duration::ZERO));
                let (writer, channel) = unbounded();
                let close = simulation::spawn(move || {
                    writer.write_from([1, 2, 3]).expect("open");
                    (0..seed % 5).for_each(|_| simulation::yield_now());
                    if !is_dropped {
                        writer.close();
                        // Still here, so that it was the closing and not the drop.
                        (0..50).for_each(|_| simulation::yield_now());
                    }
                });
                let items = read(&pool, channel).expect("nothing fails");
                assert_eq!(items, [1, 2, 3], "seed {seed}, read {number}");
                close.join().expect("no panic");
            }
        }
        let _pool = Pool::simulated_with(Simulation::new(seed).patience(Duration::ZERO));
        let (writer, channel) = bounded(2);
        let close = simulation::spawn(move || {
            (0..seed % 5).for_each(|_| simulation::yield_now());
            channel.close();
            (0..50).for_each(|_| simulation::yield_now());
        });
        let written = (0..9).take_while(|n: &u32| writer.write(*n).is_ok()).count();
        assert_eq!(written, 2, "seed {seed}");
        close.join().expect("no panic");
    }
}

/// A reader waits for data from outside while a helper has all that it needs in hand, further down:
/// it is told of that, whatever else it would like to have.
#[test]
fn what_helpers_have_in_hand_reaches_a_reader_that_waits_for_more() {
    type Read = fn(&mut PoolReader<u64>) -> u64;
    let reads: [Read; 3] = [
        |reader| reader.next().expect("not the end").expect("nothing fails"),
        |reader| reader.read(1).expect("nothing fails")[0],
        |reader| simulation::block_on(reader.read_async(1)).expect("nothing fails")[0],
    ];
    let slowly = |n: u64| {
        (0..n % 4).for_each(|_| simulation::yield_now());
        n
    };
    for seed in 0..in_time(600) {
        for (number, read) in reads.into_iter().enumerate() {
            let pool = Pool::simulated_with(Simulation::new(seed).workers(1 + seed as usize % 3));
            let (writer, channel) = unbounded();
            let ahead = if seed % 2 == 0 { 0 } else { 4 };
            let lane = pool.channel(channel).max_chunksize(1).map(slowly).concurrency(2).max_chunksize(1);
            let mut reader = lane.map(slowly).concurrency(3).max_chunksize(1).read_ahead(ahead).sequential(|n| n);
            let mut wanted = 0;
            for round in 0..8 {
                for n in 0..1 + round % 3 {
                    writer.write(wanted + n).expect("open");
                }
                for _ in 0..1 + round % 3 {
                    assert_eq!(read(&mut reader), wanted, "seed {seed}, read {number}");
                    wanted += 1;
                }
            }
        }
    }
}

/// A merge waits for none of its inputs: whichever has something gives it.
#[test]
fn a_merge_gives_what_comes_whichever_input_has_nothing() {
    for seed in 0..in_time(300) {
        let pool = Pool::simulated_with(Simulation::new(seed).workers(seed as usize % 4));
        let (writers, channels): (Vec<_>, Vec<_>) = (0..3).map(|_| unbounded::<u64>()).unzip();
        let mut merged = pool.merge(channels.into_iter().map(|channel| pool.channel(channel).map(|n| n)));
        for n in 0..20 {
            writers[(n * (seed + 1) / 3) as usize % 3].write(n).expect("open");
            assert_eq!(merged.read(1).expect("the others are not waited for"), [n], "seed {seed}");
        }
        drop(writers);
        assert_eq!(merged.read(1).expect("the end"), [], "seed {seed}");
    }
}

/// As on threads of the system: a serial channel is for the thread that made it.
#[test]
fn a_serial_channel_is_refused_to_another_simulated_thread() {
    for simulation in [Simulation::new(3), Simulation::new(3).on_threads()] {
        let pool = Pool::simulated_with(simulation);
        let (writer, reader) = serial::<u64>();
        let read = simulation::spawn(move || reader.read(1).ok());
        let payload = read.join().expect_err("it is another thread's");
        let text = payload.downcast_ref::<&str>().expect("a text");
        assert!(text.starts_with("using a serial channel made by another simulated thread"), "{text}");
        drop(writer);
        let own = simulation::spawn(|| {
            let (writer, reader) = serial();
            writer.write(1).expect("open");
            simulation::yield_now();
            reader.read(1).expect("there is one")
        });
        assert_eq!(own.join().expect("it made the channel itself"), [1]);
        drop(pool);
    }
}

/// A task is removed while one reader looks for data in its source and another waits for what it makes of it.
#[test]
fn removing_a_task_that_waits_for_data_ends_the_reads_of_it() {
    for seed in 0..in_time(2_000) {
        let pool = Pool::simulated_with(Simulation::new(seed).workers(2).patience(Duration::ZERO));
        let (_writer, channel) = unbounded::<u32>();
        let fed = pool.channel(channel);
        let task = fed.task_id();
        let mut first = fed.clone();
        let mut second = fed.sequential(|n| n);
        let readers = [
            simulation::spawn(move || first.read(1).expect("nothing fails")),
            simulation::spawn(move || second.read(1).expect("nothing fails")),
        ];
        (0..seed % 9).for_each(|_| simulation::yield_now());
        pool.remove_task(task).expect("it is open");
        for reader in readers {
            assert!(reader.join().expect("no panic").is_empty(), "seed {seed}");
        }
    }
}
