//! Whether a lane may start another chunk, and how large.

use super::firing::{Logged, next_key};
use super::header::Limits;
use super::sequence::{Chunk, SlotId};
use super::state::{HeadState, Left, Outlet, Rest, State};
use crate::fault::{self, Fault};

/// What a head is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    /// At most this many items.
    pub(crate) most: usize,
    /// At least this many, unless the input ends.
    pub(crate) least: usize,
    /// How many items the lane lacks in all, these included; `usize::MAX` for all there are.
    pub(crate) missing: usize,
    /// How many results are wanted at the most, where an item may become several.
    pub(crate) results: usize,
}

/// A chunk that may be started.
pub(super) struct Grant {
    pub(super) order: Order,
    pub(super) from: From,
    /// How many firings the measurement of this one stands for; 0 for no measurement.
    pub(super) sample: u32,
    pub(super) log: Vec<Logged>,
    /// Whether the chunk takes less time than another reader would mind waiting for the head.
    pub(super) is_quick: bool,
    /// After how many items a reader that gives up at some time looks at the clock.
    pub(super) stride: u32,
    /// Whether items take so little time that a few may be begun at once.
    pub(super) has_quick_items: bool,
    /// What another worker could start at once: time in nanoseconds, as far as is known; infinite for no known end.
    pub(super) surplus_nanos: f32,
}

/// Where a chunk comes from.
pub(super) enum From {
    /// The head makes it.
    Head,
    /// It is the rest of one that was cut, or a part of that.
    Rest(Chunk, Left),
}

/// The answer to a walker that wants to start a chunk.
pub(super) enum Admission {
    /// Start a chunk as described by this grant.
    Granted(Grant),
    /// Nothing is missing that is not there or on its way.
    Nothing,
    /// Another worker is at the head.
    Busy,
    /// As much is in flight as may be.
    Full,
    /// A branch is full.
    NoRoom,
    /// The head will make no more.
    Done,
}

/// More than anyone asks for who counts: a read of all that awaits says so by a number like this.
const NO_END: usize = usize::MAX >> 17;

/// `usize::MAX`, which stands for all there is, where so many are as good as all.
fn or_all(items: usize) -> usize {
    if items >= NO_END { usize::MAX } else { items }
}

impl<T> Outlet<T> {
    /// All that is wanted here, buffered or not; `usize::MAX` for all there is.
    fn wanted(&self, read_ahead: usize, is_iterated: bool) -> usize {
        if is_iterated || self.endless_inlets > 0 {
            return usize::MAX;
        }
        or_all(self.asked.saturating_add(self.inlets).saturating_add(read_ahead))
    }
}

impl<T> State<T> {
    /// How many items are missing at `outlet`, beyond those that are there or on their way; `usize::MAX` for all.
    ///
    /// A blocked reader keeps what it asked for, and read-ahead is a bound of its own, so the window
    /// does not limit these. Everything else (what a lane downstream lacks, iteration) waits here, so
    /// at most `window` chunks of it are outstanding.
    pub(super) fn missing(&self, outlet: usize, window: usize, is_iterated: bool) -> usize {
        let at = &self.outlets[outlet];
        if at.collecting > 0 {
            return usize::MAX;
        }
        let coming = at.len + self.reserved + usize::from(fault::is(Fault::DemandShort));
        let ahead = if window > 1 && self.made > 0 { self.limits.read_ahead } else { 0 };
        let wanted = at.wanted(ahead, is_iterated);
        let lacking = if wanted == usize::MAX { wanted } else { wanted.saturating_sub(coming) };
        let asked = or_all(at.asked.saturating_add(ahead).saturating_sub(coming));
        let chunks = self.flying + self.sequence.landed() + at.chunks.len();
        let is_window_full = !self.has_room(at, window, chunks, at.len + self.reserved)
            && (self.flying > 0 || at.len >= at.inlet_least.max(1));
        if lacking > asked && is_window_full { asked } else { lacking }
    }

    /// How many chunks may be outstanding at an outlet: a window, and beyond it those that a lane
    /// downstream needs all of before it can go on.
    fn room(&self, at: &Outlet<T>, window: usize) -> usize {
        if window == 1 { 1 } else { window + at.inlet_least / self.grain.chunk() }
    }

