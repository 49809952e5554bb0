//! How millpond waits.
//!
//! One [`WaitList`] serves threads and futures alike: a waiter is a [`std::task::Waker`], and a blocked thread is a
//! waker too (its [`Parker`]). Waiters stand in one first-in-first-out list, leave it in constant time when a wait is
//! cancelled or times out, and a notification that hit a waiter which then goes away is passed on to the next: never
//! lost, never doubled.
//!
//! The protocol, its states and why no wake-up is lost are in `README.md` beside this crate.
//!
//! Not for: locks, semaphores, events. A list holds no condition; whoever waits brings a closure that tries.
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
#![forbid(unsafe_code)]

mod around;
mod deadline;
mod entries;
pub mod host;
mod parker;
pub mod shim;
mod state;
mod wait;
mod wait_list;
mod waiter;

pub use around::{AroundWait, set_around_wait, waiting};
pub use deadline::Deadline;
pub use parker::{Nested, Parker};
pub use state::{Event, WaiterState, Wakes};
pub use wait::{WaitAsync, wait_on_any};
#[cfg(loom)]
pub use wait_list::Fault;
pub use wait_list::{Left, Ticket, WaitList};
pub use waiter::Waiter;
