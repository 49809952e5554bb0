//! One firing: make a chunk at the head, run it through the stages, land it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use millpond_sync::Deadline;
use millpond_sync::shim::atomic::{AtomicBool, Ordering};

use super::admit::{Admission, Grant, Order};
use super::spread::Parcel;
use super::state::{End, Landing};
use super::{AnyLane, Lane, One, Single};
use crate::discard::discard;
use crate::error::Cause;
use crate::fault::{self, Fault};
use crate::gate::Pass;
use crate::guarded::Guarded;
use crate::head::{Head, Next};
use crate::host::{self, Site};
use crate::walk::Walker;

/// What came of trying to fire a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A chunk was made and landed.
    Landed,
    /// Nothing is missing that is not there or on its way.
    Nothing,
    /// The head lacks items from its inputs.
    Starved,
    /// Another worker is at the head.
    Busy,
    /// As much is in flight as may be.
    Full,
    /// The source waits for data from outside, and will wake whoever waits at the lane.
    Parked,
    /// The head will make no more.
    Done,
}

/// What one task did in one firing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logged {
    pub(super) given: usize,
    pub(super) nanos: u64,
}

/// What a head has made in a firing.
#[derive(Debug, Clone, Copy)]
enum Made {
    /// No chunk.
    Nothing,
    /// A chunk of so many items; the head is still out.
    Held(usize),
    /// A chunk of this number and so many items.
    Numbered(u64, usize),
}

/// Where and why a stage stopped.
pub(crate) struct StageFailure {
    /// Which task of the lane.
    task: usize,
    /// Which of the items that the task was given in this firing.
    position: usize,
    cause: Cause,
}

impl StageFailure {
    pub(super) fn into_parts(self) -> (usize, usize, Cause) {
        (self.task, self.position, self.cause)
    }
}

/// One firing as its head and stages see it.
pub(crate) struct Firing<'a, 'env> {
    pub(crate) pass: &'a Pass<'a>,
    pub(crate) lane: &'a (dyn AnyLane<'env> + 'a),
    pub(crate) order: Order,
    /// Whether the head is released only when the chunk lands: nobody else has anything to start meanwhile.
    holds_head: bool,
    /// How many helpers the rest of the work is worth, to be asked for once the head is back.
    useful: usize,
    /// What the head has made.
    made: Made,
    /// What the head said of what comes after the chunk.
    next: Next,
    is_cancelled: &'a AtomicBool,
    has_ended: &'a AtomicBool,
    stride: usize,
    /// The time of the last mark, where this firing is measured.
    marked: Option<Instant>,
    sample: u32,
    log: Vec<Logged>,
    /// How many items the head was given, where that is not what it made.
    given: Option<usize>,
    failure: Option<StageFailure>,
}

impl Firing<'_, '_> {
    /// Whether the items are wanted no more; looked at between items, after each [`stride`](Self::stride).
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// After how many items to look at [`is_cancelled`](Self::is_cancelled).
    #[inline]
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Waits for so long, or until the items are wanted no more; says whether they still are.
    pub(crate) fn pause(&self, wait: Duration) -> bool {
        let waiters = self.lane.header().waiters.list();
        waiters.wait_until_deadline(Deadline::after(wait), || self.is_cancelled().then_some(())).is_none()
    }

    /// Takes down that the next task of the lane was given `items` items and is done with them.
    pub(crate) fn mark(&mut self, items: usize) {
        let nanos = match self.marked {
            Some(before) => {
                let now = host::now();
                self.marked = Some(now);
                u64::try_from(now.duration_since(before).as_nanos()).unwrap_or(u64::MAX) * u64::from(self.sample)
            }
            None => 0,
        };
        self.log.push(Logged { given: items, nanos });
    }

    /// The head was given this many items since its last chunk; a failure is that of the last of them.
    pub(crate) fn set_given(&mut self, items: usize) {
        self.given = Some(items);
    }

    /// The number within the lane of the next task to be [marked](Self::mark).
    #[cfg(feature = "simulation")]
    pub(crate) fn next_task(&self) -> usize {
        self.log.len()
    }

