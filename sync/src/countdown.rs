//! A count that threads and tasks wait for to become 0.

use crate::deadline::Deadline;
use crate::granting::{Granting, Waiting};
use crate::grants::{Grants, Turn};
use crate::host::{self, Site};
use crate::shim::atomic::{AtomicU64, Ordering};
use crate::state::WaiterState;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Counting down below 0; the count is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BelowZero {
    /// The count.
    pub count: u64,
    /// By how much it should have gone down.
    pub by: u64,
}

impl fmt::Display for BelowZero {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "counting down by `{}` from `{}`; count up first", self.by, self.count)
    }
}

impl Error for BelowZero {}

/// A count that threads and tasks wait for to become 0.
///
/// It may go up again; whoever waited when it was 0 goes on all the same. For work whose amount is
/// not known beforehand.
///
/// # Examples
///
/// ```
/// use millpond_sync::Countdown;
///
/// let open = Countdown::new(0);
/// open.up(2);
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| open.down(1).unwrap());
///     }
///     open.wait();
/// });
/// assert!(open.down(1).is_err());
/// ```
pub struct Countdown {
    count: AtomicU64,
    grants: Grants<(), ()>,
}

impl Countdown {
    crate::shim::const_fn! {
        /// A count that begins here.
        #[must_use]
        pub const fn new(count: u64) -> Self {
            Self { count: AtomicU64::new(count), grants: Grants::new(()) }
        }
    }

    /// Counts up.
    ///
    /// # Panics
    /// Beyond `u64::MAX`; the count is as it was.
    #[track_caller]
    pub fn up(&self, by: u64) {
        let up = |count: u64| count.checked_add(by);
        let counted = self.count.fetch_update(Ordering::AcqRel, Ordering::Relaxed, up);
        assert!(counted.is_ok(), "counting up by `{by}` goes beyond `u64::MAX`");
    }

    /// Counts down; at 0 lets everybody go on who waits. Returns the count.
    ///
    /// # Errors
    /// [`BelowZero`] if the count is smaller than that.
    pub fn down(&self, by: u64) -> Result<u64, BelowZero> {
        let down = |count: u64| count.checked_sub(by);
        match self.count.fetch_update(Ordering::AcqRel, Ordering::Relaxed, down) {
            Ok(was) if was == by => {
                self.open();
                Ok(0)
            }
            Ok(was) => Ok(was - by),
            Err(count) => Err(BelowZero { count, by }),
        }
    }

    /// Sets the count to 0 and lets everybody go on who waits.
    pub fn clear(&self) {
        self.count.store(0, Ordering::Release);
        self.open();
    }

    fn open(&self) {
        {
            let mut turn = self.grants.turn();
            while turn.grant_first().is_some() {}
        }
        host::step(Site::new("counted down"));
    }

    /// The count. A moment's view.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Waits until it is 0.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait(&self) {
        self.wait_deadline(Deadline::NEVER);
    }

    /// Waits until it is 0, or `timeout` has passed; returns whether it was 0.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.wait_deadline(Deadline::after(timeout))
    }

    /// Waits until it is 0, or until `deadline`; returns whether it was 0.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait_deadline(&self, deadline: impl Into<Deadline>) -> bool {
        host::step(Site::new("waits for a count"));
        self.count() == 0 || Waiting::new(self, ()).block(deadline.into()).is_ok()
    }

    /// Waits until it is 0, awaiting it. Dropping the future leaves the list.
    pub const fn wait_async(&self) -> Waiting<&Self> {
        Waiting::new(self, ())
    }

    /// How many wait. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.grants.turn().waiting()
    }
}

impl Granting for Countdown {
    type State = ();
    type Entry = ();

    fn grants(&self) -> &Grants<(), ()> {
        &self.grants
    }

    fn take(&self, _turn: &mut Turn<'_, (), ()>, (): &mut ()) -> bool {
        // Whoever counts down to 0 takes a turn after it: a turn before this one, or it finds this
        // waiter.
        self.count() == 0
    }

    fn forsake(&self, _turn: &mut Turn<'_, (), ()>, (): &mut (), _was: WaiterState) {}
}

impl fmt::Debug for Countdown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Countdown").field("count", &self.count()).finish_non_exhaustive()
    }
}
