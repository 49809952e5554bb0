//! Whether this process is the one that made a pool.
//!
//! A child of `fork` has a copy of the pool's memory but none of its threads, and locks may be held
//! by threads that are not there. So a pool remembers the process that made it and refuses to work
//! in another. The check costs a load: a handler that the C library runs in the child counts forks.

#![allow(unsafe_code, reason = "pthread_atfork is a C function")]

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many forks lie between the first process and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// A process, as told apart from its forked children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// The process that calls.
    pub fn current() -> Self {
        static WATCH: Once = Once::new();
        WATCH.call_once(watch);
        Self(FORKS.load(Ordering::Relaxed))
    }

    /// Whether the caller runs in this process and not in a child of it.
    #[inline]
    pub fn is_current(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }
}

#[cfg(unix)]
fn watch() {
    extern "C" fn in_child() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: `in_child` is a function of the program's whole life that only adds to an atomic,
    // which is allowed between `fork` and `exec`. A failure (no memory) leaves forks uncounted,
    // which the caller could not mend either.
    let _ = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
}

#[cfg(not(unix))]
fn watch() {}
