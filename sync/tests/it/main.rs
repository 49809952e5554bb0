//! How waiters enter, are notified and leave, for threads and futures.
#![cfg(not(loom))]

mod around;
mod condvar;
mod counting_waker;
mod deadlines;
mod event;
mod futures_wait;
mod grants;
mod hand_over;
mod mutex;
mod order;
mod readme;
mod select;
mod semaphore;
mod sizes;
mod threads;
