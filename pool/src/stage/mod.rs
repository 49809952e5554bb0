//! What happens to a chunk after the head: functions that any number of workers apply to different chunks at once.

mod chunk;
mod expand;
mod in_place;
mod map;
mod operator;
mod retry;

pub(crate) use chunk::MapChunk;
pub(crate) use expand::FlatMap;
pub(crate) use map::Each;
pub(crate) use operator::Operate;
pub use operator::{Operator, Outcome};
pub use retry::Retry;
pub(crate) use retry::{Pause, Retrying};

use crate::gate::Pass;
use crate::host;
use crate::lane::{Firing, One, Single, Work};

/// A function over chunks, applied by any number of workers at once.
pub(crate) trait Stage<A, B>: Send + Sync {
    /// Makes `items` into what comes after them; [marks](Firing::mark) what it was given, and [fails](Firing::fail) at the
    /// item that it cannot get past, giving what came of those before.
    fn run(&self, items: Vec<A>, firing: &mut Firing<'_, '_>) -> Vec<B>;

    /// Makes one item into at most one; only for stages of lanes that neither expand nor want chunks.
    fn one(&self, item: A) -> One<B>;
}

/// The work of a lane with one stage more.
pub(crate) struct Staged<'env, A, S> {
    pub(crate) before: Box<dyn Work<'env, A> + 'env>,
    pub(crate) stage: S,
}

impl<'env, A, B, S: Stage<A, B>> Work<'env, B> for Staged<'env, A, S> {
    fn fire(&self, firing: &mut Firing<'_, 'env>) -> Option<Vec<B>> {
        let items = self.before.fire(firing)?;
        Some(host::call(items, firing, |items, firing| self.stage.run(items, firing)))
    }

    fn one(&self, single: &mut Single<'_>) -> One<B> {
        match self.before.one(single) {
            One::Item(item) => {
                single.reach();
                self.stage.one(item)
            }
            One::Skipped => One::Skipped,
            One::NotHere => One::NotHere,
            One::End => One::End,
            One::Fail(cause) => One::Fail(cause),
        }
    }

    fn clear(&self, pass: &Pass<'_>) {
        self.before.clear(pass);
    }
}
