//! A function body of a known length: pure work for the processor.
//!
//! The loop is calibrated once, and runs that many rounds ever after. It does not look at the
//! clock: a body that waits for a time to pass gets shorter when the thread is preempted, and then
//! two threads on one processor seem to be twice as fast.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long each attempt at calibrating lasts, about.
const ATTEMPT_ROUNDS: u64 = 1_000_000;
/// The quickest of these counts: the others were disturbed.
const ATTEMPTS: usize = 9;

/// A loop of so many rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    rounds: u64,
}

impl Body {
    /// A body that takes this long on an undisturbed processor.
    #[must_use]
    pub fn lasting(time: Duration) -> Self {
        let attempt = || {
            let begin = Instant::now();
            black_box(Self { rounds: ATTEMPT_ROUNDS }.run(black_box(1)));
            begin.elapsed()
        };
        let quickest = (0..ATTEMPTS).map(|_| attempt()).min().expect("there are attempts");
        let rounds = time.as_secs_f64() / quickest.as_secs_f64() * ATTEMPT_ROUNDS as f64;
        Self { rounds: rounds.round() as u64 }
    }

    /// Does the work on `item`; the result depends on every round.
    #[must_use]
    #[inline]
    pub fn run(self, item: u64) -> u64 {
        let mut value = item;
        for _ in 0..self.rounds {
            // Each round needs the last one's result, and no closed form is known.
            value = (value ^ (value >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        }
        value
    }
}
