//! Which simulation a thread is in.

use std::cell::RefCell;
use std::rc::Rc;

use millpond_sync::host::{self, Host};

use super::scheduler::Scheduler;

thread_local! {
    /// The simulation that the calling thread is in.
    static CURRENT: RefCell<Option<Rc<Scheduler>>> = const { RefCell::new(None) };
}

/// The scheduler of the calling thread's simulation.
#[inline]
pub(super) fn scheduler() -> Option<Rc<Scheduler>> {
    if host::is_hosted() { look_up() } else { None }
}

#[cold]
fn look_up() -> Option<Rc<Scheduler>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Makes the calling thread, which is in no simulation, one of this one's.
pub(super) fn install(scheduler: &Rc<Scheduler>) {
    host::replace(Some(Rc::clone(scheduler) as Rc<dyn Host>));
    CURRENT.set(Some(Rc::clone(scheduler)));
}

/// Takes the calling thread out of its simulation.
pub(super) fn remove() {
    drop(host::replace(None));
    drop(CURRENT.take());
}

/// The calling thread runs a job of a simulation, until this is dropped.
struct Within;

/// Makes the calling thread one of a simulation's while it calls `work`.
pub(super) fn enter(scheduler: &Rc<Scheduler>, work: &mut dyn FnMut()) {
    install(scheduler);
    let _within = Within;
    work();
}

impl Drop for Within {
    fn drop(&mut self) {
        remove();
    }
}
