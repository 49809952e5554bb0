//! Functions that read each other's output, on several threads: each is told, and whoever can go on is not.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, OnceLock};
use std::time::Duration;

use millpond_pool::{Pool, PoolReader, ReadError};
use millpond_sync::Parker;

/// Readers that functions find when they are called.
type Shelf = Arc<Vec<OnceLock<Mutex<Option<PoolReader<u64>>>>>>;

fn shelf(places: usize) -> Shelf {
    Arc::new((0..places).map(|_| OnceLock::new()).collect())
}

fn read(shelf: &Shelf, place: usize) -> Result<Vec<u64>, ReadError> {
    let mut reader = shelf[place].get().expect("it is set before the first read").lock().unwrap();
    reader.as_mut().expect("it is there until the end").read(1)
}

fn put(shelf: &Shelf, place: usize, reader: &PoolReader<u64>) {
    assert!(shelf[place].set(Mutex::new(Some(reader.clone()))).is_ok());
}

/// Functions that hold readers of their own output hold themselves.
fn clear(shelf: &Shelf) {
    shelf.iter().filter_map(OnceLock::get).for_each(|reader| drop(reader.lock().unwrap().take()));
}

/// `count` tasks, the function of each of which reads the output of the next one, and of the last that of the first. They call
/// `meet` at their first item.
fn ring(pool: &Pool, shelf: &Shelf, count: usize, meet: impl Fn() + Clone + Send + 'static) -> Vec<PoolReader<u64>> {
    let task = |place: usize| {
        let (within, meet) = (Arc::clone(shelf), meet.clone());
        let function = move |_: &mut (), n| {
            if n == 0 {
                meet();
            }
            read(&within, (place + 1) % count).map(|items| Some(n + items.len() as u64))
        };
        let reader = pool.source(0..40_u64).scan((), function).named(["a", "b", "c"][place]);
        put(shelf, place, &reader);
        reader
    };
    (0..count).map(task).collect()
}

/// The tasks of the ring that a read was told of, by way of the task that failed with it.
fn ring_of(error: &ReadError) -> Option<Vec<String>> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        match error.downcast_ref() {
            Some(ReadError::OwnOutput { ring, .. }) => return Some(ring.iter().map(|name| name.to_string()).collect()),
            Some(ReadError::Task(task)) => source = std::error::Error::source(task),
            _ => source = error.source(),
        }
    }
    None
}

in_every_mode! {
    fn two_tasks_that_read_each_other_fail(pool) {
        for _ in 0..20 {
            let shelf = shelf(2);
            let tasks = ring(&pool, &shelf, 2, || {});
            let error = pool.merge(tasks).read_all().unwrap_err();
            assert!(ring_of(&error).is_some(), "{error}");
            clear(&shelf);
        }
    }

    fn who_is_told_may_go_on(pool) {
        for _ in 0..20 {
            let (shelf, told) = (shelf(2), Arc::new(AtomicUsize::new(0)));
            let task = |place: usize| {
                let (within, told) = (Arc::clone(&shelf), Arc::clone(&told));
                let reader = pool.source(0..9_u64).sequential(move |n| {
                    match read(&within, 1 - place) {
                        Ok(_) => {}
                        Err(ReadError::OwnOutput { .. }) => _ = told.fetch_add(1, Ordering::SeqCst),
                        Err(error) => panic!("{error}"),
                    }
                    n
                });
                put(&shelf, place, &reader);
                reader
            };
            let tasks = [task(0), task(1)];
            // Each item goes to one reader: a function or this one.
            assert!(pool.merge(tasks).read_all().unwrap().len() <= 18);
            assert!(told.load(Ordering::SeqCst) > 0);
            clear(&shelf);
        }
    }

    fn a_function_that_blocks_on_an_awaited_read_of_its_own_output_is_told(pool) {
        let own = shelf(1);
        let within = Arc::clone(&own);
        let mut reader = pool.source(0..3_u64).sequential(move |n| {
            let mut own = within[0].get().unwrap().lock().unwrap();
            let outcome = Parker::block_on(own.as_mut().unwrap().read_async(1));
            n + u64::from(matches!(outcome, Err(ReadError::OwnOutput { .. })))
        });
        put(&own, 0, &reader);
        assert_eq!(reader.read(1).unwrap(), [1]);
        clear(&own);
    }
}

