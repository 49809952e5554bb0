//! Threads that wait for each other's tasks.
//!
//! A task's function may read. Where the read has to wait, its thread waits with the chunk that it is in, and so does everybody who needs
//! that chunk. Two functions that read each other's output, on two threads, wait for ever. This list finds that out: each thread
//! that is about to sleep **within a firing**, without a deadline, writes down which lanes it is firing and which lanes its walk in vain
//! has come to. Whether they all wait for each other is decided by the last one to do so. What it decides by, and why it is neither
//! too early nor too late, is argued in `README.md` of this crate ("Rings").
//!
//! Reads that are not within a function, and those that do not sleep, never come here.

use std::sync::Arc;
use std::task::Waker;

/// A lane, by the address of its header, which stays where it is while somebody fires it or waits at it.
pub(crate) type LaneAddress = usize;

/// A lane that a thread which waits has come to on its last walk.
#[derive(Debug, Clone)]
pub(crate) struct Passed {
    pub(crate) lane: LaneAddress,
    pub(crate) name: Arc<str>,
    /// How many of its chunks were in flight, seen before that walk.
    pub(crate) flying: usize,
}

/// The tasks of a ring, each of which waits for the next and the last for the first.
pub(crate) type Ring = Arc<[Arc<str>]>;

/// A thread that waits within a firing.
#[derive(Debug)]
struct Waiting {
    /// Names it.
    number: u64,
    /// What the clock showed when it came.
    since: u64,
    /// What the clock showed before its last walk.
    looked: u64,
    /// The lanes that it is firing; one that it fires twice is here twice.
    fires: Vec<LaneAddress>,
    way_up: Vec<Passed>,
    waker: Waker,
    verdict: Option<Ring>,
}

/// The threads of a pool that wait within a firing. See the [module documentation](self).
#[derive(Debug, Default)]
pub(crate) struct Rings {
    waiting: Vec<Waiting>,
    /// Goes up with each thread that comes.
    clock: u64,
}

impl Rings {
    /// What the clock shows. A thread asks for it before it walks for the last time.
    pub(crate) fn clock(&self) -> u64 {
        self.clock
    }

    /// A thread comes to wait; the answer names it.
    pub(crate) fn enter(&mut self, fires: Vec<LaneAddress>, waker: Waker) -> u64 {
        self.clock += 1;
        let number = self.clock;
        let (looked, way_up) = (0, Vec::new());
        self.waiting.push(Waiting { number, since: number, looked, fires, way_up, waker, verdict: None });
        number
    }

    /// It waits no more.
    pub(crate) fn leave(&mut self, number: u64) {
        self.waiting.retain(|waiting| waiting.number != number);
    }

    /// What it has been told.
    pub(crate) fn verdict(&self, number: u64) -> Option<Ring> {
        self.waiting.iter().find(|waiting| waiting.number == number)?.verdict.clone()
    }

