//! The items of one channel and what waiting readers ask for: plain data, used behind a gate.
//!
//! A reader that waits for many items does not take them one by one; it states its demand, and the items stay here, in
//! order and readable for everybody, until there are enough. So a read that gives up has nothing to put back. The
//! largest demand makes room beyond the capacity, as otherwise a reader that asks for more than the capacity would wait
//! for ever: a bounded channel holds at most the larger of its capacity and what one reader waits for.
//!
//! It knows nothing of threads and waiting.

use std::collections::VecDeque;

/// From how many items on a whole buffer changes hands instead of its items.
pub(crate) const HANDED_OVER: usize = 32;

/// What stands between the two ends. What every item touches comes first.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Queue<T> {
    items: VecDeque<T>,
    /// The larger of the capacity and the largest demand; 0 once it is closed to writers.
    room: usize,
    /// The smallest demand of a reader that waits for several items; `usize::MAX` if there is none.
    wanted: usize,
    /// How many items a writer may add up to; `usize::MAX` for no bound.
    capacity: usize,
    is_closed: bool,
    /// What each reader that waits for several items waits for.
    demands: Vec<usize>,
}

impl<T> Queue<T> {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self {
            items: VecDeque::new(),
            capacity,
            room: capacity,
            is_closed: false,
            wanted: usize::MAX,
            demands: Vec::new(),
        }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// How many more items fit.
    #[inline(always)]
    pub(crate) fn free(&self) -> usize {
        self.room.saturating_sub(self.items.len())
    }

    /// Takes no more items from now on.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        self.room = 0;
    }

    /// Adds an item, or gives it back if there is no room or it is closed.
    #[inline(always)]
    pub(crate) fn push(&mut self, item: T) -> Result<(), T> {
        if self.items.len() >= self.room {
            return Err(item);
        }
        self.items.push_back(item);
        Ok(())
    }

    /// Adds as many items from the front of `items` as fit, leaving the rest there; tells how many it were.
    ///
    /// A long batch for an empty queue is not copied: the two buffers change places.
    pub(crate) fn push_many(&mut self, items: &mut VecDeque<T>) -> usize {
        let count = self.free().min(items.len());
        if count < items.len() {
            self.items.extend(items.drain(..count));
        } else if self.items.is_empty() && is_worth_handing_over(items) {
            std::mem::swap(&mut self.items, items);
        } else {
            self.items.append(items);
        }
        count
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// Moves the first `count` items, or all if there are fewer, to the end of `into`; tells how many it were.
    ///
    /// All of a long queue is not copied into a vector that would have to grow: the queue's buffer is handed over.
    pub(crate) fn pop_many(&mut self, count: usize, into: &mut Vec<T>) -> usize {
        let count = count.min(self.items.len());
        let takes_all = count == self.items.len();
        if takes_all && into.is_empty() && into.capacity() < count && is_worth_handing_over(&self.items) {
            *into = std::mem::take(&mut self.items).into();
        } else {
            into.extend(self.items.drain(..count));
        }
        count
    }

    /// Takes everything out, to be dropped elsewhere.
    pub(crate) fn take_all(&mut self) -> VecDeque<T> {
        std::mem::take(&mut self.items)
    }

    /// Whether there is enough for some reader that waits for several items.
    #[inline(always)]
    pub(crate) fn satisfies_a_demand(&self) -> bool {
        self.items.len() >= self.wanted
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
        if !self.is_closed {
            self.room = self.demands.iter().copied().fold(self.capacity, usize::max);
        }
    }
}

/// Whether a buffer is long enough that allocating another costs less than copying, and not much larger than what is in it.
fn is_worth_handing_over<T>(items: &VecDeque<T>) -> bool {
    let (length, capacity) = (items.len(), items.capacity());
    length >= HANDED_OVER && length >= capacity / 2
}
