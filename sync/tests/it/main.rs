//! How waiters enter, are notified and leave, for threads and futures.
#![cfg(not(loom))]

mod around;
mod counting_waker;
mod deadlines;
mod futures_wait;
mod grants;
mod hand_over;
mod mutex;
mod order;
mod readme;
mod select;
mod sizes;
mod threads;
