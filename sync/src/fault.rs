//! Ways to break code on purpose, so that tests show that the model checkers find it.
//!
//! Each crate lists its own faults in an enum and asks [`is`] at the places that they break. At
//! most one fault is set at a time. In a build without a model checker none can be set, and the
//! compiler removes the question.

/// What can be broken in this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFault {
    /// Neither entering a wait list nor notifying it fences.
    NoFence,
    /// A notification is dropped when the waiter that has it cancels.
    NoPassingOn,
    /// A waiter is counted after its recheck only: entering does not raise the counter.
    CountedLate,
    /// A waiter that goes away keeps what it was granted.
    GrantKept,
    /// A release decides in one turn whom to grant the lock, and grants it in another.
    GrantedOutsideTheLock,
}

#[cfg(any(loom, shuttle))]
mod switch {
    use std::any::Any;
    use std::cell::RefCell;

    thread_local! {
        /// The fault that is set. All threads of a model run in one thread of the operating system.
        static FAULT: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
    }

    /// Sets this fault, in place of another one, for all models that the calling thread runs from
    /// now on.
    pub fn set<F: Any>(fault: F) {
        FAULT.set(Some(Box::new(fault)));
    }

    /// Sets no fault.
    pub fn clear() {
        FAULT.set(None);
    }

    /// Whether this fault is set.
    #[must_use]
    pub fn is<F: Any + PartialEq>(fault: F) -> bool {
        FAULT.with_borrow(|set| set.as_ref().and_then(|set| set.downcast_ref()) == Some(&fault))
    }
}

#[cfg(any(loom, shuttle))]
pub use switch::{clear, is, set};

/// Whether this fault is set: it is not.
#[cfg(not(any(loom, shuttle)))]
#[must_use]
#[inline(always)]
pub const fn is<F: Copy>(_fault: F) -> bool {
    false
}
