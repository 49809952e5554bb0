//! What a party does before it sleeps: it pauses without looking, and then looks a few times.
//!
//! Subtle: a look takes the cache line away from the other side, which then gets one item done per look; one that is let
//! alone gets hundreds done, and then both sides work at a distance from each other. The pause grows while bursts come, and
//! shrinks to half a microsecond where single items do.

use millpond_sync::Deadline;
use millpond_sync::shim::atomic::{AtomicU32, Ordering};

/// How many times a party looks again, and gives the processor away, before it blocks.
const ROUNDS: u32 = 12;
/// For how many spins it pauses before it looks for the first time; each takes some 25 ns.
const SHORTEST_PAUSE: u32 = 20;
const LONGEST_PAUSE: u32 = 128;
/// How many items that come in one pause make a longer one worth it.
const BURST: usize = 16;

/// How long one side pauses, by what came in its last pause.
#[derive(Debug)]
pub(crate) struct Patience(AtomicU32);

impl Patience {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(SHORTEST_PAUSE))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(SHORTEST_PAUSE))
    }

    /// Looks again a few times, whether there are `enough` of what `progress` counts, or it `is_over`. There is room for
    /// `capacity`.
    pub(crate) fn spin(
        &self,
        capacity: usize,
        deadline: Deadline,
        enough: usize,
        progress: impl Fn() -> usize,
        is_over: impl Fn() -> bool,
    ) {
        if cfg!(any(loom, shuttle)) || deadline.has_passed() || millpond_sync::host::is_hosted() {
            return;
        }
        // A bounded queue is full, or empty, after as many items.
        let most = u32::try_from(capacity / 3).unwrap_or(u32::MAX).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let pause = self.0.load(Ordering::Relaxed).clamp(SHORTEST_PAUSE, most);
        (0..pause).for_each(|_| std::hint::spin_loop());
        let next = if progress() >= BURST { pause * 2 } else { pause / 2 };
        self.0.store(next, Ordering::Relaxed);
        for _ in 0..ROUNDS {
            if progress() >= enough || is_over() || deadline.has_passed() {
                return;
            }
            std::thread::yield_now();
        }
    }
}
