//! Threads of Apple's Grand Central Dispatch: the system's library on Apple systems, its port
//! elsewhere.
//!
//! The library is found at run time, so that one build works with and without it. Help runs on
//! strands, serial queues of the pool's own, as many as the pool has threads; a parallel-for is
//! `dispatch_apply_f` over stripes.
//!
//! What is the library's: when threads start and end, and which processor they run on. What is
//! ours: how many help loops run at once, in which order offers are taken, chunks, panics, forks.

mod error;
#[expect(unsafe_code, reason = "the library is called through C")]
mod library;
mod strands;

use std::fmt;
use std::sync::Arc;

pub use self::error::LibdispatchMissing;

use self::library::{GlobalQueue, Library};
use self::strands::Strands;
use super::{Help, QualityOfService, Workers, stripes};

/// Threads of libdispatch, the library of Apple's Grand Central Dispatch.
///
/// At most as many help loops run at once as there are threads to lend, whatever else the process
/// does with the library; they have threads of their own even when there are more than processors,
/// so tasks that wait for a device do not hold up others. (Elsewhere than on Apple systems the
/// library has 255 such threads per quality of service.) A thread is started when first needed;
/// when it has had nothing to do for a second it goes back to the library, which ends it some
/// seconds later.
///
/// [`apply`](Workers::apply) runs on the caller and at most as many other threads as there are to
/// lend, nor on more than there are processors. The caller starts alone where there are many
/// indices, so that a loop of a few microseconds wakes nobody. All indices are called even if some
/// panic, then the first panic is resumed. A parallel `apply` within another's body may be run by
/// its caller alone.
///
/// # Panics
/// The process ends when [`Help::help`] panics, against its contract: a panic cannot pass through
/// the library.
///
/// # Dropping
/// A drop does not wait: help loops that run go on to their end, and what was offered is still
/// helped.
///
/// # Forks
/// The library's threads do not exist in a forked child. There nothing is lent any more, and
/// `apply` is run by its caller alone; so work goes on, without the threads.
///
/// # Examples
/// ```
/// use millpond_workers::{GcdWorkers, QualityOfService, Workers};
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// match GcdWorkers::new(3, QualityOfService::Utility) {
///     Ok(workers) => {
///         let sum = AtomicUsize::new(0);
///         workers.apply(100, &|index| {
///             sum.fetch_add(index, Ordering::Relaxed);
///         });
///         assert_eq!(sum.into_inner(), 4950);
///     }
///     Err(error) => assert!(error.to_string().starts_with("loading libdispatch failed: tried `")),
/// }
/// ```
pub struct GcdWorkers {
    threads: usize,
    quality: QualityOfService,
    library: &'static Library,
    /// For `apply`.
    global: GlobalQueue,
    /// For `lend`.
    strands: Strands,
}

impl GcdWorkers {
    /// Up to `threads` threads of libdispatch, at work with the given urgency. None is started
    /// before it is needed.
    ///
    /// The library is searched for where the system keeps it; the environment variable
    /// `MILLPOND_LIBDISPATCH` names another file, and nothing else is tried then.
    ///
    /// # Errors
    /// [`LibdispatchMissing`] when the library is not found or is not libdispatch; the text says
    /// what was tried and what to install.
    pub fn new(threads: usize, quality: QualityOfService) -> Result<Self, LibdispatchMissing> {
        let library = Library::get()?;
        let global = library.global_queue(quality);
        let strands = Strands::new(library, threads, quality);
        Ok(Self { threads, quality, library, global, strands })
    }

    /// How urgent the work of these threads is to the system.
    #[must_use]
    pub fn quality_of_service(&self) -> QualityOfService {
        self.quality
    }
}

impl Workers for GcdWorkers {
    fn lend(&self, count: usize, job: Arc<dyn Help>) {
        // Subtle: asked before any lock is touched, since a thread that is not in this process may
        // hold it.
        if self.library.is_usable() {
            self.strands.offer(count, job);
        }
    }

    fn apply(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        let width = count.min(self.threads + 1);
        stripes::apply(count, width, body, |stripe| {
            if self.library.is_usable() {
                self.global.apply(width, &|_| stripe());
            } else {
                stripe();
            }
        });
    }

    fn avoid(&self, processor: usize) {
        if self.library.is_usable() {
            self.strands.avoid(processor);
        }
    }

    fn threads(&self) -> usize {
        self.threads
    }
}

impl Drop for GcdWorkers {
    fn drop(&mut self) {
        // Subtle: not in a forked child, for the same reason as in `lend`.
        if self.library.is_usable() {
            self.strands.release();
        }
    }
}

impl fmt::Debug for GcdWorkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcdWorkers")
            .field("threads", &self.threads)
            .field("quality_of_service", &self.quality)
            .field("library", &self.library.path())
            .field("busy", &self.strands.busy())
            .finish()
    }
}
