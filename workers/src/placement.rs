//! On which processors helpers wake.
//!
//! A thread that is woken is often put on the processor of the thread that wakes it, in virtual
//! machines above all, where an idle processor looks to the kernel like one that the host has taken
//! away. A helper there waits until its reader is done, or takes turns with it (measured: 16 chunks
//! of 20 µs after a pause of 1 ms in 330 to 410 µs, against 330 by the reader alone). So the
//! threads of a pool with no more workers than there are processors are kept off the one that the
//! reader runs on **while they are woken**: the kernel chooses the processor within the call that
//! wakes. Before and after it a thread may run wherever it could, so that nothing that it runs or
//! starts ever sees fewer processors. A reader that awaits does not run, so nothing is kept off
//! then.

#![allow(unsafe_code, reason = "the C library says where threads run and may run")]

use std::sync::OnceLock;
use std::thread;

/// Stands for no processor.
pub const NOWHERE: usize = usize::MAX;

/// How many processors there are.
fn count() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Whether `workers` can each have a processor of their own, and there are several.
#[must_use]
pub fn has_room_for(workers: usize) -> bool {
    (2..=count()).contains(&workers)
}

/// Whether there are more `workers` than processors.
#[must_use]
pub fn is_crowded(workers: usize) -> bool {
    workers > count()
}

#[cfg(target_os = "linux")]
pub use linux::{Thread, current, keep_off};

#[cfg(target_os = "linux")]
mod linux {
    use smallvec::SmallVec;

    use super::NOWHERE;

    /// The number of the processor that the calling thread runs on.
    #[must_use]
    pub fn current() -> usize {
        // SAFETY: takes no arguments and has no preconditions.
        usize::try_from(unsafe { libc::sched_getcpu() }).unwrap_or(NOWHERE)
    }

    /// A thread as the kernel numbers them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Thread(libc::pid_t);

    impl Thread {
        /// The calling one.
        #[must_use]
        pub fn current() -> Self {
            // SAFETY: takes no arguments and has no preconditions.
            Self(unsafe { libc::gettid() })
        }

        /// The processors that it may run on.
        fn allowed(self) -> Option<libc::cpu_set_t> {
            // SAFETY: a set of processors is plain bits, for which all zeros is the empty set.
            let mut allowed: libc::cpu_set_t = unsafe { std::mem::zeroed() };
            // SAFETY: `allowed` has the size that is passed along.
            let failed = unsafe { libc::sched_getaffinity(self.0, size_of::<libc::cpu_set_t>(), &raw mut allowed) };
            (failed == 0).then_some(allowed)
        }

        /// Says on which processors it may run; whether the kernel agrees.
        fn allow(self, allowed: &libc::cpu_set_t) -> bool {
            // SAFETY: `allowed` has the size that is passed along, and the call does nothing but
            // set where a thread may run.
            unsafe { libc::sched_setaffinity(self.0, size_of::<libc::cpu_set_t>(), allowed) == 0 }
        }

        /// Keeps it off `processor`, where it may run on others; returns where it could run before.
        fn keep_off(self, processor: usize) -> Option<libc::cpu_set_t> {
            let allowed = if processor < 8 * size_of::<libc::cpu_set_t>() { self.allowed()? } else { return None };
            let mut others = allowed;
            // SAFETY: `processor` is less than the number of bits.
            unsafe { libc::CPU_CLR(processor, &mut others) };
            // SAFETY: counts the bits of a set.
            let has_others = unsafe { libc::CPU_COUNT(&others) } > 0;
            // A set that the kernel refuses, for processors that have gone, was not changed.
            (has_others && self.allow(&others)).then_some(allowed)
        }
    }

    /// Threads that are kept off a processor, until dropped.
    struct KeptOff(SmallVec<[(Thread, libc::cpu_set_t); 1]>);

    impl Drop for KeptOff {
        fn drop(&mut self) {
            for (thread, allowed) in &self.0 {
                let _ = thread.allow(allowed);
            }
        }
    }

    /// Runs `wake` while `threads` are kept off `processor`, those that may run elsewhere.
    /// [`NOWHERE`] costs nothing.
    pub fn keep_off(processor: usize, threads: impl Iterator<Item = Thread>, wake: impl FnOnce()) {
        let kept_off = threads.filter_map(|thread| Some((thread, thread.keep_off(processor)?)));
        let _kept_off = KeptOff(kept_off.collect());
        wake();
    }
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Thread, current, keep_off};

/// Systems that do not let a program choose: nothing is kept off.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::NOWHERE;

    /// The number of the processor that the calling thread runs on: it is not told.
    #[must_use]
    pub fn current() -> usize {
        NOWHERE
    }

    /// A thread.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Thread;

    impl Thread {
        /// The calling one.
        #[must_use]
        pub fn current() -> Self {
            Self
        }
    }

    /// Runs `wake`.
    pub fn keep_off(_processor: usize, _threads: impl Iterator<Item = Thread>, wake: impl FnOnce()) {
        wake();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_kept_off_a_processor_only_while_it_is_woken() {
        let all = thread::available_parallelism().map_or(1, usize::from);
        thread::spawn(move || {
            for _ in 0..20 {
                let before = current();
                keep_off(before, [Thread::current()].into_iter(), || {
                    assert!(current() != before || all == 1);
                    assert_eq!(thread::available_parallelism().map_or(1, usize::from), (all - 1).max(1));
                });
                assert_eq!(thread::available_parallelism().map_or(1, usize::from), all);
            }
        })
        .join()
        .expect("nobody fails to move");
    }
}
