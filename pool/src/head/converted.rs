//! A head whose items are made into something else before they are a chunk.

use std::any::Any;

use super::{Head, Next};
use crate::gate::Pass;
use crate::lane::Firing;
use millpond_workers::discard::discard_all;

/// A head and what is done to its items; both are one task.
pub(crate) struct Converted<H, T, F> {
    head: H,
    convert: F,
    /// What the head makes; empty between two chunks.
    made: Vec<T>,
}

impl<H, T, F> Converted<H, T, F> {
    pub(crate) const fn new(head: H, convert: F) -> Self {
        Self { head, convert, made: Vec::new() }
    }
}

impl<H, T, F> Drop for Converted<H, T, F> {
    fn drop(&mut self) {
        discard_all(std::mem::take(&mut self.made));
    }
}

impl<'env, T: Send, U, H: Head<'env, T>, F: FnMut(Vec<T>) -> Vec<U> + Send> Head<'env, U> for Converted<H, T, F> {
    const INHERITS_MIN_COUNT: bool = H::INHERITS_MIN_COUNT;
    const KEEPS_MIN_COUNT: bool = H::KEEPS_MIN_COUNT;

    fn make(&mut self, out: &mut Vec<U>, firing: &mut Firing<'_, 'env>) -> Next {
        let next = self.head.make(&mut self.made, firing);
        let made = std::mem::take(&mut self.made);
        if !made.is_empty() {
            *out = (self.convert)(made);
        }
        next
    }

    fn show(&self, see: &mut dyn FnMut(&dyn Any)) {
        self.head.show(see);
    }

    fn retract(&mut self, pass: &Pass<'_>) {
        self.head.retract(pass);
    }
}
