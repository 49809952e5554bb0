//! Who runs the current thread: the operating system, or a simulation that runs several threads in it.
//!
//! Everything in this crate that reads a clock or puts a thread to sleep asks here first. A thread without a host is the
//! system's, and the question is one load of a thread-local flag; without the feature `simulation` it is not even asked.
//!
//! A host runs threads of its own making in turns within the one that it is installed in, so each has a [`Parker`](crate::Parker) of its own,
//! and whoever parks is switched away from instead of sleeping. This module knows nothing of how that is done.

#[cfg(any(not(feature = "simulation"), loom, shuttle))]
mod system {
    use std::time::Instant;

    /// This moment.
    #[inline(always)]
    #[must_use]
    pub fn now() -> Instant {
        crate::shim::clock::now()
    }

    /// Whether other threads run while this one spins: always.
    #[inline(always)]
    #[must_use]
    pub fn runs_others_meanwhile() -> bool {
        true
    }

    /// Nothing: the system switches when it likes.
    #[inline(always)]
    pub(crate) fn step() {}
}

#[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
mod hosted {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use crate::deadline::Deadline;
    use crate::parker::Parker;

    /// What stands in for the operating system in a thread. See the [module documentation](super).
    pub trait Host {
        /// This moment, by the host's clock.
        fn now(&self) -> Instant;

        /// The parker of the simulated thread that runs now.
        fn parker(&self) -> Rc<Parker>;

        /// Runs others until the waker of `parker`, the one that runs now, was called (true) or the deadline has passed (false).
        fn park(&self, parker: &Parker, deadline: Deadline) -> bool;

        /// Runs others for this long.
        fn sleep(&self, duration: Duration);

        /// A place where another thread may have its turn.
        fn step(&self);
    }

    /// How many threads have a host. In a library that is loaded at run time a thread-local costs a call, so this is looked at first. A thread
    /// sees what it has added itself, which is all that it asks about.
    static HOSTED: AtomicUsize = AtomicUsize::new(0);

    thread_local! {
        /// Whether there is a host: what is looked at where there is none.
        static IS_HOSTED: Cell<bool> = const { Cell::new(false) };
        static HOST: RefCell<Option<Rc<dyn Host>>> = const { RefCell::new(None) };
    }

    /// Installs or removes the calling thread's host and gives the one before.
    pub fn replace(host: Option<Rc<dyn Host>>) -> Option<Rc<dyn Host>> {
        let is_hosted = host.is_some();
        if IS_HOSTED.replace(is_hosted) != is_hosted {
            if is_hosted {
                HOSTED.fetch_add(1, Ordering::Relaxed);
            } else {
                HOSTED.fetch_sub(1, Ordering::Relaxed);
            }
        }
        HOST.with_borrow_mut(|place| std::mem::replace(place, host))
    }

    /// Whether any thread of the process has a host; where none has, the calling one has none.
    #[inline(always)]
    #[must_use]
    pub fn is_any() -> bool {
        HOSTED.load(Ordering::Relaxed) > 0
    }

    /// The calling thread's host.
    #[inline]
    #[must_use]
    pub fn current() -> Option<Rc<dyn Host>> {
        if is_any() { look_up() } else { None }
    }

    #[cold]
    fn look_up() -> Option<Rc<dyn Host>> {
        // A thread whose thread-locals are being destroyed is the system's again.
        if IS_HOSTED.get() { HOST.try_with(|host| host.borrow().clone()).ok().flatten() } else { None }
    }

    /// This moment, by the clock of whoever runs the calling thread.
    #[inline]
    #[must_use]
    pub fn now() -> Instant {
        if is_any() { look_up().map_or_else(Instant::now, |host| host.now()) } else { Instant::now() }
    }

    /// Whether other threads run while this one spins; where they take turns with it, they do not.
    #[inline]
    #[must_use]
    pub fn runs_others_meanwhile() -> bool {
        !(is_any() && IS_HOSTED.get())
    }

    /// A place where a host may give another thread its turn.
    #[inline]
    pub(crate) fn step() {
        if let Some(host) = current() {
            host.step();
        }
    }
}

#[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
pub use hosted::*;
#[cfg(any(not(feature = "simulation"), loom, shuttle))]
pub use system::*;
