//! Applying a function to each item of a chunk, in the chunk's own memory where the results fit.
//!
//! A chunk that becomes another one of the same layout needs no second buffer: that halves the memory that a stage touches, and
//! a chunk stays in the innermost cache. The standard library's in-place collect does the same, but drops the results so far
//! when the function panics; here they are kept, because a reader gets all items before the failing one.

#![allow(unsafe_code, reason = "a vector that holds results in front and items behind while a chunk is worked on")]

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

use millpond_workers::Cause;
use millpond_workers::discard::{Remaining, discard_all};

/// What came of a chunk.
pub(super) struct Applied<A, B> {
    pub(super) results: Vec<B>,
    /// How many items the function was given, the one that it failed on included.
    pub(super) given: usize,
    /// Why it failed on the last of them.
    pub(super) cause: Option<Cause>,
    /// What it was not given, where it did not fail.
    pub(super) rest: Option<Vec<A>>,
}

/// Applies `function` to one item after the other, as long as `goes_on`, which is asked before each.
pub(super) fn apply<A, B>(
    items: Vec<A>,
    mut goes_on: impl GoesOn,
    mut function: impl FnMut(A) -> Result<Option<B>, Cause>,
) -> Applied<A, B> {
    let mut chunk = Chunk::<A, B>::new(items);
    let outcome = catch_unwind(AssertUnwindSafe(|| chunk.apply(&mut goes_on, &mut function)));
    let cause = outcome.unwrap_or_else(|payload| Err(Cause::panic(payload))).err();
    let given = chunk.read();
    let rest = if cause.is_none() && chunk.has_items() { Some(chunk.take_items()) } else { None };
    Applied { results: chunk.into_results(), given, cause, rest }
}

/// What says before each item whether it is to be begun.
pub(super) trait GoesOn {
    /// What a loop keeps of it in a register.
    type Mark: Copy;

    fn mark(&self) -> Self::Mark;

    fn goes_on(&mut self, mark: &mut Self::Mark) -> bool;

    /// Before how many items it is enough to ask: 1, [`BLOCK`] or [`STRIDE`].
    fn block(&self) -> usize;
}

/// How many quick items are begun at once.
pub(super) const BLOCK: usize = 4;
/// How many where it makes no difference.
pub(super) const STRIDE: usize = 256;

/// A chunk that is being worked on.
enum Chunk<A, B> {
    /// Results and items share one buffer.
    Shared(Shared<A, B>),
    /// They have one each.
    Apart { items: Remaining<A>, given: usize, results: Vec<B> },
}

impl<A, B> Chunk<A, B> {
    fn new(items: Vec<A>) -> Self {
        if size_of::<A>() == size_of::<B>() && align_of::<A>() == align_of::<B>() && size_of::<A>() > 0 {
            Self::Shared(Shared::new(items))
        } else {
            let results = Vec::with_capacity(items.len());
            Self::Apart { items: Remaining::new(items), given: 0, results }
        }
    }

    fn has_items(&self) -> bool {
        match self {
            Self::Shared(shared) => shared.read < shared.len,
            Self::Apart { items, .. } => items.len() > 0,
        }
    }

    fn read(&self) -> usize {
        match self {
            Self::Shared(shared) => shared.read,
            Self::Apart { given, .. } => *given,
        }
    }

    #[inline]
    fn apply(
        &mut self,
        goes_on: &mut impl GoesOn,
        function: &mut impl FnMut(A) -> Result<Option<B>, Cause>,
    ) -> Result<(), Cause> {
        match self {
            Self::Shared(shared) => shared.apply(goes_on, function),
            Self::Apart { items, given, results } => {
                let mut mark = goes_on.mark();
                while items.len() > 0 && goes_on.goes_on(&mut mark) {
                    let Some(item) = items.next() else { break };
                    *given += 1;
                    if let Some(result) = function(item)? {
                        results.push(result);
                    }
                }
                Ok(())
            }
        }
    }

    /// The items that are left.
    fn take_items(&mut self) -> Vec<A> {
        match self {
            Self::Shared(shared) => shared.take_items(),
            Self::Apart { items, .. } => items.by_ref().collect(),
        }
    }

    fn into_results(self) -> Vec<B> {
        match self {
            Self::Shared(shared) => shared.into_results(),
            Self::Apart { results, .. } => results,
        }
    }
}

