//! Which of a numbered set of items have come, from whatever thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use millpond_proof::program::Wrong;

/// A mark for each item.
pub(crate) struct Seen {
    marks: Vec<AtomicU8>,
    doubled: AtomicUsize,
}

impl Seen {
    pub(crate) fn new(count: usize) -> Self {
        Self { marks: (0..count).map(|_| AtomicU8::new(0)).collect(), doubled: AtomicUsize::new(0) }
    }

    /// Marks items by their numbers.
    pub(crate) fn note(&self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            let mark = usize::try_from(number).ok().and_then(|number| self.marks.get(number));
            if mark.is_none_or(|mark| mark.fetch_add(1, Ordering::Relaxed) != 0) {
                self.doubled.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Each that passes `should_come` must have come once.
    pub(crate) fn check(&self, should_come: impl Fn(u64) -> bool) -> Result<(), Wrong> {
        let lost =
            (0..).zip(&self.marks).filter(|(number, mark)| mark.load(Ordering::Relaxed) == 0 && should_come(*number));
        let (lost, doubled) = (lost.count(), self.doubled.load(Ordering::Relaxed));
        if (lost, doubled) == (0, 0) {
            return Ok(());
        }
        Err(Wrong { lost, doubled, what: format!("of {} items not each came once", self.marks.len()) })
    }
}

/// Whether nobody else holds on to this, now or when workers are done with what they have in hand.
pub(crate) fn is_alone<T>(held: &Arc<T>) -> bool {
    for _ in 0..100_000 {
        if Arc::strong_count(held) == 1 {
            return true;
        }
        thread::sleep(Duration::from_micros(100));
    }
    false
}
