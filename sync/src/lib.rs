//! How millpond waits.
//!
//! One [`WaitList`] serves threads and futures alike: a waiter is a [`std::task::Waker`], and a blocked thread is a
//! waker too (its [`Parker`]). Waiters stand in one first-in-first-out list, leave it in constant time when a wait is
//! cancelled or times out, and a notification that hit a waiter which then goes away is passed on to the next: never
//! lost, never doubled.
//!
//! The locks are built on [`Grants`], whose waiters are given what they wait for. They serve threads and tasks at once:
//! [`Mutex`], [`Semaphore`], [`Event`], [`Condvar`]; [`Select`] waits for the first of several. [`RawMutex`] is for bindings.
//!
//! The protocols, their states and why no wake-up and no grant is lost are in `README.md` beside this crate.
//!
//! # Examples
//!
//! ```
//! use millpond_sync::WaitList;
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! let (list, gate) = (WaitList::new(), AtomicU32::new(0));
//! std::thread::scope(|scope| {
//!     scope.spawn(|| {
//!         gate.store(7, Ordering::Relaxed);
//!         list.notify_one();
//!     });
//!     let seen = list.wait_until(|| Some(gate.load(Ordering::Relaxed)).filter(|&value| value != 0));
//!     assert_eq!(seen, 7);
//! });
//! ```

mod around;
mod claim;
mod condvar;
mod deadline;
mod entries;
mod event;
mod granting;
mod grants;
#[expect(unsafe_code, reason = "the one place where a value is reached behind a lock")]
mod guard;
pub mod host;
mod mutex;
mod owner;
mod parker;
mod permit;
mod policy;
mod raw_mutex;
mod select;
mod semaphore;
pub mod shim;
mod state;
mod wait;
mod wait_list;
mod waiter;

pub use around::{AroundWait, set_around_wait, waiting};
pub use condvar::{Condvar, Notified, Relay};
pub use deadline::Deadline;
pub use event::Event;
pub use granting::{Granting, TurnOf, Waiting};
#[cfg(loom)]
pub use grants::{GrantFault, break_grants};
pub use grants::{Grants, Turn};
pub use guard::{Access, Acquiring, Alone, Guard, Lock, MappedGuard};
pub use mutex::{ArcMutexGuard, Exclusively, MappedMutexGuard, Mutex, MutexGuard};
pub use owner::Owner;
pub use parker::{Nested, Parker};
pub use permit::{ArcPermit, Permit, PermitOf};
pub use policy::{OVERTAKEN, Policy};
pub use raw_mutex::{NotOwner, RawMutex, Wish};
pub use select::{Select, SelectAsync, Selectable};
pub use semaphore::{AcquireError, AcquirePermit, Closed, Request, Semaphore};
pub use state::{WaiterEvent, WaiterState, Wakes};
pub use wait::{WaitAsync, wait_on_any};
#[cfg(loom)]
pub use wait_list::Fault;
pub use wait_list::{Left, Ticket, WaitList};
pub use waiter::Waiter;