    /// It is about to sleep, after a walk in vain by way of these lanes, begun since the clock showed `looked`; none of them where data
    /// from outside may come. Returns who is to be woken: to be told, or to look once more.
    pub(crate) fn sleeps(&mut self, number: u64, looked: u64, way_up: Vec<Passed>) -> Vec<Waker> {
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.number == number) {
            (waiting.looked, waiting.way_up) = (looked, way_up);
        }
        let stuck = self.stuck();
        if !stuck.iter().any(|&index| self.waiting[index].number == number) {
            return Vec::new();
        }
        // A look from before all of them had come says nothing of what the others have done until then.
        let came = stuck.iter().map(|&index| self.waiting[index].since).max().unwrap_or(0);
        let stale: Vec<Waker> =
            self.of(&stuck).filter(|waiting| waiting.looked < came).map(|waiting| waiting.waker.clone()).collect();
        if !stale.is_empty() {
            return stale;
        }
        let ring = self.ring(&stuck);
        let names: Ring = ring.iter().map(|(_, passed)| Arc::clone(&passed.name)).collect();
        let members: Vec<usize> = ring.into_iter().map(|(index, _)| index).collect();
        for (place, &index) in members.iter().enumerate() {
            // Begins with the task that this one waits for.
            let mut names = names.to_vec();
            names.rotate_left(place);
            self.waiting[index].verdict = Some(names.into());
        }
        self.of(&members).map(|waiting| waiting.waker.clone()).collect()
    }

    fn of<'a>(&'a self, indices: &'a [usize]) -> impl Iterator<Item = &'a Waiting> {
        indices.iter().map(|&index| &self.waiting[index])
    }

    /// The largest set of threads each of which waits by way of lanes all of whose chunks in flight are in the hands of the set.
    fn stuck(&self) -> Vec<usize> {
        let may_be = |index: &usize| self.waiting[*index].verdict.is_none() && self.waiting[*index].looked > 0;
        let mut stuck: Vec<usize> = (0..self.waiting.len()).filter(may_be).collect();
        loop {
            let held = |lane: LaneAddress| {
                self.of(&stuck).flat_map(|waiting| &waiting.fires).filter(|&&fired| fired == lane).count()
            };
            let is_stuck = |index: &usize| {
                let way_up = &self.waiting[*index].way_up;
                // A chunk that was begun since is in the hands of the set as well: nothing lets another thread begin one.
                way_up.iter().all(|passed| passed.flying <= held(passed.lane))
                    && way_up.iter().any(|passed| passed.flying > 0)
            };
            let left: Vec<usize> = stuck.iter().copied().filter(is_stuck).collect();
            if left.len() == stuck.len() {
                return left;
            }
            stuck = left;
        }
    }

    /// A ring among threads that are stuck: each with the lane at which it waits for the next one.
    fn ring(&self, stuck: &[usize]) -> Vec<(usize, Passed)> {
        let mut way: Vec<(usize, Passed)> = Vec::new();
        let Some(mut at) = stuck.first().copied() else { return way };
        loop {
            if let Some(begin) = way.iter().position(|(index, _)| *index == at) {
                return way.split_off(begin);
            }
            let Some(passed) = self.waiting[at].way_up.iter().find(|passed| passed.flying > 0) else {
                return Vec::new();
            };
            let fires = |index: &&usize| self.waiting[**index].fires.contains(&passed.lane);
            let Some(next) = stuck.iter().find(fires) else { return Vec::new() };
            way.push((at, passed.clone()));
            at = *next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread that fires these lanes and waits at those, of which so many chunks are in flight; who is woken, and how many are told.
    fn waits(rings: &mut Rings, number: u64, at: &[(LaneAddress, usize)]) -> usize {
        let looked = rings.clock();
        let passed = |&(lane, flying): &(LaneAddress, usize)| Passed { lane, name: lane.to_string().into(), flying };
        rings.sleeps(number, looked, at.iter().map(passed).collect()).len()
    }

    fn enter(rings: &mut Rings, fires: &[LaneAddress]) -> u64 {
        rings.enter(fires.to_vec(), Waker::noop().clone())
    }

    fn told(rings: &Rings, number: u64) -> Vec<String> {
        rings.verdict(number).iter().flat_map(|ring| ring.iter()).map(|name| name.to_string()).collect()
    }

    #[test]
    fn two_that_wait_for_each_other_are_told_once_both_have_looked() {
        let mut rings = Rings::default();
        let first = enter(&mut rings, &[10]);
        assert_eq!(waits(&mut rings, first, &[(20, 1)]), 0);
        let second = enter(&mut rings, &[20]);
        assert_eq!(waits(&mut rings, second, &[(10, 1)]), 1, "the first is to look again");
        assert!(told(&rings, first).is_empty() && told(&rings, second).is_empty());
        assert_eq!(waits(&mut rings, first, &[(20, 1)]), 2);
        assert_eq!(
            (told(&rings, first), told(&rings, second)),
            (vec!["20".into(), "10".into()], vec!["10".into(), "20".into()])
        );
    }

    #[test]
    fn a_chunk_in_other_hands_may_bring_it() {
        let mut rings = Rings::default();
        let (first, second) = (enter(&mut rings, &[10]), enter(&mut rings, &[20]));
        assert_eq!(waits(&mut rings, first, &[(20, 2)]), 0);
        assert_eq!(waits(&mut rings, second, &[(10, 1)]), 0, "somebody else is in 20");
        assert_eq!(waits(&mut rings, first, &[(20, 1)]), 2, "that chunk has landed, in vain");
    }

    #[test]
    fn data_from_outside_or_a_chunk_that_has_landed_may_bring_it() {
        let mut rings = Rings::default();
        let (first, second) = (enter(&mut rings, &[10]), enter(&mut rings, &[20]));
        assert_eq!(waits(&mut rings, first, &[]), 0);
        assert_eq!(waits(&mut rings, second, &[(10, 1)]), 0);
        assert_eq!(waits(&mut rings, first, &[(20, 0)]), 0, "nobody is there any more");
        assert_eq!(waits(&mut rings, first, &[(30, 0), (20, 1)]), 2, "nothing is wanted of 30");
    }

    #[test]
    fn who_waits_for_a_ring_is_not_in_it() {
        let mut rings = Rings::default();
        let numbers: Vec<u64> = [10, 20, 30, 40].iter().map(|lane| enter(&mut rings, &[*lane])).collect();
        assert_eq!(waits(&mut rings, numbers[0], &[(20, 1)]), 0);
        assert_eq!(waits(&mut rings, numbers[1], &[(30, 1)]), 0);
        assert_eq!(waits(&mut rings, numbers[3], &[(10, 1)]), 0);
        assert_eq!(waits(&mut rings, numbers[2], &[(10, 1)]), 3);
        assert_eq!(told(&rings, numbers[2]), ["10", "20", "30"]);
        assert!(told(&rings, numbers[3]).is_empty());
        numbers[..3].iter().for_each(|number| rings.leave(*number));
        assert_eq!(waits(&mut rings, numbers[3], &[(10, 1)]), 0, "they go on");
    }
}
