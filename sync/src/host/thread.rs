//! What the calling thread asks of its host.

use std::time::Duration;

#[cfg(any(not(feature = "simulation"), loom, shuttle))]
mod system {
    use std::task::Waker;
    use std::time::{Duration, Instant};

    use super::super::{Call, Fault, Place, Site};

    /// This moment.
    #[inline(always)]
    #[must_use]
    pub fn now() -> Instant {
        crate::shim::clock::now()
    }

    /// Whether the thread has a host of its own: it has none.
    #[inline(always)]
    #[must_use]
    pub const fn is_hosted() -> bool {
        false
    }

    /// Nothing: the system switches when it likes.
    #[inline(always)]
    pub fn step(_site: Site) {
        #[cfg(shuttle)]
        trace(_site, None);
    }

    /// Nothing: the system switches when it likes.
    #[inline(always)]
    pub fn step_at<'a>(_place: impl FnOnce() -> Option<Place<'a>>, _site: Site) {
        #[cfg(shuttle)]
        trace(_site, _place());
    }

    /// Prints what is about to happen, for a schedule that is run again to be read.
    #[cfg(shuttle)]
    fn trace(site: Site, place: Option<Place<'_>>) {
        use std::sync::LazyLock;
        static IS_TRACED: LazyLock<bool> = LazyLock::new(|| std::env::var_os("SHUTTLE_TRACE").is_some());
        if *IS_TRACED {
            let at = place.map(|place| place.name);
            eprintln!("{:?} {site} {}", shuttle::current::me(), at.map_or("", |name| name));
        }
    }

    /// Nothing: the system lets others go on. Returns whether a host did.
    #[inline(always)]
    pub fn give_way() -> bool {
        false
    }

    /// Nothing goes wrong.
    #[inline(always)]
    pub fn call<'a>(_call: impl FnOnce() -> Option<Call<'a>>) -> Option<Fault> {
        None
    }

    /// Nothing.
    #[inline(always)]
    pub fn not_called(_name: &str, _items: usize) {}

    /// Whether nobody else will run any more: others always do.
    #[inline(always)]
    #[must_use]
    pub const fn is_over() -> bool {
        false
    }

    /// Nothing: whoever polls lets others go on.
    #[inline(always)]
    pub fn pending(_waker: &Waker) {}

    #[inline(always)]
    pub(super) fn returns() {}

    #[inline(always)]
    pub(super) fn sleep(duration: Duration) {
        super::super::wait_in_process(|| crate::shim::thread::sleep(duration));
    }

    /// Waits: calls `wait` once, within what the thread's host does around waits.
    #[inline]
    pub fn wait<R>(wait: impl FnOnce() -> R) -> R {
        super::super::wait_in_process(wait)
    }
}

#[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
mod hosted {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;
    use std::time::{Duration, Instant};

    use super::super::{Call, Fault, Host, Place, Site, wait_in_process};

    /// How many threads have a host. In a library that is loaded at run time a thread-local costs a
    /// call, so this is looked at first. A thread sees what it has added itself, which is all that
    /// it asks about.
    static HOSTED: AtomicUsize = AtomicUsize::new(0);

    thread_local! {
        /// Whether there is a host: what is looked at where there is none.
        static IS_HOSTED: Cell<bool> = const { Cell::new(false) };
        static HOST: RefCell<Option<Rc<dyn Host>>> = const { RefCell::new(None) };
    }

    /// Installs or removes the calling thread's host and returns the one before.
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

    /// Whether the thread has a host of its own.
    #[inline(always)]
    #[must_use]
    pub fn is_hosted() -> bool {
        HOSTED.load(Ordering::Relaxed) > 0 && IS_HOSTED.get()
    }

    /// The calling thread's host.
    #[inline]
    #[must_use]
    pub fn current() -> Option<Rc<dyn Host>> {
        if is_hosted() { look_up() } else { None }
    }

