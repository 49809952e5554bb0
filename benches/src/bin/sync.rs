//! Locks, semaphores and queues beside their rivals: alone in one thread, between two, awaited.
//!
//! A *pair* is an acquisition and its release. Futures are polled by `millpond::sync::Parker`, for
//! rivals too, so what is measured is the primitive. Contended cases hold the lock for one
//! addition, and do nothing in between.

use millpond::sync::{Event, Mutex, Parker, Policy, RawMutex, RwLock, Semaphore};
use millpond_benches::harness::{Case, Group, Measured, Unit};
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

/// Short enough that a run is rarely preempted on a busy machine.
const ALONE: u64 = 200_000;
const BETWEEN: u64 = 400_000;
/// Where each pair may be a switch of threads.
const HANDED_OVER: u64 = 10_000;

fn main() {
    let mut group = Group::new("sync");
    mutex_alone(&mut group);
    mutex_awaited(&mut group);
    mutex_contended(&mut group);
    mutex_handed_over(&mut group);
    rw_lock_alone(&mut group);
    semaphore_alone(&mut group);
    semaphore_awaited(&mut group);
    semaphore_contended(&mut group);
    queue_alone(&mut group);
    queue_between(&mut group);
    cancelling(&mut group);
    sizes(&mut group);
    group.finish();
}

fn pairs(count: u64) -> Unit {
    Unit::nanoseconds_per("pair", count)
}

/// The value of a future that need not wait.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nobody else is there"),
    }
}

fn alone(mut pair: impl FnMut()) -> u64 {
    (0..ALONE).for_each(|_| pair());
    ALONE
}

/// Two threads each do half of the pairs.
fn contended(count: u64, pair: impl Fn() + Sync) -> u64 {
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..count / 2).for_each(|_| pair()));
        }
    });
    count
}

fn mutex_alone(group: &mut Group) {
    let (ours, raw) = (Mutex::new(0_u64), RawMutex::new(Policy::Eventual));
    let (parking_lot, std) = (parking_lot::Mutex::new(0_u64), std::sync::Mutex::new(0_u64));
    Case::new("mutex-pair", pairs(ALONE))
        .ours(|| alone(|| *black_box(&ours).lock() += 1))
        .rival("parking-lot", || alone(|| *black_box(&parking_lot).lock() += 1))
        .rival("std", || alone(|| *black_box(&std).lock().unwrap() += 1))
        .run(group);
    let me = Some(millpond::sync::Owner::new());
    Case::new("mutex-pair-owned", pairs(ALONE))
        .ours(|| {
            alone(|| {
                black_box(&raw).lock(me);
                black_box(&raw).unlock(me).unwrap();
            })
        })
        .rival("parking-lot", || alone(|| *black_box(&parking_lot).lock() += 1))
        .run(group);
}

fn mutex_awaited(group: &mut Group) {
    let ours = Mutex::new(0_u64);
    let (async_lock, tokio) = (async_lock::Mutex::new(0_u64), tokio::sync::Mutex::new(0_u64));
    Case::new("mutex-pair-awaited", pairs(ALONE))
        .ours(|| {
            now(async {
                for _ in 0..ALONE {
                    *black_box(&ours).lock_async().await += 1
                }
                ALONE
            })
        })
        .rival("async-lock", || {
            now(async {
                for _ in 0..ALONE {
                    *black_box(&async_lock).lock().await += 1
                }
                ALONE
            })
        })
        .rival("tokio", || alone(|| *now(black_box(&tokio).lock()) += 1))
        .run(group);
}

fn mutex_contended(group: &mut Group) {
    let ours = Mutex::new(0_u64);
    let (parking_lot, std) = (parking_lot::Mutex::new(0_u64), std::sync::Mutex::new(0_u64));
    Case::new("mutex-two-threads", pairs(BETWEEN))
        .ours(|| contended(BETWEEN, || *ours.lock() += 1))
        .rival("parking-lot", || contended(BETWEEN, || *parking_lot.lock() += 1))
        .rival("std", || contended(BETWEEN, || *std.lock().unwrap() += 1))
        .run(group);
}

fn mutex_handed_over(group: &mut Group) {
    let ours = Mutex::with_policy(0_u64, Policy::HandOff);
    let tokio = tokio::sync::Mutex::new(0_u64);
    Case::new("mutex-two-threads-handed-over", pairs(HANDED_OVER))
        .ours(|| contended(HANDED_OVER, || *ours.lock() += 1))
        .rival("tokio", || contended(HANDED_OVER, || *Parker::block_on(tokio.lock()) += 1))
        .run(group);
}

fn rw_lock_alone(group: &mut Group) {
    let (ours, parking_lot) = (RwLock::new(0_u64), parking_lot::RwLock::new(0_u64));
    let async_lock = async_lock::RwLock::new(0_u64);
    Case::new("rw-lock-read-pair", pairs(ALONE))
        .ours(|| {
            alone(|| {
                black_box(*black_box(&ours).read());
            })
        })
        .rival("parking-lot", || {
            alone(|| {
                black_box(*black_box(&parking_lot).read());
            })
        })
        .rival("async-lock", || {
            alone(|| {
                black_box(*now(black_box(&async_lock).read()));
            })
        })
        .run(group);
    Case::new("rw-lock-write-pair", pairs(ALONE))
        .ours(|| alone(|| *black_box(&ours).write() += 1))
        .rival("parking-lot", || alone(|| *black_box(&parking_lot).write() += 1))
        .rival("async-lock", || alone(|| *now(black_box(&async_lock).write()) += 1))
        .run(group);
}

