//! How waiters enter, are notified and leave, for threads and futures.
#![cfg(not(loom))]

mod barrier;
mod condvar;
mod countdown;
mod counting_waker;
mod deadlines;
mod deadlock;
mod event;
mod futures_wait;
mod grants;
mod hand_over;
mod host;
mod limiter;
mod local;
mod mutex;
mod once;
mod order;
mod programs;
mod readme;
mod reentrant_mutex;
mod rw_lock;
mod select;
mod semaphore;
mod sizes;
mod threads;
