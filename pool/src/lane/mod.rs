//! A lane: a run of tasks that one worker carries a chunk through.
//!
//! A lane begins with a **head**, which makes chunks one after the other (from an iterator, a channel, or from the lanes
//! that it reads from), goes on with **stages**, which any number of workers apply to different chunks at once, and ends
//! in **outlets**, where the chunks wait for whoever reads them, in the order in which they were made.
//!
//! Consecutive one-to-one tasks with nothing between them that another reader can see share a lane. Whatever needs its items
//! in order or from several inputs is a head and so begins a lane.
//!
//! [`AnyLane::fire`] is the one step of the engine: *admit* (is anything missing that is not buffered or in flight?),
//! *make* a chunk at the head, *release* the head, *run* the stages, *land* the chunk at the outlets. Which lane to fire is
//! decided by the walk ([`crate::walk`]).

mod admit;
mod fire;
mod firing;
mod grain;
mod header;
mod inlet;
mod input_set;
mod land;
mod one;
mod room;
mod sequence;
mod spread;
mod state;
mod take;

pub(crate) use admit::Order;
pub(crate) use fire::{Headed, Step, Work};
pub(crate) use firing::{Firing, Pace, Watch, Watched, next_key};
pub(crate) use grain::LATE_NANOS;
pub(crate) use header::{Header, Input, Limits, TaskCounters, TaskEntry, Waiters, detach, lose_consumer};
pub(crate) use inlet::{Inlet, Taken};
pub(crate) use input_set::{Asked, InputSet};
pub(crate) use one::{Interrupted, One, Single};
pub(crate) use room::{FullBranch, begin_work, finish_work, while_waiting};
pub(crate) use sequence::Chunk;
pub(crate) use spread::Spread;
pub(crate) use state::{Rest, UnderWay};
pub(crate) use take::{Ready, Want};

use std::sync::Arc;

use std::collections::VecDeque;

use millpond_sync::shim::atomic::Ordering;

use self::fire::Dismantled;
use self::land::Litter;
use self::state::{End, HeadState, State};
use crate::gate::Pass;
use crate::guarded::Guarded;
use crate::head::Next;
use crate::walk::Walker;
use millpond_sync::host::Site;
use millpond_workers::discard::{discard, discard_all};

