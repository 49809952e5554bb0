//! A count of calls, shared between a test and the functions of its tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<AtomicUsize>);

impl Calls {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One call more; says how many there were before.
    pub(crate) fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Yields until there have been so many; the watchdog ends what never gets there.
    pub(crate) fn wait_for(&self, count: usize) {
        while self.count() < count {
            std::thread::yield_now();
        }
    }

    /// Passes items on and counts them.
    pub(crate) fn counting<T>(&self) -> impl Fn(T) -> T + Send + Sync + use<T> {
        let calls = self.clone();
        move |item| {
            calls.add();
            item
        }
    }

    /// Fails on every item and counts them.
    pub(crate) fn failing<T>(&self) -> impl Fn(&T) -> Result<T, &'static str> + Send + Sync + use<T> {
        let calls = self.clone();
        move |_| {
            calls.add();
            Err("no")
        }
    }

    /// An endless source of numbers that counts how many it was asked for.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> + Send + use<> {
        (0..).map(self.counting())
    }
}
