//! On which processors helpers run.
//!
//! A thread that is woken is often put on the processor of the thread that wakes it, in virtual machines above all, where an
//! idle processor looks to the kernel like one that the host has taken away. A helper there waits until its reader is done, or
//! takes turns with it (measured: 16 chunks of 20 µs after a pause of 1 ms in 340 to 410 µs, against 330 by the reader alone).
//! So the threads of a pool with no more workers than there are processors are kept off the one that the reader runs on when it asks
//! for help. A reader that awaits does not run, so nothing is kept off then.

#![allow(unsafe_code, reason = "the C library says where threads run and may run")]

use std::sync::OnceLock;
use std::thread;

/// Stands for no processor.
pub(crate) const NOWHERE: usize = usize::MAX;

/// Whether `workers` can each have a processor of their own, and there are several.
pub(crate) fn has_room_for(workers: usize) -> bool {
    static COUNT: OnceLock<usize> = OnceLock::new();
    let count = *COUNT.get_or_init(|| thread::available_parallelism().map_or(1, usize::from));
    (2..=count).contains(&workers)
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{Allowed, Thread, current};

#[cfg(target_os = "linux")]
mod linux {
    use super::NOWHERE;

    /// The number of the processor that the calling thread runs on.
    pub(crate) fn current() -> usize {
        // SAFETY: takes no arguments and has no preconditions.
        usize::try_from(unsafe { libc::sched_getcpu() }).unwrap_or(NOWHERE)
    }

    /// A thread as the kernel numbers them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Thread(libc::pid_t);

    impl Thread {
        pub(crate) fn current() -> Self {
            // SAFETY: takes no arguments and has no preconditions.
            Self(unsafe { libc::gettid() })
        }
    }

    /// The processors that the threads of a pool may run on.
    #[derive(Clone, Copy)]
    pub(crate) struct Allowed(Option<libc::cpu_set_t>);

    impl Allowed {
        /// Those of the calling thread.
        pub(crate) fn of_current_thread() -> Self {
            // SAFETY: a set of processors is plain bits, for which all zeros is the empty set.
            let mut allowed: libc::cpu_set_t = unsafe { std::mem::zeroed() };
            // SAFETY: `allowed` has the size that is passed along; 0 is the calling thread.
            let failed = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut allowed) };
            Self((failed == 0).then_some(allowed))
        }

        /// How many they are.
        #[cfg(all(test, feature = "gcd"))]
        pub(crate) fn count(&self) -> Option<usize> {
            // SAFETY: counts the bits of a set.
            self.0.map(|allowed| usize::try_from(unsafe { libc::CPU_COUNT(&allowed) }).unwrap_or(0))
        }

        /// Lets `thread` run on all of them but `avoided`; on all where that would leave none.
        pub(crate) fn grant(&self, thread: Thread, avoided: usize) {
            let Some(allowed) = self.0 else { return };
            let mut others = allowed;
            if avoided < 8 * size_of::<libc::cpu_set_t>() {
                // SAFETY: `avoided` is less than the number of bits.
                unsafe { libc::CPU_CLR(avoided, &mut others) };
            }
            // SAFETY: counts the bits of a set.
            let granted = if unsafe { libc::CPU_COUNT(&others) } == 0 { allowed } else { others };
            // A hint: a thread that has ended meanwhile, or a refusal, changes nothing that matters.
            // SAFETY: `granted` has the size that is passed along, and the call does nothing but set where a thread may run.
            let _ = unsafe { libc::sched_setaffinity(thread.0, size_of::<libc::cpu_set_t>(), &raw const granted) };
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Allowed, Thread, current};

/// Systems that do not let a program choose: nothing is kept off.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::NOWHERE;

    pub(crate) fn current() -> usize {
        NOWHERE
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Thread;

    impl Thread {
        pub(crate) fn current() -> Self {
            Self
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Allowed;

    impl Allowed {
        pub(crate) fn of_current_thread() -> Self {
            Self
        }

        pub(crate) fn grant(&self, _thread: Thread, _avoided: usize) {}
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_kept_off_a_processor_if_there_is_another_and_let_back() {
        thread::spawn(|| {
            let (allowed, thread) = (Allowed::of_current_thread(), Thread::current());
            for _ in 0..20 {
                let before = current();
                allowed.grant(thread, before);
                assert!(current() != before || !has_room_for(2));
                allowed.grant(thread, NOWHERE);
            }
        })
        .join()
        .expect("nobody fails to move");
    }
}
