//! Who runs a thread: the operating system, or something that stands in for it.
//!
//! A [`Host`] is what a thread gets from whoever runs it: a clock, sleep, a parker. A simulation is
//! a host that runs several threads in turns. It also learns at [steps](step) where a thread is,
//! and says at [calls](call) what goes wrong. An interpreter is a host too: its threads let go of a
//! lock while they wait.
//!
//! There are two places for a host:
//!
//! * [`replace`] gives one to the calling thread, which asks it for everything. It exists with the
//!   feature `simulation`.
//! * [`set_process_host`] names one for all threads of the process that have none of their own.
//!   They ask it for [waits](Host::wait) alone; their clock and their steps are the system's.
//!
//! What this costs: without the feature, the functions here are empty or the system's, and inlined.
//! With it, a load of a counter says whether any thread of the process has a host, and only if one
//! does a thread-local flag whether it is this one.
//!
//! A **step** stands where another thread could change something between two things that this one
//! does, and where no lock, no guard and no borrow of the engine's own is held: a thread that runs
//! next would wait for it for ever.
//!
//! This module knows neither how a host switches threads nor what its callers do. The names of
//! steps are theirs.

mod call;
mod process;
mod site;
mod thread;

pub use self::call::{Call, Fault};
pub use self::process::{set_process_host, wait_in_process};
pub use self::site::{Place, Site};
pub use self::thread::*;

use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::local::Locals;
use crate::parker::Parker;
use crate::shim;

/// What a thread gets from whoever runs it. See the [module documentation](self).
///
/// All methods have defaults: what the operating system does.
pub trait Host {
    /// This moment, by the host's clock.
    fn now(&self) -> Instant {
        shim::clock::now()
    }

    /// The parker of the thread that runs now, where the host has one for it.
    fn parker(&self) -> Option<Rc<Parker>> {
        None
    }

    /// The [locals](crate::Local) of the thread that runs now, where the host keeps them apart from
    /// those of the system's thread.
    fn locals(&self) -> Option<Rc<Locals>> {
        None
    }

    /// Runs others until the waker of `parker`, the one of the thread that runs now, was called
    /// (true) or the clock shows `until` (false); `None` for never.
    fn park(&self, parker: &Parker, until: Option<Instant>) -> bool {
        parker.sleep(until, &mut |sleep| self.wait(sleep))
    }

    /// Runs others for this long.
    fn sleep(&self, duration: Duration) {
        self.wait(&mut || shim::thread::sleep(duration));
    }

    /// 64 random bits.
    fn random(&self) -> u64 {
        random_of_system()
    }

    /// Lets go of what the thread holds and others may need, calls `wait` once, and takes it up
    /// again.
    ///
    /// Called for waits that may last, never under a lock of this library.
    fn wait(&self, wait: &mut dyn FnMut()) {
        wait();
    }

    /// Another thread may have its turn here.
    fn step(&self, _site: Site, _place: Option<Place<'_>>) {}

    /// The thread looks again and again at what others change: they go on now.
    fn give_way(&self) {}

    /// An operation of a user's is over, and so is what it lets others do meanwhile.
    fn returns(&self) {}

    /// A future is pending; `waker` wakes whoever polls it.
    fn pending(&self, _waker: &Waker) {}

    /// A function is about to be called: time passes. Gives what goes wrong.
    fn call(&self, _call: &Call<'_>) -> Option<Fault> {
        None
    }

    /// The function of this name has not begun so many of the items that it was given, and is given
    /// them again.
    fn not_called(&self, _name: &str, _items: usize) {}

    /// Whether nobody else will run any more.
    fn is_over(&self) -> bool {
        false
    }
}

/// 64 random bits of the system's.
fn random_of_system() -> u64 {
    // The keys of a hasher are random, and no two hashers of a thread have the same.
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ())
}
