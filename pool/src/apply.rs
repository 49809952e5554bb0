//! The pool's parallel-for.
//!
//! Chunks are handed out here ([`stripes`]), so any workers need only bring threads; whoever calls takes part. Nothing of
//! a graph is touched: the pool lends its size and its threads.

use std::ops::Range;

use crate::pool::ScopedPool;
use millpond_workers::placement;
use millpond_workers::stripes;

impl ScopedPool<'_> {
    /// Calls `body` with each number of `range`, each once, in any order, on as many threads as the pool has workers, the calling one
    /// among them; returns when all calls have. In serial mode the caller does it alone, in order.
    ///
    /// Numbers are handed out in chunks that size themselves by the time that they take, so a body of a nanosecond is as fine as
    /// one of a second. A loop of a few microseconds wakes nobody. Where other threads of the pool are at work, the caller does not wait
    /// for them to be free.
    ///
    /// This needs no graph and is in no graph: it does not read, and what is being read goes on beside it. A body may apply and read
    /// itself. In a forked child the caller does it alone.
    ///
    /// # Panics
    /// With the first panic of `body`, after all other numbers were called.
    ///
    /// # Blocking
    /// Until all calls have returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let sum = AtomicUsize::new(0);
    /// millpond_pool::Pool::new(2).apply(1..101, |number| {
    ///     sum.fetch_add(number, Ordering::Relaxed);
    /// });
    /// assert_eq!(sum.into_inner(), 5050);
    /// ```
    pub fn apply(&self, range: Range<usize>, body: impl Fn(usize) + Sync) {
        let (start, count) = (range.start, range.len());
        // Subtle: asked before a lock is touched, which a thread that is not in this process may hold.
        let width = if self.core().is_of_this_process() { self.size().min(count) } else { 1 };
        stripes::apply(count, width, &|index| body(start + index), |stripe| match self.workers() {
            Some(workers) => {
                if placement::has_room_for(width) {
                    workers.avoid(placement::current());
                }
                workers.apply(width, &|_| stripe());
            }
            None => stripe(),
        });
    }
}
