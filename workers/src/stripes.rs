//! A parallel-for in chunks, whosever threads it runs on.
//!
//! A host's own parallel-for hands out indices (`dispatch_apply_f`: one at a time, an atomic step
//! and a call through C for each) or halves of ranges that it knows no time of. Here it is asked
//! for one call per thread, its stripe, and each stripe takes chunks of the indices from a common
//! counter. A chunk is as many indices as took `CHUNK_TIME` lately, found by starting at one and at
//! most doubling, so that cheap bodies are amortised and expensive ones spread, without knowing
//! which they are. Near the end chunks shrink to a part of what is left (guided self-scheduling,
//! Polychronopoulos and Kuck 1987), so that no thread is left with a long last chunk.
//!
//! Waking a thread costs more than a short loop does, so the caller of a loop with many indices
//! starts alone, and asks for help when the loop is not over after `ALONE_TIME`; with few indices,
//! each of which may be long, it asks at once.
//!
//! Invariants: the counter only grows, by a compare-and-swap that claims a chunk for one stripe, so
//! each index is called once; a stripe that finds the counter at the end returns at once, so
//! stripes that start late, or one after the other on a single thread, do no harm.
//!
//! A panic in the body is kept, the other indices are still called, and `Stripes::finish` resumes
//! the first panic.

use std::any::Any;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::discard::discard;

/// Calls `body(0)`, …, `body(count - 1)`, each once, and returns when all have returned; `spread`
/// calls what it is given up to `width` times, at once if it can, and returns when these calls
/// have. Short loops are over before it is asked.
///
/// # Panics
/// With the first panic of `body`, when all indices were called.
pub fn apply<F: Fn(usize) + Sync + ?Sized>(
    count: usize,
    width: usize,
    body: &F,
    spread: impl FnOnce(&(dyn Fn() + Sync)),
) {
    let stripes = Stripes::new(count, width.max(1), body);
    if !stripes.run_alone() {
        if width > 1 {
            spread(&|| stripes.run());
        } else {
            stripes.run();
        }
    }
    stripes.finish();
}

/// How long a chunk should take: a hundred times what handing it out costs, and still short beside
/// a wake-up.
const CHUNK_TIME: Duration = Duration::from_micros(20);

/// A chunk is at most this part of an equal share of what is left.
const SHARES: usize = 4;

/// How long the caller works before it asks for help: about what the asking costs the caller alone.
const ALONE_TIME: Duration = Duration::from_micros(10);

/// How many indices there must be for each stripe if the caller is to start alone. The first index
/// may be a long one, for which the others then wait: this bounds how much of the gain is lost.
const ALONE_INDICES: usize = 64;

/// What a panic carries.
type Payload = Box<dyn Any + Send>;

/// The state of one parallel-for, shared by its stripes.
struct Stripes<'a, F: ?Sized> {
    body: &'a F,
    /// How many indices there are.
    count: usize,
    /// How many stripes there are.
    width: usize,
    /// The first index that no stripe has claimed.
    next: AtomicUsize,
    /// The first panic.
    panic: Mutex<Option<Payload>>,
}

impl<'a, F: Fn(usize) + Sync + ?Sized> Stripes<'a, F> {
    /// Indices `0..count`, to be shared by `width` calls of [`run`](Self::run).
    fn new(count: usize, width: usize, body: &'a F) -> Self {
        Self { body, count, width, next: AtomicUsize::new(0), panic: Mutex::new(None) }
    }

    /// Calls the body for as many indices as are done in a short time, in the hope that these are
    /// all. Does not unwind.
    ///
    /// Returns whether all are done, so that no stripe need run.
    fn run_alone(&self) -> bool {
        if self.count / ALONE_INDICES < self.width {
            return false;
        }
        let started = Instant::now();
        let mut size = 1;
        // Each chunk is at most one index longer than all before it: so the last one takes no
        // longer than these, if indices are alike.
        while let Some(chunk) = self.claim(size, 1) {
            self.call(chunk);
            if started.elapsed() > ALONE_TIME {
                return self.next.load(Ordering::Relaxed) == self.count;
            }
            size *= 2;
        }
        true
    }

    /// One stripe: calls the body for indices that no other stripe has, until none is left. Does
    /// not unwind.
    fn run(&self) {
        let mut size = 1;
        let mut started = Instant::now();
        while let Some(chunk) = self.claim(size, SHARES * self.width) {
            let length = chunk.len();
            self.call(chunk);
            // A chunk shorter than asked for: the end is near, and from here on chunks only get
            // shorter, whatever time they take. Reading the clock would be half the cost of a short
            // chunk.
            if length == size {
                let ended = Instant::now();
                size = next_size(length, ended - started);
                started = ended;
            }
        }
    }

    /// Returns when every stripe has returned: passes the first panic of the body on to the caller.
    fn finish(self) {
        if let Some(payload) = self.panic.into_inner() {
            resume_unwind(payload);
        }
    }

    /// The next chunk, of at most `size` indices and at most one in `shares` of those left.
    fn claim(&self, size: usize, shares: usize) -> Option<Range<usize>> {
        let mut start = self.next.load(Ordering::Relaxed);
        loop {
            let left = self.count - start;
            if left == 0 {
                return None;
            }
            let end = start + size.min(left.div_ceil(shares));
            // Relaxed: the counter orders nothing but itself. What the caller wrote before and
            // reads after is ordered by the hand-over to and from the threads, which is the
            // library's.
            match self.next.compare_exchange_weak(start, end, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(start..end),
                Err(other) => start = other,
            }
        }
    }

