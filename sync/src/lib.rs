//! How millpond waits.
//!
//! One [`WaitList`] serves threads and futures alike: a waiter is a [`std::task::Waker`], and a
//! blocked thread is a waker too (its [`Parker`]). Waiters stand in one first-in-first-out list,
//! leave it in constant time when a wait is cancelled or times out, and a notification that hit a
//! waiter which then goes away is passed on to the next: never lost, never doubled.
//!
//! The locks are built on [`Grants`], whose waiters are given what they wait for. They serve
//! threads and tasks at once. Which of them you need, and when std is enough, is in `README.md`
//! beside this crate:
//!
//! * a value that one uses at a time: [`Mutex`], [`ReentrantMutex`], [`RwLock`]; [`Poison`] in them
//! * so many at a time: [`Semaphore`], [`Limiter`], [`ResourceGuard`]
//! * waiting for a moment: [`Event`], [`Condvar`], [`Countdown`], [`Latch`], [`Barrier`]
//! * once: [`OnceCell`], [`SingleFlight`]
//! * the first of several: [`Select`]
//! * without guards, for bindings: [`RawMutex`], [`RawReentrantMutex`], [`RawRwLock`], and
//!   [`Waiting`]
//!
//! The protocols, their states and why no wake-up and no grant is lost are in `README.md` beside
//! this crate.
//!
//! Which clock and which sleep that is, the thread's [host] says: the operating system's, or a
//! simulation's.
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

mod barrier;
mod claim;
mod condvar;
mod countdown;
mod deadline;
#[cfg(not(loom))]
mod deadlock;
mod entries;
mod event;
#[doc(hidden)]
pub mod fault;
mod granting;
mod grants;
#[expect(unsafe_code, reason = "the one place where a value is reached behind a lock")]
mod guard;
mod held;
#[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
mod holding;
pub mod host;
mod latch;
mod limiter;
mod local;
mod mutex;
mod once_cell;
mod owner;
mod park;
mod parker;
mod permit;
mod poison;
mod policy;
mod raw_mutex;
mod raw_reentrant_mutex;
mod raw_rw_lock;
mod reentrant_mutex;
mod resource_guard;
mod rw_lock;
mod select;
mod semaphore;
pub mod shim;
mod single_flight;
mod state;
mod wait;
mod wait_list;
mod waiter;

pub use barrier::{Barrier, BrokenBarrier, Party, PassBarrier, Passed, Round};
pub use claim::Claim;
pub use condvar::{Condvar, Notified, Relay};
pub use countdown::{BelowZero, Countdown};
pub use deadline::Deadline;
#[cfg(not(loom))]
pub use deadlock::{Deadlock, Held, Link, Waits, chain};
pub use event::Event;
pub use granting::{Granting, TurnOf, Waiting};
pub use grants::{Grants, Turn};
pub use guard::{Access, Acquiring, Alone, Guard, Lock, MappedGuard};
pub use held::{Again, Exclusively, Reading, Upgradable, Writing};
#[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
pub use holding::Awaited;
pub use latch::Latch;
pub use limiter::{BorrowError, Borrower, Limiter, NotBorrowed, Token, Tokens};
pub use local::{Local, Locals};
pub use mutex::{ArcMutexGuard, MappedMutexGuard, Mutex, MutexGuard};
pub use once_cell::{Asks, Making, OnceCell};
pub use owner::Owner;
pub use parker::{Nested, Parker};
pub use permit::{AcquirePermit, ArcPermit, Permit, PermitOf};
pub use poison::{Changing, Poison, Poisoned};
pub use policy::{OVERTAKEN, Policy};
pub use raw_mutex::{NotOwner, RawMutex, Wish};
pub use raw_reentrant_mutex::RawReentrantMutex;
pub use raw_rw_lock::{Mode, RawRwLock};
pub use reentrant_mutex::{ArcReentrantMutexGuard, ReentrantMutex, ReentrantMutexGuard};
pub use resource_guard::{BusyResource, ResourceGuard, Using};
pub use rw_lock::{
    ArcRwLockReadGuard, ArcRwLockUpgradableGuard, ArcRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockUpgradableGuard,
    RwLockWriteGuard,
};
pub use select::{Select, SelectAsync, Selectable};
pub use semaphore::{AcquireError, Closed, Request, Semaphore};
pub use single_flight::SingleFlight;
pub use state::{WaiterEvent, WaiterState, Wakes};
pub use wait::{WaitAsync, wait_on_any};
pub use wait_list::{Left, Ticket, WaitList};
pub use waiter::Waiter;
