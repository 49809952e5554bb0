//! Readers as blocking iterators.
//!
//! Subtle: an iterator has no way to say "would wait for ever". On a serial channel that is open and empty, `next`
//! panics rather than ending, which would look like the end of the data.

use crate::error::ReadError;
use crate::reader::Reader;
use std::iter::FusedIterator;

#[inline]
#[track_caller]
fn next<T>(reader: &Reader<T>) -> Option<T> {
    match reader.read_one() {
        Ok(item) => Some(item),
        Err(ReadError::Closed) => None,
        Err(error @ ReadError::WouldWaitForever) => panic!("{error}"),
    }
}

impl<T> Reader<T> {
    /// The items until the close, waiting for each, without giving up the reader.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { reader: self }
    }

    /// The items that are there, until there is none, without waiting.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { reader: self }
    }
}

/// Blocks for each item; ends when the channel is closed and empty.
///
/// # Panics
/// `next` panics if the channel is serial, open and empty.
impl<T> Iterator for Reader<T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        next(self)
    }
}

impl<T> FusedIterator for Reader<T> {}

/// The items of a reader until the close; see [`Reader::iter`].
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy: nothing is read until it is iterated"]
pub struct Iter<'a, T> {
    reader: &'a Reader<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        next(self.reader)
    }
}

impl<T> FusedIterator for Iter<'_, T> {}

impl<'a, T> IntoIterator for &'a Reader<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The items that are there now; see [`Reader::try_iter`].
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy: nothing is read until it is iterated"]
pub struct TryIter<'a, T> {
    reader: &'a Reader<T>,
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.reader.try_read_one().ok()
    }
}
