//! Readers that await what comes through channels.

use std::time::Duration;

use millpond_channel::unbounded;
use millpond_pool::Pool;
use millpond_pool::simulation::{self, Simulation};

/// Two readers, helpers that wait for both their channels, items that come in dribs and drabs.
#[test]
fn awaited_reads_get_all_that_comes_through_channels() {
    for seed in 0..2_000 {
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