/// One buffer: `written` results in front, the items from `read` on behind, nothing in between. `written <= read <= len`.
struct Shared<A, B> {
    /// The buffer of a vector of `A`, which has the size and alignment of `B`.
    buffer: *mut A,
    capacity: usize,
    len: usize,
    read: usize,
    written: usize,
    results: std::marker::PhantomData<B>,
}

impl<A, B> Shared<A, B> {
    /// Takes over the items; `A` and `B` must have the same size and alignment.
    fn new(items: Vec<A>) -> Self {
        assert!(size_of::<A>() == size_of::<B>() && align_of::<A>() == align_of::<B>(), "layouts differ");
        let mut items = ManuallyDrop::new(items);
        Self {
            buffer: items.as_mut_ptr(),
            capacity: items.capacity(),
            len: items.len(),
            read: 0,
            written: 0,
            results: std::marker::PhantomData,
        }
    }

    /// Applies the function to the items while it goes on. When it fails or panics, the counts say how far it came.
    #[inline]
    fn apply(
        &mut self,
        goes_on: &mut impl GoesOn,
        function: &mut impl FnMut(A) -> Result<Option<B>, Cause>,
    ) -> Result<(), Cause> {
        let end = self.len;
        let mut mark = goes_on.mark();
        let (read, written, buffer) = (self.read, self.written, self.buffer);
        // The counts stay in registers; they are written back when this is dropped, also by a panic.
        let mut at = Counts { counts: (&mut self.read, &mut self.written), read, written };
        // Subtle: as long as every item has given a result the two counts are equal. A loop that says so with one count, and
        // that may do a few items at once, is made into vector instructions where the function allows it.
        let block = goes_on.block();
        if read == written && block == STRIDE {
            'strides: while at.read < end {
                if !goes_on.goes_on(&mut mark) {
                    return Ok(());
                }
                for place in at.read..end.min(at.read + STRIDE) {
                    // SAFETY: as below.
                    let source = unsafe { buffer.add(place) };
                    // SAFETY: as below.
                    let item = unsafe { source.read() };
                    at.read = place + 1;
                    let Some(result) = function(item)? else { break 'strides };
                    // SAFETY: as below; the place is that of the item just taken.
                    unsafe { source.cast::<B>().write(result) };
                    at.written = place + 1;
                }
            }
        } else if read == written && block > 1 {
            'blocks: while at.read + BLOCK <= end {
                if !goes_on.goes_on(&mut mark) {
                    return Ok(());
                }
                let first = at.read;
                for place in first..first + BLOCK {
                    // SAFETY: as below.
                    let source = unsafe { buffer.add(place) };
                    // SAFETY: as below.
                    let item = unsafe { source.read() };
                    at.read = place + 1;
                    let Some(result) = function(item)? else { break 'blocks };
                    // SAFETY: as below; the place is that of the item just taken.
                    unsafe { source.cast::<B>().write(result) };
                    at.written = place + 1;
                }
            }
        }
        while at.read < end && goes_on.goes_on(&mut mark) {
            // SAFETY: `read < end <= len`, so the place is within the buffer.
            let source = unsafe { buffer.add(at.read) };
            // SAFETY: items from `read` on are there and not yet taken; adding one before anything else can happen makes sure
            // that this one is taken once.
            let item = unsafe { source.read() };
            at.read += 1;
            if let Some(result) = function(item)? {
                // SAFETY: `written < read <= len`, so the place is within the buffer.
                let target = unsafe { buffer.add(at.written) };
                // SAFETY: the item there has been taken, and `B` has the layout of `A` (checked in `new`), so it fits.
                unsafe { target.cast::<B>().write(result) };
                at.written += 1;
            }
        }
        Ok(())
    }

    /// The results; items that were not taken are dropped.
    fn into_results(mut self) -> Vec<B> {
        self.drop_items();
        let this = ManuallyDrop::new(self);
        // SAFETY: the buffer came from a vector of `A` of this capacity, so it was allocated with the layout of as many `B`;
        // the first `written` places hold results, and `this` is not dropped, so nobody else frees it.
        unsafe { Vec::from_raw_parts(this.buffer.cast::<B>(), this.written, this.capacity) }
    }

    /// Moves the items that were not taken out, into a buffer of their own.
    fn take_items(&mut self) -> Vec<A> {
        let count = self.len - self.read;
        let mut items = Vec::with_capacity(count);
        let source = self.buffer.wrapping_add(self.read);
        // SAFETY: the items from `read` on are there and not taken, `count` of them, and the new buffer has room for as many.
        unsafe { std::ptr::copy_nonoverlapping(source, items.as_mut_ptr(), count) };
        // SAFETY: they were just moved there.
        unsafe { items.set_len(count) };
        // Taken: nobody drops them here.
        self.read = self.len;
        items
    }

