//! Functions of one item.

use super::Stage;
use super::in_place::{Applied, apply};
use crate::error::Cause;
use crate::lane::{Firing, One};

/// One item in, one out or none, or a failure.
pub(crate) struct Each<F>(pub(crate) F);

impl<A, B, F: Fn(A) -> Result<Option<B>, Cause> + Send + Sync> Stage<A, B> for Each<F> {
    fn run(&self, items: Vec<A>, firing: &mut Firing<'_, '_>) -> Vec<B> {
        let Applied { results, given, cause } = apply(items, firing.stride(), || !firing.is_cancelled(), &self.0);
        if let Some(cause) = cause {
            firing.fail(given - 1, cause);
        }
        firing.mark(given);
        results
    }

    #[inline]
    fn one(&self, item: A) -> One<B> {
        match (self.0)(item) {
            Ok(Some(result)) => One::Item(result),
            Ok(None) => One::Skipped,
            Err(cause) => One::Fail(Box::new(cause)),
        }
    }
}
