//! Dropping what is the user's where the engine must not unwind.
//!
//! The drop of an item, of a function or of a panic's payload is the user's code and may panic; so may the drop of that panic's payload, and so on. All of
//! them are dropped, one after the other, until one lets itself be dropped in peace. Payloads that make another one each time would keep the engine at it
//! for ever, so the last of [`MOST_PANICS`] is forgotten: it and nothing else is leaked.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// How many panics in a row there may be.
const MOST_PANICS: usize = 100;

/// Drops a value, and the payloads of the panics that come of it. Does not unwind.
pub(crate) fn discard<T>(value: T) {
    let mut outcome = catch_unwind(AssertUnwindSafe(|| drop(value)));
    for _ in 1..MOST_PANICS {
        let Err(payload) = outcome else { return };
        outcome = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    }
    mem::forget(outcome);
}

/// Cleans up where something else is told already: a panic of what this drops is not. Does not
/// unwind.
pub(crate) fn quietly(clean_up: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(clean_up)) {
        discard(payload);
    }
}

/// Drops several things, of which any may panic: the first panic is kept, the others are discarded.
#[derive(Default)]
pub(crate) struct Drops {
    panic: Option<Box<dyn Any + Send>>,
}

impl Drops {
    /// Does what may panic. Does not unwind.
    pub(crate) fn attempt(&mut self, clean_up: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(clean_up)) {
            match self.panic {
                None => self.panic = Some(payload),
                Some(_) => discard(payload),
            }
        }
    }

    /// Goes on with the panic that was kept, if there is one.
    pub(crate) fn resume(self) {
        if let Some(payload) = self.panic {
            resume_unwind(payload);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::resume_unwind;
    use std::rc::Rc;

    use super::{MOST_PANICS, discard};

    thread_local! {
        /// How many were dropped.
        static DROPPED: Cell<usize> = const { Cell::new(0) };
    }

    /// Panics when it is dropped, with another one that does so one time less.
    struct Chain(usize);

    impl Drop for Chain {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.get() + 1);
            if self.0 > 0 {
                resume_unwind(Box::new(Self(self.0 - 1)));
            }
        }
    }

    /// Panics when it is dropped, with another one that does the same. It has no size, so one that is forgotten leaks no memory.
    struct Endless;

    impl Drop for Endless {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.get() + 1);
            resume_unwind(Box::new(Self));
        }
    }

    #[test]
    fn what_does_not_panic_is_dropped() {
        let counted = Rc::new(());
        discard(Rc::clone(&counted));
        assert_eq!(Rc::strong_count(&counted), 1);
    }

    #[test]
    fn payloads_that_panic_when_dropped_are_all_dropped() {
        for length in [1, 2, 7, MOST_PANICS - 1] {
            DROPPED.set(0);
            discard(Chain(length));
            assert_eq!(DROPPED.get(), length + 1, "of a chain of {length} panics");
        }
    }

    #[test]
    fn payloads_without_an_end_are_given_up() {
        DROPPED.set(0);
        discard(Endless);
        assert_eq!(DROPPED.get(), MOST_PANICS);
    }
}
