//! Functions that make any number of items of one, as they are wanted.
//!
//! The stage makes as many results as are wanted, or as fit into a chunk, and keeps what it has begun: an inner iterator is
//! pulled no further than that, and may be endless.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use millpond_sync::shim::atomic::{AtomicUsize, Ordering};

use super::operator::{Items, Outcome, Wanted};
use super::{Batch, Ran, Stage};
use crate::lane::{Firing, One, Watched};
use millpond_workers::Cause;

/// How much of the processor's cache the results of one firing may fill, in bytes.
const MOST_BYTES: usize = 32 * 1024;
/// How many results a firing makes at the most, however small.
const MOST: usize = 8 * 1024;

/// How many results a firing makes where there is no end to what is wanted: one at first, so that it comes at once, then more
/// as long as a firing is not cut for taking too long.
struct Pace {
    most: AtomicUsize,
}

impl Pace {
    fn new() -> Self {
        Self { most: AtomicUsize::new(1) }
    }

    fn most<B>(&self, wanted: usize) -> usize {
        let by_size = (MOST_BYTES / size_of::<B>().max(1)).clamp(16, MOST);
        wanted.min(self.most.load(Ordering::Relaxed)).min(by_size)
    }

    fn learn(&self, made: usize, was_cut: bool) {
        let before = self.most.load(Ordering::Relaxed);
        if was_cut {
            self.most.store(1, Ordering::Relaxed);
        } else if made >= before && before < MOST {
            self.most.store(before.saturating_mul(8), Ordering::Relaxed);
        }
    }

    /// A firing without a failure is over: it was given so many items, and was or was not told to stop. What is left is kept.
    fn end<A, O, B>(
        &self,
        results: Vec<B>,
        rest: Batch<A, O>,
        (given, is_stopped): (usize, bool),
        firing: &mut Firing<'_, '_>,
    ) -> Ran<A, O, B> {
        self.learn(results.len(), is_stopped);
        firing.mark(given);
        if rest.len() == 0 {
            return (results, None);
        }
        if !is_stopped {
            // Enough has been made.
            firing.cut_here();
        }
        (results, Some(rest))
    }
}

/// One item in, any number out.
pub(crate) struct FlatMap<F> {
    function: F,
    pace: Pace,
}

impl<F> FlatMap<F> {
    pub(crate) fn new(function: F) -> Self {
        Self { function, pace: Pace::new() }
    }
}

impl<A, B, I, F> Stage<A, B> for FlatMap<F>
where
    I: IntoIterator<Item = B>,
    I::IntoIter: Send,
    F: Fn(A) -> I + Send + Sync,
{
    type Open = I::IntoIter;

    fn run(&self, batch: Batch<A, I::IntoIter>, firing: &mut Firing<'_, '_>) -> Ran<A, I::IntoIter, B> {
        let Batch { mut open, items } = batch;
        let mut items = items.into_iter();
        let (before, mut given) = (items.len(), 0);
        let most = self.pace.most::<B>(firing.order.results);
        let mut results = Vec::new();
        let mut watch = firing.watch();
        let mut is_stopped = false;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            loop {
                if let Some(inner) = &mut open {
                    let mut watched = Watched::new(inner, most - results.len(), &mut watch);
                    results.extend(watched.by_ref());
                    if !watched.is_over() {
                        is_stopped = results.len() < most;
                        return;
                    }
                }
                open = None;
                if results.len() == most {
                    return;
                }
                if items.len() == 0 {
                    return;
                }
                if !watch.goes_on() {
                    is_stopped = true;
                    return;
                }
                let Some(item) = items.next() else { return };
                given += 1;
                open = Some((self.function)(item).into_iter());
            }
        }));
        if let Err(payload) = outcome {
            drop_open(&mut open);
            // A failure of what was opened in an earlier firing is that of the item before the first of this one.
            firing.fail_at(position(given), Cause::panic(payload));
            firing.mark(before - items.len());
            millpond_workers::discard::discard_all(items);
            return (results, None);
        }
        let rest = Batch { open, items: items.collect() };
        self.pace.end(results, rest, (given, is_stopped), firing)
    }

    fn one(&self, _item: A, _back: &mut Option<A>) -> One<B> {
        unreachable!("a lane that expands is asked for chunks")
    }
}

