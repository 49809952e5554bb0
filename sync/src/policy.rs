//! Who gets a lock that is released while somebody waits for it.

use std::time::Duration;

/// Whether a newcomer may take a lock that is released although others wait for it.
///
/// A waiter that is a task, or waits for one of several things, is always handed the lock when it
/// is first in the list: an executor may take long to run it, and nobody behind it would be told
/// meanwhile that the lock is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Never: a release hands the lock to the first waiter.
    ///
    /// Strictly in order. The lock stands still until the waiter runs, so a lock that several
    /// threads want all the time passes 4 to 5 times more slowly than with `Eventual`.
    HandOff,
    /// Yes, but a thread that has waited for [`OVERTAKEN`] is handed the lock. The first waiter is
    /// woken at each release and keeps its place.
    #[default]
    Eventual,
    /// Yes, always. A thread may wait for ever while others keep taking the lock.
    Barging,
}

/// How long a thread may be overtaken with [`Policy::Eventual`].
pub const OVERTAKEN: Duration = Duration::from_micros(500);
