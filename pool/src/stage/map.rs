//! Functions of one item.

use super::in_place::{Applied, BLOCK, GoesOn, STRIDE, apply};
use super::{Batch, Nothing, Ran, Stage};
use crate::lane::{Firing, One, Pace, Watch};
use millpond_workers::Cause;
use millpond_workers::nudge::Seen;

/// One item in, one out or none, or a failure.
pub(crate) struct Each<F>(pub(crate) F);

impl<A, B, F: Fn(A) -> Result<Option<B>, Cause> + Send + Sync> Stage<A, B> for Each<F> {
    type Open = Nothing;

    fn run(&self, batch: Batch<A, Nothing>, firing: &mut Firing<'_, '_>) -> Ran<A, Nothing, B> {
        run_each(batch.items, firing, |_, item| (self.0)(item))
    }

    #[inline]
    fn one(&self, item: A, _back: &mut Option<A>) -> One<B> {
        match (self.0)(item) {
            Ok(Some(result)) => One::Item(result),
            Ok(None) => One::Skipped,
            Err(cause) => One::Fail(Box::new(cause)),
        }
    }
}

impl GoesOn for Watch<'_, '_, '_> {
    type Mark = Seen;

    #[inline(always)]
    fn mark(&self) -> Seen {
        self.seen()
    }

    #[inline(always)]
    fn goes_on(&mut self, mark: &mut Seen) -> bool {
        self.goes_on_since(mark)
    }

    fn block(&self) -> usize {
        match self.pace() {
            Pace::Each => 1,
            Pace::Quick => BLOCK,
            Pace::Steady => STRIDE,
        }
    }
}

/// Calls a function on each item of a chunk while they are wanted, up to the first that it fails on.
#[inline]
pub(super) fn run_each<'a, 'env, A, B>(
    items: Vec<A>,
    firing: &mut Firing<'a, 'env>,
    call: impl Fn(&Firing<'a, 'env>, A) -> Result<Option<B>, Cause>,
) -> Ran<A, Nothing, B> {
    let now = &*firing;
    let Applied { results, given, cause, rest } = apply(items, now.watch(), |item| call(now, item));
    if let Some(cause) = cause {
        firing.fail(given - 1, cause);
    }
    firing.mark(given);
    (results, rest.map(|items| Batch { open: None, items }))
}
