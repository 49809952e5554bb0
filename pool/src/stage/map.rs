//! Functions of one item.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Stage;
use crate::error::Cause;
use crate::lane::Firing;

/// One item in, one out.
pub(crate) struct Map<F>(pub(crate) F);

impl<A, B, F: Fn(A) -> B + Send + Sync> Stage<A, B> for Map<F> {
    fn run(&self, items: Vec<A>, firing: &mut Firing<'_, '_>) -> Vec<B> {
        let given = items.len();
        let mut results = Vec::with_capacity(given);
        let mut items = items.into_iter();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            while items.len() > 0 && !firing.is_cancelled() {
                results.extend(items.by_ref().take(firing.stride()).map(&self.0));
            }
        }));
        if let Err(payload) = outcome {
            firing.fail(given - items.len() - 1, Cause::panic(payload));
        }
        firing.mark(given - items.len());
        results
    }
}

/// One item in, one out or none, or a failure.
pub(crate) struct Each<F>(pub(crate) F);

impl<A, B, F: Fn(A) -> Result<Option<B>, Cause> + Send + Sync> Stage<A, B> for Each<F> {
    fn run(&self, items: Vec<A>, firing: &mut Firing<'_, '_>) -> Vec<B> {
        let given = items.len();
        let mut results = Vec::with_capacity(given);
        let mut items = items.into_iter();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            while items.len() > 0 && !firing.is_cancelled() {
                for item in items.by_ref().take(firing.stride()) {
                    if let Some(result) = (self.0)(item)? {
                        results.push(result);
                    }
                }
            }
            Ok(())
        }));
        if let Err(cause) = outcome.unwrap_or_else(|payload| Err(Cause::panic(payload))) {
            firing.fail(given - items.len() - 1, cause);
        }
        firing.mark(given - items.len());
        results
    }
}
