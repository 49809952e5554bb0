//! The primitives of a model checker, in the shape of those of a normal build.

#[cfg(loom)]
use loom as checker;
#[cfg(shuttle)]
use shuttle as checker;

#[cfg(loom)]
pub use checker::sync::atomic;
pub use checker::sync::{Arc, MutexGuard};
#[cfg(shuttle)]
pub use checker::thread;
pub use checker::thread::LocalKey;
pub use checker::{hint, thread_local};
use std::sync::PoisonError;

#[cfg(loom)]
pub use loom::cell;

/// The checker's atomics.
#[cfg(shuttle)]
pub mod atomic {
    pub use shuttle::sync::atomic::*;

    /// Nothing: all accesses are sequentially consistent.
    pub fn fence(_ordering: Ordering) {}
}

/// The checker's threads. There is no time: a sleep is a turn for others, and a time-out never
/// comes.
#[cfg(loom)]
pub mod thread {
    pub use loom::thread::*;
    use std::time::Duration;

    /// Lets others go on.
    pub fn sleep(_time: Duration) {
        yield_now();
    }

    /// Sleeps until woken.
    pub fn park_timeout(_time: Duration) {
        park();
    }
}

/// The checker's mutex in parking_lot's shape.
#[derive(Debug, Default)]
pub struct Mutex<T>(checker::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Wraps `value`.
    #[track_caller]
    #[cfg(loom)]
    pub fn new(value: T) -> Self {
        Self(checker::sync::Mutex::new(value))
    }

    /// Wraps `value`.
    #[track_caller]
    #[cfg(shuttle)]
    pub const fn new(value: T) -> Self {
        Self(checker::sync::Mutex::new(value))
    }

    /// Takes the lock, waiting for it.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock if it is free.
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            #[cfg(shuttle)]
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(_) => None,
        }
    }

    /// The value, by exclusive access.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The checker's lock for many readers or one writer, in parking_lot's shape.
#[derive(Debug, Default)]
pub struct RwLock<T>(checker::sync::RwLock<T>);

impl<T> RwLock<T> {
    /// Wraps `value`.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self(checker::sync::RwLock::new(value))
    }

    /// Takes the lock for reading, waiting for it.
    #[track_caller]
    pub fn read(&self) -> checker::sync::RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock for writing, waiting for it.
    #[track_caller]
    pub fn write(&self) -> checker::sync::RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that goes on only when it is looked at or somebody lets it, so that a run can be had
/// again.
pub mod clock {
    use std::cell::Cell;
    use std::sync::LazyLock;
    use std::time::{Duration, Instant};

    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

    // The threads of a model all run in one thread of the system.
    std::thread_local!(static PASSED: Cell<Duration> = const { Cell::new(Duration::ZERO) });

    /// This moment; looking takes time.
    #[must_use]
    pub fn now() -> Instant {
        PASSED.set(PASSED.get() + look());
        *BEGIN + PASSED.get()
    }

    /// Nobody does anything until `moment`.
    pub fn pass_until(moment: Instant) {
        PASSED.set(PASSED.get().max(moment.saturating_duration_since(*BEGIN)));
    }

    /// Always the same: loom draws nothing.
    #[cfg(loom)]
    fn look() -> Duration {
        Duration::from_micros(10)
    }

    /// Mostly little; now and then as long as a thread that is woken late takes.
    #[cfg(shuttle)]
    fn look() -> Duration {
        Duration::from_nanos(match super::draw(16) {
            0..8 => 200,
            8..13 => 2_000,
            13..15 => 20_000,
            _ => 200_000,
        })
    }
}

/// A number below `end`, drawn with the schedule.
#[cfg(shuttle)]
pub(crate) fn draw(end: u64) -> u64 {
    use shuttle::rand::RngCore;
    shuttle::rand::thread_rng().next_u64() % end
}
