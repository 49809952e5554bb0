//! How a head reads from another lane.

use std::sync::Arc;

use millpond_sync::shim::atomic::Ordering;

use super::take::{Ready, Stated};
use super::{Asked, InputSet, Lane, One, Single};
use crate::error::TaskError;
use crate::gate::Pass;

/// A head's end of an edge: reads from an outlet of the lane upstream.
///
/// It states what the head lacks in all, so that workers can make that ahead of the head, and takes what is there.
/// That the lane downstream is a consumer of the outlet is kept in the lane's header (see [`super::lose_consumer`]), not here.
pub(crate) struct Inlet<'env, T> {
    lane: Arc<Lane<'env, T>>,
    outlet: usize,
    stated: Stated,
}

/// What an inlet got.
#[derive(Debug)]
pub(crate) enum Taken<T> {
    /// Items: between `least` and `most`, or what there is at the end.
    Items(Vec<T>),
    /// Too few yet.
    Starved,
    /// The end.
    End,
    /// The end, by a failure upstream.
    Failed(TaskError),
}

impl<'env, T: Send + 'env> Inlet<'env, T> {
    pub(crate) fn new(lane: Arc<Lane<'env, T>>, outlet: usize) -> Self {
        Self { lane, outlet, stated: Stated::default() }
    }

    /// Takes between `least` and `most` items of the `missing` that the head lacks in all (`usize::MAX` for all there are).
    pub(crate) fn take(&mut self, pass: &Pass<'_>, least: usize, most: usize, missing: usize) -> Taken<T> {
        let amounts = (least.max(1), most.max(1), missing);
        match self.lane.take_for_inlet(pass, self.outlet, &mut self.stated, amounts) {
            Ready::Items(items) => Taken::Items(items),
            Ready::NotYet(_) => Taken::Starved,
            Ready::End => Taken::End,
            Ready::Failed(error) => Taken::Failed(error),
        }
    }

    /// Has `come` hold `input` whenever something has come for this inlet. False where another
    /// joint is told of the outlet already.
    pub(crate) fn tells(&self, come: &Arc<InputSet>, input: usize) -> bool {
        self.lane.header().come[self.outlet].set((Arc::clone(come), input)).is_ok()
    }

    /// Has walks go to `input` first when data from outside has come for it.
    pub(crate) fn lead_to(&self, asked: &Arc<Asked>, input: usize) {
        for source in &*self.lane.header().outside {
            source.lead_to(asked, input);
        }
    }

    /// Whether something upstream can wait for data from outside.
    pub(crate) fn may_park(&self) -> bool {
        !self.lane.header().outside.is_empty()
    }

    /// Takes one item in serial mode, from the outlet or past it; failures take the ordinary way.
    pub(crate) fn one(&mut self, single: &mut Single<'_>) -> One<T> {
        match self.lane.take(single.pass, self.outlet, 1, 1) {
            Ready::Items(items) => items.into_iter().next().map_or(One::NotHere, One::Item),
            Ready::NotYet(_) => self.lane.one_within(single.pass, single.depth).map_or(One::NotHere, One::Item),
            Ready::End => One::End,
            Ready::Failed(_) => One::NotHere,
        }
    }

    /// Whether the lane upstream waits for data from outside.
    pub(crate) fn is_parked(&self) -> bool {
        self.lane.header().is_parked.load(Ordering::Relaxed)
    }

    /// Takes back what was said to be lacking: the head is no more.
    pub(crate) fn retract(&mut self, pass: &Pass<'_>) {
        self.lane.retract(pass, self.outlet, &mut self.stated);
    }

    /// Gives back what was taken but not used.
    pub(crate) fn give_back(&self, items: Vec<T>) {
        if !items.is_empty() {
            self.lane.give_back(self.outlet, items);
        }
    }
}
