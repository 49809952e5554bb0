//! Pairs of the items of two lanes.

use std::any::Any;
use std::collections::VecDeque;

use super::{Head, Next, Show};
use crate::gate::Pass;
use crate::lane::{Firing, Inlet, Order, Taken};
use millpond_workers::discard::discard_all;

/// One input of a zip, with the items that wait for their partners.
struct Side<'env, T> {
    inlet: Inlet<'env, T>,
    waiting: VecDeque<T>,
    show: Option<Show<T>>,
}

impl<'env, T: Send + 'env> Side<'env, T> {
    /// Sees to it that items wait here; what stands in the way otherwise.
    fn fill(&mut self, pass: &Pass<'_>, order: &Order) -> Option<Next> {
        let have = self.waiting.len();
        if have >= order.most {
            return None;
        }
        let missing = if order.missing == usize::MAX { usize::MAX } else { order.missing - have.min(order.missing) };
        let stop = match self.inlet.take(pass, 1, order.most - have, missing) {
            Taken::Items(items) => {
                self.waiting.extend(items);
                return None;
            }
            Taken::Starved => Next::Starved,
            Taken::End => Next::End,
            Taken::Failed(error) => Next::Upstream(error),
        };
        (have == 0).then_some(stop)
    }

    fn show(&self, see: &mut dyn FnMut(&dyn Any)) {
        if let Some(show) = self.show {
            self.waiting.iter().for_each(|item| show(item, see));
        }
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        self.inlet.give_back(self.waiting.drain(..).collect());
        self.inlet.retract(pass);
    }
}

impl<T> Drop for Side<'_, T> {
    fn drop(&mut self) {
        discard_all(self.waiting.drain(..));
    }
}

/// Pairs the items of two lanes; ends when either does.
pub(crate) struct Zip<'env, A, B> {
    left: Side<'env, A>,
    right: Side<'env, B>,
}

impl<'env, A, B> Zip<'env, A, B> {
    pub(crate) fn new(left: Inlet<'env, A>, right: Inlet<'env, B>) -> Self {
        Self {
            left: Side { inlet: left, waiting: VecDeque::new(), show: None },
            right: Side { inlet: right, waiting: VecDeque::new(), show: None },
        }
    }

    /// With items that can be shown.
    pub(crate) fn shown_by(mut self, left: Show<A>, right: Show<B>) -> Self {
        (self.left.show, self.right.show) = (Some(left), Some(right));
        self
    }
}

impl<'env, A: Send + 'env, B: Send + 'env> Head<'env, (A, B)> for Zip<'env, A, B> {
    /// Pairs as there are on both sides.
    const KEEPS_MIN_COUNT: bool = false;

    fn make(&mut self, out: &mut Vec<(A, B)>, firing: &mut Firing<'_, 'env>) -> Next {
        // Both are asked before either is waited for, so that workers fill both at once; a side that has ended comes first.
        let left = self.left.fill(firing.pass, &firing.order);
        if let Some(Next::End | Next::Upstream(_)) = left {
            return left.unwrap_or(Next::End);
        }
        let right = self.right.fill(firing.pass, &firing.order);
        match (left, right) {
            (None, None) => {
                let pairs = self.left.waiting.len().min(self.right.waiting.len());
                out.extend(self.left.waiting.drain(..pairs).zip(self.right.waiting.drain(..pairs)));
                Next::More
            }
            // Only beside an item of the left: whether it has one more, an end or a failure comes first, whoever is quicker.
            (None, Some(stop @ (Next::End | Next::Upstream(_)))) => stop,
            _ => Next::Starved,
        }
    }

    fn show(&self, see: &mut dyn FnMut(&dyn Any)) {
        self.left.show(see);
        self.right.show(see);
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        self.left.retract(pass);
        self.right.retract(pass);
    }
}
