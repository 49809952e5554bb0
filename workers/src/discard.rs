//! Dropping what is the user's where the engine must not unwind.
//!
//! Dropping an item, a function or a panic's payload runs the user's code, which may panic.
//! Dropping that panic's payload may panic again. The engine drops each payload in turn; after
//! `MOST_PANICS` panics in a row it leaks the last one instead of looping for ever.
//!
//! A list of items must not be dropped as a whole: when two of them panic, the second does so while
//! the first unwinds, and the process is aborted. So the engine drops items one by one
//! ([`discard_all`]), also while it unwinds itself ([`Remaining`], [`Held`]).

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::vec;

/// How many panics in a row there may be.
const MOST_PANICS: usize = 100;

/// Drops a value, and the payloads of the panics that come of it. Does not unwind.
pub fn discard<T>(value: T) {
    let mut outcome = catch_unwind(AssertUnwindSafe(|| drop(value)));
    for _ in 1..MOST_PANICS {
        let Err(payload) = outcome else { return };
        outcome = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    }
    mem::forget(outcome);
}

/// Cleans up where something else is told already: a panic of what this drops is not. Does not
/// unwind.
pub fn quietly(clean_up: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(clean_up)) {
        discard(payload);
    }
}

/// Drops several things, of which any may panic: the first panic is kept, the others are discarded.
#[derive(Debug, Default)]
pub struct Drops {
    panic: Option<Box<dyn Any + Send>>,
}

impl Drops {
    /// Does what may panic. Does not unwind.
    pub fn attempt(&mut self, clean_up: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(clean_up)) {
            match self.panic {
                None => self.panic = Some(payload),
                Some(_) => discard(payload),
            }
        }
    }

    /// Goes on with the panic that was kept, if there is one.
    pub fn resume(self) {
        if let Some(payload) = self.panic {
            resume_unwind(payload);
        }
    }
}

/// Drops values one by one, and the payloads of the panics that come of them. Does not unwind.
pub fn discard_all<T>(values: impl IntoIterator<Item = T>) {
    let mut values = values.into_iter();
    if mem::needs_drop::<T>() {
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| values.by_ref().for_each(drop))) {
            discard(payload);
        }
    }
    discard(values);
}

/// Items on their way through code of the user's. Those that are left when it panics are discarded.
#[derive(Debug)]
pub struct Remaining<T>(vec::IntoIter<T>);

impl<T> Remaining<T> {
    /// Items that code of the user's is about to be given.
    #[must_use]
    pub fn new(items: Vec<T>) -> Self {
        Self(items.into_iter())
    }
}

impl<T> Iterator for Remaining<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.0.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T> ExactSizeIterator for Remaining<T> {}

impl<T> Drop for Remaining<T> {
    fn drop(&mut self) {
        if self.0.len() > 0 {
            discard_all(self.0.by_ref());
        }
    }
}

/// A value that code of the user's looks at. It is discarded when that code panics.
#[derive(Debug)]
pub struct Held<T>(Option<T>);

impl<T> Held<T> {
    /// A value that code of the user's is about to look at.
    #[inline]
    #[must_use]
    pub fn new(item: T) -> Self {
        Self(Some(item))
    }

    /// The value.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("it is taken out last")
    }

    /// The value.
    #[inline]
    #[must_use]
    pub fn get(&self) -> &T {
        self.0.as_ref().expect("it is taken out last")
    }

    /// The value, which is not discarded.
    #[inline]
    #[must_use]
    pub fn into_inner(mut self) -> T {
        self.0.take().expect("it is taken out last")
    }
}

impl<T> Drop for Held<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(item) = self.0.take() {
            discard(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::resume_unwind;
    use std::rc::Rc;

    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::{Held, MOST_PANICS, Remaining, discard, discard_all};

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

    /// Panics when it is dropped, with another one that does the same. It has no size, so one that
    /// is forgotten leaks no memory.
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
    fn items_that_panic_when_dropped_are_all_dropped() {
        DROPPED.set(0);
        discard_all((0..5).map(|_| Chain(1)).collect::<Vec<_>>());
        assert_eq!(DROPPED.get(), 10);
    }

    #[test]
    fn items_are_dropped_one_by_one_while_another_panic_unwinds() {
        DROPPED.set(0);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let held = Held::new(Chain(1));
            let mut remaining = Remaining::new(vec![Chain(0), Chain(1), Chain(1)]);
            std::mem::forget(remaining.next());
            assert_eq!(held.get().0, 1);
            resume_unwind(Box::new("the user's"));
        }));
        assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&"the user's"));
        assert_eq!(DROPPED.get(), 6, "the two behind the first, and the one that is held");
    }

    #[test]
    fn payloads_without_an_end_are_given_up() {
        DROPPED.set(0);
        discard(Endless);
        assert_eq!(DROPPED.get(), MOST_PANICS);
    }
}
