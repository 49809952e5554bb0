//! Applying a function to each item of a chunk, in the chunk's own memory where the results fit.
//!
//! A chunk that becomes another one of the same layout needs no second buffer: that halves the memory that a stage touches, and
//! a chunk stays in the innermost cache. The standard library's in-place collect does the same, but drops the results so far
//! when the function panics; here they are kept, because a reader gets all items before the failing one.

#![allow(unsafe_code, reason = "a vector that holds results in front and items behind while a chunk is worked on")]

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Cause;

/// What came of a chunk.
pub(super) struct Applied<B> {
    pub(super) results: Vec<B>,
    /// How many items the function was given, the one that it failed on included.
    pub(super) given: usize,
    /// Why it failed on the last of them.
    pub(super) cause: Option<Cause>,
}

/// Applies `function` to one item after the other, as long as `goes_on`, which is asked after every `stride` items.
pub(super) fn apply<A, B>(
    items: Vec<A>,
    stride: usize,
    mut goes_on: impl FnMut() -> bool,
    mut function: impl FnMut(A) -> Result<Option<B>, Cause>,
) -> Applied<B> {
    let mut chunk = Chunk::<A, B>::new(items);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        while chunk.has_items() && goes_on() {
            chunk.apply(stride, &mut function)?;
        }
        Ok(())
    }));
    let cause = outcome.unwrap_or_else(|payload| Err(Cause::panic(payload))).err();
    let given = chunk.read();
    Applied { results: chunk.into_results(), given, cause }
}

/// A chunk that is being worked on.
enum Chunk<A, B> {
    /// Results and items share one buffer.
    Shared(Shared<A, B>),
    /// They have one each.
    Apart { items: std::vec::IntoIter<A>, given: usize, results: Vec<B> },
}

impl<A, B> Chunk<A, B> {
    fn new(items: Vec<A>) -> Self {
        if size_of::<A>() == size_of::<B>() && align_of::<A>() == align_of::<B>() && size_of::<A>() > 0 {
            Self::Shared(Shared::new(items))
        } else {
            let results = Vec::with_capacity(items.len());
            Self::Apart { items: items.into_iter(), given: 0, results }
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
    fn apply(&mut self, most: usize, function: &mut impl FnMut(A) -> Result<Option<B>, Cause>) -> Result<(), Cause> {
        match self {
            Self::Shared(shared) => shared.apply(most, function),
            Self::Apart { items, given, results } => {
                for item in items.by_ref().take(most) {
                    *given += 1;
                    if let Some(result) = function(item)? {
                        results.push(result);
                    }
                }
                Ok(())
            }
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

    /// Applies the function to at most `most` items. When it fails or panics, the counts say how far it came.
    #[inline]
    fn apply(&mut self, most: usize, function: &mut impl FnMut(A) -> Result<Option<B>, Cause>) -> Result<(), Cause> {
        let end = self.read + most.min(self.len - self.read);
        let (read, written, buffer) = (self.read, self.written, self.buffer);
        // The counts stay in registers; they are written back when this is dropped, also by a panic.
        let mut at = Counts { counts: (&mut self.read, &mut self.written), read, written };
        // Subtle: as long as every item has given a result the two counts are equal. A loop that says so with one count is
        // made into vector instructions where the function allows it.
        if read == written {
            for place in read..end {
                // SAFETY: as below.
                let source = unsafe { buffer.add(place) };
                // SAFETY: as below.
                let item = unsafe { source.read() };
                at.read = place + 1;
                let Some(result) = function(item)? else { break };
                // SAFETY: as below; the place is that of the item just taken.
                unsafe { source.cast::<B>().write(result) };
                at.written = place + 1;
            }
        }
        while at.read < end {
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

    fn drop_items(&mut self) {
        let rest = std::ptr::slice_from_raw_parts_mut(self.buffer.wrapping_add(self.read), self.len - self.read);
        self.read = self.len;
        // SAFETY: the items from the old `read` on were there and not taken; now `read` says that they are gone.
        unsafe { rest.drop_in_place() };
    }
}

impl<A, B> Drop for Shared<A, B> {
    fn drop(&mut self) {
        self.drop_items();
        // SAFETY: as in `into_results`, which does not come here.
        drop(unsafe { Vec::from_raw_parts(self.buffer.cast::<B>(), self.written, self.capacity) });
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
            4,
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
        let applied = apply(items, 7, || true, |item: u64| Ok(Some(item as i64 - 50)));
        assert_eq!(applied.results, (-50..50).collect::<Vec<i64>>());
        assert_eq!(applied.results.as_ptr().cast(), buffer);
    }

    #[test]
    fn it_stops_between_items_when_it_is_not_to_go_on() {
        let strides = Cell::new(0);
        let goes_on = || strides.replace(strides.get() + 1) < 3;
        let applied = apply((0..100_u32).collect(), 5, goes_on, |item| Ok(Some(item)));
        assert_eq!((applied.results, applied.given), ((0..15).collect(), 15));
        assert!(applied.cause.is_none());
    }
}
