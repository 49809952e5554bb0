//! One piece of a channel's queue: the buffer of a vector, filled from one side and emptied from the other.
//!
//! Segments are linked in the order in which they are filled. The writers' side owns the slots from its position on, the
//! readers' side those that were published and not taken yet; neither touches a slot of the other. A segment that a
//! writer was given whole is its vector's buffer, and a reader that takes all of it gets that buffer back: no item moves.
//!
//! It knows nothing of gates, of counting and of waiting.

use millpond_sync::shim::atomic::{AtomicPtr, AtomicUsize, Ordering};
#[cfg(loom)]
use millpond_sync::shim::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ptr;

/// How many bytes the slots of a segment fill that the channel allocates by itself, at most (or one item, if it is larger).
const LARGEST_BYTES: usize = if cfg!(loom) { 16 } else { 2048 };
/// How many slots the first one has.
const FIRST_SLOTS: usize = if cfg!(loom) { 2 } else { 32 };
/// How much more slots the next one has.
const GROWTH: usize = 4;
/// How many empty segments a channel keeps for its writers.
const SPARES: usize = 4;

/// A buffer with its place in the queue.
///
/// While a segment is linked it is shared by both sides, and only `next`, `limit` and the slots change.
pub(crate) struct Segment<T> {
    /// The one that is filled after this; null until then.
    next: AtomicPtr<Self>,
    /// How many of the slots get an item. Lowered, at most once, when a writer goes on to the next one early.
    limit: AtomicUsize,
    slots: *mut T,
    /// Of the buffer, as its vector said.
    capacity: usize,
    /// Lets the model checker see each access to a slot.
    #[cfg(loom)]
    watched: Vec<UnsafeCell<()>>,
}

impl<T> Segment<T> {
    /// An empty one; 0 slots allocate no buffer.
    pub(crate) fn with_slots(slots: usize) -> Box<Self> {
        let mut segment = Box::new(Self {
            next: AtomicPtr::new(ptr::null_mut()),
            limit: AtomicUsize::new(0),
            slots: ptr::null_mut(),
            capacity: 0,
            #[cfg(loom)]
            watched: Vec::new(),
        });
        segment.put_buffer(Vec::with_capacity(slots));
        segment.refit();
        segment
    }

    /// How many slots the next segment of a channel gets that allocates one after one of `slots` (0 for none yet).
    ///
    /// The first ones are small, as many channels never carry more than a few items; the others are large enough that
    /// going from one to the next costs nothing beside the items.
    pub(crate) fn next_slots(slots: usize, capacity: usize) -> usize {
        let most = LARGEST_BYTES.checked_div(size_of::<T>()).unwrap_or(FIRST_SLOTS).max(1);
        let most = most.min(capacity.saturating_mul(GROWTH).max(16));
        slots.saturating_mul(GROWTH).clamp(FIRST_SLOTS.min(most), most)
    }

    /// How many slots get an item.
    #[inline(always)]
    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) const fn slots(&self) -> *mut T {
        self.slots
    }

    /// Of the buffer.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn next(&self) -> *mut Self {
        self.next.load(Ordering::Relaxed)
    }

    /// Links `next` behind this one, which gets `filled` items and no more.
    ///
    /// The last that a writer does to it.
    pub(crate) fn link(&self, filled: usize, next: *mut Self) {
        if filled != self.limit() {
            self.limit.store(filled, Ordering::Relaxed);
        }
        self.next.store(next, Ordering::Relaxed);
    }

    /// Makes an unlinked, empty segment ready to be filled; its slots get items again.
    pub(crate) fn refit(&mut self) {
        self.next = AtomicPtr::new(ptr::null_mut());
        self.limit = AtomicUsize::new(self.capacity);
        #[cfg(loom)]
        self.watched.resize_with(self.capacity, || UnsafeCell::new(()));
    }

    /// Makes an unlinked, empty segment out of `items`, all of which count as filled in; gives back the buffer that it had.
    pub(crate) fn adopt(&mut self, items: Vec<T>) -> Vec<T> {
        let filled = items.len();
        let old = self.take_buffer();
        self.put_buffer(items);
        self.refit();
        self.limit = AtomicUsize::new(filled);
        old
    }

    fn put_buffer(&mut self, buffer: Vec<T>) {
        let mut buffer = ManuallyDrop::new(buffer);
        (self.slots, self.capacity) = (buffer.as_mut_ptr(), buffer.capacity());
    }

    /// Takes the buffer out, without the items.
    fn take_buffer(&mut self) -> Vec<T> {
        self.watch(0, self.capacity);
        // SAFETY: nobody else has the segment, so nobody uses the buffer; no slot counts as one with an item, and the
        // segment is left without the buffer.
        let buffer = unsafe { self.whole(0) };
        self.forget_buffer();
        buffer
    }

    /// All of the buffer as a vector of its first `length` items.
    ///
    /// # Safety
    /// These slots hold items that are the caller's, no other slot holds one, and the buffer is used by nobody any more:
    /// the caller sees to it that [`forget_buffer`](Self::forget_buffer) comes before the segment is dropped.
    pub(crate) unsafe fn whole(&self, length: usize) -> Vec<T> {
        self.watch(0, length);
        // SAFETY: pointer and capacity are those of a vector that was taken apart in `put_buffer`; the rest is promised by
        // the caller.
        unsafe { Vec::from_raw_parts(self.slots, length, self.capacity) }
    }

    /// Says that the buffer is somebody else's now.
    pub(crate) fn forget_buffer(&mut self) {
        self.put_buffer(Vec::new());
    }

    /// Whether at least `slots` items could be filled in.
    pub(crate) const fn has_slots(&self, slots: usize) -> bool {
        self.capacity >= slots
    }

    /// Tells the model checker that `count` slots are accessed.
    #[inline(always)]
    pub(crate) fn watch(&self, _position: usize, _count: usize) {
        #[cfg(loom)]
        self.watched.iter().skip(_position).take(_count).for_each(|slot| slot.with_mut(|_| ()));
    }
}

