//! Items in groups of a fixed size.

use std::any::Any;

use super::{Head, Next, Show};
use crate::gate::Pass;
use crate::lane::{Firing, Inlet, Taken};
use millpond_workers::discard::discard_all;

/// Groups items; the last group is shorter where the input's end leaves less.
pub(crate) struct Batch<'env, T> {
    inlet: Inlet<'env, T>,
    size: usize,
    /// Items of the group that is not full yet.
    rest: Vec<T>,
    show: Option<Show<T>>,
}

impl<'env, T: Send + 'env> Batch<'env, T> {
    pub(crate) fn new(inlet: Inlet<'env, T>, size: usize) -> Self {
        Self { inlet, size, rest: Vec::new(), show: None }
    }

    /// With items that can be shown.
    pub(crate) fn shown_by(mut self, show: Show<T>) -> Self {
        self.show = Some(show);
        self
    }

    /// How many items `groups` groups lack; `usize::MAX` stays what it is.
    fn lacking(&self, groups: usize) -> usize {
        match groups {
            usize::MAX => usize::MAX,
            _ => groups.saturating_mul(self.size).saturating_sub(self.rest.len()),
        }
    }
}

impl<T> Drop for Batch<'_, T> {
    fn drop(&mut self) {
        discard_all(std::mem::take(&mut self.rest));
    }
}

impl<'env, T: Send + 'env> Head<'env, Vec<T>> for Batch<'env, T> {
    /// A count of items is not one of groups.
    const INHERITS_MIN_COUNT: bool = false;

    fn make(&mut self, out: &mut Vec<Vec<T>>, firing: &mut Firing<'_, 'env>) -> Next {
        let order = firing.order;
        let (least, most) = (self.lacking(1), self.lacking(order.most));
        match self.inlet.take(firing.pass, least, most, self.lacking(order.missing)) {
            Taken::Items(items) if self.rest.is_empty() && items.len() == self.size => out.push(items),
            Taken::Items(items) => {
                for item in items {
                    if self.rest.capacity() == 0 {
                        self.rest.reserve_exact(self.size.min(4096));
                    }
                    self.rest.push(item);
                    if self.rest.len() == self.size {
                        out.push(std::mem::take(&mut self.rest));
                    }
                }
            }
            Taken::Starved => return Next::Starved,
            Taken::End => {
                if !self.rest.is_empty() {
                    out.push(std::mem::take(&mut self.rest));
                }
                return Next::End;
            }
            Taken::Failed(error) => {
                if !self.rest.is_empty() {
                    out.push(std::mem::take(&mut self.rest));
                }
                return Next::Upstream(error);
            }
        }
        // Less than a group, at the end: the next call finds the end.
        if out.is_empty() { self.make(out, firing) } else { Next::More }
    }

    fn show(&self, see: &mut dyn FnMut(&dyn Any)) {
        if let Some(show) = self.show {
            self.rest.iter().for_each(|item| show(item, see));
        }
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        self.inlet.give_back(std::mem::take(&mut self.rest));
        self.inlet.retract(pass);
    }
}
