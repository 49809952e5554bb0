//! Functions that make any number of items of one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Stage;
use crate::error::Cause;
use crate::lane::{Firing, One};

/// One item in, any number out.
pub(crate) struct FlatMap<F>(pub(crate) F);

impl<A, B, I, F> Stage<A, B> for FlatMap<F>
where
    I: IntoIterator<Item = B>,
    F: Fn(A) -> I + Send + Sync,
{
    fn run(&self, items: Vec<A>, firing: &mut Firing<'_, '_>) -> Vec<B> {
        let given = items.len();
        let mut results = Vec::with_capacity(given);
        let mut items = items.into_iter();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            for item in items.by_ref() {
                results.extend((self.0)(item));
                if firing.is_cancelled() {
                    break;
                }
            }
        }));
        if let Err(payload) = outcome {
            firing.fail(given - items.len() - 1, Cause::panic(payload));
        }
        firing.mark(given - items.len());
        results
    }

    fn one(&self, _item: A) -> One<B> {
        unreachable!("a lane that expands is asked for chunks")
    }
}
