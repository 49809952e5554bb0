//! Random programs: acquire, release, cancel, time out, close; 4 threads and 2 executors at once,
//! and one thread beside a model of the order.

use crate::mutex::poll;
use millpond_sync::{Deadline, Mutex, Parker, Policy, RwLock, Select, Semaphore};
use proptest::prelude::*;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// Numbers that a seed decides.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// What all use, with what must hold of it.
struct World {
    permits: u64,
    semaphore: Semaphore,
    inside: AtomicU64,
    mutex: Mutex<u64>,
    changes: AtomicU64,
    lock: RwLock<(u64, u64)>,
}

impl World {
    fn new(random: &mut Random) -> Self {
        let policy = [Policy::HandOff, Policy::Eventual, Policy::Barging][random.below(3) as usize];
        let permits = 1 + random.below(3);
        Self {
            permits,
            semaphore: Semaphore::new(permits),
            inside: AtomicU64::new(0),
            mutex: Mutex::with_policy(0, policy),
            changes: AtomicU64::new(0),
            lock: RwLock::new((0, 0)),
        }
    }

    fn visit(&self, count: u64) {
        assert!(self.inside.fetch_add(count, Ordering::Relaxed) + count <= self.permits, "a permit was invented");
        self.inside.fetch_sub(count, Ordering::Relaxed);
    }