/// The position of the item that was begun last, when `given` were begun in this firing.
fn position(given: usize) -> i64 {
    i64::try_from(given).unwrap_or(i64::MAX) - 1
}

/// Drops what was begun, which may panic.
fn drop_open<O>(open: &mut Option<O>) {
    millpond_workers::discard::discard(open.take());
}

/// A function over items that gives any number of items for each, as they are wanted, and has something to do once per chunk.
///
/// What it makes of the items must not depend on the chunks that they come in. Any number of workers call it at once.
pub trait Expander<A, B>: Send + Sync {
    /// What it has begun of an item and not ended: an iterator over the results.
    type Open: Send;

    /// Adds results to the outcome up to `most`: first what `open` still has, then those of the items, one after the other, up to
    /// the first that it fails on. What it has begun when there are enough, or when `wanted` says to stop, it leaves in
    /// `open`, and what it has not begun in `items`; it is called again with these when more is wanted. Where it fails it leaves
    /// nothing in `open`.
    fn expand(
        &self,
        open: &mut Option<Self::Open>,
        items: &mut Items<A>,
        most: usize,
        wanted: &Wanted<'_>,
        outcome: &mut Outcome<B>,
    );

    /// Shows `see` what is in items that wait, and in what was begun, for [`Contents::begun`](crate::Contents::begun); nothing by default.
    fn show(&self, _open: Option<&Self::Open>, _items: &[A], _see: &mut dyn FnMut(&dyn Any)) {}
}

/// The stage of an [`Expander`]'s task.
pub(crate) struct Expand<E> {
    expander: E,
    pace: Pace,
}

impl<E> Expand<E> {
    pub(crate) fn new(expander: E) -> Self {
        Self { expander, pace: Pace::new() }
    }
}

impl<A, B, E: Expander<A, B>> Stage<A, B> for Expand<E> {
    type Open = E::Open;

    fn show(&self, batch: &Batch<A, E::Open>, see: &mut dyn FnMut(&dyn Any)) {
        self.expander.show(batch.open.as_ref(), &batch.items, see);
    }

    fn run(&self, batch: Batch<A, E::Open>, firing: &mut Firing<'_, '_>) -> Ran<A, E::Open, B> {
        let Batch { mut open, items } = batch;
        let mut items = Items::new(items);
        let before = items.len();
        let most = self.pace.most::<B>(firing.order.results);
        let mut outcome = Outcome::default();
        let watch = std::cell::RefCell::new(firing.watch());
        let is_stopped = std::cell::Cell::new(false);
        let goes_on = || {
            let goes_on = watch.borrow_mut().goes_on();
            is_stopped.set(is_stopped.get() || !goes_on);
            goes_on
        };
        let pause = |wait| firing.pause(wait);
        let wanted = Wanted::new(&goes_on, &pause);
        let has_any = before > 0 || open.is_some();
        let expand = || self.expander.expand(&mut open, &mut items, most, &wanted, &mut outcome);
        let expanded = if has_any { catch_unwind(AssertUnwindSafe(expand)) } else { Ok(()) };
        let Outcome { results, error, interrupt } = outcome;
        let is_stopped = is_stopped.get();
        let given = before - items.len().min(before);
        let cause = match expanded {
            Ok(()) => error.map(Cause::Error),
            Err(payload) => Some(Cause::panic(payload)),
        };
        if let Some(cause) = cause {
            drop_open(&mut open);
            firing.fail_at(position(given), cause);
            firing.mark(given);
            millpond_workers::discard::discard(items);
            return (results, None);
        }
        if let Some(cause) = interrupt {
            firing.interrupt(cause);
        }
        let rest = Batch { open, items: items.into_rest() };
        self.pace.end(results, rest, (given, is_stopped), firing)
    }

    fn one(&self, _item: A, _back: &mut Option<A>) -> One<B> {
        unreachable!("a lane that expands is asked for chunks")
    }
}
