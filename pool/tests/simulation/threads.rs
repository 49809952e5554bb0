//! Threads of the user's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millpond_channel::bounded;
use millpond_pool::simulation::{self, Simulation};
use millpond_pool::{Pool, PoolReader, ReadError};

#[test]
fn threads_share_items_and_each_goes_to_exactly_one() {
    for seed in 0..200 {
        let pool = Pool::simulated(seed);
        let reader = pool.source(0..200_u32).map(|n| n).sequential(|n| n);
        let threads: Vec<_> = (1..4)
            .map(|count| {
                let mut reader = reader.clone();
                simulation::spawn(move || {
                    let mut all = Vec::new();
                    loop {
                        let items = reader.read(count).expect("nothing fails");
                        if items.is_empty() {
                            return all;
                        }
                        all.extend(items);
                    }
                })
            })
            .collect();
        let mut all: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..200), "seed {seed}");
    }
}

#[test]
fn a_full_channel_blocks_a_simulated_writer_only() {
    for seed in 0..200 {
        let pool = Pool::simulated(seed);
        let (writer, channel) = bounded(3);
        let thread = simulation::spawn(move || (0..100_u32).for_each(|n| writer.write(n).expect("open")));
        let mut reader = pool.channel(channel).map(|n| n).sequential(|n| n);
        assert!(reader.read_all().unwrap().into_iter().eq(0..100), "seed {seed}");
        thread.join().expect("no panic");
    }
}

#[test]
fn a_panic_of_a_thread_is_its_own() {
    let _pool = Pool::simulated(1);
    let thread = simulation::spawn(|| std::panic::resume_unwind(Box::new("mine")));
    let payload = thread.join().expect_err("it panicked");
    assert_eq!(payload.downcast_ref(), Some(&"mine"));
}

#[test]
fn a_pool_dropped_by_one_thread_ends_the_reads_of_all() {
    for seed in 0..200 {
        let pool = Pool::simulated_with(Simulation::new(seed).workers(3));
        let reader = pool.source(0_u32..).map(|n| n).sequential(|n| n);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let mut reader = reader.clone();
                simulation::spawn(move || {
                    // Some are done before it goes.
                    for _ in 0..40 {
                        match reader.read(10) {
                            Ok(items) => assert_eq!(items.len(), 10, "seed {seed}"),
                            Err(ReadError::PoolGone { .. }) => return,
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        simulation::spawn(move || {
            (0..20).for_each(|_| simulation::yield_now());
            drop(pool);
        })
        .join()
        .expect("no panic");
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    }
}

/// Sources without an end, or with one that is not reached: whoever sees one took the end of the pool for it.
#[test]
fn no_task_takes_the_end_of_its_pool_for_the_end_of_its_input() {
    type Build = fn(&Pool, Seen) -> PoolReader<u32>;
    let graphs: [Build; 4] = [
        |pool, seen| {
            let groups = pool.source(0_u32..).filter(|n| n % 3 != 0).batch(4);
            groups.map(move |group: Vec<u32>| seen.check(group.len() == 4, group[0]))
        },
        |pool, seen| {
            let first = pool.source(0_u32..).filter(|n| n % 3 != 0).tee(1).remove(0);
            first.chain(pool.source(0..9)).map(move |n| seen.check(n % 3 != 0, n))
        },
        |pool, seen| {
            let count = pool.source(0..3_000_u32).filter(|n| n % 3 != 0).fold_task(0, |count, _| count + 1);
            count.map(move |count| seen.check(count == 2_000, count)).flat_map(|count| 0..count)
        },
        |pool, seen| {
            let tenth = pool.source(0_u32..).batch(10).sequential(|group| group.len() as u32);
            tenth.map(move |len| seen.check(len == 10, len))
        },
    ];
    for seed in 0..400 {
        for (number, graph) in graphs.iter().enumerate() {
            let pool = Pool::simulated_with(Simulation::new(seed).workers((seed % 4) as usize));
            let seen = Seen::default();
            let mut reader = graph(&pool, seen.clone());
            let of_reader = simulation::spawn(move || {
                for _ in 0..40 {
                    match reader.read(5) {
                        Ok(items) => assert_eq!(items.len(), 5, "there are more"),
                        Err(ReadError::PoolGone { .. }) => return,
                        Err(error) => panic!("{error}"),
                    }
                }
            });
            (0..1 + seed % 12).for_each(|_| simulation::yield_now());
            drop(pool);
            of_reader.join().unwrap_or_else(|_| panic!("seed {seed}, graph {number}: a read gave what is not there"));
            assert!(!seen.is_wrong(), "seed {seed}, graph {number}: a function was given what is not there");
        }
    }
}

/// Whether a function was given what it cannot be given.
#[derive(Clone, Default)]
struct Seen(Arc<AtomicBool>);

impl Seen {
    fn check(&self, is_right: bool, item: u32) -> u32 {
        if !is_right {
            self.0.store(true, Ordering::Relaxed);
        }
        item
    }

    fn is_wrong(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn pools_of_a_thread_are_one_simulation() {
    for seed in 0..100 {
        let (one, other) = (Pool::simulated(seed), Pool::simulated(seed + 1));
        assert_eq!(simulation::current().expect("a run").seed(), seed);
        let mut reader =
            one.source(0..100_u32).map(|n| n).into_pool(&other).filter(|n| n % 2 == 0).into_pool(&one).batch(5);
        assert_eq!(reader.read_all().unwrap().len(), 10);
        drop(one);
        assert!(simulation::current().is_some());
        drop(other);
        assert!(simulation::current().is_none());
    }
}

#[test]
fn values_are_computed_in_a_simulation_too() {
    use millpond_pool::values::Graph;
    for seed in 0..20 {
        let pool = Pool::simulated(seed);
        let mut graph = Graph::new();
        let leaves: Vec<_> = (0..40_u64).map(|n| graph.value("leaf", n)).collect();
        let sums: Vec<_> =
            leaves.chunks(4).map(|four| graph.task("sum", four, |four| four.iter().sum::<u64>())).collect();
        let total = graph.task("total", &sums[..], |sums| sums.iter().sum::<u64>());
        assert_eq!(*pool.get(&mut graph, total).unwrap(), 780, "seed {seed}");
    }
}

/// An iteration takes items ahead; what it has not given when it is dropped comes first for the others.
#[test]
fn what_a_dropped_iteration_had_taken_is_read_by_the_others_in_order() {
    for seed in 0..300 {
        let pool = Pool::simulated(seed);
        let mut reader = pool.source(0..300_u32).map(|n| n).filter(|_| true);
        let mut all = Vec::new();
        for taken in [3, 1, 40] {
            let iteration = reader.clone();
            all.extend(Iterator::take(iteration, taken).map(Result::unwrap));
        }
        all.extend(reader.read_all().unwrap());
        assert!(all.into_iter().eq(0..300), "seed {seed}");
    }
}
