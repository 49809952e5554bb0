//! Who holds a lock: a number that is given once.

use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// Who acquires a lock: a thread, a task, whatever a binding takes for a unit that acts.
///
/// A number that no other owner of this process has or ever had. It fits into 62 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(NonZeroU64);

/// The number of the next owner. Not one of the checkers' atomics: it stands for nothing that could
/// race.
static NEXT: AtomicU64 = AtomicU64::new(1);

crate::local! {
    /// The calling thread's number; 0 before it has one.
    const THREAD: Cell<u64> = Cell::new(0);
}

impl Owner {
    /// Somebody new.
    ///
    /// # Panics
    /// After 2⁶² owners: in 146 years, at a thousand million a second.
    #[must_use]
    pub fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let owner = NonZeroU64::new(number).filter(|number| number.get() < 1 << 62);
        Self(owner.expect("fewer than 2^62 owners in one process"))
    }

    /// The calling thread.
    ///
    /// In a simulation that is the simulated thread that runs.
    #[must_use]
    pub fn of_thread() -> Self {
        // A thread whose thread-locals are being destroyed has a number as long as it lives: the
        // cell has no destructor.
        THREAD.with(|number| match NonZeroU64::new(number.get()) {
            Some(number) => Self(number),
            None => {
                let owner = Self::new();
                number.set(owner.get());
                owner
            }
        })
    }

    /// The simulated thread that runs, if this thread runs a simulation.
    ///
    /// Locks without owners use it, so that a simulation can say who holds them.
    #[inline]
    pub(crate) fn of_simulated_thread() -> Option<Self> {
        crate::host::is_hosted().then(Self::of_thread)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The owner with this number, if it can be one.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

impl Default for Owner {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Owner({})", self.0)
    }
}