impl<T> Drop for Segment<T> {
    fn drop(&mut self) {
        // Without the items: whoever drops a segment has taken them.
        drop(self.take_buffer());
    }
}

/// Empty segments that nobody needs, to be freed when nobody waits for the gate.
pub(crate) struct Garbage<T>(*mut Segment<T>);

impl<T> Garbage<T> {
    pub(crate) const fn new() -> Self {
        Self(ptr::null_mut())
    }

    pub(crate) fn add(&mut self, segment: Box<Segment<T>>) {
        segment.next.store(self.0, Ordering::Relaxed);
        self.0 = Box::into_raw(segment);
    }
}

impl<T> Drop for Garbage<T> {
    fn drop(&mut self) {
        while !self.0.is_null() {
            // SAFETY: every pointer in the list came out of a box in `add`, and is turned back once.
            let segment = unsafe { Box::from_raw(self.0) };
            self.0 = segment.next();
        }
    }
}

/// Empty segments on their way back from the readers' side to the writers': a ring with one party at each end.
pub(crate) struct Spares<T>([AtomicPtr<Segment<T>>; SPARES]);

impl<T> Spares<T> {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())))
    }

    /// Puts a segment into the ring unless it is full, or the segment too large to be kept; `turn` is the readers' place.
    pub(crate) fn put(&self, turn: &mut usize, segment: Box<Segment<T>>) -> Option<Box<Segment<T>>> {
        let place = &self.0[*turn % SPARES];
        let bytes = segment.capacity.saturating_mul(size_of::<T>());
        let is_kept = bytes <= LARGEST_BYTES.max(size_of::<T>()) && place.load(Ordering::Relaxed).is_null();
        if !is_kept {
            return Some(segment);
        }
        *turn = turn.wrapping_add(1);
        place.store(Box::into_raw(segment), Ordering::Release);
        None
    }

    /// Puts a segment whose buffer is somebody else's into the ring unless that is full.
    #[inline(always)]
    pub(crate) fn put_hollow(&self, turn: &mut usize, mut segment: Box<Segment<T>>) -> Option<Box<Segment<T>>> {
        let place = &self.0[*turn % SPARES];
        if !place.load(Ordering::Relaxed).is_null() {
            return Some(segment);
        }
        segment.forget_buffer();
        *turn = turn.wrapping_add(1);
        place.store(Box::into_raw(segment), Ordering::Release);
        None
    }

    /// Makes the oldest segment one of `items` and takes it, if it has no buffer.
    #[inline(always)]
    pub(crate) fn take_hollow(&self, turn: &mut usize, items: &mut Vec<T>) -> *mut Segment<T> {
        let place = &self.0[*turn % SPARES];
        let segment = place.load(Ordering::Acquire);
        // SAFETY: as in `take`.
        match unsafe { segment.as_mut() } {
            Some(hollow) if hollow.capacity == 0 => {
                hollow.limit = AtomicUsize::new(items.len());
                hollow.next = AtomicPtr::new(ptr::null_mut());
                hollow.put_buffer(std::mem::take(items));
                #[cfg(loom)]
                hollow.watched.resize_with(hollow.capacity, || UnsafeCell::new(()));
                *turn = turn.wrapping_add(1);
                place.store(ptr::null_mut(), Ordering::Relaxed);
                segment
            }
            _ => ptr::null_mut(),
        }
    }

    /// Takes the oldest segment; `turn` is the writers' place.
    pub(crate) fn take(&self, turn: &mut usize) -> Option<Box<Segment<T>>> {
        let place = &self.0[*turn % SPARES];
        let segment = place.load(Ordering::Acquire);
        if segment.is_null() {
            return None;
        }
        *turn = turn.wrapping_add(1);
        place.store(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: the pointer came out of a box in `put`, whose party touches a place only while it is null; the other
        // party is this one, by the writers' gate. It was taken out, so it is turned back once.
        Some(unsafe { Box::from_raw(segment) })
    }
}

impl<T> Drop for Spares<T> {
    fn drop(&mut self) {
        let mut turn = 0;
        for _ in 0..SPARES {
            // Places may be empty in between: all are looked at.
            if self.take(&mut turn).is_none() {
                turn += 1;
            }
        }
    }
}
