//! What happens when a head is back and when a chunk has come to the end of its lane.
//!
//! Chunks of an ordered lane land in a ring by their number and leave it in order. Whatever holds user values is moved out
//! of the guarded state before it is dropped.

use millpond_sync::shim::atomic::Ordering;

use super::fire::Logged;
use super::state::{End, HeadState, Landing, State};
use super::{Header, Lane, Order, TaskCounters, detach};
use crate::fault::{self, Fault};
use crate::gate::Pass;
use crate::head::Next;
use crate::host::{self, Site};

/// Things to drop once the state is released.
type Litter<T> = Vec<Landing<T>>;

impl<T> State<T> {
    /// The head is back; see [`super::AnyLane::release`].
    pub(super) fn release(&mut self, granted_most: usize, made: usize, next: &Next) -> Option<u64> {
        let is_last = matches!(next, Next::End | Next::Upstream(_) | Next::Fail(_));
        if self.head == HeadState::Out {
            self.head = if is_last { HeadState::Done } else { HeadState::Idle };
        }
        self.reserved -= granted_most;
        if made == 0 && !is_last {
            self.flying -= 1;
            return None;
        }
        if !fault::is(Fault::MadeNotCounted) {
            self.reserved += made;
        }
        self.made += 1;
        Some(self.made - 1)
    }

    /// Puts a chunk into its place and lets out what is next in order. Says whether the lane has ended by it.
    fn land(&mut self, sequence: u64, landing: Landing<T>, header: &Header<'_>, litter: &mut Litter<T>) {
        self.flying -= 1;
        if landing.failure.is_some() {
            self.head = HeadState::Done;
        }
        if !self.limits.is_ordered {
            self.let_out(landing, header, litter);
            return;
        }
        if sequence == self.next && self.in_ring == 0 {
            self.ring.pop_front();
            self.next += 1;
            self.let_out(landing, header, litter);
            return;
        }
        let place = usize::try_from(sequence - self.next).expect("a ring is shorter than memory");
        if self.ring.len() <= place {
            self.ring.resize_with(place + 1, || None);
        }
        self.ring[place] = Some(landing);
        self.in_ring += 1;
        while let Some(landing) = self.ring.front_mut().and_then(Option::take) {
            self.ring.pop_front();
            self.in_ring -= 1;
            self.next += 1;
            self.let_out(landing, header, litter);
        }
    }

    /// A chunk leaves the lane: its items go to the outlets, its log to the counters.
    fn let_out(&mut self, mut landing: Landing<T>, header: &Header<'_>, litter: &mut Litter<T>) {
        if !fault::is(Fault::MadeNotCounted) {
            self.reserved -= landing.made;
        }
        if self.end.is_some() {
            // A failure came before it.
            litter.push(landing);
            return;
        }
        let failed = landing.failure.take().map(|failure| {
            let (task, position, cause) = failure.into_parts();
            let task = task.min(self.given.len().saturating_sub(1));
            let index = self.given.get(task).copied().unwrap_or(0) + position as u64;
            End::Failed(header.tasks[task].error(index, cause))
        });
        for (outlet, items) in landing.parcel.iter_mut().enumerate() {
            if !items.is_empty() && header.has_consumers(outlet) {
                let items = std::mem::take(items);
                let at = &mut self.outlets[outlet];
                at.len += items.len();
                at.chunks.push_back(items.into_iter());
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
            litter.push(landing);
        }
    }

    /// Whether the end is here: what was in flight when it was decided has landed.
    pub(super) fn settle(&mut self) {
        if self.end.is_none() && self.ending.is_some() && self.flying == 0 && self.head != HeadState::Out {
            self.end = self.ending.take();
        }
    }
}

impl<'env, T: Send + 'env> Lane<'env, T> {
    /// A chunk has come to the end of the lane; with its number, or else with the head still out.
    pub(super) fn land(
        &self,
        pass: &Pass<'_>,
        order: &Order,
        sequence: Option<u64>,
        landing: Landing<T>,
        nanos: Option<u64>,
    ) {
        let mut litter = Litter::new();
        let has_ended = self.state.with(pass, |state| {
            let release = || state.release(order.most, landing.made, &Next::More).expect("a chunk gets a number");
            let sequence = sequence.unwrap_or_else(release);
            if let Some(nanos) = nanos {
                state.grain.learn(landing.made, nanos);
            }
            state.land(sequence, landing, &self.header, &mut litter);
            state.settle();
            if state.end.is_some() {
                state.in_ring = 0;
                litter.extend(state.ring.drain(..).flatten());
            }
            state.end.is_some()
        });
        self.header.is_parked.store(false, Ordering::Relaxed);
        self.changed(pass, sequence, Site::Landed);
        drop(litter);
        if has_ended {
            self.let_head_go(pass);
            detach(&self.header);
        }
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
            host::step_at(&self.header, None, Site::Made(0));
            self.header.waiters.list().notify_all_after_lock();
        }
    }

    /// Something changed in the lane: whoever waits for it looks again.
    pub(super) fn changed(&self, pass: &Pass<'_>, chunk: Option<u64>, site: Site) {
        if pass.is_shared() {
            if !fault::is(Fault::ChangeNotCounted) {
                self.header.core.tick();
            }
            host::step_at(&self.header, chunk, site);
        }
        // In serial mode only futures of other threads can be waiting. They count on the word of a source, which the thread that came by
        // since has taken back: what it found just then, nobody else has told them of.
        let is_silent = (fault::is(Fault::LandsInSilence) && site == Site::Landed)
            || (fault::is(Fault::SerialInSilence) && !pass.is_shared());
        if !is_silent {
            self.header.waiters.notify_all_after_lock();
        }
    }
}
