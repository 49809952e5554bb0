//! Functions of a whole chunk.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Batch, Nothing, Ran, Stage};
use crate::lane::{Firing, One};
use millpond_workers::Cause;

/// A chunk in, any number of items out.
pub(crate) struct MapChunk<F>(pub(crate) F);

impl<A, B, I, F> Stage<A, B> for MapChunk<F>
where
    I: IntoIterator<Item = B>,
    F: Fn(Vec<A>) -> Result<I, Cause> + Send + Sync,
{
    type Open = Nothing;

    fn run(&self, batch: Batch<A, Nothing>, firing: &mut Firing<'_, '_>) -> Ran<A, Nothing, B> {
        let items = batch.items;
        let given = items.len();
        let mut results = Vec::new();
        if given > 0 && !firing.watch().goes_on() {
            firing.mark(0);
            return (results, Some(Batch { open: None, items }));
        }
        if given > 0 {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                results.extend((self.0)(items)?);
                Ok(())
            }));
            if let Err(cause) = outcome.unwrap_or_else(|payload| Err(Cause::panic(payload))) {
                firing.fail(0, cause);
            }
        }
        firing.mark(given);
        (results, None)
    }

    fn one(&self, _item: A, _back: &mut Option<A>) -> One<B> {
        unreachable!("a lane that wants chunks is asked for chunks")
    }
}
