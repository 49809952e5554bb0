//! Which inputs of a joint a walk goes to: those that its head has asked for items.
//!
//! A chain asks one input at a time, and a merge no more of them than it needs items, so of
//! thousands of inputs few are worth a look. One bit for each says which; to find the next one
//! costs a look at a word for every 64 inputs.

use millpond_sync::shim::atomic::{AtomicU64, Ordering};

/// How many inputs a word is for.
const BITS: usize = u64::BITS as usize;

/// See the [module documentation](self). Written by the head, which one worker has at a time.
#[derive(Debug)]
pub(crate) struct Asked(Box<[AtomicU64]>);

impl Asked {
    /// None of so many inputs is asked.
    pub(crate) fn new(inputs: usize) -> Self {
        Self((0..inputs.div_ceil(BITS)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Whether an input is asked.
    ///
    /// A worker that comes to the lane while the head is out may not see it. It is told when the
    /// head is back, and looks again.
    pub(crate) fn set(&self, input: usize, is_asked: bool) {
        let (word, bit) = (&self.0[input / BITS], 1 << (input % BITS));
        let before = word.load(Ordering::Relaxed);
        word.store(if is_asked { before | bit } else { before & !bit }, Ordering::Release);
    }

    /// The first input from this one on that is asked.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let mut mask = u64::MAX << (from % BITS);
        for (index, word) in self.0.iter().enumerate().skip(from / BITS) {
            let asked = word.load(Ordering::Acquire) & mask;
            if asked != 0 {
                return Some(index * BITS + asked.trailing_zeros() as usize);
            }
            mask = u64::MAX;
        }
        None
    }

    /// The inputs from this one on that are asked, in order. What changes behind the last one given
    /// is seen.
    pub(crate) fn iter(&self, from: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.next(from), |&before| self.next(before + 1))
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_found_in_order() {
        let asked = Asked::new(200);
        assert_eq!(asked.next(0), None);
        for input in [199, 0, 63, 64, 130] {
            asked.set(input, true);
        }
        assert!(asked.iter(0).eq([0, 63, 64, 130, 199]));
        assert_eq!(asked.next(65), Some(130));
        assert_eq!(asked.next(200), None);
        asked.set(63, false);
        asked.set(199, false);
        assert!(asked.iter(0).eq([0, 64, 130]));
        assert_eq!(asked.next(131), None);
    }
}
