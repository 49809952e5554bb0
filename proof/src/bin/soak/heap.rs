//! Counts what is on the heap, block by block.
//!
//! The program's global allocator: the system's, and beside it how many blocks of each size there are. Sizes up to 4 KiB are counted
//! apart, larger ones by powers of two, so that what stays behind can be told by its size. The counts are exact while no other thread runs.
//!
//! What a library in C takes does not come by here; the C library is asked for that, where it tells.

#![allow(unsafe_code, reason = "an allocator, and what the C library says of its own")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};
#[cfg(unix)]
use std::{hint::black_box, ptr};

/// The largest size that is counted apart from others.
const LARGEST_APART: usize = 4096;
/// One for each size from 0 to [`LARGEST_APART`], and one for each power of two above.
const CLASSES: usize = LARGEST_APART + 1 + usize::BITS as usize;

#[global_allocator]
static HEAP: Heap =
    Heap { classes: [const { Class { blocks: AtomicI64::new(0), bytes: AtomicI64::new(0) } }; CLASSES] };

struct Heap {
    classes: [Class; CLASSES],
}

/// The blocks of one size, or of sizes up to the same power of two.
struct Class {
    blocks: AtomicI64,
    bytes: AtomicI64,
}

fn class_of(size: usize) -> usize {
    if size <= LARGEST_APART { size } else { LARGEST_APART + 1 + (size - 1).ilog2() as usize }
}

impl Heap {
    fn count(&self, size: usize, blocks: i64) {
        let class = &self.classes[class_of(size)];
        class.blocks.fetch_add(blocks, Ordering::Relaxed);
        class.bytes.fetch_add(blocks * size as i64, Ordering::Relaxed);
    }
}

// SAFETY: every call goes on to the system's allocator with the arguments that it came with, so what `GlobalAlloc` asks of
// an allocator is what the system's gives; counting touches atomics only and neither allocates nor unwinds.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size(), 1);
        // SAFETY: the caller keeps to the contract of `GlobalAlloc::alloc`, which is that of the call.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size(), 1);
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        self.count(layout.size(), -1);
        // SAFETY: `place` came from this allocator with this layout, and so from the system's.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count(layout.size(), -1);
        self.count(size, 1);
        // SAFETY: as for `dealloc`; the caller keeps to what is asked of `size`.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// What was on the heap at some moment.
#[derive(Debug, Clone)]
pub(crate) struct Census {
    /// Blocks and bytes by class.
    classes: Vec<(i64, i64)>,
}

impl Census {
    /// Of an empty heap. All that a census needs is taken here, so that it does not count itself as new.
    pub(crate) fn empty() -> Self {
        Self { classes: vec![(0, 0); CLASSES] }
    }

    /// Counts what is there now.
    pub(crate) fn take(&mut self) {
        for (counted, class) in self.classes.iter_mut().zip(&HEAP.classes) {
            *counted = (class.blocks.load(Ordering::Relaxed), class.bytes.load(Ordering::Relaxed));
        }
    }

    /// Becomes the same as `other`, in its own place.
    pub(crate) fn copy(&mut self, other: &Self) {
        self.classes.copy_from_slice(&other.classes);
    }

    pub(crate) fn blocks(&self) -> i64 {
        self.classes.iter().map(|(blocks, _)| blocks).sum()
    }

    pub(crate) fn bytes(&self) -> i64 {
        self.classes.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Of what sizes there are more blocks than in `before`: how many more, and their bytes, most first.
    pub(crate) fn since(&self, before: &Self) -> Vec<(i64, i64)> {
        let pairs = self.classes.iter().zip(&before.classes);
        let mut more: Vec<_> = pairs.map(|(now, before)| (now.0 - before.0, now.1 - before.1)).collect();
        more.retain(|(blocks, _)| *blocks > 0);
        more.sort_by_key(|(blocks, _)| -blocks);
        more
    }
}

/// How many bytes the C library's allocator has given out, those of this program's blocks included.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn bytes_of_c() -> Option<u64> {
    // SAFETY: without conditions; it takes the allocator's own locks. The newer function with wider fields is not in every C library that
    // this runs on.
    let told = unsafe { libc::mallinfo() };
    Some(u64::from(told.uordblks.cast_unsigned()) + u64::from(told.hblkhd.cast_unsigned()))
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn bytes_of_c() -> Option<u64> {
    None
}

/// Has the C library's allocator give back to the system what it has but nobody uses.
pub(crate) fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: without conditions.
    unsafe {
        libc::malloc_trim(0)
    };
}

/// Takes memory from the C library, past the count of blocks, and never gives it back: what `--break leak-in-c` does.
#[cfg(unix)]
pub(crate) fn leak_in_c(bytes: usize) {
    // SAFETY: without conditions.
    black_box(unsafe { libc::malloc(bytes) });
}

#[cfg(not(unix))]
pub(crate) fn leak_in_c(_bytes: usize) {}

/// Takes pages from the system as for a stack, half of them a guard, and never gives them back: what `--break leak-pages` does.
#[cfg(unix)]
pub(crate) fn leak_pages() {
    /// Whole pages, however large these are.
    const GUARD_BYTES: usize = 64 << 10;
    const BYTES: usize = 2 * GUARD_BYTES;
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON);
    // SAFETY: a new mapping, wherever there is room.
    let place = unsafe { libc::mmap(ptr::null_mut(), BYTES, access, kind, -1, 0) };
    if place != libc::MAP_FAILED {
        // SAFETY: the mapping was made with so many bytes, to be written, and nobody else knows of it.
        unsafe { place.cast::<u8>().write_bytes(1, BYTES) };
        // SAFETY: the first half of the mapping, which nobody reads or writes any more.
        unsafe { libc::mprotect(place, GUARD_BYTES, libc::PROT_NONE) };
    }
}

#[cfg(not(unix))]
pub(crate) fn leak_pages() {}
