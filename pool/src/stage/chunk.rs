//! Functions of a whole chunk.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Stage;
use crate::error::Cause;
use crate::lane::{Firing, One};

/// A chunk in, any number of items out.
pub(crate) struct MapChunk<F>(pub(crate) F);

impl<A, B, I, F> Stage<A, B> for MapChunk<F>
where
    I: IntoIterator<Item = B>,
    F: Fn(Vec<A>) -> Result<I, Cause> + Send + Sync,
{
    fn run(&self, items: Vec<A>, firing: &mut Firing<'_, '_>) -> Vec<B> {
        let given = items.len();
        let mut results = Vec::new();
        if given > 0 && !firing.is_cancelled() {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                results.extend((self.0)(items)?);
                Ok(())
            }));
            if let Err(cause) = outcome.unwrap_or_else(|payload| Err(Cause::panic(payload))) {
                firing.fail(0, cause);
            }
        }
        firing.mark(given);
        results
    }

    fn one(&self, _item: A) -> One<B> {
        unreachable!("a lane that wants chunks is asked for chunks")
    }
}