    #[cold]
    fn look_up() -> Option<Rc<dyn Host>> {
        // A thread whose thread-locals are being destroyed is the system's again.
        HOST.try_with(|host| host.borrow().clone()).ok().flatten()
    }

    /// This moment, by the clock of whoever runs the calling thread.
    #[inline]
    #[must_use]
    pub fn now() -> Instant {
        current().map_or_else(Instant::now, |host| host.now())
    }

    /// A place where a host may give another thread its turn.
    #[inline]
    pub fn step(site: Site) {
        if let Some(host) = current() {
            host.step(site, None);
        }
    }

    /// The same at what `place` gives, which is asked only where there is a host.
    #[inline]
    pub fn step_at<'a>(place: impl FnOnce() -> Option<Place<'a>>, site: Site) {
        if let Some(host) = current() {
            host.step(site, place());
        }
    }

    /// Lets others go on while this thread looks again and again at what they change. Returns
    /// whether a host did.
    #[inline]
    pub fn give_way() -> bool {
        let host = current();
        host.as_ref().inspect(|host| host.give_way()).is_some()
    }

    /// A function is about to be called: where there is a host time passes. Returns what goes
    /// wrong.
    #[inline]
    pub fn call<'a>(call: impl FnOnce() -> Option<Call<'a>>) -> Option<Fault> {
        let host = current()?;
        host.call(&call()?)
    }

    /// The function of this name has not begun so many of the items that it was given, and is given
    /// them again.
    #[inline]
    pub fn not_called(name: &str, items: usize) {
        if let Some(host) = current() {
            host.not_called(name, items);
        }
    }

    /// Whether nobody else will run any more.
    #[inline]
    #[must_use]
    pub fn is_over() -> bool {
        current().is_some_and(|host| host.is_over())
    }

    /// A future is pending; `waker` wakes whoever polls it.
    #[inline]
    pub fn pending(waker: &Waker) {
        if let Some(host) = current() {
            host.pending(waker);
        }
    }

    #[inline]
    pub(super) fn returns() {
        if let Some(host) = current() {
            host.returns();
        }
    }

    pub(super) fn sleep(duration: Duration) {
        match current() {
            Some(host) => host.sleep(duration),
            None => wait_in_process(|| std::thread::sleep(duration)),
        }
    }

    /// Waits: calls `wait` once, within what the thread's host does around waits.
    ///
    /// # Panics
    /// When the host does not call its argument.
    #[inline]
    pub fn wait<R>(wait: impl FnOnce() -> R) -> R {
        let Some(host) = current() else { return wait_in_process(wait) };
        let (mut wait, mut result) = (Some(wait), None);
        host.wait(&mut || result = wait.take().map(|wait| wait()));
        result.expect("a host calls what waits")
    }
}

#[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
pub use hosted::*;
#[cfg(any(not(feature = "simulation"), loom, shuttle))]
pub use system::*;

/// Whether threads take turns and a wake-up costs nothing: with a host, and under a model checker.
#[inline(always)]
#[must_use]
pub fn is_simulated() -> bool {
    cfg!(any(loom, shuttle)) || is_hosted()
}

/// Sleeps by the clock of whoever runs the thread.
///
/// # Blocking
/// For this long.
pub fn sleep(duration: Duration) {
    #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
    hosted::sleep(duration);
    #[cfg(any(not(feature = "simulation"), loom, shuttle))]
    system::sleep(duration);
}

/// 64 random bits, which its seed decides in a simulation.
#[must_use]
pub fn random() -> u64 {
    #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
    if let Some(host) = current() {
        return host.random();
    }
    super::random_of_system()
}

/// An operation of a user's, which is over when this is dropped: then others may have their turn.
#[derive(Debug)]
pub struct Operation;

impl Drop for Operation {
    #[inline]
    fn drop(&mut self) {
        #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
        hosted::returns();
        #[cfg(any(not(feature = "simulation"), loom, shuttle))]
        system::returns();
    }
}
