//! Functions that read each other's output, in any order of turns.

use std::sync::{Arc, Mutex, OnceLock};

use millpond_pool::simulation::{self, Simulation};
use millpond_pool::{Pool, PoolReader, ReadError};

/// Two tasks that read each other's output on simulated threads; how many functions were told, and whether `more` is.
fn ring(seed: u64, workers: usize) -> usize {
    type Place = OnceLock<Mutex<Option<PoolReader<u64>>>>;
    let pool = Pool::simulated_with(Simulation::new(seed).workers(workers).quiet());
    let shelf: Arc<[Place; 2]> = Arc::default();
    let told = Arc::new(Mutex::new(0));
    let task = |place: usize| {
        let (within, told) = (Arc::clone(&shelf), Arc::clone(&told));
        let reader = pool.source(0..4_u64).sequential(move |n| {
            let mut other = within[1 - place].get().unwrap().try_lock().expect("one function has it");
            match other.as_mut().unwrap().read(1) {
                Ok(_) => {}
                Err(ReadError::OwnOutput { task, ring }) => {
                    assert_eq!(task, ring[0]);
                    *told.lock().unwrap() += 1;
                }
                Err(error) => panic!("{error}"),
            }
            n
        });
        assert!(shelf[place].set(Mutex::new(Some(reader.clone()))).is_ok());
        reader
    };
    let (mut left, mut right) = (task(0), task(1));
    let there = simulation::spawn_named("right", move || while !right.read(1).unwrap().is_empty() {});
    while !left.read(1).unwrap().is_empty() {}
    there.join().unwrap();
    shelf.iter().filter_map(OnceLock::get).for_each(|reader| drop(reader.lock().unwrap().take()));
    *told.lock().unwrap()
}

#[test]
fn a_ring_is_told_whatever_the_order() {
    let told: usize = (0..200).map(|seed| ring(seed, 1 + (seed % 3) as usize)).sum();
    assert!(told > 200, "{told}");
}
