//! What happens when a head is back and when a chunk has come to the end of its lane.
//!
//! Chunks of an ordered lane land in a ring by their number and leave it in order. Whatever holds user values is moved out
//! of the guarded state before it is dropped.

use millpond_sync::shim::atomic::Ordering;

use super::firing::Logged;
use super::sequence::{Chunk, Departed, Place, SlotId};
use super::state::{End, HeadState, Landing, Rest, State};
use super::{Header, Lane, Order, TaskCounters, detach};
use crate::fault::{self, Fault};
use crate::gate::Pass;
use crate::head::Next;
use millpond_sync::host::{self, Site};

/// Things to drop once the state is released.
pub(super) struct Litter<T> {
    landings: Vec<Landing<T>>,
    rests: Vec<Rest>,
}

impl<T> Litter<T> {
    pub(super) const fn new() -> Self {
        Self { landings: Vec::new(), rests: Vec::new() }
    }

    /// What nobody was at.
    fn add(&mut self, place: Place<T>) {
        match place {
            Place::Flying => {}
            Place::Landed(landing) => self.landings.push(*landing),
            Place::Left(left) => self.rests.push(left.rest),
        }
    }
}

impl<T> State<T> {
    /// The head is back; see [`super::AnyLane::release`].
    pub(super) fn release(&mut self, granted_most: usize, made: usize, next: &Next) -> Option<Chunk> {
        let is_last = matches!(next, Next::End | Next::Upstream(_) | Next::Fail(_));
        if self.head == HeadState::Out {
            self.head = if is_last { HeadState::Done } else { HeadState::Idle };
        }
        self.reserved -= granted_most;
        if made == 0 && !is_last {
            self.flying -= 1;
            return None;
        }
        let counted = if fault::is(Fault::MadeNotCounted) { 0 } else { made };
        self.reserved += counted;
        let number = self.made;
        self.made += 1;
        Some(Chunk { slot: self.sequence.push(number, counted, self.has_failed), number })
    }

    /// Puts a chunk into its place and lets out what is next in order.
    fn land(&mut self, chunk: Chunk, mut landing: Landing<T>, header: &Header<'_>, litter: &mut Litter<T>) {
        self.flying -= 1;
        let Chunk { slot, .. } = chunk;
        if self.end.is_some() || (self.sequence.is_doomed(slot) && self.limits.is_ordered) {
            // A failure came before it.
            let Departed { made, .. } = self.sequence.remove(slot);
            self.reserved -= made;
            litter.rests.extend(landing.left.drain(..).map(|left| left.rest));
            litter.landings.push(landing);
            return;
        }
        let mut failing = landing.failure.is_some().then_some(slot);
        let is_doomed = self.sequence.is_doomed(slot);
        let mut last = slot;
        for left in landing.left.drain(..) {
            if is_doomed {
                litter.rests.push(left.rest);
                continue;
            }
            let (items, fails) = (left.items, left.failure.is_some());
            last = self.sequence.push_left_after(slot, last, left, items);
            failing = failing.or(fails.then_some(last));
        }
        if let Some(failing) = failing {
            self.fail_after(failing, header, litter);
        }
        if !self.limits.is_ordered {
            let Departed { made, .. } = self.sequence.remove(slot);
            self.let_out(made, landing, header, litter);
            return;
        }
        if !self.sequence.is_first(slot) {
            self.sequence.land(slot, landing);
            return;
        }
        let Departed { made, .. } = self.sequence.remove(slot);
        self.let_out(made, landing, header, litter);
        while let Some((made, landing)) = self.sequence.pop_landed() {
            self.let_out(made, landing, header, litter);
        }
    }

    /// An item of the chunk in this slot has failed: the head makes no more, and nobody gets what comes after it.
    fn fail_after(&mut self, slot: SlotId, header: &Header<'_>, litter: &mut Litter<T>) {
        self.head = HeadState::Done;
        self.has_failed = true;
        header.has_failed.store(true, Ordering::Release);
        let reserved = &mut self.reserved;
        let is_ordered = self.limits.is_ordered;
        self.sequence.doom_after(slot, |Departed { made, place }| {
            debug_assert!(is_ordered || !matches!(place, Place::Landed(_)), "nothing waits out of order");
            *reserved -= made;
            litter.add(place);
        });
    }

    /// Drops what nobody is at: nobody wants it any more.
    pub(super) fn drop_waiting(&mut self, litter: &mut Litter<T>) {
        let reserved = &mut self.reserved;
        self.sequence.drain_waiting(|Departed { made, place }| {
            *reserved -= made;
            litter.add(place);
        });
    }

