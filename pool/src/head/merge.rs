//! Several lanes, as their items come.
//!
//! What is missing is shared out among the inputs, so that no more is asked for in all than is needed. An input that waits for
//! data from outside keeps its share, and the others are asked for the whole, so that it holds up nobody.
//!
//! Nobody looks at inputs that are asked for nothing: a read of one item costs as much with
//! thousands of them as with two.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Head, Next};
use crate::gate::Pass;
use crate::lane::{Asked, Firing, Inlet, Taken};

struct Side<'env, T> {
    /// None once it has ended.
    inlet: Option<Inlet<'env, T>>,
    /// What it has been asked for and has not given; `usize::MAX` for all there is.
    share: usize,
}

/// See the [module documentation](self).
pub(crate) struct Merge<'env, T> {
    sides: Vec<Side<'env, T>>,
    /// How many have not ended.
    live: usize,
    /// Those that have a share.
    asked: Arc<Asked>,
    /// The one that gave last: the next look begins after it, so that none is favoured.
    turn: usize,
    /// Whether each is asked for all that it has.
    wants_all: bool,
}

impl<'env, T: Send + 'env> Merge<'env, T> {
    pub(crate) fn new(inlets: impl IntoIterator<Item = Inlet<'env, T>>) -> Self {
        let side = |inlet| Side { inlet: Some(inlet), share: 0 };
        let sides: Vec<_> = inlets.into_iter().map(side).collect();
        let asked = Arc::new(Asked::new(sides.len()));
        Self { live: sides.len(), sides, asked, turn: 0, wants_all: false }
    }

    fn is_live(&self, index: usize) -> bool {
        self.sides[index].inlet.is_some()
    }

    fn is_parked(&self, index: usize) -> bool {
        self.sides[index].inlet.as_ref().is_some_and(Inlet::is_parked)
    }

    fn set_share(&mut self, index: usize, share: usize) {
        self.sides[index].share = share;
        self.asked.set(index, share > 0);
    }

    /// Shares out what is missing.
    fn share_out(&mut self, missing: usize) {
        let wants_all = missing == usize::MAX;
        if wants_all != self.wants_all {
            self.wants_all = wants_all;
            for index in 0..self.sides.len() {
                self.set_share(index, if wants_all && self.is_live(index) { usize::MAX } else { 0 });
            }
        }
        if wants_all {
            return;
        }
        let ready = |this: &Self, index: usize| !this.is_parked(index);
        let of_ready: usize =
            self.asked.iter(0).filter(|&index| ready(self, index)).map(|index| self.sides[index].share).sum();
        let more = missing.saturating_sub(of_ready);
        if more == 0 || self.give(more, ready) {
            return;
        }
        // All of them wait. Whichever has something first gives it, so each is asked for an item at
        // least.
        for index in 0..self.sides.len() {
            if self.is_live(index) && self.sides[index].share == 0 {
                self.set_share(index, 1);
            }
        }
        let of_all: usize = self.sides.iter().map(|side| side.share).sum();
        self.give(missing.saturating_sub(of_all), Self::is_live);
    }

    /// Shares out `more` among the sides that count, beginning after the one that gave last. False
    /// where none does.
    fn give(&mut self, mut more: usize, counts: impl Fn(&Self, usize) -> bool) -> bool {
        let count = self.sides.len();
        let in_turn = (1..=count).map(|step| (self.turn + step) % count);
        let counted = in_turn.filter(|&index| self.is_live(index) && counts(self, index));
        let takers: SmallVec<[usize; 8]> = counted.take(more).collect();
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
        'shares: while self.live > 0 {
            self.share_out(order.missing);
            let Self { sides, asked, turn, live, .. } = self;
            let first = *turn + 1;
            for index in asked.iter(first).chain(asked.iter(0).take_while(|&index| index < first)) {
                let side = &mut sides[index];
                let Some(inlet) = &mut side.inlet else { continue };
                match inlet.take(firing.pass, 1, order.most.min(side.share), side.share) {
                    Taken::Items(items) => {
                        if side.share != usize::MAX {
                            side.share -= items.len();
                            asked.set(index, side.share > 0);
                        }
                        *turn = index;
                        *out = items;
                        return Next::More;
                    }
                    Taken::Starved => {}
                    Taken::End => {
                        *side = Side { inlet: None, share: 0 };
                        asked.set(index, false);
                        *live -= 1;
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