    /// The task of this number fails at `position` of what it was given, unless it has failed before that.
    #[cfg(feature = "simulation")]
    pub(crate) fn fail_instead(&mut self, task: usize, position: usize, cause: Cause) {
        if self.failure.as_ref().is_none_or(|failure| failure.task != task) {
            self.failure = Some(StageFailure { task, position, cause });
        }
    }

    /// The next task of the lane to be [marked](Self::mark) fails at `position` of what it was given.
    ///
    /// A stage sees only items before an earlier failure, so a later stage's failure takes the place of an earlier one's.
    pub(crate) fn fail(&mut self, position: usize, cause: Cause) {
        self.failure = Some(StageFailure { task: self.log.len(), position, cause });
    }
}

/// What a lane's firings do: a head and the stages after it, with the types between them hidden.
pub(crate) trait Work<'env, T>: Send + Sync {
    /// Makes a chunk and runs it through the stages; `None` when the head made none.
    fn fire(&self, firing: &mut Firing<'_, 'env>) -> Option<Vec<T>>;

    /// Makes a single item, in serial mode; see [`One`].
    fn one(&self, single: &mut Single<'_>) -> One<T>;

    /// Lets go of the head.
    fn clear(&self, pass: &Pass<'_>);
}

/// A head as the work of a lane without stages; stages are wrapped around it.
pub(crate) struct Headed<H> {
    /// The head, unless a firing has it or it is done.
    head: Guarded<Option<Box<H>>>,
    /// Whether the head is a task of the user's (a source, say) and not just the lane's way of reading from another.
    is_task: bool,
}

impl<H> Headed<H> {
    pub(crate) const fn new(head: Guarded<Option<Box<H>>>, is_task: bool) -> Self {
        Self { head, is_task }
    }
}

impl<'env, T, H: Head<'env, T>> Work<'env, T> for Headed<H> {
    fn fire(&self, firing: &mut Firing<'_, 'env>) -> Option<Vec<T>> {
        let mut head = self.head.with(firing.pass, Option::take)?;
        let mut items = Vec::new();
        let next = match host::call_head(firing).filter(|_| self.is_task) {
            Some(fault) => fault,
            None => catch_unwind(AssertUnwindSafe(|| head.make(&mut items, firing)))
                .unwrap_or_else(|payload| Next::Fail(Cause::panic(payload))),
        };
        let next = match next {
            Next::Fail(cause) => {
                firing.fail(firing.given.map_or(items.len(), |given| given.saturating_sub(1)), cause);
                Next::End
            }
            next => next,
        };
        let mut dropped = if next.goes_on() && !firing.is_cancelled() {
            self.head.with(firing.pass, |place| place.replace(head))
        } else {
            head.retract(firing.pass);
            Some(head)
        };
        if dropped.is_none() && (firing.is_cancelled() || firing.has_ended.load(Ordering::Relaxed)) {
            // Meanwhile: whoever let go of the lane's head may have found none in its place.
            dropped = self.head.with(firing.pass, Option::take);
            if let Some(head) = &mut dropped {
                head.retract(firing.pass);
            }
        }
        if self.is_task {
            firing.mark(firing.given.unwrap_or(items.len()));
        }
        if firing.holds_head && dropped.is_none() && !items.is_empty() && matches!(next, Next::More) {
            firing.made = Made::Held(items.len());
            return Some(items);
        }
        let number = firing.lane.release(firing.pass, &firing.order, items.len(), &next);
        firing.made = number.map_or(Made::Nothing, |number| Made::Numbered(number, items.len()));
        firing.next = next;
        // Subtle: not before. A helper that came while the head was out would find nothing to start, look on for a moment and go, and the
        // reader would be alone with what it has in hand, however long. One that is about to go looks whether anything has changed
        // after it has counted itself out: it sees that the head is back, or else it is not counted here.
        if firing.useful > 0 && number.is_some() {
            firing.lane.header().core.lend(firing.useful);
        }
        // Dropping the user's iterator or function may panic or read from the pool: only now, with the head released.
        discard(dropped);
        number.map(|_| items)
    }

    fn one(&self, single: &mut Single<'_>) -> One<T> {
        let made = self.head.try_with(single.pass, |head| head.as_mut().map(|head| head.one(single))).flatten();
        let Some(made) = made else { return One::NotHere };
        if self.is_task && matches!(made, One::Item(_)) {
            single.reach();
        }
        made
    }

    fn clear(&self, pass: &Pass<'_>) {
        if self.head.is_entered(pass) {
            // It is making a single item, further up. Whoever asked for that clears afterwards.
            return;
        }
        let mut head = self.head.with(pass, Option::take);
        if let Some(head) = &mut head {
            head.retract(pass);
        }
        discard(head);
    }
}