in_parallel! {
    fn threads_that_wait_for_each_other_are_all_told_of_the_ring(pool) {
        for count in [2, 3] {
            let (shelf, barrier) = (shelf(count), Arc::new(Barrier::new(count)));
            let tasks = ring(&pool, &shelf, count, move || _ = barrier.wait());
            // One more reader waits for the ring, and is not in it.
            let first = tasks[0].clone();
            let outside = pool.source([1_u64]).scan(first, |first, n| first.read(1).map(|items| Some(n + items.len() as u64)));
            let rings = std::thread::scope(|scope| {
                let readers = tasks.into_iter().map(|mut task| scope.spawn(move || task.read(1).unwrap_err()));
                let readers: Vec<_> = readers.collect();
                let mut outside = outside;
                let outside = scope.spawn(move || outside.read(1).map_err(|error| ring_of(&error)));
                assert!(outside.join().unwrap().is_err());
                readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
            });
            let names: BTreeSet<Vec<String>> = rings.iter().filter_map(ring_of).collect();
            // Whoever is told first fails, and those that read from it fail with it: at least one is told of the whole.
            let all: BTreeSet<&str> = ["a", "b", "c"].into_iter().take(count).collect();
            for ring in &names {
                assert_eq!(ring.iter().map(String::as_str).collect::<BTreeSet<_>>(), all);
            }
            assert!(!names.is_empty(), "{rings:?}");
            clear(&shelf);
        }
    }

    fn a_ring_by_way_of_tees_and_other_tasks_is_told(pool) {
        let shelf = shelf(2);
        let barrier = Arc::new(Barrier::new(2));
        let task = |place: usize| {
            let (within, barrier) = (Arc::clone(&shelf), Arc::clone(&barrier));
            let function = move |_: &mut (), n| {
                if n == 0 {
                    barrier.wait();
                }
                read(&within, 1 - place).map(|items| Some(n + items.len() as u64))
            };
            let [kept, read] = pool.source(0..40_u64).scan((), function).tee(2).try_into().unwrap();
            let beyond = read.map(|n| n).batch(2).map(|pair: Vec<u64>| pair[0]);
            put(&shelf, place, &beyond);
            kept
        };
        let readers = [task(0), task(1)];
        std::thread::scope(|scope| {
            for mut reader in readers {
                scope.spawn(move || assert!(ring_of(&reader.read(1).unwrap_err()).is_some()));
            }
        });
        clear(&shelf);
    }

    fn a_wait_that_ends_by_itself_is_in_no_ring(pool) {
        let (shelf, barrier) = (shelf(2), Arc::new(Barrier::new(2)));
        let (meets, patient) = (Arc::clone(&barrier), Arc::clone(&shelf));
        let mut left = pool.source([1_u64]).sequential(move |n| {
            meets.wait();
            let mut right = patient[1].get().unwrap().lock().unwrap();
            let outcome = right.as_mut().unwrap().read_timeout(1, Duration::from_millis(30));
            assert!(outcome.is_err_and(|error| error.is_timed_out()));
            n
        });
        let (meets, waits) = (barrier, Arc::clone(&shelf));
        let mut right = pool.source([10_u64]).sequential(move |n| {
            meets.wait();
            n + read(&waits, 0).unwrap().len() as u64
        });
        put(&shelf, 0, &left);
        put(&shelf, 1, &right);
        let (mine, theirs) = std::thread::scope(|scope| {
            let there = scope.spawn(move || right.read(1).unwrap());
            (left.read(1).unwrap(), there.join().unwrap())
        });
        assert_eq!(mine.len() as u64 + theirs[0], 11, "one of the two has got the item");
        clear(&shelf);
    }

    fn data_from_outside_may_end_a_wait(pool) {
        let (shelf, barrier) = (shelf(2), Arc::new(Barrier::new(2)));
        let (writer, channel) = millpond_channel::unbounded();
        let (meets, within) = (Arc::clone(&barrier), Arc::clone(&shelf));
        let mut left = pool.source([1_u64]).sequential(move |n| {
            meets.wait();
            n + read(&within, 1).unwrap()[0]
        });
        // The output of the left one, or what comes from outside.
        let (meets, within) = (barrier, Arc::clone(&shelf));
        let ringed = pool.source([10_u64]).sequential(move |n| {
            meets.wait();
            n + read(&within, 0).map_or(0, |items| items.len() as u64)
        });
        let mut other = ringed.clone();
        put(&shelf, 0, &left);
        put(&shelf, 1, &pool.merge([ringed, pool.channel(channel)]));
        std::thread::scope(|scope| {
            scope.spawn(move || left.read(1).unwrap());
            scope.spawn(move || other.read(1).unwrap());
            writer.write(5).unwrap();
        });
        clear(&shelf);
    }

    fn functions_that_read_what_others_make_are_told_nothing(pool) {
        // Each layer's function reads from the layer before it, and all layers are read from at once.
        let is_told = Arc::new(AtomicBool::new(false));
        let mut layers: Vec<PoolReader<u64>> = vec![pool.source(0..100_u64).map(|n| n)];
        for _ in 0..5 {
            let before = Mutex::new(layers.last().unwrap().clone());
            let told = Arc::clone(&is_told);
            layers.push(pool.source(0..100_u64).map(move |n| {
                let items = before.lock().unwrap().read(1);
                told.fetch_or(items.is_err(), Ordering::SeqCst);
                n
            }).max_chunksize(3));
        }
        std::thread::scope(|scope| {
            for mut layer in layers.drain(..) {
                scope.spawn(move || while !layer.read(1).unwrap().is_empty() {});
            }
        });
        assert!(!is_told.load(Ordering::SeqCst));
    }
}