/// A lane without the type of its items.
pub(crate) trait AnyLane<'env>: Send + Sync {
    /// What does not depend on the type of the items.
    fn header(&self) -> &Header<'env>;

    /// Makes one chunk for `outlet`, if something is missing there and nothing stands in the way.
    ///
    /// With `enough` or more items ready nothing is missing, whatever was asked for.
    fn fire(&self, outlet: usize, enough: usize, walker: &mut Walker<'_, 'env>) -> Step;

    /// Whether something is wanted at `outlet` that is not there yet, in flight or not.
    fn is_short(&self, outlet: usize, pass: &Pass<'_>) -> bool;

    /// The head is back after making `made` items; gives the chunk its place, or else says what
    /// there is of chunks before it.
    fn release(&self, pass: &Pass<'_>, order: &Order, made: usize, next: &Next) -> Result<Chunk, UnderWay>;

    /// Whether an item has failed before those of a chunk; of one without a place yet, whether any has.
    fn is_doomed(&self, pass: &Pass<'_>, chunk: Option<Chunk>) -> bool;
    /// How many firings of it are under way: each from its grant until its chunk lands, or until its head comes back with nothing.
    ///
    /// Subtle: each of them is on the list of lanes that its thread fires ([`crate::walk::firing`]) as well. Threads that wait for each
    /// other are found by comparing the two.
    fn flying(&self, pass: &Pass<'_>) -> usize;

    /// A branch that has no room, and since when it is waited for.
    fn full(&self, pass: &Pass<'_>) -> Option<FullBranch>;

    /// Lets go of what a cancelled lane holds: its function, its iterator, its items.
    fn clear(&self, pass: &Pass<'_>);

    /// Ends the lane after the chunks in flight: a task of it was removed. Says whether there are none.
    fn remove(&self, pass: &Pass<'_>) -> bool;
}

/// A lane whose outlets give items of type `T`.
pub(crate) struct Lane<'env, T> {
    work: Box<dyn Work<'env, T> + 'env>,
    spread: Spread<'env, T>,
    state: Guarded<State<T>>,
    /// Items that a reader had taken but not used when it was dropped; served before anything else.
    returned: take::Returned<T>,
    /// Last, so that the lanes upstream outlive what reads from them.
    header: Header<'env>,
}

impl<'env, T: Send + 'env> Lane<'env, T> {
    pub(crate) fn new(work: Box<dyn Work<'env, T> + 'env>, spread: Spread<'env, T>, header: Header<'env>) -> Arc<Self> {
        let outlets = header.consumers.len();
        let state = Guarded::new(header.core.gate(), State::new(outlets, header.limits, header.tasks.len()));
        Arc::new(Self { work, spread, state, returned: take::Returned::default(), header })
    }

    pub(crate) fn header(&self) -> &Header<'env> {
        &self.header
    }

    /// Another consumer of `outlet`.
    pub(crate) fn add_consumer(&self, outlet: usize) {
        self.header.consumers[outlet].fetch_add(1, Ordering::AcqRel);
    }
}

impl<'env, T: Send + 'env> AnyLane<'env> for Lane<'env, T> {
    fn header(&self) -> &Header<'env> {
        &self.header
    }

    fn fire(&self, outlet: usize, enough: usize, walker: &mut Walker<'_, 'env>) -> Step {
        self.fire_for(outlet, enough, walker)
    }

    fn is_short(&self, outlet: usize, pass: &Pass<'_>) -> bool {
        let is_iterated = self.header.iterating[outlet].load(Ordering::Relaxed) > 0;
        self.state.with(pass, |state| state.is_short(outlet, self.header.core.window(), is_iterated))
    }

    fn flying(&self, pass: &Pass<'_>) -> usize {
        self.state.with(pass, |state| state.flying)
    }

    fn full(&self, pass: &Pass<'_>) -> Option<FullBranch> {
        self.full(pass)
    }

    fn is_doomed(&self, pass: &Pass<'_>, chunk: Option<Chunk>) -> bool {
        self.state.with(pass, |state| chunk.map_or(state.has_failed, |chunk| state.sequence.is_doomed(chunk.slot)))
    }

    fn release(&self, pass: &Pass<'_>, order: &Order, made: usize, next: &Next) -> Result<Chunk, UnderWay> {
        let (chunk, was_missed, has_ended) = self.state.with(pass, |state| {
            let chunk = state.release(order.most, made, next).ok_or_else(|| state.under_way());
            let had_ended = state.end.is_some();
            state.settle(&self.header);
            (chunk, std::mem::take(&mut state.is_head_missed), state.end.is_some() && !had_ended)
        });
        // Subtle: a head that made nothing has changed nothing but for those who came to it in
        // vain. Telling more would have the very worker that fires, or the reader that asks, look
        // again at once, whenever it has looked, and it would never sleep.
        // Where the task was removed while the head was out, this was all that its end waited for.
        if chunk.is_ok() || has_ended || (was_missed && matches!(next, Next::Parked)) {
            self.changed(pass, chunk.as_ref().ok().map(|chunk| chunk.number), Site::new("made").with(made));
        } else if was_missed {
            self.tell_walkers(pass);
        }
        chunk
    }

    fn clear(&self, pass: &Pass<'_>) {
        self.work.clear(pass);
        let mut items = VecDeque::new();
        let mut litter = Litter::new();
        self.state.with(pass, |state| {
            if state.end.is_none() {
                state.end = Some(End::Complete);
            }
            self.header.ends();
            state.drop_waiting(&mut litter);
            for outlet in &mut state.outlets {
                outlet.len = 0;
                items.append(&mut outlet.chunks);
            }
        });
        self.throw_away(pass, litter);
        // Those of chunks that were cut when this came in between.
        self.work.drop_rests(pass, None);
        items.into_iter().for_each(discard_all);
    }

    fn remove(&self, pass: &Pass<'_>) -> bool {
        let (is_over, has_changed) = self.state.with(pass, |state| {
            let before = (state.head, state.ending.is_some(), state.end.is_some());
            if state.head == HeadState::Idle {
                state.head = HeadState::Done;
            }
            state.ending.get_or_insert(End::Complete);
            state.settle(&self.header);
            let after = (state.head, state.ending.is_some(), state.end.is_some());
            // What is left of chunks that were cut comes out when somebody reads.
            let is_over = state.end.is_some() || (state.flying == 0 && state.head != HeadState::Out);
            (is_over, before != after)
        });
        // Who waits for the end calls this again and again, and would wake itself each time.
        if has_changed {
            self.changed(pass, None, Site::new("ends the task"));
        }
        if is_over {
            self.let_head_go(pass);
        }
        is_over
    }
}

impl<T> Drop for Lane<'_, T> {
    fn drop(&mut self) {
        detach(&self.header);
        std::mem::replace(&mut self.work, Box::new(Dismantled)).dismantle();
        discard(std::mem::replace(&mut self.spread, Spread::Whole));
    }
}
