//! What the readers of a channel share: where the next item is. Used behind their gate.
//!
//! Up to `end` there are items in this segment for sure; beyond it the readers look how many were published since.

use crate::between::Between;
use crate::segment::{Garbage, Segment, Spares};
use crate::write_side::is_worth_handing_over;
use millpond_sync::shim::atomic::{AtomicUsize, Ordering};
use std::ptr;

/// The vector that is read into has to have room for so many more items.
pub(crate) struct NeedsRoom(pub(crate) usize);

/// The readers' end. What every item touches comes first.
#[repr(C)]
pub(crate) struct ReadSide<T> {
    /// The slots of the segment that is emptied.
    slots: *mut T,
    /// Where the next item is, or will be.
    position: usize,
    /// The position up to which there are items for sure.
    end: usize,
    /// How many items were taken: what the writers' side sees of it is its published copy.
    count: usize,
    /// The segment that is emptied; null until the first item.
    segment: *mut Segment<T>,
    /// Whether the buffer of this segment was given away.
    is_hollow: bool,
    /// The place in the ring of spare segments.
    spare: usize,
}

// SAFETY: the pointers are to segments of items, which go wherever this does and are used with exclusive access to it.
unsafe impl<T: Send> Send for ReadSide<T> {}

impl<T> ReadSide<T> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: ptr::null_mut(),
            position: 0,
            end: 0,
            count: 0,
            segment: ptr::null_mut(),
            is_hollow: false,
            spare: 0,
        }
    }

    /// How many items there are at least: none is taken meanwhile.
    #[inline(always)]
    pub(crate) fn available(&self, written: &AtomicUsize) -> usize {
        written.load(Ordering::Acquire).wrapping_sub(self.count)
    }

    /// Lets the writers' side see that `count` items were taken.
    #[inline(always)]
    fn give_up(&mut self, count: usize, taken: &AtomicUsize) {
        self.count = self.count.wrapping_add(count);
        taken.store(self.count, Ordering::Release);
    }

    /// Takes the first item, if it is in this segment.
    #[inline(always)]
    pub(crate) fn pop(&mut self, written: &AtomicUsize, taken: &AtomicUsize) -> Option<T> {
        if self.position == self.end {
            let available = self.available(written);
            if available == 0 {
                return None;
            }
            self.end = self.limit().min(self.position + available);
            if self.position == self.end {
                return None;
            }
        }
        let slot = self.slots.wrapping_add(self.position);
        self.watch(1);
        // SAFETY: the position is below `end`, so an item was put into this slot and published, which was seen here, and
        // no reader has taken it: whoever does moves the position on, as is done now.
        let item = unsafe { slot.read() };
        self.position += 1;
        self.give_up(1, taken);
        Some(item)
    }

    /// Takes the next segment's buffer, if it holds just `count` items, none of which was taken, and nothing is in the way:
    /// the quickest of the ways through [`pop_many`](Self::pop_many).
    #[inline(always)]
    pub(crate) fn pop_whole(
        &mut self,
        count: usize,
        written: &AtomicUsize,
        taken: &AtomicUsize,
        spares: &Spares<T>,
    ) -> Option<Vec<T>> {
        if !self.is_hollow || self.available(written) < count {
            return None;
        }
        // SAFETY: only a segment that there is is hollow, and all its items were taken. At least `count` items, which is
        // not 0, were seen to be published since: so there is a next segment.
        let next = unsafe { &*self.segment }.next();
        // SAFETY: as above; and a segment stays as long as this has it.
        let segment = unsafe { &*next };
        if segment.limit() != count || !is_worth_handing_over(count, segment.capacity()) {
            return None;
        }
        // SAFETY: the writer that linked the next segment was the last to use this one, and that was seen; it came out of a
        // box.
        let emptied = unsafe { Box::from_raw(self.segment) };
        if let Some(emptied) = spares.put_hollow(&mut self.spare, emptied) {
            // There is no place for it: to be dropped elsewhere.
            self.segment = Box::into_raw(emptied);
            return None;
        }
        self.segment = next;
        (self.position, self.end) = (count, count);
        // SAFETY: as in `hand_over`, for the segment that is this one now.
        let buffer = unsafe { segment.whole(count) };
        self.give_up(count, taken);
        Some(buffer)
    }

    /// Goes on to the next segment if all items of this one are taken and there are more.
    pub(crate) fn go_on_if_emptied(&mut self, garbage: &mut Garbage<T>, between: &Between<'_, T>) {
        if self.available(between.written) > 0
            && self.position == self.limit()
            && let Some(emptied) = self.go_on(between)
        {
            garbage.add(emptied);
        }
    }

    /// Moves the first `count` items, or all if there are fewer, to the end of `into`; tells how many they were.
    ///
    /// A long segment that is taken whole is not copied into a vector that would have to grow: its buffer is handed over.
    pub(crate) fn pop_many(
        &mut self,
        count: usize,
        into: &mut Vec<T>,
        garbage: &mut Garbage<T>,
        between: &Between<'_, T>,
    ) -> Result<usize, NeedsRoom> {
        let available = self.available(between.written);
        let count = count.min(available);
        if count == 0 {
            return Ok(0);
        }
        self.go_on_if_emptied(garbage, between);
        let could_be_handed_over = into.is_empty() && into.capacity() < count;
        if could_be_handed_over && let Some(buffer) = self.hand_over(count) {
            *into = buffer;
            self.give_up(count, between.taken);
            return Ok(count);
        }
        if into.capacity() - into.len() < count {
            return Err(NeedsRoom(count));
        }
        let mut missing = count;
        loop {
            let run = missing.min(self.limit() - self.position);
            self.watch(run);
            let from = self.slots.wrapping_add(self.position);
            let to = into.as_mut_ptr().wrapping_add(into.len());
            // SAFETY: all these items are published, as `available` says, and untaken; there is room for them behind those
            // in `into`, as was looked at above. They are moved: the position leaves them behind.
            unsafe { ptr::copy_nonoverlapping(from, to, run) };
            // SAFETY: so many items were moved there.
            unsafe { into.set_len(into.len() + run) };
            self.position += run;
            missing -= run;
            if missing == 0 {
                break;
            }
            if let Some(segment) = self.go_on(between) {
                garbage.add(segment);
            }
        }
        self.end = self.limit().min(self.position + (available - count));
        self.give_up(count, between.taken);
        Ok(count)
    }

    /// The buffer of a segment of which nothing was taken yet and all `count` items are there, if that is worth it.
    fn hand_over(&mut self, count: usize) -> Option<Vec<T>> {
        if self.position != 0 || self.limit() != count {
            return None;
        }
        // SAFETY: there are items, so there is a segment; it stays as long as this has it.
        let segment = unsafe { &*self.segment };
        if !is_worth_handing_over(count, segment.capacity()) {
            return None;
        }
        // SAFETY: the items are there, untaken, and leave with the vector, as the position says; a writer that still has
        // this segment has filled it and does not use the buffer any more. That it is gone is noted.
        let buffer = unsafe { segment.whole(count) };
        self.is_hollow = true;
        (self.position, self.end) = (count, count);
        Some(buffer)
    }

    /// How many slots of this segment get an item, as far as was seen.
    ///
    /// Subtle: right only if all items before the position, and one at it or behind it, were seen to be published. A
    /// writer lowers the limit to the position where the next item would have been, and links the next segment, before
    /// it publishes an item there: so either value tells in which of the two segments the item is.
    #[inline(always)]
    fn limit(&self) -> usize {
        if self.segment.is_null() {
            return 0;
        }
        // SAFETY: a segment stays as long as this has it.
        unsafe { &*self.segment }.limit()
    }

    /// Goes on to the next segment, of which an item was seen to be published; gives back the one before unless it is
    /// kept for writers.
    fn go_on(&mut self, between: &Between<'_, T>) -> Option<Box<Segment<T>>> {
        let next = if self.segment.is_null() {
            between.first.load(Ordering::Relaxed)
        } else {
            // SAFETY: as in `limit`.
            unsafe { &*self.segment }.next()
        };
        #[cfg(loom)]
        assert!(!next.is_null(), "an item that was seen is in a segment");
        let emptied = std::mem::replace(&mut self.segment, next);
        // SAFETY: an item that is not in the segment before was seen to be published, and its writer linked this one
        // before that; so it is not null, and all of it is visible.
        self.slots = unsafe { &*next }.slots();
        (self.position, self.end) = (0, 0);
        let is_hollow = std::mem::take(&mut self.is_hollow);
        if emptied.is_null() {
            return None;
        }
        // SAFETY: it came out of a box; the writer that linked `next` was the last to use it, and that was seen. All its
        // items are taken.
        let mut emptied = unsafe { Box::from_raw(emptied) };
        if is_hollow {
            emptied.forget_buffer();
        }
        between.spares.put(&mut self.spare, emptied)
    }

    /// Shows the items that there are, in order.
    pub(crate) fn visit(&self, between: &Between<'_, T>, visitor: &mut dyn FnMut(&T)) {
        let (mut segment, mut position) = (self.segment, self.position);
        for _ in 0..self.available(between.written) {
            // As in `limit`: an item at the position or behind it was seen to be published. SAFETY:
            // a segment that this has, or that is linked behind it, stays as long as this does not
            // leave it behind.
            while segment.is_null() || position == unsafe { &*segment }.limit() {
                segment = if segment.is_null() {
                    between.first.load(Ordering::Relaxed)
                } else {
                    // SAFETY: as above. That item is in a later segment, and its writer linked the
                    // next one before that.
                    unsafe { &*segment }.next()
                };
                position = 0;
            }
            // SAFETY: as above.
            let here = unsafe { &*segment };
            #[cfg(loom)]
            here.watch(position, 1);
            // SAFETY: the item in this slot was published, which was seen, and is untaken: it is
            // not before this side's position, and whoever would take it needs the gate that this
            // is behind.
            visitor(unsafe { &*here.slots().wrapping_add(position) });
            position += 1;
        }
    }

    /// Tells the model checker that `count` slots are accessed.
    #[inline(always)]
    fn watch(&self, _count: usize) {
        #[cfg(loom)]
        // SAFETY: as in `limit`.
        unsafe { &*self.segment }.watch(self.position, _count);
    }

    /// Takes everything out, to be dropped elsewhere. Nothing is written any more.
    pub(crate) fn take_all(&mut self, between: &Between<'_, T>) -> Rest<T> {
        let left = self.available(between.written);
        self.give_up(left, between.taken);
        let first = between.first.swap(ptr::null_mut(), Ordering::Relaxed);
        let mut side = std::mem::replace(self, Self::new());
        (self.count, self.spare) = (side.count, side.spare);
        if side.segment.is_null() && !first.is_null() {
            side.segment = first;
            // SAFETY: nobody else has a segment of a channel that nothing is written to, and everything was seen.
            side.slots = unsafe { &*first }.slots();
        }
        Rest { side, left }
    }
}