impl<'env, T: Send + 'env> Lane<'env, T> {
    /// See [`AnyLane::fire`].
    pub(super) fn fire_for(&self, outlet: usize, enough: usize, walker: &mut Walker<'_, 'env>) -> Step {
        if self.header.is_cancelled() {
            return Step::Done;
        }
        let (pass, window) = (walker.pass(), walker.window());
        let is_iterated = self.header.iterating[outlet].load(Ordering::Relaxed) > 0;
        let Grant { order, stride, sample, log, surplus_nanos, is_quick } =
            match self.state.with(pass, |state| state.admit(outlet, enough, window, is_iterated)) {
                Admission::Granted(grant) => grant,
                Admission::Nothing => return Step::Nothing,
                Admission::Busy => return Step::Busy,
                Admission::Full => return Step::Full,
                Admission::Done => return Step::Done,
            };
        let useful = walker.offer(surplus_nanos);
        if fault::is(Fault::LendsBeforeMade) {
            self.header.core.lend(useful);
        }
        let started = (sample > 0).then(host::now);
        let mut firing = Firing {
            pass,
            lane: self,
            order,
            holds_head: is_quick && order.missing == order.most,
            useful: if fault::is(Fault::LendsBeforeMade) { 0 } else { useful },
            made: Made::Nothing,
            next: Next::More,
            is_cancelled: &self.header.is_cancelled,
            has_ended: &self.header.has_ended,
            stride,
            marked: started,
            sample,
            log,
            given: None,
            failure: None,
        };
        walker.begin(&self.header, is_quick);
        host::step_at(&self.header, None, Site::Granted(order.most));
        let chunk = self.work.fire(&mut firing);
        let Firing { made, next, log, mut failure, .. } = firing;
        let made = match made {
            Made::Nothing => None,
            Made::Held(made) => Some((None, made)),
            Made::Numbered(sequence, made) => Some((Some(sequence), made)),
        };
        let step = match (chunk, made) {
            (Some(chunk), Some((sequence, made))) => {
                let parcel = self.spread(chunk, log.len(), &mut failure);
                let nanos = started
                    .map(|started| u64::try_from(host::now().duration_since(started).as_nanos()).unwrap_or(u64::MAX));
                let end = match next {
                    Next::End => Some(End::Complete),
                    Next::Upstream(error) => Some(End::Failed(error)),
                    _ => None,
                };
                self.land(pass, &order, sequence, Landing { made, parcel, log, failure, end }, nanos);
                Step::Landed
            }
            _ => match next {
                Next::Parked => Step::Parked,
                Next::Starved => Step::Starved,
                _ => Step::Done,
            },
        };
        walker.finish();
        step
    }

    /// Spreads a chunk over the outlets; a panic in the user's clone or key is the last task's failure.
    fn spread(&self, chunk: Vec<T>, tasks: usize, failure: &mut Option<StageFailure>) -> Parcel<T> {
        let outlets = self.header.consumers.len();
        let (parcel, interrupted) = self.spread.apply(chunk, outlets, |outlet| self.header.has_consumers(outlet));
        if let Some((position, payload)) = interrupted {
            *failure = Some(StageFailure { task: tasks.saturating_sub(1), position, cause: Cause::panic(payload) });
        }
        parcel
    }
}

impl Next {
    /// Whether the head will make more.
    fn goes_on(&self) -> bool {
        matches!(self, Self::More | Self::Starved | Self::Parked)
    }
}
