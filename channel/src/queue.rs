//! The items of one channel: two ends, each behind a gate of its own, and segments between them.
//!
//! Writers take turns at one gate and readers at the other, and the two meet only where one has to know how far the other
//! is: an item is published by adding to `written` after it was put into its slot, and its slot is given up by adding to
//! `taken`. So what is between the two ends is a queue with one party at each, which needs no atomic exchange; the turns of
//! the gates are what makes it one party. Batches are published with one store.
//!
//! What one side leaves behind, the other sees; that a waiting party is told is for a **visit** to see to: a turn of the
//! other side's gate in which nothing is done. Its proof is in `README.md`.

use crate::between::Between;
use crate::exclusive::{Exclusive, Gate};
use crate::fault::{self, Fault};
use crate::read_side::{NeedsRoom, ReadSide, Rest};
use crate::segment::{Garbage, Segment, Spares};
use crate::write_side::{HANDED_OVER, Refused, WriteSide, is_worth_handing_over};
use millpond_sync::shim::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::collections::VecDeque;
use std::ptr;

/// One end, on cache lines that the other end's parties do not write to.
#[repr(C, align(128))]
struct End<S, G> {
    /// How many items went through this end.
    count: AtomicUsize,
    side: Exclusive<S, G>,
}

/// The items between the two ends.
#[repr(C)]
pub(crate) struct Queue<T, G: Gate> {
    write: End<WriteSide<T>, G>,
    read: End<ReadSide<T>, G>,
    /// Written in a turn of the writers' gate, except when the last end of a serial channel is dropped in another thread.
    is_closed: AtomicBool,
    first: AtomicPtr<Segment<T>>,
    spares: Spares<T>,
}

impl<T, G: Gate> Queue<T, G> {
    pub(crate) fn new(gate: impl Fn() -> G, capacity: usize) -> Self {
        Self {
            write: End { count: AtomicUsize::new(0), side: Exclusive::new(gate(), WriteSide::new(capacity)) },
            read: End { count: AtomicUsize::new(0), side: Exclusive::new(gate(), ReadSide::new()) },
            is_closed: AtomicBool::new(false),
            first: AtomicPtr::new(ptr::null_mut()),
            spares: Spares::new(),
        }
    }