    /// A chunk leaves the lane: its items go to the outlets, its log to the counters.
    fn let_out(&mut self, made: usize, mut landing: Landing<T>, header: &Header<'_>, litter: &mut Litter<T>) {
        self.reserved -= made;
        if self.end.is_some() {
            // A failure came before it.
            litter.landings.push(landing);
            return;
        }
        let failed = landing.failure.take().map(|failure| {
            let (task, position, cause) = failure.into_parts();
            let task = task.min(self.given.len().saturating_sub(1));
            let index = self.given.get(task).copied().unwrap_or(0).saturating_add_signed(position);
            End::Failed(header.tasks[task].error(index, cause))
        });
        for (outlet, items) in landing.parcel.iter_mut().enumerate() {
            if !items.is_empty() && header.has_consumers(outlet) {
                let items = std::mem::take(items);
                let at = &mut self.outlets[outlet];
                at.len += items.len();
                at.chunks.push_back(items.into_iter());
                header.comes(outlet);
            }
        }
        for ((Logged { given, nanos }, task), total) in landing.log.iter().zip(&header.tasks).zip(&mut self.given) {
            if *given == 0 {
                continue;
            }
            *total += *given as u64;
            let TaskCounters { items, chunks, nanos: time } = &*task.stats;
            TaskCounters::add(items, *given as u64);
            TaskCounters::add(chunks, 1);
            TaskCounters::add(time, *nanos);
        }
        if self.spare_logs.len() < 8 {
            self.spare_logs.push(std::mem::take(&mut landing.log));
        }
        if let Some(end) = failed.or(landing.end.take()) {
            self.head = HeadState::Done;
            if self.limits.is_ordered {
                self.end = Some(end);
            } else if !matches!(self.ending, Some(End::Failed(_))) {
                self.ending = Some(end);
            }
        }
        // What is left in it has no consumer.
        if landing.parcel.iter().any(|items| !items.is_empty()) {
            litter.landings.push(landing);
        }
    }

    /// Whether the end is here: what was in flight when it was decided has landed. Joints downstream
    /// are told.
    pub(super) fn settle(&mut self, header: &Header<'_>) {
        let is_through = self.flying == 0 && self.sequence.left() == 0;
        if self.end.is_none() && self.ending.is_some() && is_through && self.head != HeadState::Out {
            self.end = self.ending.take();
        }
        if self.end.is_some() {
            header.ends();
        }
    }
}

impl<'env, T: Send + 'env> Lane<'env, T> {
    /// A chunk has come to the end of the lane; with its place, or else with the head still out.
    pub(super) fn land(
        &self,
        pass: &Pass<'_>,
        order: &Order,
        chunk: Option<Chunk>,
        landing: Landing<T>,
        nanos: Option<u64>,
    ) {
        let mut litter = Litter::new();
        let (has_ended, has_failed) = self.state.with(pass, |state| {
            let had_failed = state.has_failed;
            let release = || state.release(order.most, landing.made, &Next::More).expect("a chunk gets a place");
            let chunk = chunk.unwrap_or_else(release);
            let begun_before = usize::from(landing.is_resumed && state.limits.expands);
            let left: usize = landing.left.iter().map(|left| left.items).sum();
            let measured = landing.made.saturating_sub(left + begun_before);
            match nanos {
                // It has not even come to the end of the first.
                Some(nanos) if landing.is_late && measured == 0 => state.grain.learn(1, nanos),
                _ if landing.is_late => state.grain.doubt(),
                Some(nanos) => state.grain.learn(measured, nanos),
                None => {}
            }
            state.land(chunk, landing, &self.header, &mut litter);
            state.settle(&self.header);
            if state.end.is_some() {
                state.drop_waiting(&mut litter);
            }
            (state.end.is_some(), state.has_failed && !had_failed)
        });
        if has_failed {
            // What is on its way behind the failure stops at the next item.
            self.header.core.nudges().nudge();
        }
        if self.header.is_parked.load(Ordering::Relaxed) {
            // Subtle: not always. Every walker reads what else is on this line of the cache.
            self.header.is_parked.store(false, Ordering::Relaxed);
        }
        self.changed(pass, chunk.map(|chunk| chunk.number), Site::new("landed"));
        self.throw_away(pass, litter);
        if has_ended {
            self.let_head_go(pass);
            detach(&self.header);
        } else if has_failed {
            self.work.clear(pass);
        }
    }

    /// Drops what nobody will get.
    pub(super) fn throw_away(&self, pass: &Pass<'_>, litter: Litter<T>) {
        let Litter { landings, rests } = litter;
        for rest in rests {
            self.work.drop_rests(pass, Some(rest));
        }
        landings.into_iter().for_each(Landing::discard);
    }

    /// The output has ended: drops the head, which may not be at its own end, with what it asked of the lanes upstream.
    pub(super) fn let_head_go(&self, pass: &Pass<'_>) {
        if !self.header.has_ended.swap(true, Ordering::Relaxed) {
            self.work.clear(pass);
        }
    }

    /// The head is back and has made nothing. Walkers that wait at the lane may take it out now.
    ///
    /// Subtle: there is no more to do than there was before, so neither those who look on are told nor readers that await. Helpers with
    /// nothing to do would keep each other at it, or a reader that asks for helpers whenever it is woken, for as long as a slow
    /// task takes.
    pub(super) fn tell_walkers(&self, pass: &Pass<'_>) {
        if pass.is_shared() {
            host::step_at(|| self.header.place(None), Site::new("made").with(0));
            self.header.waiters.list().notify_all_after_lock();
        }
    }

    /// Something changed in the lane: whoever waits for it looks again.
    pub(super) fn changed(&self, pass: &Pass<'_>, chunk: Option<u64>, site: Site) {
        if pass.is_shared() {
            if !fault::is(Fault::ChangeNotCounted) {
                self.header.core.tick();
            }
            host::step_at(|| self.header.place(chunk), site);
        }
        // In serial mode only futures of other threads can be waiting. They count on the word of a source, which the thread that came by
        // since has taken back: what it found just then, nobody else has told them of.
        let is_silent = (fault::is(Fault::LandsInSilence) && site == Site::new("landed"))
            || (fault::is(Fault::SerialInSilence) && !pass.is_shared());
        if !is_silent {
            self.header.waiters.notify_all_after_lock();
        }
    }
}
