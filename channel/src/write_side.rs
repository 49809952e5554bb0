//! What the writers of a channel share: where the next item goes, and how many there may be. Used behind their gate.
//!
//! Most items need one comparison: up to `stop` there are slots, there is room, and no waiting reader gets what it waits
//! for. Whatever changes one of these sets `stop` back, and the next write looks at all of them.
//!
//! A reader that waits for many items does not take them one by one; it states its demand here, and they stay in the
//! channel, in order and readable for everybody, until there are enough. So a read that gives up has nothing to put
//! back. The largest demand makes room beyond the capacity, as otherwise a reader that asks for more than the capacity
//! would wait for ever.

use crate::between::{Between, published};
use crate::segment::{Segment, Spares};
use millpond_sync::shim::atomic::{AtomicUsize, Ordering};
use std::collections::VecDeque;
use std::ptr;

/// From how many items on a buffer changes hands instead of its items.
pub(crate) const HANDED_OVER: usize = if cfg!(loom) { 2 } else { 32 };

/// Whether a buffer is long enough that another allocation costs less than copying, and not much larger than what is in it.
pub(crate) const fn is_worth_handing_over(length: usize, capacity: usize) -> bool {
    length >= HANDED_OVER && length >= capacity / 2
}

/// Why nothing was written.
pub(crate) enum Refused<T> {
    Closed(T),
    Full(T),
    /// A segment of at least so many slots has to be brought.
    NoSegment(T, usize),
}

/// The writers' end. What every item touches comes first.
#[repr(C)]
pub(crate) struct WriteSide<T> {
    /// The slots of the segment that is filled.
    slots: *mut T,
    /// Where the next item goes.
    position: usize,
    /// The position up to which nothing has to be looked at.
    stop: usize,
    /// How many items were written: what the readers' side sees of it is its published copy.
    count: usize,
    /// How many slots there are.
    limit: usize,
    /// The segment that is filled; null until the first item.
    segment: *mut Segment<T>,
    /// The larger of the capacity and the largest demand.
    room: usize,
    /// The smallest demand of a reader that waits for several items; `usize::MAX` if there is none.
    wanted: usize,
    /// How many items a writer may add up to; `usize::MAX` for no bound.
    capacity: usize,
    is_closed: bool,
    /// How many slots the largest segment had.
    largest: usize,
    /// The place in the ring of spare segments.
    spare: usize,
    /// What each reader that waits for several items waits for.
    demands: Vec<usize>,
}

// SAFETY: the pointers are to segments of items, which go wherever this does and are used with exclusive access to it.
unsafe impl<T: Send> Send for WriteSide<T> {}