/// What is left in a channel that nobody can read from any more; dropping it drops the items.
pub(crate) struct Rest<T> {
    side: ReadSide<T>,
    left: usize,
}

impl<T> Rest<T> {
    /// The next item; frees the segments before it.
    fn next(&mut self) -> Option<T> {
        let side = &mut self.side;
        while !side.segment.is_null() && (self.left == 0 || side.position == side.limit()) {
            // SAFETY: it came out of a box, and nobody else has it.
            let mut emptied = unsafe { Box::from_raw(side.segment) };
            if std::mem::take(&mut side.is_hollow) {
                emptied.forget_buffer();
            }
            side.segment = emptied.next();
            side.position = 0;
            if !side.segment.is_null() {
                // SAFETY: as above.
                side.slots = unsafe { &*side.segment }.slots();
            }
        }
        self.left = self.left.checked_sub(1)?;
        side.watch(1);
        let slot = side.slots.wrapping_add(side.position);
        side.position += 1;
        // SAFETY: there is an item left, so it is in this slot; and the position has left it behind.
        Some(unsafe { slot.read() })
    }
}

impl<T> Drop for Rest<T> {
    fn drop(&mut self) {
        /// Goes on where the drop of an item panicked.
        struct GoesOn<'a, T>(&'a mut Rest<T>);
        impl<T> Drop for GoesOn<'_, T> {
            fn drop(&mut self) {
                while let Some(item) = self.0.next() {
                    drop(item);
                }
            }
        }
        let rest = GoesOn(self);
        while let Some(item) = rest.0.next() {
            drop(item);
        }
    }
}
