//! One lane after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Head, Next};
use crate::gate::Pass;
use crate::lane::{Asked, Firing, Inlet, Taken};

/// All items of the first lane, then all of the second, and so on.
pub(crate) struct Chain<'env, T> {
    inlets: VecDeque<Inlet<'env, T>>,
    /// The number of the first of them.
    turn: usize,
    /// The one whose turn it is.
    asked: Arc<Asked>,
}

impl<'env, T: Send + 'env> Chain<'env, T> {
    pub(crate) fn new(inlets: Vec<Inlet<'env, T>>) -> Self {
        let asked = Arc::new(Asked::new(inlets.len()));
        if !inlets.is_empty() {
            asked.inputs.set(0, true);
        }
        Self { inlets: inlets.into(), turn: 0, asked }
    }
}

impl<'env, T: Send + 'env> Head<'env, T> for Chain<'env, T> {
    /// The last chunk of one input is not filled up from the next one.
    const KEEPS_MIN_COUNT: bool = false;

    fn asked(&self) -> Option<Arc<Asked>> {
        Some(Arc::clone(&self.asked))
    }

    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next {
        let order = firing.order;
        while let Some(inlet) = self.inlets.front_mut() {
            match inlet.take(firing.pass, 1, order.most, order.missing) {
                Taken::Items(items) => {
                    *out = items;
                    return Next::More;
                }
                Taken::Starved => return Next::Starved,
                Taken::End => {
                    self.inlets.pop_front();
                    self.asked.inputs.set(self.turn, false);
                    self.turn += 1;
                    if !self.inlets.is_empty() {
                        self.asked.inputs.set(self.turn, true);
                    }
                }
                Taken::Failed(error) => return Next::Upstream(error),
            }
        }
        Next::End
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        for inlet in &mut self.inlets {
            inlet.retract(pass);
        }
    }
}