    /// Whether `chunks` with `items` in all leave room for another one. The parts of a chunk that was
    /// cut count for no more items than they have.
    fn has_room(&self, at: &Outlet<T>, window: usize, chunks: usize, items: usize) -> bool {
        let Limits { min_count, .. } = self.limits;
        chunks < self.room(at, window) || (min_count > 1 && window > 1 && items < window.saturating_mul(min_count))
    }

    /// Whether something is wanted at `outlet` that has not landed.
    pub(super) fn is_short(&self, outlet: usize, window: usize, is_iterated: bool) -> bool {
        let at = &self.outlets[outlet];
        let wanted = at.wanted(self.limits.read_ahead, is_iterated);
        // A window that is full of small chunks may still be less than a reader that awaits has asked for.
        let is_short = at.len < at.asked.saturating_add(self.limits.read_ahead)
            || if wanted == usize::MAX { self.has_room(at, window, at.chunks.len(), at.len) } else { at.len < wanted };
        self.end.is_none() && (at.collecting > 0 || is_short)
    }

    /// Whether something is wanted at `outlet` that is not there, and that a worker may make now: for
    /// whoever could go on with the rest of a chunk, which counts as on its way.
    fn lacks(&self, outlet: usize, window: usize, is_iterated: bool) -> bool {
        let at = &self.outlets[outlet];
        let ahead = if window > 1 { self.limits.read_ahead } else { 0 };
        let wanted = at.wanted(ahead, is_iterated);
        let has_room = self.has_room(at, window, at.chunks.len(), at.len) || at.len < at.inlet_least.max(1);
        at.collecting > 0 || at.len < at.asked.saturating_add(ahead) || (at.len < wanted && has_room)
    }

    /// How many results are wanted at `outlet` that are not there; `usize::MAX` for no end.
    fn results_wanted(&self, outlet: usize, enough: usize, is_iterated: bool) -> usize {
        let at = &self.outlets[outlet];
        let wanted = if at.collecting > 0 { usize::MAX } else { at.wanted(self.limits.read_ahead, is_iterated) };
        // A reader that takes what there is wants that many and no more made for it.
        let wanted = if enough == usize::MAX || at.asked > 0 || wanted == usize::MAX { wanted } else { enough };
        if wanted == usize::MAX { wanted } else { wanted.saturating_sub(at.len).max(1) }
    }

    /// Decides on another chunk for `outlet`. With `enough` items there nothing is missing, and the
    /// branches have [room](Self::headroom) for `headroom` more.
    ///
    /// `split` puts the first items of a rest apart under another name.
    pub(super) fn admit(
        &mut self,
        outlet: usize,
        enough: usize,
        headroom: usize,
        window: usize,
        is_iterated: bool,
        split: impl FnOnce(Rest, usize, u64),
    ) -> Admission {
        if self.end.is_some() {
            return Admission::Done;
        }
        if let Some(slot) = self.sequence.first_left() {
            if self.outlets[outlet].len >= enough || !self.lacks(outlet, window, is_iterated) {
                return Admission::Nothing;
            }
            return self.admit_rest(slot, outlet, enough, window, is_iterated, split);
        }
        if self.head == HeadState::Done || self.ending.is_some() {
            return Admission::Done;
        }
        if self.outlets[outlet].len >= enough {
            return Admission::Nothing;
        }
        let mut missing = self.missing(outlet, window, is_iterated);
        if missing == 0 {
            // Subtle: what whoever is at the head has reserved may come to nothing, when its source waits for data. That data may have
            // come since it looked, and then nobody but it could tell those who counted on the reservation.
            self.is_head_missed |= self.head == HeadState::Out;
            return Admission::Nothing;
        }
        let Limits { min_count, max_chunksize, concurrency, expands, is_reader_only, .. } = self.limits;
        if self.head == HeadState::Out {
            self.is_head_missed = true;
            return Admission::Busy;
        }
        if self.flying >= concurrency {
            return Admission::Full;
        }
        if headroom == 0 {
            // What is on its way may go elsewhere, and tells whoever waits when it lands.
            return if self.flying > 0 { Admission::Full } else { Admission::NoRoom };
        }
        missing = missing.min(headroom);
        if expands && missing != usize::MAX {
            // Nobody knows how many items the next input gives, so only one is surely needed.
            if self.flying > 0 {
                return Admission::Full;
            }
            missing = 1;
        }
        missing = missing.max(min_count);
        // While the reader is at something slow further down, helpers have what it has made, and no
        // more.
        let at_once = if is_reader_only { min_count.max(window) } else { min_count };
        let most = missing.min(self.grain.chunk().max(at_once)).min(max_chunksize);
        let results = if expands { self.results_wanted(outlet, enough, is_iterated) } else { usize::MAX };
        self.head = HeadState::Out;
        self.reserved += most;
        let order = Order { most, least: min_count.min(most), missing, results };
        Admission::Granted(self.grant(order, From::Head))
    }

