//! One firing: make a chunk at the head or take up the rest of one, run it through the stages, land it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use millpond_sync::shim::atomic::Ordering;

use super::admit::{Admission, From, Grant};
use super::firing::{Beginning, Firing, Logged, Made, StageFailure};
use super::sequence::Chunk;
use super::spread::Parcel;
use super::state::{End, Landing, Left, Rest, UnderWay};
use super::{Lane, One, Single};
use crate::fault::{self, Fault};
use crate::gate::Pass;
use crate::guarded::Guarded;
use crate::head::{Head, Next};
use crate::injected;
use crate::walk::{self, Walker};
use millpond_sync::host::{self, Site};
use millpond_workers::Cause;
use millpond_workers::discard::discard;

/// What came of trying to fire a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A chunk was made and landed.
    Landed,
    /// The head was told to stop before it had made anything.
    Stopped,
    /// Nothing is missing that is not there or on its way.
    Nothing,
    /// The head lacks items from its inputs.
    Starved {
        /// Whether other workers are at chunks that it made before, or some of these wait to be
        /// taken: that may be all that is needed.
        has_more: bool,
    },
    /// Another worker is at the head.
    Busy,
    /// Helpers have no business here: the reader comes by itself.
    Refused,
    /// As much is in flight as may be.
    Full,
    /// A branch is full, and until somebody reads from it nothing is made for the others.
    NoRoom,
    /// The source waits for data from outside, and will wake whoever waits at the lane.
    Parked,
    /// The head will make no more.
    Done,
}

