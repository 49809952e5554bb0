//! One lane after the other.

use std::collections::VecDeque;

use super::{Head, Next};
use crate::gate::Pass;
use crate::lane::{Firing, Inlet, Taken};

/// All items of the first lane, then all of the second, and so on.
pub(crate) struct Chain<'env, T>(pub(crate) VecDeque<Inlet<'env, T>>);

impl<'env, T: Send + 'env> Head<'env, T> for Chain<'env, T> {
    /// The last chunk of one input is not filled up from the next one.
    const KEEPS_MIN_COUNT: bool = false;

    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next {
        let order = firing.order;
        while let Some(inlet) = self.0.front_mut() {
            match inlet.take(firing.pass, 1, order.most, order.missing) {
                Taken::Items(items) => {
                    *out = items;
                    return Next::More;
                }
                Taken::Starved => return Next::Starved,
                Taken::End => drop(self.0.pop_front()),
                Taken::Failed(error) => return Next::Upstream(error),
            }
        }
        Next::End
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        for inlet in &mut self.0 {
            inlet.retract(pass);
        }
    }
}
