//! The primitives of a normal build: std's and parking_lot's own.

pub use parking_lot::{Mutex, MutexGuard, RwLock};
pub use std::hint;
pub use std::sync::{Arc, atomic};
pub use std::thread::LocalKey;
pub use std::{thread, thread_local};

/// The clock.
pub mod clock {
    use std::time::Instant;

    /// This moment.
    #[inline(always)]
    #[must_use]
    pub fn now() -> Instant {
        Instant::now()
    }
}
