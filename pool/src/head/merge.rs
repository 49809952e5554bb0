//! Several lanes, as their items come.
//!
//! What is missing is shared out among the inputs, so that no more is asked for in all than is needed. An input that waits for
//! data from outside keeps its share, and the others are asked for the whole, so that it holds up nobody.
//!
//! Nobody looks at inputs that are asked for nothing, and the head only at those that something has
//! come to: an item costs as much with thousands of inputs as with two, where none of them waits for
//! data from outside.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Head, Next};
use crate::gate::Pass;
use crate::lane::{Asked, Firing, Inlet, InputSet, Taken};

struct Side<'env, T> {
    /// None once it has ended.
    inlet: Option<Inlet<'env, T>>,
    /// What it has been asked for and has not given; `usize::MAX` for all there is.
    share: usize,
}

/// See the [module documentation](self).
pub(crate) struct Merge<'env, T> {
    sides: Vec<Side<'env, T>>,
    /// Those that have not ended.
    live: InputSet,
    /// Those that have a share.
    asked: Arc<Asked>,
    /// Those that something has come to since they were looked at, or whose share is another one.
    come: Arc<InputSet>,
    /// Those that do not say when something comes.
    silent: Vec<usize>,
    /// All shares together, where they are not all there is.
    shares: usize,
    /// Whether any can wait for data from outside.
    may_park: bool,
    /// The one that gave last: the next look begins after it, so that none is favoured.
    turn: usize,
    /// Whether each is asked for all that it has.
    wants_all: bool,
}

impl<'env, T: Send + 'env> Merge<'env, T> {
    pub(crate) fn new(inlets: impl IntoIterator<Item = Inlet<'env, T>>) -> Self {
        let inlets: Vec<_> = inlets.into_iter().collect();
        let (asked, come) = (Arc::new(Asked::new(inlets.len())), Arc::new(InputSet::new(inlets.len())));
        inlets.iter().enumerate().for_each(|(index, inlet)| inlet.lead_to(&asked, index));
        let may_park = inlets.iter().any(Inlet::may_park);
        let silent = (0..inlets.len()).filter(|&index| !inlets[index].tells(&come, index)).collect();
        let live = InputSet::new(inlets.len());
        (0..inlets.len()).for_each(|index| live.set(index, true));
        let sides = inlets.into_iter().map(|inlet| Side { inlet: Some(inlet), share: 0 }).collect();
        Self { live, sides, asked, come, silent, shares: 0, may_park, turn: 0, wants_all: false }
    }

    fn is_parked(&self, index: usize) -> bool {
        self.sides[index].inlet.as_ref().is_some_and(Inlet::is_parked)
    }

    fn set_share(&mut self, index: usize, share: usize) {
        let before = std::mem::replace(&mut self.sides[index].share, share);
        let finite = |share| if share == usize::MAX { 0 } else { share };
        self.shares = self.shares - finite(before) + finite(share);
        self.asked.inputs.set(index, share > 0);
        // What it is asked for is stated with the next look.
        self.come.insert(index);
    }

    /// Shares out what is missing.
    fn share_out(&mut self, missing: usize) {
        let wants_all = missing == usize::MAX;
        if wants_all != self.wants_all {
            self.wants_all = wants_all;
            let live: Vec<_> = self.live.iter(0).collect();
            live.into_iter().for_each(|index| self.set_share(index, if wants_all { usize::MAX } else { 0 }));
        }
        if wants_all {
            return;
        }
        let ready = |this: &Self, index: usize| !this.is_parked(index);
        let of_ready = if self.may_park {
            self.asked.inputs.iter(0).filter(|&index| ready(self, index)).map(|index| self.sides[index].share).sum()
        } else {
            self.shares
        };
        let more = missing.saturating_sub(of_ready);
        if more == 0 || self.give(more, ready) {
            return;
        }
        // All of them wait. Whichever has something first gives it, so each is asked for an item at
        // least.
        let unasked: Vec<_> = self.live.iter(0).filter(|&index| self.sides[index].share == 0).collect();
        unasked.into_iter().for_each(|index| self.set_share(index, 1));
        self.give(missing.saturating_sub(self.shares), |_, _| true);
    }

    /// Shares out `more` among the sides that count, beginning after the one that gave last. False
    /// where none does.
    fn give(&mut self, mut more: usize, counts: impl Fn(&Self, usize) -> bool) -> bool {
        let first = self.turn + 1;
        let in_turn = self.live.iter(first).chain(self.live.iter(0).take_while(|&index| index < first));
        let takers: SmallVec<[usize; 8]> = in_turn.filter(|&index| counts(self, index)).take(more).collect();
        for (at, &index) in takers.iter().enumerate() {
            let part = more.div_ceil(takers.len() - at);
            self.set_share(index, self.sides[index].share + part);
            more -= part;
        }
        !takers.is_empty()
    }
}

impl<'env, T: Send + 'env> Head<'env, T> for Merge<'env, T> {
    /// Items as they come.
    const KEEPS_MIN_COUNT: bool = false;

    fn asked(&self) -> Option<Arc<Asked>> {
        Some(Arc::clone(&self.asked))
    }

    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next {
        let order = firing.order;
        self.silent.iter().for_each(|&index| self.come.insert(index));
        'shares: while self.live.next(0).is_some() {
            self.share_out(order.missing);
            let first = self.turn + 1;
            let next = |this: &Self, from| this.asked.inputs.next_of_both(&this.come, from);
            while let Some(index) = next(self, first).or_else(|| next(self, 0)) {
                // Subtle: before the look. What comes after it is told again.
                self.come.remove(index);
                let Side { inlet, share } = &mut self.sides[index];
                let Some(inlet) = inlet else { continue };
                let share = *share;
                match inlet.take(firing.pass, 1, order.most.min(share), share) {
                    Taken::Items(items) => {
                        // There may be more.
                        self.set_share(index, if share == usize::MAX { share } else { share - items.len() });
                        self.turn = index;
                        *out = items;
                        return Next::More;
                    }
                    Taken::Starved => {}
                    Taken::End => {
                        self.set_share(index, 0);
                        self.sides[index].inlet = None;
                        self.live.set(index, false);
                        continue 'shares;
                    }
                    Taken::Failed(error) => return Next::Upstream(error),
                }
            }
            return Next::Starved;
        }
        Next::End
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        for inlet in self.sides.iter_mut().filter_map(|side| side.inlet.as_mut()) {
            inlet.retract(pass);
        }
    }
}
