//! The first so many items.

use super::{Head, Next};
use crate::gate::Pass;
use crate::lane::{Firing, Inlet, Taken};

/// Hands on the first items of a lane and asks it for no more than those.
pub(crate) struct Take<'env, T> {
    pub(crate) inlet: Inlet<'env, T>,
    pub(crate) remaining: usize,
}

impl<'env, T: Send + 'env> Head<'env, T> for Take<'env, T> {
    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next {
        if self.remaining == 0 {
            return Next::End;
        }
        let order = firing.order;
        let most = order.most.min(self.remaining);
        match self.inlet.take(firing.pass, order.least.min(most), most, order.missing.min(self.remaining)) {
            Taken::Items(items) => {
                self.remaining -= items.len();
                *out = items;
                if self.remaining == 0 { Next::End } else { Next::More }
            }
            Taken::Starved => Next::Starved,
            Taken::End => Next::End,
            Taken::Failed(error) => Next::Upstream(error),
        }
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        self.inlet.retract(pass);
    }
}
