//! A set of the inputs of a joint. Such are those that its head has asked for items, which a walk
//! goes to; those that data from outside has come for, where it goes first; and those that something
//! has come to since the head looked.
//!
//! A chain asks one input at a time, and a merge no more of them than it needs items, so of
//! thousands of inputs few are worth a look. One bit for each says which; to find the next one
//! costs a look at a word for every 64 inputs.

use millpond_sync::shim::atomic::{AtomicU64, Ordering};

/// How many inputs a word is for.
const BITS: usize = u64::BITS as usize;

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct InputSet(Box<[AtomicU64]>);

impl InputSet {
    /// None of so many inputs is in it.
    pub(crate) fn new(inputs: usize) -> Self {
        Self((0..inputs.div_ceil(BITS)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Puts an input in or takes it out, where one worker at a time does so: the one that has the
    /// head.
    ///
    /// A worker that comes to the lane while the head is out may not see it. It is told when the
    /// head is back, and looks again.
    pub(crate) fn set(&self, input: usize, is_in: bool) {
        let (word, bit) = (&self.0[input / BITS], 1 << (input % BITS));
        let before = word.load(Ordering::Relaxed);
        word.store(if is_in { before | bit } else { before & !bit }, Ordering::Release);
    }

    /// Puts an input in, beside others that do so.
    pub(crate) fn insert(&self, input: usize) {
        let (word, bit) = (&self.0[input / BITS], 1 << (input % BITS));
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Release);
        }
    }

    /// Takes an input out, beside others that put some in.
    pub(crate) fn remove(&self, input: usize) {
        self.0[input / BITS].fetch_and(!(1 << (input % BITS)), Ordering::AcqRel);
    }

    fn next_of(&self, from: usize, also: impl Fn(usize) -> u64) -> Option<usize> {
        let mut mask = u64::MAX << (from % BITS);
        for (index, word) in self.0.iter().enumerate().skip(from / BITS) {
            let found = word.load(Ordering::Acquire) & mask & also(index);
            if found != 0 {
                return Some(index * BITS + found.trailing_zeros() as usize);
            }
            mask = u64::MAX;
        }
        None
    }

    /// The first input from this one on that is in it.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        self.next_of(from, |_| u64::MAX)
    }

    /// The first input from this one on that is in both.
    pub(crate) fn next_of_both(&self, other: &Self, from: usize) -> Option<usize> {
        self.next_of(from, |word| other.0[word].load(Ordering::Acquire))
    }

    /// The inputs from this one on that are in it, in order. What changes behind the last one given
    /// is seen.
    pub(crate) fn iter(&self, from: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.next(from), |&before| self.next(before + 1))
    }
}

/// Which inputs of a joint a walk goes to.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) inputs: InputSet,
    /// Those where data from outside has come in since a walk went there for that.
    pub(crate) first: InputSet,
}

impl Asked {
    /// None of so many.
    pub(crate) fn new(inputs: usize) -> Self {
        Self { inputs: InputSet::new(inputs), first: InputSet::new(inputs) }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_set_is_found_in_order() {
        let asked = InputSet::new(200);
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
        let come = InputSet::new(200);
        come.insert(130);
        come.insert(131);
        assert_eq!((asked.next_of_both(&come, 0), asked.next_of_both(&come, 131)), (Some(130), None));
        come.remove(130);
        assert_eq!((asked.next_of_both(&come, 0), come.next(0)), (None, Some(131)));
    }
}
