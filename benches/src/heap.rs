//! Counting what is on the heap.
//!
//! A program makes [`Heap`] its global allocator and asks it what a piece of work allocates.
//! Outside of such a piece an allocation costs one load and a branch more than the system's
//! allocator, so that what is timed is not disturbed.
//!
//! What a thread that was started before the piece allocates within it counts too: the count is the
//! process's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

/// The system's allocator, which can count. See the [module documentation](self).
#[derive(Debug, Default)]
pub struct Heap {
    is_counting: AtomicBool,
    /// Bytes allocated less bytes freed since the count began; what was there before may be freed
    /// meanwhile.
    bytes: AtomicIsize,
    /// The highest that `bytes` has been.
    peak: AtomicIsize,
}

impl Heap {
    /// An allocator that does not count yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { is_counting: AtomicBool::new(false), bytes: AtomicIsize::new(0), peak: AtomicIsize::new(0) }
    }

    /// How many bytes more than at the start are on the heap at the highest point of `work`, and
    /// what it gives.
    ///
    /// One piece of work at a time.
    pub fn peak_of<R>(&self, work: impl FnOnce() -> R) -> (f64, R) {
        let result = self.count(work);
        (self.peak.load(Ordering::SeqCst) as f64, result)
    }

    /// How many bytes `work` leaves on the heap, which is what its result holds; and the result.
    ///
    /// One piece of work at a time.
    pub fn left_by<R>(&self, work: impl FnOnce() -> R) -> (f64, R) {
        let result = self.count(work);
        (self.bytes.load(Ordering::SeqCst) as f64, result)
    }

    fn count<R>(&self, work: impl FnOnce() -> R) -> R {
        self.bytes.store(0, Ordering::SeqCst);
        self.peak.store(0, Ordering::SeqCst);
        self.is_counting.store(true, Ordering::SeqCst);
        let result = work();
        self.is_counting.store(false, Ordering::SeqCst);
        result
    }

    fn add(&self, bytes: usize) {
        if self.is_counting.load(Ordering::Relaxed) {
            let bytes = bytes.cast_signed();
            let now = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
            self.peak.fetch_max(now, Ordering::Relaxed);
        }
    }

    fn subtract(&self, bytes: usize) {
        if self.is_counting.load(Ordering::Relaxed) {
            self.bytes.fetch_sub(bytes.cast_signed(), Ordering::Relaxed);
        }
    }
}

// SAFETY: every call goes on to the system's allocator with the arguments that it came with, so
// what `GlobalAlloc` asks of an allocator is what the system's gives; counting touches atomics only
// and neither allocates nor unwinds.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: the caller keeps to the contract of `GlobalAlloc::alloc`, which is that of the
        // call.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        self.subtract(layout.size());
        // SAFETY: `place` came from this allocator with this layout, and so from the system's.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are there while the contents are copied.
        self.add(size);
        // SAFETY: as for `dealloc`; the caller keeps to what is asked of `size`.
        let moved = unsafe { System.realloc(place, layout, size) };
        self.subtract(layout.size());
        moved
    }
}