    /// Decides whether the rest of a chunk is gone on with.
    fn admit_rest(
        &mut self,
        slot: SlotId,
        outlet: usize,
        enough: usize,
        window: usize,
        is_iterated: bool,
        split: impl FnOnce(Rest, usize, u64),
    ) -> Admission {
        let Limits { max_chunksize, concurrency, expands, is_ordered, .. } = self.limits;
        let results = if expands { self.results_wanted(outlet, enough, is_iterated) } else { usize::MAX };
        let is_alone = expands && results != usize::MAX;
        if self.flying >= concurrency || (is_alone && self.flying > 0) {
            return Admission::Full;
        }
        // An item that becomes one result takes no more room than it has now. Items that become more do:
        // their results wait in the sequence. So a window of parts may be ahead of such a rest.
        let at = &self.outlets[outlet];
        let may_grow = expands && is_ordered && at.collecting == 0;
        if may_grow && !self.sequence.is_within(slot, self.room(at, window)) {
            return Admission::Full;
        }
        let all = self.sequence.left_items(slot);
        let most = all.min(self.grain.chunk()).min(max_chunksize).max(1);
        let chunk = Chunk { slot, number: self.sequence.number(slot) };
        let mut left = self.sequence.resume(slot);
        if most < all {
            let rest = Rest { key: next_key(), ..left.rest };
            split(left.rest, most, rest.key);
            let (failure, end) = (left.failure.take(), left.end.take());
            let others = Left { rest: left.rest, items: all - most, failure, end };
            self.sequence.push_left(slot, others, all - most);
            left = Left { rest, items: most, failure: None, end: None };
        }
        let order = Order { most, least: 1, missing: all, results };
        Admission::Granted(self.grant(order, From::Rest(chunk, left)))
    }

    fn grant(&mut self, order: Order, from: From) -> Grant {
        self.flying += 1;
        let mut log = self.spare_logs.pop().unwrap_or_default();
        log.clear();
        Grant {
            order,
            sample: self.grain.start(order.most),
            log,
            is_quick: self.grain.is_quick(order.most),
            stride: self.grain.stride(),
            has_quick_items: self.grain.has_quick_items(),
            surplus_nanos: self.surplus_nanos(order.missing, order.most),
            from,
        }
    }

    /// How long the work takes that is missing beyond a chunk of `granted` items.
    fn surplus_nanos(&self, missing: usize, granted: usize) -> f32 {
        let per_item = self.grain.nanos_per_item();
        let more = missing - granted.min(missing);
        if more == 0 || per_item == 0.0 {
            return 0.0;
        }
        if missing == usize::MAX {
            // No known end: expect as much again as has been done, as one does with a coin that keeps falling heads.
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let done = self.given.first().copied().unwrap_or(self.made) as f32;
            return done.max(1.0) * per_item;
        }
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let more = more as f32;
        more * per_item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_counts_on_what_a_head_has_reserved_has_missed_it() {
        let mut state = State::<u64>::new(1, Limits::NONE, 1);
        state.outlets[0].asked = 1;
        assert!(matches!(state.admit(0, usize::MAX, usize::MAX, 2, false, |_, _, _| {}), Admission::Granted(_)));
        assert!(!state.is_head_missed, "nobody else has come by");
        assert!(
            matches!(state.admit(0, usize::MAX, usize::MAX, 2, false, |_, _, _| {}), Admission::Nothing),
            "all that is wanted is reserved"
        );
        assert!(state.is_head_missed, "the head may come back with nothing");
    }
}
