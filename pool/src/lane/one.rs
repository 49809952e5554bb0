//! One item at a time in serial mode, without the trappings of a chunk.
//!
//! Pulling a single item through a firing costs some ten times what carrying it costs: a list for each step, a log, a landing.
//! So where nothing is buffered, in flight or limited, and items are known to be quick, an item goes from the head through the stages
//! straight to the reader. Everything else, and every so often a firing to measure, takes the ordinary way; so does whatever
//! comes after the end or a failure, which is only recorded here. Calls, order and errors are the same.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use millpond_sync::shim::atomic::Ordering;

use super::header::{Header, Limits, TaskCounters};
use super::state::{End, HeadState, Left, Rest, State};
use super::{Lane, detach};
use crate::gate::Pass;
use millpond_workers::{BoxError, Cause};

/// How many lanes an item may be pulled through by calls within calls.
const DEEPEST: usize = 16;

/// What comes of asking for one item.
pub(crate) enum One<T> {
    /// It.
    Item(T),
    /// A task had no use for it.
    Skipped,
    /// It cannot be had this way now.
    NotHere,
    /// There are no more.
    End,
    /// The function of a task was interrupted, and its item is put back.
    Interrupted(Box<Interrupted>),
    /// The task that was [reached](Single::reach) last failed on it. In a box, so that an item of a word comes back in registers.
    Fail(Box<Cause>),
}

/// An interrupt, and where the item is.
pub(crate) struct Interrupted {
    pub(crate) rest: Rest,
    pub(crate) cause: BoxError,
}

/// One item on its way through a lane.
pub(crate) struct Single<'a> {
    pub(crate) pass: &'a Pass<'a>,
    /// How many lanes further up it may still come from.
    pub(crate) depth: usize,
    /// How many tasks of the lane it has come to.
    reached: usize,
}

impl Single<'_> {
    /// The item has come to the next task of the lane.
    #[inline]
    pub(crate) fn reach(&mut self) {
        self.reached += 1;
    }
}

impl<T> State<T> {
    /// Takes the head for a single item, if nothing stands in the way.
    fn begin_one(&mut self) -> bool {
        let Limits { min_count, expands, wants_chunks, .. } = self.limits;
        let is_plain = self.outlets.len() == 1 && min_count == 1 && !expands && !wants_chunks;
        let is_empty = self.flying == 0 && self.sequence.is_empty() && self.outlets[0].len == 0;
        let goes_on = self.head == HeadState::Idle && self.end.is_none() && self.ending.is_none();
        let may = is_plain && is_empty && goes_on && self.grain.start_one();
        if may {
            self.head = HeadState::Out;
            self.flying = 1;
        }
        may
    }

    /// Counts an item that has come to the first `reached` tasks.
    fn count_one(&mut self, reached: usize, header: &Header<'_>) {
        for (task, total) in header.tasks.iter().zip(&mut self.given).take(reached) {
            *total += 1;
            TaskCounters::add(&task.stats.items, 1);
            TaskCounters::add(&task.stats.chunks, 1);
        }
    }

    /// An item has come through, past `reached` tasks.
    #[inline]
    fn land_one(&mut self, reached: usize, header: &Header<'_>) {
        self.count_one(reached, header);
        self.made += 1;
        self.flying = 0;
        self.head = HeadState::Idle;
        if self.ending.is_some() {
            self.settle(header);
        }
    }

    /// The item is with the stage that was interrupted.
    fn leave_one(&mut self, rest: Rest, header: &Header<'_>) {
        self.count_one(rest.task, header);
        self.sequence.push_rest(self.made, Left { rest, items: 1, failure: None, end: None });
        self.made += 1;
        self.reserved += 1;
        self.end_one(None, header);
    }

    /// Puts the head back, or ends the lane.
    fn end_one(&mut self, end: Option<End>, header: &Header<'_>) {
        self.flying = 0;
        self.head = if end.is_some() { HeadState::Done } else { HeadState::Idle };
        self.end = end;
        self.settle(header);
    }
}

impl<'env, T: Send + 'env> Lane<'env, T> {
    /// One item for a reader in serial mode, or `None` where it has to take the ordinary way.
    #[inline]
    pub(crate) fn one(&self, pass: &Pass<'_>) -> Option<T> {
        self.one_within(pass, DEEPEST)
    }

    /// Like [`one`](Self::one), through at most `depth` lanes.
    pub(super) fn one_within(&self, pass: &Pass<'_>, depth: usize) -> Option<T> {
        if depth == 0 || pass.is_shared() || self.header.is_cancelled() || self.returned.has_any() {
            return None;
        }
        if !self.state.with(pass, State::begin_one) {
            return None;
        }
        let mut single = Single { pass, depth: depth - 1, reached: 0 };
        match catch_unwind(AssertUnwindSafe(|| self.work.one(&mut single))) {
            Ok(One::Item(item)) => {
                self.state.with(pass, |state| state.land_one(single.reached, &self.header));
                if self.header.is_cancelled() {
                    self.work.clear(pass);
                }
                Some(item)
            }
            made => self.one_otherwise(pass, depth, made, single.reached),
        }
    }

    /// What comes of an item that did not come at once: another one, an end, or nothing.
    #[inline(never)]
    fn one_otherwise(
        &self,
        pass: &Pass<'_>,
        depth: usize,
        mut made: std::thread::Result<One<T>>,
        mut reached: usize,
    ) -> Option<T> {
        let (item, end) = loop {
            let failed = |state: &State<T>, cause: Cause| {
                let task = reached.saturating_sub(1);
                End::Failed(self.header.tasks[task].error(state.given[task], cause))
            };
            let outcome = self.state.with(pass, |state| {
                let outcome = match made.unwrap_or_else(|payload| One::Fail(Box::new(Cause::panic(payload)))) {
                    One::Interrupted(interrupted) => {
                        let Interrupted { rest, cause } = *interrupted;
                        state.leave_one(rest, &self.header);
                        let task = Arc::clone(&self.header.tasks[rest.task].name);
                        self.header.core.interrupts().put(None, task, cause);
                        return Some((None, None));
                    }
                    One::Item(item) => Some((Some(item), None)),
                    One::Skipped if self.header.is_cancelled() => Some((None, None)),
                    One::Skipped => None,
                    One::NotHere => Some((None, None)),
                    One::End => Some((None, Some(End::Complete))),
                    One::Fail(cause) => Some((None, Some(failed(state, *cause)))),
                };
                match &outcome {
                    Some((Some(_), _)) => state.land_one(reached, &self.header),
                    Some((None, end)) => {
                        state.count_one(reached, &self.header);
                        state.end_one(end.clone(), &self.header);
                    }
                    None => state.count_one(reached, &self.header),
                }
                outcome
            });
            if let Some(outcome) = outcome {
                break outcome;
            }
            let mut single = Single { pass, depth: depth - 1, reached: 0 };
            made = catch_unwind(AssertUnwindSafe(|| self.work.one(&mut single)));
            reached = single.reached;
        };
        if end.is_some() {
            self.header.has_ended.store(true, Ordering::Relaxed);
            self.work.clear(pass);
            detach(&self.header);
        } else if self.header.is_cancelled() {
            self.work.clear(pass);
        }
        item
    }
}