/// What a lane's firings do: a head and the stages after it, with the types between them hidden.
pub(crate) trait Work<'env, T>: Send + Sync {
    /// Makes a chunk and runs it through the stages; `None` when the head made none.
    fn fire(&self, firing: &mut Firing<'_, 'env>) -> Option<Vec<T>>;

    /// Goes on with the rest of a chunk, at the stage that keeps it.
    fn resume(&self, rest: Rest, firing: &mut Firing<'_, 'env>) -> Vec<T>;

    /// Puts the first `items` items of a rest apart, under another key. Runs nothing of the user's.
    fn split(&self, pass: &Pass<'_>, rest: Rest, items: usize, key: u64);

    /// Drops the rest of a chunk, or all of them.
    fn drop_rests(&self, pass: &Pass<'_>, rest: Option<Rest>);

    /// Makes a single item, in serial mode; see [`One`].
    fn one(&self, single: &mut Single<'_>) -> One<T>;

    /// Lets go of the head.
    fn clear(&self, pass: &Pass<'_>);

    /// Shows `see` what is in the rests, where the stages know; see [`crate::Contents::begun`].
    fn show(&self, _pass: &Pass<'_>, _see: &mut dyn FnMut(&dyn Any)) {}

    /// Drops it, one function of the user's after the other. Does not unwind.
    fn dismantle(self: Box<Self>);
}

/// What a lane has in the place of its work when that has been [dismantled](Work::dismantle).
pub(super) struct Dismantled;

impl<T> Work<'_, T> for Dismantled {
    fn fire(&self, _firing: &mut Firing<'_, '_>) -> Option<Vec<T>> {
        None
    }

    fn resume(&self, _rest: Rest, _firing: &mut Firing<'_, '_>) -> Vec<T> {
        Vec::new()
    }

    fn split(&self, _pass: &Pass<'_>, _rest: Rest, _items: usize, _key: u64) {}

    fn drop_rests(&self, _pass: &Pass<'_>, _rest: Option<Rest>) {}

    fn one(&self, _single: &mut Single<'_>) -> One<T> {
        One::NotHere
    }

    fn clear(&self, _pass: &Pass<'_>) {}

    fn dismantle(self: Box<Self>) {}
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
        let next = match injected::call_head(firing).filter(|_| self.is_task) {
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
        let is_over = |firing: &Firing<'_, '_>| {
            firing.is_cancelled()
                || firing.has_ended.load(Ordering::Relaxed)
                || firing.has_failed.load(Ordering::Relaxed)
        };
        let mut dropped = if next.goes_on() && !is_over(firing) {
            self.head.with(firing.pass, |place| place.replace(head))
        } else {
            head.retract(firing.pass);
            Some(head)
        };
        if dropped.is_none() && is_over(firing) {
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
        firing.tell_interrupt(0);
        let chunk = firing.lane.release(firing.pass, &firing.order, items.len(), &next);
        firing.made = match chunk {
            Ok(chunk) => Made::Placed(chunk, items.len()),
            Err(under_way) => Made::Nothing(under_way),
        };
        firing.next = next;
        // Subtle: not before. A helper that came while the head was out would find nothing to start, look on for a moment and go, and the
        // reader would be alone with what it has in hand, however long. One that is about to go looks whether anything has changed
        // after it has counted itself out: it sees that the head is back, or else it is not counted here.
        if firing.useful > 0 && chunk.is_ok() {
            firing.lane.header().core.lend(firing.useful);
        }
        // Dropping the user's iterator or function may panic or read from the pool: only now, with the head released.
        discard(dropped);
        chunk.ok().map(|_| items)
    }

    fn show(&self, pass: &Pass<'_>, see: &mut dyn FnMut(&dyn Any)) {
        // While a firing has the head, what that has taken is in a worker's hands.
        self.head.look(pass, |head| head.iter().for_each(|head| head.show(see)));
    }

    fn resume(&self, _rest: Rest, _firing: &mut Firing<'_, 'env>) -> Vec<T> {
        unreachable!("a head keeps what it has not made")
    }

    fn split(&self, _pass: &Pass<'_>, _rest: Rest, _items: usize, _key: u64) {}

    fn drop_rests(&self, _pass: &Pass<'_>, _rest: Option<Rest>) {}

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

    fn dismantle(self: Box<Self>) {
        discard(self);
    }
}

impl<'env, T: Send + 'env> Lane<'env, T> {
    /// See [`super::AnyLane::fire`].
    pub(super) fn fire_for(&self, outlet: usize, enough: usize, walker: &mut Walker<'_, 'env>) -> Step {
        // Before the looks at what it tells of: what changes after them changes it.
        let seen = self.header.core.nudges().seen();
        if self.header.is_cancelled() {
            return Step::Done;
        }
        if self.header.limits.is_reader_only && !walker.is_in_readers_hands() {
            return Step::Refused;
        }
        let (pass, window) = (walker.pass(), walker.window());
        let is_iterated = self.header.iterating[outlet].load(Ordering::Relaxed) > 0;
        let admission = self.state.with(pass, |state| {
            let split = |rest, items, key| self.work.split(pass, rest, items, key);
            state.admit(outlet, enough, state.headroom(&self.header), window, is_iterated, split)
        });
        let grant = match admission {
            Admission::Granted(grant) => grant,
            Admission::Nothing => return Step::Nothing,
            Admission::Busy => return Step::Busy,
            Admission::Full => return Step::Full,
            Admission::NoRoom => return Step::NoRoom,
            Admission::Done => return Step::Done,
        };
        let Grant { order, sample, log, surplus_nanos, is_quick, stride, has_quick_items, from } = grant;
        let useful = walker.offer(surplus_nanos);
        if fault::is(Fault::LendsBeforeMade) {
            self.header.core.lend(useful);
        }
        if order.most > 1 && pass.is_shared() && !host::is_simulated() {
            self.header.core.nudges().begin();
        }
        let (deadline, root) = (walker.deadline(), walker.root());
        let mut firing = Firing::begin(Beginning {
            pass,
            lane: self,
            root,
            order,
            seen,
            deadline,
            stride,
            has_quick_items,
            log,
            sample,
        });
        walker.begin(&self.header, is_quick);
        host::step_at(|| self.header.place(None), Site::new("begins a chunk of at most").with(order.most));
        let chunk = match from {
            From::Head => {
                firing.holds_head = is_quick && order.missing == order.most;
                firing.useful = if fault::is(Fault::LendsBeforeMade) { 0 } else { useful };
                self.work.fire(&mut firing)
            }
            From::Rest(chunk, Left { rest, items, failure, end }) => {
                if useful > 0 {
                    self.header.core.lend(useful);
                }
                firing.is_resumed = true;
                firing.made = Made::Placed(chunk, items);
                firing.failure = failure;
                firing.next = end.map_or(Next::More, Next::from);
                firing.log.resize(rest.task, Logged { given: 0, nanos: 0 });
                Some(self.work.resume(rest, &mut firing))
            }
        };
        let made = match firing.made {
            Made::Nothing(_) => None,
            Made::Held(made) => Some((None, made)),
            Made::Placed(chunk, made) => Some((Some(chunk), made)),
        };
        let step = match (chunk, made) {
            (Some(items), Some((chunk, made))) => {
                self.finish(firing, items, chunk, made, walker);
                Step::Landed
            }
            _ => {
                if firing.is_interrupted {
                    walker.interrupt();
                }
                match firing.next {
                    Next::Parked => Step::Parked,
                    Next::Starved => Step::Starved { has_more: self.has_more(pass, &firing.made) },
                    Next::Stopped => Step::Stopped,
                    _ => Step::Done,
                }
            }
        };
        walker.finish(&self.header);
        if step == Step::Landed {
            // The time during which these items were worked on does not count.
            self.header.reads_above();
        }
        step
    }

    /// Whether there is something of the lane beside what the firing has in vain tried to make, and
    /// beside what is in this very thread's hands.
    fn has_more(&self, pass: &Pass<'_>, made: &Made) -> bool {
        let Made::Nothing(UnderWay { flying, is_any_ready }) = made else { return false };
        // This firing is still on the thread's list, and counts in the lane no more.
        let is_with_others = || *flying >= walk::firings_of_this_thread(&self.header);
        *is_any_ready || (pass.is_shared() && *flying > 0 && is_with_others())
    }

    /// What a firing has made comes to the end of the lane.
    fn finish(
        &self,
        mut firing: Firing<'_, 'env>,
        items: Vec<T>,
        chunk: Option<Chunk>,
        made: usize,
        walker: &mut Walker<'_, 'env>,
    ) {
        let pass = firing.pass;
        let parcel = self.spread(items, firing.log.len(), &mut firing.failure);
        let mut end = match std::mem::replace(&mut firing.next, Next::More) {
            Next::End => Some(End::Complete),
            Next::Upstream(error) => Some(End::Failed(error)),
            _ => None,
        };
        let lost = firing.close(&mut end);
        let nanos = firing.begun.map(|begun| {
            let nanos = host::now().duration_since(begun).as_nanos();
            u64::try_from(nanos).unwrap_or(u64::MAX)
        });
        firing.tell_interrupt(firing.left.first().map_or(0, |left| left.rest.task));
        let Firing { order, log, failure, left, is_late, is_resumed, is_interrupted, .. } = firing;
        let is_cut = !left.is_empty();
        let is_late = is_cut && is_late.get();
        self.land(pass, &order, chunk, Landing { made, parcel, log, failure, end, left, is_late, is_resumed }, nanos);
        for rest in lost {
            self.work.drop_rests(pass, Some(rest));
        }
        if is_interrupted {
            walker.interrupt();
        }
        if is_cut {
            walker.was_cut();
            if is_late {
                // Nobody knows how long the rest will take; so far it has taken long.
                let useful = walker.offer(f32::MAX);
                if useful > 0 {
                    self.header.core.lend(useful);
                }
            }
        }
    }

    /// Spreads a chunk over the outlets; a panic in the user's clone or key is the last task's failure.
    fn spread(&self, chunk: Vec<T>, tasks: usize, failure: &mut Option<StageFailure>) -> Parcel<T> {
        let outlets = self.header.consumers.len();
        let (parcel, interrupted) = self.spread.apply(chunk, outlets, |outlet| self.header.has_consumers(outlet));
        if let Some((position, payload)) = interrupted {
            *failure = Some(StageFailure::new(tasks.saturating_sub(1), position, Cause::panic(payload)));
        }
        parcel
    }
}

impl Next {
    /// Whether the head will make more.
    pub(crate) fn goes_on(&self) -> bool {
        matches!(self, Self::More | Self::Stopped | Self::Starved | Self::Parked)
    }

    /// What a head said that made the last items of a chunk.
    fn from(end: End) -> Self {
        match end {
            End::Complete => Self::End,
            End::Failed(error) => Self::Upstream(error),
        }
    }
}
