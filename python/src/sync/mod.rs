//! Locks, semaphores, events and queues: `millpond.sync`.
//!
//! What waits is one of three: a thread (`blocking.rs`), a greenlet, or a task of an event loop
//! (`wait.rs`, `hub.rs`). All stand in the list of the primitive, which the crate `sync` has. No
//! Python code runs under a primitive's lock, and whoever changes one is attached, so the garbage
//! collector finds these locks free.

mod ask;
mod blocking;
mod countdown;
mod event;
mod hub;
mod limiter;
mod lock;
mod queue;
mod reentrant;
mod rw_lock;
mod semaphore;
mod time;
mod turns;
mod unit;
mod wait;

pub(crate) use countdown::CountdownEvent;
pub(crate) use event::Event;
pub(crate) use hub::{Flush, Hub};
pub(crate) use limiter::Limiter;
pub(crate) use lock::Lock;
pub(crate) use queue::Queue;
pub(crate) use reentrant::RLock;
pub(crate) use rw_lock::RWLock;
pub(crate) use semaphore::Semaphore;
pub(crate) use turns::{_is_turn_over, _set_checkpoints, Ready};
pub(crate) use unit::{_current_unit, _forked, _ident_of};
pub(crate) use wait::Wait;

pub(crate) mod errors {
    pyo3::import_exception!(millpond.sync._errors, ClosedError);
    pyo3::import_exception!(millpond.sync._errors, PoisonedError);
}
