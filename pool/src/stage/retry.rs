//! Calling a function again when it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::map::run_each;
use super::{Batch, Nothing, Ran, Stage};
use crate::lane::{Firing, One};
use millpond_sync::host;
use millpond_workers::{BoxError, Cause};

/// How often a function that fails is called again on the same item, and after what wait.
///
/// A panic counts as a failure. The wait occupies the worker; it ends at once where nobody can read the result any more.
///
/// ```
/// # use millpond_pool::Retry;
/// # use std::time::Duration;
/// let retry = Retry::times(3).wait(Duration::from_millis(10)).doubling();
/// assert_eq!(retry.wait_before(3), Duration::from_millis(40));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a policy does nothing until a task is given it"]
pub struct Retry {
    times: u32,
    wait: Duration,
    doubles: bool,
}

impl Retry {
    /// Never again: the first failure counts.
    pub const NEVER: Self = Self { times: 0, wait: Duration::ZERO, doubles: false };

    /// Up to `times` times more, at once.
    pub const fn times(times: u32) -> Self {
        Self { times, wait: Duration::ZERO, doubles: false }
    }

    /// With this wait before each further call.
    pub const fn wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// With a wait that doubles from one call to the next.
    pub const fn doubling(self) -> Self {
        Self { doubles: true, ..self }
    }

    /// The wait before further call number `again`, counted from 1.
    #[must_use]
    pub fn wait_before(&self, again: u32) -> Duration {
        let factor = if self.doubles { 2_u32.saturating_pow(again.saturating_sub(1)) } else { 1 };
        self.wait.saturating_mul(factor)
    }

    /// Calls `function` on `item` until it succeeds or has been called often enough, or `pause` says that it is not wanted any more.
    pub(crate) fn call<A, B, E: Into<BoxError>>(
        &self,
        item: &A,
        function: impl Fn(&A) -> Result<B, E>,
        pause: Pause<'_>,
    ) -> Result<B, Cause> {
        let mut again = 0;
        loop {
            let outcome = catch_unwind(AssertUnwindSafe(|| function(item)));
            let cause = match outcome {
                Ok(Ok(result)) => return Ok(result),
                Ok(Err(error)) => Cause::Error(error.into()),
                Err(payload) => Cause::panic(payload),
            };
            if again == self.times {
                return Err(cause);
            }
            again += 1;
            let wait = self.wait_before(again);
            if !wait.is_zero() && !pause(wait) {
                return Err(cause);
            }
        }
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
