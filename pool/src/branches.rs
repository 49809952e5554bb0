//! Options of what splits a reader into branches.

use std::time::Duration;

/// How long a full branch is waited for, unless [told otherwise](Capacity::patience).
const PATIENCE: Duration = Duration::from_secs(10);

/// How many items may wait in a branch of a [`tee`](crate::ScopedReader::tee), of a
/// [`partition`](crate::ScopedReader::partition) or of [split
/// results](crate::ScopedReader::split_results_within).
///
/// At most this many items wait in each branch, beyond those that a read of it has asked for. While
/// a branch is full, reads of the other branches wait until somebody reads from it, or drops its
/// reader.
///
/// Where nobody reads from the full branch the wait could not end. So after its
/// [patience](Self::patience) the read fails with
/// [`ReadError::BranchFull`](crate::ReadError::BranchFull), which names the branch. Nothing is
/// lost: once somebody has read from that branch, or dropped its reader, the same read goes on. In
/// serial mode it fails at once, as nobody can read while it waits, unless it awaits: then a thread
/// is started to wake it.
///
/// # Examples
///
/// ```
/// use millpond_pool::{Branches, Pool, ReadError};
///
/// let pool = Pool::serial();
/// let [mut first, mut second] = pool.source(1..=9).tee(Branches::new(2).capacity(3)).try_into().unwrap();
/// assert!(matches!(first.read(4), Err(ReadError::BranchFull { branch: 1, capacity: 3, .. })));
/// assert_eq!(second.read(2)?, [1, 2]);
/// assert_eq!(first.read(4)?, [1, 2, 3, 4]);
/// # Ok::<(), ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    pub(crate) items: usize,
    pub(crate) patience: Duration,
}

impl Capacity {
    /// At most this many items.
    #[must_use]
    pub const fn new(items: usize) -> Self {
        Self { items, patience: PATIENCE }
    }

    /// How long a read waits for a full branch that nobody reads from. 10 seconds by default.
    ///
    /// It is counted anew from each item that somebody gets from the branch or from a task
    /// downstream of it, and not counted while such a task is at work. So give more than the
    /// longest time that a thread takes to begin to read, or to go on with the items of one read.
    /// `Duration::MAX` waits for ever.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Refuses a capacity of 0.
    #[track_caller]
    pub(crate) fn check(self, task: &str) -> Self {
        crate::refuse::at_least_one(task, "capacity", self.items);
        self
    }
}

impl From<usize> for Capacity {
    fn from(items: usize) -> Self {
        Self::new(items)
    }
}

/// How many branches a [`tee`](crate::ScopedReader::tee) or a
/// [`partition`](crate::ScopedReader::partition) has, and how much each may keep. A number alone is
/// that many branches, each of which keeps all that nobody has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "these are options of a tee or a partition"]
pub struct Branches {
    pub(crate) count: usize,
    pub(crate) capacity: Option<Capacity>,
}

impl Branches {
    /// This many branches.
    pub const fn new(count: usize) -> Self {
        Self { count, capacity: None }
    }

    /// Has each branch keep at most so many items. See [`Capacity`].
    pub fn capacity(mut self, capacity: impl Into<Capacity>) -> Self {
        self.capacity = Some(capacity.into());
        self
    }
}

impl From<usize> for Branches {
    fn from(count: usize) -> Self {
        Self::new(count)
    }
}