    /// Calls the body for each index of `chunk`, going on behind one that panics.
    fn call(&self, chunk: Range<usize>) {
        let next = Cell::new(chunk.start);
        while next.get() < chunk.end {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                // Subtle: the index that the loop counts is not the cell, or each round would wait
                // for the last one's store.
                for index in next.get()..chunk.end {
                    next.set(index + 1);
                    (self.body)(index);
                }
            }));
            if let Err(payload) = outcome {
                self.keep(payload);
            }
        }
    }

    /// Keeps the first panic and drops any other.
    fn keep(&self, payload: Payload) {
        let surplus = {
            let mut kept = self.panic.lock();
            match &mut *kept {
                Some(_) => Some(payload),
                none => {
                    *none = Some(payload);
                    None
                }
            }
        };
        // Subtle: the drop of a payload is the user's code and may panic as well, with a payload
        // that might do the same.
        discard(surplus);
    }
}

/// How many indices the next chunk should have if `length` of them took `elapsed`.
fn next_size(length: usize, elapsed: Duration) -> usize {
    if elapsed < CHUNK_TIME / 2 {
        length.saturating_mul(2)
    } else if elapsed > CHUNK_TIME * 2 {
        // In floating point: neither product fits an integer for certain.
        ((length as f64 * CHUNK_TIME.as_secs_f64() / elapsed.as_secs_f64()) as usize).max(1)
    } else {
        length
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use parking_lot::Mutex;

    use super::{CHUNK_TIME, Stripes, next_size};

    #[test]
    fn chunks_shrink_towards_the_end() {
        let body = |_| ();
        let stripes = Stripes::new(100, 2, &body);
        let mut lengths = Vec::new();
        while let Some(chunk) = stripes.claim(usize::MAX, 8) {
            lengths.push(chunk.len());
        }
        assert_eq!(lengths.iter().sum::<usize>(), 100);
        assert_eq!(lengths[0], 13);
        assert!(lengths.is_sorted_by(|longer, shorter| longer >= shorter), "{lengths:?}");
        assert_eq!(lengths.last(), Some(&1));
    }

    #[test]
    fn the_caller_starts_alone_only_where_there_is_much_to_share() {
        let called = Mutex::new(Vec::new());
        let body = |index: usize| called.lock().push(index);
        assert!(!Stripes::new(127, 2, &body).run_alone());
        assert_eq!(*called.lock(), []);

        let stripes = Stripes::new(128, 2, &body);
        let is_done = stripes.run_alone();
        // The clock decides how many.
        let alone = called.lock().len();
        assert_eq!(is_done, alone == 128);
        stripes.run();
        assert_eq!(*called.lock(), (0..128).collect::<Vec<_>>());
    }

    #[test]
    fn a_long_index_ends_the_work_alone() {
        let started = Instant::now();
        let body = |index: usize| {
            while index == 6 && started.elapsed() < CHUNK_TIME {
                std::hint::spin_loop();
            }
        };
        let stripes = Stripes::new(1000, 1, &body);
        assert!(!stripes.run_alone());
        assert!((1..=7).contains(&stripes.next.load(Ordering::Relaxed)));
    }

    #[test]
    fn a_chunk_follows_the_time_that_the_last_one_took() {
        assert_eq!(next_size(8, Duration::ZERO), 16);
        assert_eq!(next_size(usize::MAX, Duration::ZERO), usize::MAX);
        assert_eq!(next_size(8, CHUNK_TIME), 8);
        assert_eq!(next_size(8, CHUNK_TIME * 4), 2);
        assert_eq!(next_size(8, Duration::from_secs(1000)), 1);
    }

    #[test]
    fn indices_behind_a_panic_are_called_and_the_first_panic_is_resumed() {
        let called = Mutex::new(Vec::new());
        let body = |index: usize| {
            called.lock().push(index);
            if index % 3 == 1 {
                panic_any(index);
            }
        };
        let stripes = Stripes::new(10, 1, &body);
        stripes.run();
        let payload = catch_unwind(AssertUnwindSafe(|| stripes.finish())).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&1_usize));
        assert_eq!(*called.lock(), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn a_further_panic_whose_payload_panics_on_drop_does_not_unwind_and_is_dropped() {
        static DROPPED: AtomicUsize = AtomicUsize::new(0);
        struct Bomb(usize);
        impl Drop for Bomb {
            fn drop(&mut self) {
                DROPPED.fetch_add(1, Ordering::Relaxed);
                if self.0 > 0 {
                    panic_any(Self(self.0 - 1));
                }
            }
        }
        let body = |index| panic_any(Bomb(index));
        let stripes = Stripes::new(3, 1, &body);
        stripes.run();
        let payload = catch_unwind(AssertUnwindSafe(|| stripes.finish())).unwrap_err();
        assert_eq!(payload.downcast_ref::<Bomb>().map(|bomb| bomb.0), Some(0));
        assert_eq!(DROPPED.load(Ordering::Relaxed), 2 + 3, "bomb 1, bomb 2 and what they left");
    }
}
