//! The lock for many readers or one writer: phases in order, and nobody starves.

use crate::counting_waker::Count;
use crate::mutex::poll;
use millpond_sync::{Guard, Mode, Parker, RawRwLock, RwLock};
use std::sync::Arc;
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn readers_are_together_and_a_writer_is_alone() {
    let lock = RwLock::new(1);
    let readers = (lock.read(), lock.read());
    assert!(lock.try_write().is_none());
    assert!(lock.write_timeout(Duration::ZERO).is_none());
    drop(readers);
    *lock.write() += 1;
    let writer = lock.write();
    assert!(lock.try_read().is_none() && lock.read_deadline(Instant::now()).is_none());
    assert!(lock.try_upgradable().is_none());
    drop(writer);
    assert_eq!((*lock.read(), lock.is_locked()), (2, true));
    assert!(!lock.is_locked());
    assert_eq!(lock.into_inner(), 2);
}

#[test]
fn those_who_wait_are_served_in_phases() {
    let lock = RwLock::new(());
    let writer = lock.write();
    let (mut one, mut two) = (lock.read_async(), lock.read_async());
    let (mut three, mut four) = (lock.write_async(), lock.read_async());
    let wakers = [(); 4].map(|()| Count::waker());
    assert!(poll(&mut one, &wakers[0].1).is_pending());
    assert!(poll(&mut two, &wakers[1].1).is_pending());
    assert!(poll(&mut three, &wakers[2].1).is_pending());
    assert!(poll(&mut four, &wakers[3].1).is_pending());
    let woken = || wakers.each_ref().map(|(count, _)| count.get());
    drop(writer);
    assert_eq!(woken(), [1, 1, 0, 0], "the readers that stand together go in together");
    assert!(lock.try_read().is_none(), "a newcomer does not pass the writer");
    let readers = (poll(&mut one, &wakers[0].1), poll(&mut two, &wakers[1].1));
    drop(readers.0);
    assert_eq!(woken(), [1, 1, 0, 0]);
    drop(readers.1);
    assert_eq!(woken(), [1, 1, 1, 0]);
    drop(three);
    assert_eq!(woken(), [1, 1, 1, 1], "a writer that goes away lets the readers behind it in");
    assert!(poll(&mut four, &wakers[3].1).is_ready());
}

#[test]
fn a_writer_that_times_out_lets_the_readers_behind_it_in() {
    let lock = RwLock::new(());
    let reader = lock.read();
    thread::scope(|scope| {
        let writer = scope.spawn(|| lock.write_timeout(Duration::from_millis(5)).is_some());
        // Waits behind the writer, or comes after it has gone.
        drop(lock.read());
        assert!(!writer.join().unwrap());
    });
    drop(reader);
    assert_eq!(lock.waiting(), 0);
}

#[test]
fn who_reads_reads_again_although_a_writer_waits() {
    let lock = RwLock::new(5);
    let reader = lock.read();
    let mut writer = lock.write_async();
    assert!(poll(&mut writer, Waker::noop()).is_pending());
    let again = reader.clone();
    drop(reader);
    assert_eq!(*again, 5);
    assert!(poll(&mut writer, Waker::noop()).is_pending());
    drop(again);
    assert!(poll(&mut writer, Waker::noop()).is_ready());
}

#[test]
fn one_that_is_upgradable_is_beside_readers_and_becomes_the_writer_first() {
    let lock = RwLock::new(1);
    let upgradable = lock.upgradable();
    let reader = lock.read();
    assert!(lock.try_upgradable().is_none());
    let upgradable = Guard::try_upgrade(upgradable).unwrap_err();
    let upgradable = Guard::upgrade_deadline(upgradable, Instant::now()).unwrap_err();
    let (count, waker) = Count::waker();
    let mut writer = lock.write_async();
    assert!(poll(&mut writer, &waker).is_pending());
    let mut upgrade = Box::pin(Guard::upgrade_async(upgradable));
    assert!(poll(&mut upgrade, Waker::noop()).is_pending());
    assert!(lock.try_read().is_none());
    drop(reader);
    assert_eq!(count.get(), 0, "who upgrades is in front");
    let std::task::Poll::Ready(mut upgraded) = poll(&mut upgrade, Waker::noop()) else { panic!("nobody reads") };
    *upgraded += 1;
    let upgradable = Guard::downgrade_to_upgradable(upgraded);
    let reading = Guard::downgrade_to_read(upgradable);
    assert_eq!(*reading, 2);
    drop(reading);
    assert_eq!(count.get(), 1);
    assert!(poll(&mut writer, &waker).is_ready());
}

#[test]
fn an_upgrade_that_is_dropped_releases_the_lock() {
    let lock = RwLock::new(1);
    let (upgradable, reader) = (lock.upgradable(), lock.read());
    let mut upgrade = Box::pin(Guard::upgrade_async(upgradable));
    assert!(poll(&mut upgrade, Waker::noop()).is_pending());
    let mut late = lock.read_async();
    assert!(poll(&mut late, Waker::noop()).is_pending());
    drop(reader);
    drop(upgrade);
    assert!(poll(&mut late, Waker::noop()).is_ready());
    assert!(lock.try_write().is_some());
}

#[test]
fn a_writer_that_becomes_a_reader_lets_readers_in() {
    let lock = Arc::new(RwLock::new(1));
    let writer = lock.write_arc();
    let mut late = lock.read_async();
    assert!(poll(&mut late, Waker::noop()).is_pending());
    let reader = Guard::downgrade(writer);
    assert!(poll(&mut late, Waker::noop()).is_ready());
    thread::spawn(move || assert_eq!(*reader, 1)).join().unwrap();
    assert!(lock.try_write_arc().is_some());
}

#[test]
fn readers_never_see_half_of_a_write() {
    const ROUNDS: usize = 2_000;
    let lock = RwLock::new((0, 0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let pair = *lock.read();
                    assert_eq!(pair.0, pair.1);
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                let mut pair = lock.write();
                pair.0 += 1;
                pair.1 += 1;
            }
        });
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                let mut pair = Guard::upgrade(lock.upgradable());
                pair.0 += 1;
                pair.1 += 1;
            }
        });
        scope.spawn(|| {
            Parker::block_on(async {
                for _ in 0..ROUNDS {
                    let mut pair = lock.write_async().await;
                    pair.0 += 1;
                    pair.1 += 1;
                }
            });
        });
    });
    assert_eq!((*lock.read(), lock.waiting()), ((3 * ROUNDS, 3 * ROUNDS), 0));
}

#[test]
fn debug_shows_the_value_and_never_waits() {
    let lock = RwLock::new(5);
    assert_eq!(format!("{lock:?}"), "RwLock { value: 5, .. }");
    let guard = lock.write();
    assert_eq!(format!("{lock:?} {guard:?}"), "RwLock { value: <locked>, .. } 5");
    let raw = RawRwLock::new();
    assert!(raw.try_lock(Mode::Upgradable) && raw.try_lock(Mode::Read));
    assert_eq!(format!("{raw:?}"), "RawRwLock { readers: 2, is_written: false, .. }");
}
