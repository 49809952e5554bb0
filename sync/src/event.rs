//! A flag that threads and tasks wait for.

use crate::deadline::Deadline;
use crate::granting::{Granting, Waiting};
use crate::grants::{Grants, Turn};
use crate::host::{self, Site};
use crate::shim::atomic::{AtomicBool, Ordering};
use crate::state::WaiterState;
use std::fmt;
use std::time::Duration;

/// A flag that threads and tasks wait for.
///
/// Setting it lets everybody go on who waits at that moment, even if it is cleared right after.
///
/// # Examples
///
/// ```
/// use millpond_sync::Event;
///
/// static STARTED: Event = Event::new();
///
/// std::thread::scope(|scope| {
///     scope.spawn(|| STARTED.wait());
///     assert!(STARTED.set(), "this call set it");
///     assert!(!STARTED.set());
/// });
/// ```
pub struct Event {
    is_set: AtomicBool,
    grants: Grants<(), ()>,
}

impl Event {
    crate::shim::const_fn! {
        /// An event that is not set.
        #[must_use]
        pub const fn new() -> Self {
            Self { is_set: AtomicBool::new(false), grants: Grants::new(()) }
        }
    }

    /// Sets it and lets everybody go on who waits. Never waits. Returns whether this call set it.
    pub fn set(&self) -> bool {
        if self.is_set() {
            return false;
        }
        let is_news = {
            let mut turn = self.grants.turn();
            let is_news = !self.is_set.swap(true, Ordering::AcqRel);
            while turn.grant_first().is_some() {}
            is_news
        };
        host::step(Site::new("set an event"));
        is_news
    }

    /// Clears it: whoever comes from now on waits. Returns whether it was set.
    pub fn clear(&self) -> bool {
        // In a turn, so that a `set` before it has let its waiters go on.
        let _turn = self.grants.turn();
        self.is_set.swap(false, Ordering::AcqRel)
    }

    /// Whether it is set.
    #[inline]
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// Waits until it is set.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait(&self) {
        self.wait_deadline(Deadline::NEVER);
    }

    /// Waits until it is set, or `timeout` has passed; returns whether it was set.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.is_set() || self.wait_deadline(Deadline::after(timeout))
    }

    /// Waits until it is set, or until `deadline`; returns whether it was set.
    ///
    /// # Blocking
    /// Until then.
    pub fn wait_deadline(&self, deadline: impl Into<Deadline>) -> bool {
        host::step(Site::new("waits for an event"));
        self.is_set() || Waiting::new(self, ()).block(deadline.into()).is_ok()
    }

    /// Waits until it is set, awaiting it. Dropping the future leaves the list.
    pub const fn wait_async(&self) -> Waiting<&Self> {
        Waiting::new(self, ())
    }

    /// How many wait. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.grants.turn().waiting()
    }
}

impl Granting for Event {
    type State = ();
    type Entry = ();

    fn grants(&self) -> &Grants<(), ()> {
        &self.grants
    }

    fn take(&self, _turn: &mut Turn<'_, (), ()>, (): &mut ()) -> bool {
        self.is_set()
    }

    fn forsake(&self, _turn: &mut Turn<'_, (), ()>, (): &mut (), _was: WaiterState) {}
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Event").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}