fn semaphore_alone(group: &mut Group) {
    let (ours, tokio) = (Semaphore::new(1), tokio::sync::Semaphore::new(1));
    let async_lock = async_lock::Semaphore::new(1);
    Case::new("semaphore-pair-tried", pairs(ALONE))
        .ours(|| alone(|| drop(black_box(&ours).try_acquire().unwrap())))
        .rival("tokio", || alone(|| drop(black_box(&tokio).try_acquire().unwrap())))
        .rival("async-lock", || alone(|| drop(black_box(&async_lock).try_acquire().unwrap())))
        .run(group);
}

fn semaphore_awaited(group: &mut Group) {
    let (ours, tokio) = (Semaphore::new(1), tokio::sync::Semaphore::new(1));
    let async_lock = async_lock::Semaphore::new(1);
    Case::new("semaphore-pair-awaited", pairs(ALONE))
        .ours(|| alone(|| drop(now(black_box(&ours).acquire_async()).unwrap())))
        .rival("tokio", || alone(|| drop(now(black_box(&tokio).acquire()).unwrap())))
        .rival("async-lock", || alone(|| drop(now(black_box(&async_lock).acquire()))))
        .run(group);
}

fn semaphore_contended(group: &mut Group) {
    let (ours, tokio) = (Semaphore::new(1), tokio::sync::Semaphore::new(1));
    let async_lock = async_lock::Semaphore::new(1);
    Case::new("semaphore-two-threads", pairs(HANDED_OVER))
        .ours(|| contended(HANDED_OVER, || drop(ours.acquire().unwrap())))
        .rival("tokio", || contended(HANDED_OVER, || drop(Parker::block_on(tokio.acquire()).unwrap())))
        .rival("async-lock", || contended(HANDED_OVER, || drop(Parker::block_on(async_lock.acquire()))))
        .run(group);
}

fn items(count: u64) -> Unit {
    Unit::nanoseconds_per("item", count)
}

fn queue_alone(group: &mut Group) {
    let ours: millpond_channel::Queue<u64> = millpond_channel::Queue::new();
    let (flume, async_channel) = (flume::unbounded::<u64>(), async_channel::unbounded::<u64>());
    Case::new("queue-one-thread", items(ALONE))
        .ours(|| {
            alone(|| {
                ours.put(black_box(1)).unwrap();
                black_box(ours.get().unwrap());
            })
        })
        .rival("flume", || {
            alone(|| {
                flume.0.send(black_box(1)).unwrap();
                black_box(flume.1.recv().unwrap());
            })
        })
        .rival("async-channel", || {
            alone(|| {
                async_channel.0.try_send(black_box(1)).unwrap();
                black_box(async_channel.1.try_recv().unwrap());
            })
        })
        .run(group);
}

/// One thread puts everything in; this one gets it.
fn one_to_one(put: impl Fn(u64) + Sync, get: impl Fn() -> u64) -> u64 {
    thread::scope(|scope| {
        scope.spawn(|| (0..BETWEEN).for_each(&put));
        (0..BETWEEN).map(|_| get()).sum()
    })
}

fn queue_between(group: &mut Group) {
    for (name, limit) in [("queue-one-to-one-unbounded", None), ("queue-one-to-one-of-64", Some(64))] {
        let ours = millpond_channel::Queue::bounded(limit.map_or(u64::MAX, |limit| limit as u64));
        let flume = limit.map_or_else(flume::unbounded, flume::bounded);
        let async_channel = limit.map_or_else(async_channel::unbounded, async_channel::bounded);
        Case::new(name, items(BETWEEN))
            .ours(|| one_to_one(|item| ours.put(item).unwrap(), || ours.get().unwrap()))
            .rival("flume", || one_to_one(|item| flume.0.send(item).unwrap(), || flume.1.recv().unwrap()))
            .rival("async-channel", || {
                one_to_one(
                    |item| Parker::block_on(async_channel.0.send(item)).unwrap(),
                    || Parker::block_on(async_channel.1.recv()).unwrap(),
                )
            })
            .run(group);
    }
}

/// Takes the time of cancelling one of so many waiters, from the middle, again and again.
fn cancel_one_of(waiters: usize) -> f64 {
    const CANCELS: u32 = 2_000;
    let event = Event::new();
    let mut context = Context::from_waker(Waker::noop());
    let mut waits: Vec<_> = (0..waiters).map(|_| Box::pin(event.wait_async())).collect();
    waits.iter_mut().for_each(|wait| assert!(wait.as_mut().poll(&mut context).is_pending()));
    let mut took = 0.0;
    for number in 0..CANCELS as usize {
        let place = (number * 7_919) % waiters;
        let mut fresh = Box::pin(event.wait_async());
        assert!(fresh.as_mut().poll(&mut context).is_pending());
        let cancelled = std::mem::replace(&mut waits[place], fresh);
        let begin = Instant::now();
        drop(cancelled);
        took += begin.elapsed().as_nanos() as f64;
    }
    took / f64::from(CANCELS)
}

fn cancelling(group: &mut Group) {
    Case::new("cancel-one-of-100,000", Unit::cost("ns"))
        .ours_measured(|| Measured { value: cancel_one_of(100_000), result: () })
        .rival_measured("one-of-1,000", || Measured { value: cancel_one_of(1_000), result: () })
        .run(group);
}

fn sizes(group: &mut Group) {
    let size = |size: usize| Measured { value: size as f64, result: () };
    Case::new("bytes-mutex", Unit::cost("bytes"))
        .ours_measured(|| size(size_of::<Mutex<()>>()))
        .rival_measured("tokio", || size(size_of::<tokio::sync::Mutex<()>>()))
        .rival_measured("async-lock", || size(size_of::<async_lock::Mutex<()>>()))
        .rival_measured("parking-lot", || size(size_of::<parking_lot::Mutex<()>>()))
        .run(group);
}
