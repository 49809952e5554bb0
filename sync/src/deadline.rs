//! A moment until which somebody waits, or never.

use std::time::{Duration, Instant};

use crate::host;

/// The end of a wait: a moment, or never.
///
/// Adding saturates: a time-out that the clock cannot express, such as [`Duration::MAX`], means
/// never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Waits without an end.
    pub const NEVER: Self = Self(None);

    /// The moment itself.
    #[must_use]
    pub const fn at(moment: Instant) -> Self {
        Self(Some(moment))
    }

    /// The moment `timeout` from now; never, if the clock cannot express it.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        Self::counted_from(host::now(), timeout)
    }

    /// The moment `timeout` from `start`; never, if the clock cannot express it.
    #[must_use]
    pub fn counted_from(start: Instant, timeout: Duration) -> Self {
        Self(start.checked_add(timeout))
    }

    /// The moment, if there is one.
    #[must_use]
    pub const fn moment(self) -> Option<Instant> {
        self.0
    }

    /// Whether the moment lies behind us. Reads the clock unless it is never.
    #[must_use]
    pub fn has_passed(self) -> bool {
        self.0.is_some_and(|moment| host::now() >= moment)
    }

    /// How long it is until then: zero when it has passed, `None` for never.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        self.0.map(|moment| moment.saturating_duration_since(host::now()))
    }
}

impl From<Instant> for Deadline {
    fn from(moment: Instant) -> Self {
        Self::at(moment)
    }
}
