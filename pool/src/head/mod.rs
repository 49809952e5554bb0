//! Where a lane's chunks come from: sources, and whatever needs its items in order or from several inputs.

mod batch;
mod chain;
mod converted;
mod fold;
mod merge;
mod poll_supply;
mod relay;
mod sequential;
mod source;
mod supply;
mod take;
mod zip;

pub(crate) use batch::Batch;
pub(crate) use chain::Chain;
pub(crate) use converted::Converted;
pub(crate) use fold::Fold;
pub(crate) use merge::Merge;
pub(crate) use poll_supply::PollSupplied;
pub use poll_supply::{Demand, Interruption, PollSupply};
pub(crate) use relay::Relay;
pub(crate) use sequential::Sequential;
pub use sequential::Verdict;
pub(crate) use source::{ChannelSource, Foreign, IteratorSource};
pub(crate) use supply::Supplied;
pub use supply::Supply;
pub(crate) use take::Take;
pub(crate) use zip::Zip;

use std::any::Any;
use std::sync::Arc;

use crate::error::TaskError;
use crate::gate::Pass;
use crate::lane::{Asked, Firing, One, Single};
use millpond_workers::Cause;

/// What comes after the chunk that a head made.
#[derive(Debug)]
pub(crate) enum Next {
    /// More, when asked.
    More,
    /// It made nothing, because it was told to stop; more, when asked again.
    Stopped,
    /// It made nothing: its inputs lack items. It has told them what it needs.
    Starved,
    /// It made nothing: its source waits for data from outside, and wakes the lane's waiters when there is some.
    Parked,
    /// Nothing: the input has ended.
    End,
    /// Nothing: its function failed on the item after the chunk.
    Fail(Cause),
    /// Nothing: a task upstream failed after what the chunk was made from.
    Upstream(TaskError),
}

/// Shows what looks at items of any type an item of one.
pub(crate) type Show<T> = fn(&T, &mut dyn FnMut(&dyn Any));

/// See [`Show`].
pub(crate) fn show<T: 'static>(item: &T, see: &mut dyn FnMut(&dyn Any)) {
    see(item);
}

/// Makes a lane's chunks, one after the other; one worker at a time.
pub(crate) trait Head<'env, T>: Send {
    /// Whether its lane makes as many items at once as the lanes that it reads from must.
    const INHERITS_MIN_COUNT: bool = true;

    /// Whether its chunks have as many items as the lane's least, before the end; a task that needs them has a lane of its own otherwise.
    const KEEPS_MIN_COUNT: bool = true;

    /// Which of its inputs it asks for items, where that is not all of them.
    fn asked(&self) -> Option<Arc<Asked>> {
        None
    }

    /// Makes at most `firing.order.most` items into `out`, which is empty.
    ///
    /// What is in `out` when this panics counts as made.
    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next;

    /// Makes one item in serial mode, or says that it takes the ordinary way.
    fn one(&mut self, _single: &mut Single<'_>) -> One<T> {
        One::NotHere
    }

    /// Shows `see` the items that it has taken and cannot use yet, where it knows how to; see
    /// [`crate::Contents::begun`].
    fn show(&self, _see: &mut dyn FnMut(&dyn Any)) {}

    /// It is no more: takes back what it asked of the lanes that it reads from.
    fn retract(&mut self, _pass: &Pass<'_>) {}
}
