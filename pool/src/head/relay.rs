//! Reads from another lane and hands on what it gets.

use super::{Head, Next};
use crate::gate::Pass;
use crate::lane::{Firing, Inlet, One, Single, Taken};

/// See the [module documentation](self).
pub(crate) struct Relay<'env, T>(pub(crate) Inlet<'env, T>);

impl<'env, T: Send + 'env> Head<'env, T> for Relay<'env, T> {
    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next {
        let order = firing.order;
        match self.0.take(firing.pass, order.least, order.most, order.missing) {
            Taken::Items(items) => {
                *out = items;
                Next::More
            }
            Taken::Starved => Next::Starved,
            Taken::End => Next::End,
            Taken::Failed(error) => Next::Upstream(error),
        }
    }

    fn one(&mut self, single: &mut Single<'_>) -> One<T> {
        self.0.one(single)
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        self.0.retract(pass);
    }
}