    fn change(&self, value: &mut u64) {
        *value += 1;
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// One operation of a thread.
    fn step(&self, random: &mut Random) {
        let count = 1 + random.below(self.permits);
        let soon = Deadline::after(Duration::from_micros(random.below(60)));
        match random.below(9) {
            0 => drop(self.semaphore.try_acquire_many(count).map(|permit| self.visit(permit.count()))),
            1 => drop(self.semaphore.acquire_many(count).map(|permit| self.visit(permit.count()))),
            2 => drop(self.semaphore.acquire_many_deadline(count, soon).map(|permit| self.visit(permit.count()))),
            3 => self.change(&mut self.mutex.lock()),
            4 => drop(self.mutex.lock_deadline(soon).map(|mut guard| self.change(&mut guard))),
            5 => check(*self.lock.read()),
            6 => write(&mut self.lock.write()),
            7 => drop(self.lock.write_deadline(soon).map(|mut guard| write(&mut guard))),
            _ => check(*millpond_sync::Guard::downgrade(millpond_sync::Guard::upgrade(self.lock.upgradable()))),
        }
    }

    /// One operation of a task; now and then it is dropped while it waits, or when it has been
    /// granted and not run.
    async fn step_async(&self, random: &RefCell<Random>) {
        let draw = |end| random.borrow_mut().below(end);
        let (kind, count, patience) = (draw(6), 1 + draw(self.permits), draw(4));
        let operation = async {
            match kind {
                0 => drop(self.semaphore.acquire_many_async(count).await.map(|permit| self.visit(permit.count()))),
                1 => self.change(&mut *self.mutex.lock_async().await),
                2 => check(*self.lock.read_async().await),
                3 => write(&mut *self.lock.write_async().await),
                4 => drop(millpond_sync::Guard::upgrade_async(self.lock.upgradable_async().await).await),
                _ => {
                    Select::new()
                        .on(self.semaphore.acquire_async(), |permit| {
                            permit.into_iter().for_each(|permit| self.visit(permit.count()))
                        })
                        .on(self.mutex.lock_async(), |mut guard| self.change(&mut guard))
                        .wait_async()
                        .await;
                }
            }
        };
        let mut operation = Box::pin(operation);
        let mut polls = 0;
        std::future::poll_fn(|context| {
            polls += 1;
            match operation.as_mut().poll(context) {
                Poll::Pending if polls > patience && patience < 2 => Poll::Ready(()),
                polled => polled,
            }
        })
        .await;
    }
}

fn check(pair: (u64, u64)) {
    assert_eq!(pair.0, pair.1, "a reader beside a writer");
}

fn write(pair: &mut (u64, u64)) {
    pair.0 += 1;
    pair.1 += 1;
}

/// Polls all to their ends, in one thread.
fn run_all(mut futures: Vec<Pin<Box<dyn Future<Output = ()> + '_>>>) {
    Parker::with(|parker| {
        let mut context = Context::from_waker(parker.waker());
        loop {
            futures.retain_mut(|future| future.as_mut().poll(&mut context).is_pending());
            if futures.is_empty() {
                return;
            }
            parker.park();
        }
    });
}

#[test]
fn random_programs_of_threads_and_executors_lose_and_invent_nothing() {
    const OPERATIONS: usize = 40;
    // More of them: `MILLPOND_TEST_PROGRAMS=100000 cargo nextest run --release -p millpond-sync
    // random_programs`.
    let programs = std::env::var("MILLPOND_TEST_PROGRAMS").map_or(150, |count| count.parse().expect("a number"));
    for seed in 1..=programs {
        let mut random = Random(u64::wrapping_mul(seed, 0x9E37_79B9_7F4A_7C15));
        let world = World::new(&mut random);
        let closes = random.below(4) == 0;
        thread::scope(|scope| {
            let world = &world;
            for number in 0..4 {
                let mut random = Random(random.below(u64::MAX) | 1);
                scope.spawn(move || {
                    for round in 0..OPERATIONS {
                        if closes && number == 0 && round == OPERATIONS / 2 {
                            world.semaphore.close();
                        }
                        world.step(&mut random);
                    }
                });
            }
            for _ in 0..2 {
                let seeds = [0; 3].map(|_| random.below(u64::MAX) | 1);
                scope.spawn(move || {
                    let task = |seed| async move {
                        let random = RefCell::new(Random(seed));
                        for _ in 0..OPERATIONS {
                            world.step_async(&random).await;
                        }
                    };
                    run_all(seeds.map(|seed| Box::pin(task(seed)) as Pin<Box<dyn Future<Output = ()>>>).into());
                });
            }
        });
        let World { permits, semaphore, mutex, changes, lock, .. } = &world;
        assert_eq!((semaphore.available(), semaphore.waiting()), (*permits, 0), "seed {seed}");
        assert_eq!((*mutex.lock(), mutex.waiting()), (changes.load(Ordering::Relaxed), 0), "seed {seed}");
        assert!(!mutex.is_locked() && !lock.is_locked() && lock.waiting() == 0, "seed {seed}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Acquire(u64),
    TryAcquire(u64),
    Release,
    Poll(usize),
    Drop(usize),
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1..4_u64).prop_map(Step::Acquire),
        2 => (1..4_u64).prop_map(Step::TryAcquire),
        6 => Just(Step::Release),
        4 => (0..8_usize).prop_map(Step::Poll),
        3 => (0..8_usize).prop_map(Step::Drop),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 1..150)
}

/// A request as the model sees it.
#[derive(Debug)]
struct Modelled {
    count: u64,
    is_granted: bool,
    is_refused: bool,
}

/// Grants what can be granted, from the front, in the model.
fn settle(free: &mut u64, is_closed: bool, waits: &mut [Modelled]) {
    for wait in waits.iter_mut().filter(|wait| !wait.is_granted && !wait.is_refused) {
        wait.is_refused = is_closed;
        if is_closed {
            continue;
        }
        if wait.count > *free {
            return;
        }
        *free -= wait.count;
        wait.is_granted = true;
    }
}

proptest! {
    #[test]
    fn permits_go_to_whoever_the_model_says(steps in steps(), permits in 0..4_u64) {
        let semaphore = Semaphore::new(permits);
        let (mut free, mut is_closed) = (permits, false);
        let mut held = Vec::new();
        let mut futures = Vec::new();
        let mut waits: Vec<Modelled> = Vec::new();
        for step in steps {
            match step {
                Step::Acquire(count) => {
                    let mut future = semaphore.acquire_many_async(count);
                    let is_first = waits.iter().all(|wait| wait.is_granted || wait.is_refused);
                    match poll(&mut future, Waker::noop()) {
                        Poll::Ready(Ok(permit)) => {
                            prop_assert!(is_first && !is_closed && free >= count);
                            free -= count;
                            held.push(permit);
                        }
                        Poll::Ready(Err(_)) => prop_assert!(is_closed),
                        Poll::Pending => {
                            prop_assert!(!is_closed && (!is_first || free < count));
                            futures.push(future);
                            waits.push(Modelled { count, is_granted: false, is_refused: false });
                        }
                    }
                }
                Step::TryAcquire(count) => {
                    let is_first = waits.iter().all(|wait| wait.is_granted || wait.is_refused);
                    let permit = semaphore.try_acquire_many(count);
                    prop_assert_eq!(permit.is_ok(), is_first && !is_closed && free >= count);
                    if let Ok(permit) = permit {
                        free -= count;
                        held.push(permit);
                    }
                }
                Step::Release => if let Some(permit) = held.pop() {
                    free += permit.count();
                    drop(permit);
                    settle(&mut free, is_closed, &mut waits);
                },
                Step::Poll(index) if index < waits.len() => {
                    let wait = &waits[index];
                    match poll(&mut futures[index], Waker::noop()) {
                        Poll::Ready(Ok(permit)) => {
                            prop_assert!(wait.is_granted);
                            held.push(permit);
                        }
                        Poll::Ready(Err(_)) => prop_assert!(wait.is_refused),
                        Poll::Pending => {
                            prop_assert!(!wait.is_granted && !wait.is_refused);
                            continue;
                        }
                    }
                    waits.remove(index);
                    drop(futures.remove(index));
                }
                Step::Drop(index) if index < waits.len() => {
                    let wait = waits.remove(index);
                    drop(futures.remove(index));
                    if wait.is_granted {
                        free += wait.count;
                    }
                    settle(&mut free, is_closed, &mut waits);
                }
                Step::Close => {
                    prop_assert_eq!(semaphore.close(), !is_closed);
                    is_closed = true;
                    settle(&mut free, is_closed, &mut waits);
                }
                Step::Poll(_) | Step::Drop(_) => {}
            }
            prop_assert_eq!(semaphore.available(), free);
        }
        drop(futures);
        drop(held);
        prop_assert_eq!((semaphore.available(), semaphore.waiting()), (permits, 0));
    }
}
