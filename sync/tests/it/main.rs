//! How waiters enter, are notified and leave, for threads and futures.
#![cfg(not(loom))]

mod around;
mod counting_waker;
mod deadlines;
mod futures_wait;
mod hand_over;
mod order;
mod readme;
mod sizes;
mod threads;