    /// Drops the items that were not taken, one by one. Does not unwind.
    fn drop_items(&mut self) {
        discard_all(std::iter::from_fn(|| {
            if self.read == self.len {
                return None;
            }
            // SAFETY: `read < len`, so the place is within the buffer.
            let source = unsafe { self.buffer.add(self.read) };
            self.read += 1;
            // SAFETY: items from the old `read` on are there and not yet taken; now `read` says that this one is.
            Some(unsafe { source.read() })
        }));
    }
}

impl<A, B> Drop for Shared<A, B> {
    fn drop(&mut self) {
        self.drop_items();
        // SAFETY: as in `into_results`, which does not come here.
        discard_all(unsafe { Vec::from_raw_parts(self.buffer.cast::<B>(), self.written, self.capacity) });
    }
}

/// Counts on their way through a loop.
struct Counts<'a> {
    counts: (&'a mut usize, &'a mut usize),
    read: usize,
    written: usize,
}

impl Drop for Counts<'_> {
    fn drop(&mut self) {
        *self.counts.0 = self.read;
        *self.counts.1 = self.written;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<F: FnMut() -> bool> GoesOn for F {
        type Mark = ();

        fn mark(&self) {}

        fn goes_on(&mut self, (): &mut ()) -> bool {
            self()
        }

        fn block(&self) -> usize {
            1
        }
    }

    use std::cell::Cell;
    use std::rc::Rc;

    /// Applies a function that keeps all but every third item and fails as told, to items that count their drops.
    fn outcome<B>(fails_at: Option<(usize, bool)>, make: impl Fn(usize) -> B) -> (usize, usize, bool, usize) {
        struct Counted(usize, Rc<Cell<usize>>);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.1.set(self.1.get() + 1);
            }
        }
        let drops = Rc::new(Cell::new(0));
        let items: Vec<Counted> = (0..10).map(|number| Counted(number, Rc::clone(&drops))).collect();
        let applied = apply(
            items,
            || true,
            |item: Counted| match fails_at {
                Some((at, panics)) if at == item.0 && panics => panic!("told to"),
                Some((at, _)) if at == item.0 => Err(Cause::Error("told to".into())),
                _ => Ok((item.0 % 3 != 2).then(|| make(item.0))),
            },
        );
        (applied.results.len(), applied.given, applied.cause.is_some(), drops.get())
    }

    #[test]
    fn results_before_a_failure_are_kept_and_every_item_is_dropped_once() {
        for fails in [None, Some((7, false)), Some((7, true))] {
            let expected = if fails.is_some() { (5, 8, true, 10) } else { (7, 10, false, 10) };
            // As large as an item, so in place; and smaller, so apart.
            assert_eq!(outcome(fails, |number| (number, number)), expected, "in place, failing at {fails:?}");
            assert_eq!(outcome(fails, |number| number as u8), expected, "apart, failing at {fails:?}");
        }
    }

    #[test]
    fn the_same_buffer_is_used_again_where_it_fits() {
        let items: Vec<u64> = (0..100).collect();
        let buffer = items.as_ptr();
        let applied = apply(items, || true, |item: u64| Ok(Some(item as i64 - 50)));
        assert_eq!(applied.results, (-50..50).collect::<Vec<i64>>());
        assert_eq!(applied.results.as_ptr().cast(), buffer);
    }

    #[test]
    fn what_was_not_begun_is_handed_back() {
        for most in 0..=5_usize {
            let looks = Cell::new(0);
            let goes_on = || looks.replace(looks.get() + 1) < most;
            let in_place = apply((0..5_u32).map(Box::new).collect(), goes_on, |item| Ok(Some(item)));
            assert_eq!((in_place.results.len(), in_place.given), (most, most));
            assert_eq!(in_place.rest.map(|rest| rest.len()), (most < 5).then(|| 5 - most));
            looks.set(0);
            let apart = apply((0..5_u32).map(Box::new).collect(), goes_on, |item| Ok(Some(*item as u8)));
            assert_eq!(apart.results, (0..most as u8).collect::<Vec<_>>());
            let rest: Vec<u32> = apart.rest.into_iter().flatten().map(|item| *item).collect();
            assert_eq!(rest, (most as u32..5).collect::<Vec<_>>());
        }
    }
}
