//! Several lanes, as their items come.
//!
//! What is missing is shared out among the inputs, so that no more is asked for in all than is needed. An input that waits for
//! data from outside keeps its share, and the others are asked for the whole, so that it holds up nobody.
//!
//! Nobody looks at inputs that are asked for nothing: a read of one item costs as much with thousands of them as with two.

use std::sync::Arc;

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

    fn is_parked(&self, index: usize) -> bool {
        self.sides[index].inlet.as_ref().is_some_and(Inlet::is_parked)
    }

    fn set_share(&mut self, index: usize, share: usize) {
        self.sides[index].share = share;
        self.asked.set(index, share > 0);
    }

    /// Shares out what is missing.
    fn share_out(&mut self, missing: usize) {
        if missing == usize::MAX || self.wants_all {
            if missing != usize::MAX || !self.wants_all {
                let share = if missing == usize::MAX { usize::MAX } else { 0 };
                for index in 0..self.sides.len() {
                    self.set_share(index, if self.sides[index].inlet.is_some() { share } else { 0 });
                }
            }
            self.wants_all = missing == usize::MAX;
        }
        if self.wants_all {
            return;
        }
        let (mut of_all, mut of_ready, mut any_ready) = (0_usize, 0_usize, false);
        for index in self.asked.iter() {
            let share = self.sides[index].share;
            of_all += share;
            if !self.is_parked(index) {
                of_ready += share;
                any_ready = true;
            }
        }
        let more = missing.saturating_sub(of_ready);
        if more == 0 || self.give(more, true) || any_ready {
            return;
        }
        // All of them wait.
        self.give(missing.saturating_sub(of_all), false);
    }

    /// Shares out `more`, among those only that do not wait for data from outside if they are to be `ready`. False where there is
    /// none of these.
    fn give(&mut self, mut more: usize, ready: bool) -> bool {
        let count = self.sides.len();
        let counts =
            |this: &Self, index: usize| this.sides[index].inlet.is_some() && (!ready || !this.is_parked(index));
        // Each gets its turn; where there is less to share out than there are of them, one item each.
        let mut left = if more < self.live { more } else { (0..count).filter(|&index| counts(self, index)).count() };
        let is_any = left > 0;
        let mut index = self.turn;
        for _ in 0..count {
            index = (index + 1) % count;
            if more == 0 {
                break;
            }
            if counts(self, index) {
                let part = more.div_ceil(left.max(1));
                self.set_share(index, self.sides[index].share + part);
                more -= part;
                left = left.saturating_sub(1);
            }
        }
        is_any && more == 0
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
            let asked = Arc::clone(&self.asked);
            let first = self.turn + 1;
            let after = std::iter::successors(asked.next(first), |&before| asked.next(before + 1));
            for index in after.chain(asked.iter().take_while(|&index| index < first)) {
                let side = &mut self.sides[index];
                let Some(inlet) = &mut side.inlet else { continue };
                match inlet.take(firing.pass, 1, order.most.min(side.share), side.share) {
                    Taken::Items(items) => {
                        if side.share != usize::MAX {
                            let share = side.share - items.len();
                            self.set_share(index, share);
                        }
                        self.turn = index;
                        *out = items;
                        return Next::More;
                    }
                    Taken::Starved => {}
                    Taken::End => {
                        side.inlet = None;
                        self.set_share(index, 0);
                        self.live -= 1;
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
