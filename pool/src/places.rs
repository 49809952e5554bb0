//! A set of things by where they are in memory: looked through while they are few.

use std::collections::HashSet;

use smallvec::SmallVec;

/// How many are looked through one by one.
const FEW: usize = 8;

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct Places {
    few: SmallVec<[usize; FEW]>,
    many: HashSet<usize>,
}

impl Places {
    /// Adds one; says whether it is new.
    pub(crate) fn insert<T: ?Sized>(&mut self, thing: *const T) -> bool {
        let place = thing.addr();
        if !self.many.is_empty() {
            return self.many.insert(place);
        }
        if self.few.contains(&place) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push(place);
            return true;
        }
        self.many.extend(self.few.drain(..));
        self.many.insert(place)
    }

    pub(crate) fn contains<T: ?Sized>(&self, thing: *const T) -> bool {
        let place = thing.addr();
        self.few.contains(&place) || self.many.contains(&place)
    }

    pub(crate) fn clear(&mut self) {
        self.few.clear();
        self.many.clear();
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_told_apart() {
        let things = [0_u8; 3 * FEW];
        let mut places = Places::default();
        for (count, thing) in things.iter().enumerate() {
            assert!(!places.contains(thing) && places.insert(thing));
            assert!(things[..=count].iter().all(|known| places.contains(known) && !places.insert(known)));
        }
        places.clear();
        assert!(things.iter().all(|thing| !places.contains(thing)) && places.insert(&raw const things[0]));
    }
}