impl<T> WriteSide<T> {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self {
            slots: ptr::null_mut(),
            position: 0,
            stop: 0,
            count: 0,
            limit: 0,
            segment: ptr::null_mut(),
            room: capacity,
            wanted: usize::MAX,
            capacity,
            is_closed: false,
            largest: 0,
            spare: 0,
            demands: Vec::new(),
        }
    }

    /// Adds an item and publishes it by `written`; gives it back if something has to be looked at.
    #[inline(always)]
    pub(crate) fn push(&mut self, item: T, written: &AtomicUsize) -> Option<T> {
        if self.position >= self.stop {
            return Some(item);
        }
        // SAFETY: `stop` is at most `limit`.
        unsafe { self.put(item) };
        self.publish(1, written);
        None
    }

    /// Adds an item where something has to be looked at; tells whether there is enough now for a reader that waits for
    /// several. `fresh` is used if a segment is needed.
    pub(crate) fn push_carefully(
        &mut self,
        item: T,
        fresh: Option<Box<Segment<T>>>,
        between: &Between<'_, T>,
    ) -> Result<bool, Refused<T>> {
        if self.is_closed {
            return Err(Refused::Closed(item));
        }
        let length = between.length(self.count);
        if length >= self.room {
            return Err(Refused::Full(item));
        }
        if self.position == self.limit {
            let Some(segment) = self.find_segment(1, fresh, between) else {
                return Err(Refused::NoSegment(item, self.next_slots()));
            };
            self.link(segment, between);
        }
        // SAFETY: the position is in the segment, which has a slot at least.
        unsafe { self.put(item) };
        self.publish(1, between.written);
        Ok(self.aim(length + 1))
    }

    /// Adds all items, by making their buffer a segment, if nothing is in the way: the quickest of the ways through
    /// [`push_many`](Self::push_many). Otherwise they are still in `items` after it.
    #[inline(always)]
    pub(crate) fn push_whole(
        &mut self,
        items: &mut Vec<T>,
        written: &AtomicUsize,
        taken: &AtomicUsize,
        spares: &Spares<T>,
    ) {
        let count = items.len();
        let room = self.room.saturating_sub(self.count.wrapping_sub(taken.load(Ordering::Acquire)));
        let is_plain = !self.is_closed && self.wanted == usize::MAX && self.position == self.limit;
        if !is_plain || room < count || self.segment.is_null() {
            return;
        }
        let segment = spares.take_hollow(&mut self.spare, items);
        if segment.is_null() {
            return;
        }
        // SAFETY: as in `link`.
        unsafe { &*self.segment }.link(self.position, segment);
        self.segment = segment;
        (self.position, self.limit, self.stop) = (count, count, count);
        self.publish(count, written);
    }

    /// Adds as many items from the front of `items` as fit, leaving the rest there, and publishes them at once; tells
    /// how many they were, and whether there is enough now for a reader that waits for several.
    ///
    /// A long batch is not copied: its buffer becomes a segment. `fresh` is used if a segment is needed.
    pub(crate) fn push_many(
        &mut self,
        items: &mut VecDeque<T>,
        fresh: Option<Box<Segment<T>>>,
        between: &Between<'_, T>,
    ) -> Result<(usize, bool), Refused<()>> {
        if self.is_closed {
            return Err(Refused::Closed(()));
        }
        let length = between.length(self.count);
        let mut count = self.room.saturating_sub(length).min(items.len());
        if count == 0 {
            return Err(Refused::Full(()));
        }
        let slots = self.limit - self.position;
        if count > slots && count == items.len() && is_worth_handing_over(count, items.capacity()) {
            let Some(mut segment) = fresh.or_else(|| between.spares.take(&mut self.spare)) else {
                return Err(Refused::NoSegment((), 0));
            };
            segment.adopt(Vec::from(std::mem::take(items)));
            self.link(segment, between);
            self.position = self.limit;
        } else {
            let next = if count > slots {
                let is_fresh = fresh.is_some();
                let next = self.find_segment(if is_fresh { 1 } else { count - slots }, fresh, between);
                let Some(segment) = next else {
                    return Err(Refused::NoSegment((), self.next_slots().max(count)));
                };
                // Fewer only if there is more room than when the segment was made, and then the rest is written next.
                count = count.min(slots + segment.limit());
                Some(segment)
            } else {
                None
            };
            let mut items = items.drain(..count);
            // SAFETY: there are so many slots left.
            items.by_ref().take(slots).for_each(|item| unsafe { self.put(item) });
            if let Some(segment) = next {
                self.link(segment, between);
                // SAFETY: the segment has a slot for each that is left.
                items.for_each(|item| unsafe { self.put(item) });
            }
        }
        self.publish(count, between.written);
        Ok((count, self.aim(length + count)))
    }

    /// Lets the readers' side see `count` items that were put into their slots.
    #[inline(always)]
    fn publish(&mut self, count: usize, written: &AtomicUsize) {
        self.count = self.count.wrapping_add(count);
        written.store(self.count, published());
    }

    /// Puts an item into the next slot.
    ///
    /// # Safety
    /// The position is below the limit.
    #[inline(always)]
    unsafe fn put(&mut self, item: T) {
        #[cfg(loom)]
        // SAFETY: the segment has a slot, so it is not null; it stays as long as this has it.
        unsafe { &*self.segment }.watch(self.position, 1);
        let slot = self.slots.wrapping_add(self.position);
        // SAFETY: the position is below the limit, so this is a slot of the segment's buffer. No item was ever put into
        // it since the segment was linked, so it is free, and readers touch it only after it is published.
        unsafe { slot.write(item) };
        self.position += 1;
    }

    /// A segment of at least `slots` slots: a spare one that is as large as any here, or `fresh`.
    fn find_segment(
        &mut self,
        slots: usize,
        fresh: Option<Box<Segment<T>>>,
        between: &Between<'_, T>,
    ) -> Option<Box<Segment<T>>> {
        let segment = fresh.or_else(|| {
            let mut spare = between.spares.take(&mut self.spare)?;
            spare.has_slots(slots.max(self.largest)).then(|| {
                spare.refit();
                spare
            })
        })?;
        self.largest = self.largest.max(segment.limit().min(self.next_slots()));
        Some(segment)
    }

    fn next_slots(&self) -> usize {
        Segment::<T>::next_slots(self.largest, self.capacity)
    }

    /// Goes on to a segment, of which nothing is filled.
    fn link(&mut self, segment: Box<Segment<T>>, between: &Between<'_, T>) {
        (self.slots, self.limit) = (segment.slots(), segment.limit());
        let next = Box::into_raw(segment);
        if self.segment.is_null() {
            between.first.store(next, Ordering::Relaxed);
        } else {
            // SAFETY: a segment is freed only after the readers' side went past it, which it does only after the link
            // that is made here was published.
            unsafe { &*self.segment }.link(self.position, next);
        }
        self.segment = next;
        self.position = 0;
    }

    /// Sets `stop` for a channel of `length` items; tells whether these are enough for a reader that waits for several.
    fn aim(&mut self, length: usize) -> bool {
        let room = self.room.saturating_sub(length);
        // The item that meets a demand is one that is looked at.
        let missing = self.wanted.saturating_sub(length).saturating_sub(1);
        self.stop = self.limit.min(self.position.saturating_add(room.min(missing)));
        length >= self.wanted
    }

    /// Has the next write look at everything.
    const fn look_again(&mut self) {
        self.stop = self.position;
    }

    /// Takes no more items from now on.
    pub(crate) const fn close(&mut self) {
        self.is_closed = true;
        self.look_again();
    }

    /// States the demand of a waiting reader; tells by how much the room has grown.
    pub(crate) fn add_demand(&mut self, count: usize) -> usize {
        let room = self.room;
        self.demands.push(count);
        self.weigh_demands();
        self.room.saturating_sub(room)
    }

    /// Withdraws a demand.
    pub(crate) fn remove_demand(&mut self, count: usize) {
        if let Some(index) = self.demands.iter().position(|&demand| demand == count) {
            self.demands.swap_remove(index);
        }
        self.weigh_demands();
    }

    fn weigh_demands(&mut self) {
        self.wanted = self.demands.iter().copied().min().unwrap_or(usize::MAX);
        self.room = self.demands.iter().copied().fold(self.capacity, usize::max);
        self.look_again();
    }
}
