//! Several lanes, as their items come.
//!
//! What is missing is shared out among the inputs, so that no more is asked for in all than is needed. An input that waits for
//! data from outside keeps its share, and the others are asked for the whole, so that it holds up nobody.

use super::{Head, Next};
use crate::gate::Pass;
use crate::lane::{Firing, Inlet, Taken};

struct Side<'env, T> {
    inlet: Inlet<'env, T>,
    /// What it has been asked for and has not given; `usize::MAX` for all there is.
    share: usize,
}

/// See the [module documentation](self).
pub(crate) struct Merge<'env, T> {
    sides: Vec<Side<'env, T>>,
    /// Where the next look begins, so that none is favoured.
    turn: usize,
}

impl<'env, T: Send + 'env> Merge<'env, T> {
    pub(crate) fn new(inlets: impl IntoIterator<Item = Inlet<'env, T>>) -> Self {
        Self { sides: inlets.into_iter().map(|inlet| Side { inlet, share: 0 }).collect(), turn: 0 }
    }

    /// Shares out what is missing.
    fn share_out(&mut self, missing: usize) {
        if missing == usize::MAX {
            self.sides.iter_mut().for_each(|side| side.share = usize::MAX);
            return;
        }
        for side in self.sides.iter_mut().filter(|side| side.share == usize::MAX) {
            side.share = 0;
        }
        let ready: Vec<bool> = self.sides.iter().map(|side| !side.inlet.is_parked()).collect();
        let any_ready = ready.iter().any(|&is_ready| is_ready);
        let counts = |index: usize| !any_ready || ready[index];
        let asked: usize =
            self.sides.iter().enumerate().filter(|(index, _)| counts(*index)).map(|(_, side)| side.share).sum();
        let mut more = missing.saturating_sub(asked);
        let takers = (0..self.sides.len()).filter(|&index| counts(index)).count();
        let count = self.sides.len();
        let mut left = takers;
        // Beginning after the side that gave last: with less to share out than there are sides, each gets its turn.
        for step in 1..=count {
            let index = (self.turn + step) % count;
            if counts(index) {
                let part = more.div_ceil(left);
                self.sides[index].share += part;
                more -= part;
                left -= 1;
            }
        }
    }
}

impl<'env, T: Send + 'env> Head<'env, T> for Merge<'env, T> {
    /// Items as they come.
    const KEEPS_MIN_COUNT: bool = false;

    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next {
        let order = firing.order;
        'shares: while !self.sides.is_empty() {
            self.share_out(order.missing);
            for _ in 0..self.sides.len() {
                self.turn = (self.turn + 1) % self.sides.len();
                let side = &mut self.sides[self.turn];
                if side.share == 0 {
                    continue;
                }
                match side.inlet.take(firing.pass, 1, order.most.min(side.share), side.share) {
                    Taken::Items(items) => {
                        if side.share != usize::MAX {
                            side.share -= items.len();
                        }
                        *out = items;
                        return Next::More;
                    }
                    Taken::Starved => {}
                    Taken::End => {
                        self.sides.remove(self.turn);
                        self.turn = 0;
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
        for side in &mut self.sides {
            side.inlet.retract(pass);
        }
    }
}
