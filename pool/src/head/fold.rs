//! All items made into one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Head, Next};
use crate::gate::Pass;
use crate::lane::{Firing, Inlet, Taken};
use millpond_workers::Cause;
use millpond_workers::discard::{Remaining, discard};

/// How many items to take at once.
const MOST: usize = 8 * 1024;

/// Folds all items, in order, and gives the one result at the end.
pub(crate) struct Fold<'env, T, A, F> {
    inlet: Inlet<'env, T>,
    result: Option<A>,
    function: F,
    given: usize,
}

impl<'env, T: Send + 'env, A, F> Fold<'env, T, A, F> {
    pub(crate) fn new(inlet: Inlet<'env, T>, start: A, function: F) -> Self {
        Self { inlet, result: Some(start), function, given: 0 }
    }
}

impl<T, A, F> Drop for Fold<'_, T, A, F> {
    fn drop(&mut self) {
        // Before the function, whose drop may panic as well.
        discard(self.result.take());
    }
}

impl<'env, T, A, F> Head<'env, A> for Fold<'env, T, A, F>
where
    T: Send + 'env,
    A: Send,
    F: FnMut(A, T) -> A + Send,
{
    fn make(&mut self, out: &mut Vec<A>, firing: &mut Firing<'_, 'env>) -> Next {
        while !firing.is_cancelled() {
            let items = match self.inlet.take(firing.pass, 1, MOST, usize::MAX) {
                Taken::Items(items) => items,
                Taken::Starved => return Next::Starved,
                Taken::End => {
                    out.extend(self.result.take());
                    firing.set_given(self.given);
                    return Next::End;
                }
                Taken::Failed(error) => return Next::Upstream(error),
            };
            let Self { result, function, given, .. } = self;
            let folding = catch_unwind(AssertUnwindSafe(|| {
                for item in Remaining::new(items) {
                    *given += 1;
                    *result = result.take().map(|result| function(result, item));
                }
            }));
            if let Err(payload) = folding {
                firing.set_given(self.given);
                return Next::Fail(Cause::panic(payload));
            }
        }
        Next::Starved
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        self.inlet.retract(pass);
    }
}
