//! Branches of limited room: no wake-up is lost between whoever makes room and whoever waits for
//! it.

use std::time::Duration;

use millpond_pool::{Branches, Capacity, Pool, PoolReader};
use millpond_sync::Parker;
use shuttle::thread;

use crate::setup::{explore, with_pool};

/// Two branches that are waited for without an end.
fn branches(pool: &Pool, capacity: usize) -> [PoolReader<u32>; 2] {
    let capacity = Capacity::new(capacity).patience(Duration::MAX);
    let branches = pool.source(0..6_u32).max_chunksize(2).map(|n| n + 1).tee(Branches::new(2).capacity(capacity));
    branches.try_into().unwrap_or_else(|_| panic!("two branches"))
}

/// ```text
/// one reader     walks … the other's branch is full … sleeps ┐
/// other reader          takes: makes room, tells all         ┘
/// ```
#[test]
fn two_readers_wait_for_room_at_each_others_branch() {
    explore(|| {
        with_pool(2, |pool| {
            let [mut here, mut there] = branches(pool, 1);
            let other = thread::spawn(move || (0..6).flat_map(|_| there.read(1).unwrap()).collect::<Vec<_>>());
            assert_eq!(here.read(4).unwrap(), [1, 2, 3, 4]);
            assert_eq!(here.read_all().unwrap(), [5, 6]);
            assert_eq!(other.join().unwrap(), [1, 2, 3, 4, 5, 6]);
        });
    });
}

/// ```text
/// awaits      asks … helper: the other's branch is full … leaves ┐
/// reader         takes: makes room, asks for helpers             ┘
/// ```
#[test]
fn a_reader_that_awaits_goes_on_when_room_is_made() {
    explore(|| {
        with_pool(2, |pool| {
            let [mut here, mut there] = branches(pool, 2);
            let waits = thread::spawn(move || Parker::block_on(there.read_async(6)).unwrap());
            assert_eq!(here.read(3).unwrap(), [1, 2, 3]);
            assert_eq!(here.read(3).unwrap(), [4, 5, 6]);
            assert_eq!(waits.join().unwrap(), [1, 2, 3, 4, 5, 6]);
        });
    });
}

/// ```text
/// reader     walks … the other's branch is full … sleeps ┐
/// dropper       drops the full branch: tells all         ┘
/// ```
#[test]
fn a_reader_goes_on_when_the_full_branch_is_dropped() {
    explore(|| {
        with_pool(2, |pool| {
            let [mut here, there] = branches(pool, 2);
            let other = thread::spawn(move || drop(there));
            assert_eq!(here.read_all().unwrap(), [1, 2, 3, 4, 5, 6]);
            other.join().unwrap();
        });
    });
}
