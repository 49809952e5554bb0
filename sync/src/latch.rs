//! A gate that opens once, when a number of parties have arrived.

use crate::countdown::Countdown;
use crate::deadline::Deadline;
use crate::granting::Waiting;
use std::fmt;
use std::time::Duration;

/// A gate that opens once, when a number of parties have arrived, and stays open.
///
/// # Examples
///
/// ```
/// use millpond_sync::Latch;
///
/// let ready = Latch::new(3);
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| ready.arrive());
///     }
///     ready.arrive_and_wait();
/// });
/// assert!(ready.is_open());
/// ```
pub struct Latch {
    missing: Countdown,
}

impl Latch {
    crate::shim::const_fn! {
        /// A latch for so many arrivals.
        ///
        /// # Panics
        /// With 0 parties.
        #[must_use]
        pub const fn new(parties: u64) -> Self {
            assert!(parties > 0, "a latch has at least 1 party");
            Self { missing: Countdown::new(parties) }
        }
    }

    /// Arrives, without waiting; returns whether this opened it. Arrivals at an open latch change
    /// nothing.
    pub fn arrive(&self) -> bool {
        self.missing.down(1) == Ok(0)
    }

    /// Arrives, and waits until it is open; returns whether this opened it.
    ///
    /// # Blocking
    /// Until all others have arrived.
    pub fn arrive_and_wait(&self) -> bool {
        let is_opener = self.arrive();
        self.wait();
        is_opener
    }

    /// Waits until it is open, without arriving.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait(&self) {
        self.missing.wait();
    }

    /// Waits until it is open, or `timeout` has passed; returns whether it is open.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.missing.wait_timeout(timeout)
    }

    /// Waits until it is open, or until `deadline`; returns whether it is open.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait_deadline(&self, deadline: impl Into<Deadline>) -> bool {
        self.missing.wait_deadline(deadline)
    }

    /// Waits until it is open, awaiting it. Dropping the future leaves the list; an arrival counts
    /// all the same.
    pub const fn wait_async(&self) -> Waiting<&Countdown> {
        self.missing.wait_async()
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.missing.count() == 0
    }

    /// How many have not arrived yet. A moment's view.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing.count()
    }

    /// How many wait. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.missing.waiting()
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Latch").field("missing", &self.missing()).finish_non_exhaustive()
    }
}
