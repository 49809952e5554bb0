//! Finding out that two use what only one may use.

use crate::shim::atomic::{AtomicBool, Ordering};
use std::error::Error;
use std::fmt;

/// Finds out that two use what only one may use, instead of having one wait for the other.
///
/// # Examples
///
/// ```
/// use millpond_sync::ResourceGuard;
///
/// let reading = ResourceGuard::new("reading from");
/// let used = reading.enter().unwrap();
/// let error = reading.enter().unwrap_err();
/// assert_eq!(error.to_string(), "another task is already reading from this resource");
/// drop(used);
/// assert!(reading.enter().is_ok());
/// ```
pub struct ResourceGuard {
    is_used: AtomicBool,
    action: &'static str,
}

/// Using what another uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BusyResource {
    /// What the other does with it, as in "reading from".
    pub action: &'static str,
}

impl fmt::Display for BusyResource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "another task is already {} this resource", self.action)
    }
}

impl Error for BusyResource {}

impl ResourceGuard {
    crate::shim::const_fn! {
        /// For a resource with which one does `action`, as in "using".
        #[must_use]
        pub const fn new(action: &'static str) -> Self {
            Self { is_used: AtomicBool::new(false), action }
        }
    }

    /// Begins to use it. Never waits.
    ///
    /// # Errors
    /// [`BusyResource`] if another uses it.
    pub fn enter(&self) -> Result<Using<'_>, BusyResource> {
        self.try_begin().map(|()| Using(self))
    }

    /// Begins to use it without a guard; [`end`](Self::end) ends it.
    ///
    /// # Errors
    /// [`BusyResource`] if another uses it.
    pub fn try_begin(&self) -> Result<(), BusyResource> {
        match self.is_used.swap(true, Ordering::Acquire) {
            true => Err(BusyResource { action: self.action }),
            false => Ok(()),
        }
    }

    /// Ends what [`try_begin`](Self::try_begin) began.
    pub fn end(&self) {
        self.is_used.store(false, Ordering::Release);
    }

    /// Whether somebody uses it. A moment's view.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Relaxed)
    }
}

impl Default for ResourceGuard {
    fn default() -> Self {
        Self::new("using")
    }
}

impl fmt::Debug for ResourceGuard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("ResourceGuard");
        shown.field("action", &self.action).field("is_used", &self.is_used()).finish()
    }
}

/// Uses a resource until it is dropped. Made by [`ResourceGuard::enter`].
#[must_use = "dropping it ends the use"]
#[derive(Debug)]
pub struct Using<'a>(&'a ResourceGuard);

impl Drop for Using<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