    #[inline(always)]
    const fn between(&self) -> Between<'_, T> {
        Between { written: &self.write.count, taken: &self.read.count, first: &self.first, spares: &self.spares }
    }

    /// How many items there are that were there all the while this looked; never more than there is room for.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        let written = self.write.count.load(Ordering::Acquire);
        let length = written.wrapping_sub(self.read.count.load(Ordering::Acquire));
        // Readers may have got past what had been written when this looked.
        if length > usize::MAX / 2 { 0 } else { length }
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Adds an item; tells whether there is enough now for a reader that waits for several.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn push(&self, item: T) -> Result<bool, Refused<T>> {
        let left = self.write.side.with(|side| {
            // Subtle: only a serial channel can be closed without this side knowing, by an end dropped elsewhere.
            if !G::CAN_BLOCK && self.is_closed.load(Ordering::Relaxed) {
                return Some(item);
            }
            side.push(item, &self.write.count)
        });
        match left {
            None => Ok(false),
            Some(item) => self.push_carefully(item),
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn push_carefully(&self, mut item: T) -> Result<bool, Refused<T>> {
        let mut fresh = None;
        loop {
            if !G::CAN_BLOCK && self.is_closed() {
                return Err(Refused::Closed(item));
            }
            let pushed = self.write.side.with(|side| side.push_carefully(item, fresh.take(), &self.between()));
            match pushed {
                // Nothing is allocated in a turn.
                Err(Refused::NoSegment(back, slots)) => (item, fresh) = (back, Some(Segment::with_slots(slots))),
                pushed => return pushed,
            }
        }
    }

    /// Adds all items at once if that is easy; otherwise they are still in `items` after it.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn push_whole(&self, items: &mut Vec<T>) {
        if is_worth_handing_over(items.len(), items.capacity()) && (G::CAN_BLOCK || !self.is_closed()) {
            self.write.side.with(|side| side.push_whole(items, &self.write.count, &self.read.count, &self.spares));
        }
    }

    /// Adds as many items from the front of `items` as fit, leaving the rest there; tells how many they were, and whether
    /// there is enough now for a reader that waits for several.
    #[track_caller]
    pub(crate) fn push_many(&self, items: &mut VecDeque<T>) -> Result<(usize, bool), Refused<()>> {
        let mut fresh = None;
        loop {
            let pushed = self.write.side.with(|side| {
                if !G::CAN_BLOCK && self.is_closed.load(Ordering::Relaxed) {
                    return Err(Refused::Closed(()));
                }
                side.push_many(items, fresh.take(), &self.between())
            });
            match pushed {
                Err(Refused::NoSegment((), slots)) => fresh = Some(Segment::with_slots(slots)),
                pushed => return pushed,
            }
        }
    }

    /// Takes the first item.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn pop(&self) -> Option<T> {
        match self.read.side.with(|side| side.pop(&self.write.count, &self.read.count)) {
            None => self.pop_carefully(),
            item => item,
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn pop_carefully(&self) -> Option<T> {
        if self.len() == 0 {
            return None;
        }
        // Freed when the gate is free again.
        let mut garbage = Garbage::new();
        self.read.side.with(|side| {
            side.go_on_if_emptied(&mut garbage, &self.between());
            side.pop(&self.write.count, &self.read.count)
        })
    }

    /// Takes the first `count` items if they are a batch that was written and that is easy.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn pop_whole(&self, count: usize) -> Option<Vec<T>> {
        if count < HANDED_OVER {
            return None;
        }
        self.read.side.with(|side| side.pop_whole(count, &self.write.count, &self.read.count, &self.spares))
    }

    /// Moves the first `count` items to the end of `into`, or fewer if there are fewer and `takes_fewer` says that this is
    /// fine, or if the queue is closed; otherwise none. Tells how many they were.
    #[track_caller]
    pub(crate) fn pop_many(&self, mut count: usize, takes_fewer: bool, into: &mut Vec<T>) -> Option<usize> {
        let mut garbage = Garbage::new();
        loop {
            let popped = self.read.side.with(|side| {
                let between = self.between();
                // Subtle: looked at first. What there is of a queue that is closed does not become more.
                let takes_fewer = takes_fewer || self.is_closed();
                let is_enough = takes_fewer || side.available(between.written) >= count;
                is_enough.then(|| side.pop_many(count, into, &mut garbage, &between))
            });
            match popped? {
                Ok(taken) => return Some(taken),
                Err(NeedsRoom(room)) => {
                    into.reserve(room);
                    // No more are taken than there is room for, though more may have come.
                    count = count.min(room);
                }
            }
        }
    }

    /// Shows the items, in order.
    pub(crate) fn visit(&self, visitor: &mut dyn FnMut(&T)) {
        self.read.side.with(|side| side.visit(&self.between(), visitor));
    }

    /// A turn of the writers' gate in which nothing is done. Within one thread everything has its order anyway.
    pub(crate) fn visit_writers(&self) {
        if fault::is(Fault::NoVisit) {
            return;
        }
        if G::CAN_BLOCK {
            self.write.side.with(|_| ());
        }
    }

    /// A turn of the readers' gate in which nothing is done.
    pub(crate) fn visit_readers(&self) {
        if fault::is(Fault::NoVisit) {
            return;
        }
        if G::CAN_BLOCK {
            self.read.side.with(|_| ());
        }
    }

    /// States the demand of a reader that is going to wait; tells by how much the room has grown.
    #[track_caller]
    pub(crate) fn add_demand(&self, count: usize) -> usize {
        self.write.side.with(|side| side.add_demand(count))
    }

    /// Withdraws it.
    pub(crate) fn remove_demand(&self, count: usize) {
        self.write.side.with_if_allowed(|side| side.remove_demand(count));
    }

    /// Takes no more items from now on; tells whether that is news.
    #[track_caller]
    pub(crate) fn close(&self) -> bool {
        self.write.side.with(|side| {
            side.close();
            !self.is_closed.swap(true, Ordering::Release)
        })
    }

    /// Closes also where the gates may not be entered. Gives what is left if `takes_items` says so and that is allowed;
    /// otherwise it stays until the queue is dropped.
    ///
    /// Subtle: not allowed is a serial channel whose last end of one kind is dropped in another thread than its own. Its
    /// flag alone is enough there: no end of that kind is left that could act between the flag and the queue.
    pub(crate) fn close_from_anywhere(&self, takes_items: bool) -> Option<Rest<T>> {
        self.write.side.with_if_allowed(|side| {
            side.close();
            self.is_closed.store(true, Ordering::Release);
        });
        self.is_closed.store(true, Ordering::Release);
        if !takes_items {
            return None;
        }
        self.read.side.with_if_allowed(|side| side.take_all(&self.between()))
    }
}

impl<T, G: Gate> Drop for Queue<T, G> {
    fn drop(&mut self) {
        let between =
            Between { written: &self.write.count, taken: &self.read.count, first: &self.first, spares: &self.spares };
        drop(self.read.side.get_mut().take_all(&between));
    }
}
