//! Calling a function again when it fails.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::map::run_each;
use super::{Batch, Nothing, Ran, Stage};
use crate::lane::{Firing, One};
use millpond_sync::host;
use millpond_workers::{BoxError, Cause};

/// How often a function that fails is called again on the same item, and after what wait.
///
/// A panic counts as a failure, which is final where [`retry_if`](Self::retry_if) says what is not. The
/// wait occupies the worker; it ends at once where nobody can read the result any more.
///
/// ```
/// # use millpond_pool::Retry;
/// # use std::{io, time::Duration};
/// let retry = Retry::times(5)
///     .wait(Duration::from_millis(10))
///     .doubling()
///     .max_wait(Duration::from_millis(30))
///     .retry_if(|error| error.is::<io::Error>());
/// let waits: Vec<_> = retry.waits().map(|wait| wait.as_millis()).collect();
/// assert_eq!(waits, [10, 20, 30, 30, 30]);
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "a policy does nothing until a task is given it"]
pub struct Retry {
    times: u32,
    wait: Duration,
    doubles: bool,
    max_wait: Duration,
    /// By what share of it a wait may be shorter.
    jitter: f64,
    is_worth: Option<fn(&(dyn Error + Send + Sync + 'static)) -> bool>,
}

impl Retry {
    /// Never again: the first failure counts.
    pub const NEVER: Self =
        Self { times: 0, wait: Duration::ZERO, doubles: false, max_wait: Duration::MAX, jitter: 0.0, is_worth: None };

    /// Up to `times` times more, at once.
    pub const fn times(times: u32) -> Self {
        Self { times, ..Self::NEVER }
    }

    /// With this wait before each further call.
    pub const fn wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// With a wait that doubles from one call to the next.
    pub const fn doubling(self) -> Self {
        Self { doubles: true, ..self }
    }

    /// With no wait that is longer than this.
    pub const fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// With waits that are each shorter by a random share of theirs, up to this one: 0.5 for half of the
    /// wait to all of it, 1 for anything up to it. So calls that have failed together are not made again
    /// together. In a simulation its seed decides.
    ///
    /// # Panics
    /// When the share is not between 0 and 1.
    pub const fn jitter(self, share: f64) -> Self {
        assert!(0.0 <= share && share <= 1.0, "the jitter of waits is a share between 0 and 1");
        Self { jitter: share, ..self }
    }

    /// Only after errors for which this is true: others, and panics, are final at once.
    pub const fn retry_if(self, is_worth: fn(&(dyn Error + Send + Sync + 'static)) -> bool) -> Self {
        Self { is_worth: Some(is_worth), ..self }
    }

    /// The longest wait before further call number `again`, counted from 1.
    #[must_use]
    pub fn wait_before(&self, again: u32) -> Duration {
        let factor = if self.doubles { 2_u32.saturating_pow(again.saturating_sub(1)) } else { 1 };
        self.wait.saturating_mul(factor).min(self.max_wait)
    }

    /// The waits of the calls for one item: one before each further call.
    pub fn waits(&self) -> Waits {
        Waits { retry: *self, again: 0 }
    }

    fn is_worth(&self, cause: &Cause) -> bool {
        match (self.is_worth, cause) {
            (None, _) => true,
            (Some(is_worth), Cause::Error(error)) => is_worth(&**error),
            (Some(_), _) => false,
        }
    }

    /// Calls `function` on `item` until it succeeds or has been called often enough, or `pause` says that it is not wanted any more.
    pub(crate) fn call<A, B, E: Into<BoxError>>(
        &self,
        item: &A,
        function: impl Fn(&A) -> Result<B, E>,
        pause: Pause<'_>,
    ) -> Result<B, Cause> {
        let mut waits = self.waits();
        loop {
            let outcome = catch_unwind(AssertUnwindSafe(|| function(item)));
            let cause = match outcome {
                Ok(Ok(result)) => return Ok(result),
                Ok(Err(error)) => Cause::Error(error.into()),
                Err(payload) => Cause::panic(payload),
            };
            if !self.is_worth(&cause) {
                return Err(cause);
            }
            match waits.next() {
                Some(wait) if wait.is_zero() || pause(wait) => {}
                _ => return Err(cause),
            }
        }
    }
}

/// The waits of the calls for one item, one before each further call; see [`Retry::waits`].
#[derive(Debug, Clone)]
#[must_use = "an iterator does nothing until it is asked"]
pub struct Waits {
    retry: Retry,
    again: u32,
}

impl Iterator for Waits {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.again == self.retry.times {
            return None;
        }
        self.again += 1;
        let wait = self.retry.wait_before(self.again);
        let Retry { jitter, .. } = self.retry;
        if jitter == 0.0 || wait.is_zero() {
            return Some(wait);
        }
        let drawn = f64::from((host::random() >> 32) as u32) / f64::from(u32::MAX);
        Some(wait.mul_f64(1.0 - jitter * drawn))
    }
}

/// Waits for so long; says whether the item is still wanted then.
pub(crate) type Pause<'a> = &'a dyn Fn(Duration) -> bool;

/// One item in, one out or a failure, with pauses in between.
pub(crate) struct Retrying<F>(pub(crate) F);

impl<A, B, F: Fn(A, Pause<'_>) -> Result<B, Cause> + Send + Sync> Stage<A, B> for Retrying<F> {
    type Open = Nothing;

    fn run(&self, batch: Batch<A, Nothing>, firing: &mut Firing<'_, '_>) -> Ran<A, Nothing, B> {
        run_each(batch.items, firing, |firing, item| (self.0)(item, &|wait| firing.pause(wait)).map(Some))
    }

    fn one(&self, item: A, _back: &mut Option<A>) -> One<B> {
        // Only in serial mode: the reader itself waits.
        let pause = |wait| {
            host::sleep(wait);
            true
        };
        match (self.0)(item, &pause) {
            Ok(result) => One::Item(result),
            Err(cause) => One::Fail(Box::new(cause)),
        }
    }
}
