//! Who has which units of which limits in a run, and who waits for them.
//!
//! A task takes the units of all its limits at once or none. A task that lacks some is **parked**
//! at one limit that has too few for it. Whoever gives units of that limit back looks at the tasks
//! that are parked there, in the order of their ranks. Each of them is handed its units, or stays,
//! or is parked at another limit that has too few. So units are never free while a task that they
//! would do for waits, with two exceptions:
//!
//! * A task of higher priority is parked at the limit. Tasks of lower priority leave its units
//!   alone.
//! * The tasks in front have been passed [`MOST_PASSES`] times. From then on a task **reserves**
//!   the units of all its limits, also those that are free already.
//!
//! **Nobody waits for ever.** Take the waiting task of the lowest rank. Nothing is reserved before
//! it and no task of higher priority waits. So the limit that it is parked at has too few units
//! because tasks that run have them; the last of these gives them back and looks at it.
//!
//! **Nobody is overlooked.** A task can only begin to fit where it is parked: at another limit it
//! would still lack these units. There it begins to fit when units are given back, which looks at
//! it, and not when a reservation ends: that task takes as many units as it had reserved. A task of
//! higher priority leaves a limit only while its owner looks at that limit, and the tasks of lower
//! priority come next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use millpond_sync::shim::Mutex;
use smallvec::SmallVec;

use super::attributes::Limit;

/// How often the first task in line at a limit is passed before it reserves its units.
///
/// Reserved units lie idle until the rest is there, so 0 would have the tasks around each large one
/// run one after the other.
const MOST_PASSES: u32 = 8;

/// Who comes first: higher priorities, then those that came earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    priority: Reverse<i32>,
    arrival: u64,
}

/// Limits, by their numbers, and how many units of each.
type Needs = SmallVec<[(u64, u32); 2]>;

/// A task that waits for units.
struct Waiting {
    item: u64,
    needs: Needs,
    /// The limit that it is parked at.
    at: u64,
    passed: u32,
}

/// The units of one limit.
struct Units {
    free: u32,
    /// Who is parked here, by how many units they need.
    parked: BTreeMap<u32, BTreeSet<Rank>>,
}

impl Units {
    fn first(&self) -> Option<Rank> {
        self.parked.values().filter_map(BTreeSet::first).min().copied()
    }

    /// The first task after `after` that needs no more than is free.
    fn next(&self, after: Option<Rank>) -> Option<Rank> {
        let fitting = self.parked.range(..=self.free).map(|(_, ranks)| ranks);
        fitting
            .filter_map(|ranks| match after {
                None => ranks.first(),
                Some(after) => ranks.range(after..).find(|rank| **rank != after),
            })
            .min()
            .copied()
    }
}

#[derive(Default)]
struct State {
    units: HashMap<u64, Units>,
    waiting: BTreeMap<Rank, Waiting>,
    /// Those who reserve units.
    reserving: BTreeSet<Rank>,
    arrivals: u64,
}

/// See the [module documentation](self).
#[derive(Default)]
pub(super) struct Limits {
    state: Mutex<State>,
}

impl Limits {
    /// Takes what a task needs of its limits, or parks it: then `item` is given out by
    /// [`give_back`](Self::give_back) later.
    pub(super) fn take(&self, limits: &[(Limit, u32)], priority: i32, item: u64) -> bool {
        let mut state = self.state.lock();
        if state.take_free(limits) {
            return true;
        }
        let needs = needs(limits);
        let rank = Rank { priority: Reverse(priority), arrival: state.arrivals };
        state.arrivals += 1;
        match state.obstacle(&needs, rank) {
            None => {
                state.hand_out(&needs, rank);
                true
            }
            Some(at) => {
                state.park(rank, Waiting { item, needs, at, passed: 0 });
                false
            }
        }
    }

    /// Gives units back. Returns the items of tasks that have been handed their units.
    pub(super) fn give_back(&self, limits: &[(Limit, u32)]) -> Vec<u64> {
        let mut handed = Vec::new();
        let mut state = self.state.lock();
        for (limit, count) in limits {
            state.units_mut(limit.number()).free += count;
        }
        if !state.waiting.is_empty() {
            limits.iter().for_each(|(limit, _)| state.serve(limit.number(), &mut handed));
        }
        handed
    }

    /// Whether nobody waits.
    pub(super) fn is_idle(&self) -> bool {
        self.state.lock().waiting.is_empty()
    }
}

fn needs(limits: &[(Limit, u32)]) -> Needs {
    limits.iter().map(|(limit, units)| (limit.number(), *units)).collect()
}

impl State {
    /// Takes what a task needs if all of it is free and nobody waits. After this all its limits are
    /// known.
    fn take_free(&mut self, limits: &[(Limit, u32)]) -> bool {
        let mut has_all = self.waiting.is_empty();
        for (limit, count) in limits {
            let all = || Units { free: limit.units(), parked: BTreeMap::new() };
            let units = self.units.entry(limit.number()).or_insert_with(all);
            has_all &= *count <= units.free;
            if has_all && limits.len() == 1 {
                units.free -= count;
                return true;
            }
        }
        if has_all {
            limits.iter().for_each(|(limit, count)| self.units_mut(limit.number()).free -= count);
        }
        has_all
    }

    fn units_mut(&mut self, limit: u64) -> &mut Units {
        self.units.get_mut(&limit).expect("a limit is known from the first task on that asks for it")
    }

    /// A limit that has too few units for a task of this rank.
    fn obstacle(&self, needs: &Needs, rank: Rank) -> Option<u64> {
        needs.iter().find(|(limit, count)| !self.fits(*limit, *count, rank)).map(|(limit, _)| *limit)
    }

    fn fits(&self, limit: u64, count: u32, rank: Rank) -> bool {
        let units = &self.units[&limit];
        let Some(mut left) = units.free.checked_sub(count) else { return false };
        if units.first().is_some_and(|first| first.priority < rank.priority) {
            return false;
        }
        self.reserving.range(..rank).all(|before| {
            let reserved = self.waiting[before].needs.iter().find(|(other, _)| *other == limit);
            let rest = left.checked_sub(reserved.map_or(0, |(_, count)| *count));
            left = rest.unwrap_or(0);
            rest.is_some()
        })
    }

    /// Lets a task that does not wait have its units.
    fn hand_out(&mut self, needs: &Needs, rank: Rank) {
        for (limit, count) in needs {
            let units = self.units_mut(*limit);
            units.free -= count;
            if let Some(first) = units.first().filter(|first| *first < rank) {
                self.pass(first);
            }
        }
    }

    /// Notes that a waiting task was passed.
    fn pass(&mut self, rank: Rank) {
        let waiting = self.waiting.get_mut(&rank).expect("it waits");
        waiting.passed += 1;
        if waiting.passed >= MOST_PASSES {
            self.reserving.insert(rank);
        }
    }

    fn park(&mut self, rank: Rank, waiting: Waiting) {
        let count = waiting.count();
        self.units_mut(waiting.at).parked.entry(count).or_default().insert(rank);
        self.waiting.insert(rank, waiting);
    }

    fn unpark(&mut self, rank: Rank) -> Waiting {
        let waiting = self.waiting.remove(&rank).expect("it waits");
        let count = waiting.count();
        let parked = &mut self.units_mut(waiting.at).parked;
        if let Some(ranks) = parked.get_mut(&count) {
            ranks.remove(&rank);
            if ranks.is_empty() {
                parked.remove(&count);
            }
        }
        waiting
    }

    /// Looks at those who are parked at `limit`, some of whose units have come back.
    fn serve(&mut self, limit: u64, handed: &mut Vec<u64>) {
        let mut last = None;
        while let Some(rank) = self.units[&limit].next(last) {
            last = Some(rank);
            let waiting = &self.waiting[&rank];
            if !self.fits(limit, waiting.count(), rank) {
                if self.fits(limit, 1, rank) {
                    continue;
                }
                // All that is free is reserved, or belongs to a task of higher priority.
                break;
            }
            match self.obstacle(&waiting.needs, rank) {
                None => {
                    let waiting = self.unpark(rank);
                    self.reserving.remove(&rank);
                    self.hand_out(&waiting.needs, rank);
                    handed.push(waiting.item);
                }
                Some(at) => {
                    let waiting = self.unpark(rank);
                    self.park(rank, Waiting { at, ..waiting });
                    self.pass(rank);
                }
            }
        }
    }
}

impl Waiting {
    /// How many units it needs of the limit that it is parked at.
    fn count(&self) -> u32 {
        self.needs.iter().find(|(limit, _)| *limit == self.at).map_or(0, |(_, count)| *count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Limit, Limits, MOST_PASSES};

    fn limit(units: u32) -> Limit {
        Limit::new("some", units).expect("there are some")
    }

    #[test]
    fn a_task_that_is_parked_anew_lets_the_next_one_have_its_turn() {
        let (a, b) = (limit(1), limit(1));
        let limits = Limits::default();
        let (only_a, only_b, both) = ([(a.clone(), 1)], [(b.clone(), 1)], [(a, 1), (b, 1)]);
        assert!(limits.take(&only_a, 0, 1) && limits.take(&only_b, 0, 2));
        assert!(!limits.take(&both, 0, 3) && !limits.take(&only_a, 0, 4));
        // The first lacks the other limit, so the second goes first.
        assert_eq!(limits.give_back(&only_a), [4]);
        assert_eq!(limits.give_back(&only_b), []);
        assert_eq!(limits.give_back(&only_a), [3]);
        assert!(limits.is_idle());
    }

    #[test]
    fn a_task_of_several_units_is_passed_a_few_times_and_by_none_of_lower_priority() {
        for (priority, passes) in [(0, MOST_PASSES), (1, 0)] {
            let of = limit(2);
            let limits = Limits::default();
            let (one, two) = ([(of.clone(), 1)], [(of, 2)]);
            assert!(limits.take(&one, 0, 0) && !limits.take(&two, priority, 1));
            let mut passed = 0;
            while limits.take(&one, 0, 2) {
                passed += 1;
                assert_eq!(limits.give_back(&one), []);
            }
            assert_eq!(passed, passes);
            // One more waits behind it, and those that have units end.
            assert_eq!(limits.give_back(&one), [1]);
            assert_eq!(limits.give_back(&two), [2]);
        }
    }

    /// What is drawn for a task: its priority, and units of each of three limits.
    #[derive(Debug, Clone)]
    struct Drawn {
        priority: i32,
        counts: [u32; 3],
    }

    fn drawn() -> impl Strategy<Value = Vec<(Drawn, bool, prop::sample::Index)>> {
        let task = (0..3_i32, [0..2_u32, 0..3_u32, 0..5_u32])
            .prop_map(|(priority, counts)| Drawn { priority: priority / 2, counts });
        prop::collection::vec((task, any::<bool>(), any::<prop::sample::Index>()), 1..120)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        /// Tasks come and end in any order.
        #[test]
        fn units_are_had_once_and_idle_only_for_who_comes_first(tasks in drawn()) {
            let all = [limit(1), limit(2), limit(4)];
            let limits = Limits::default();
            let asked = |number: usize| -> Vec<(Limit, u32)> {
                let counts = tasks[number].0.counts;
                all.iter().cloned().zip(counts).filter(|(_, count)| *count > 0).collect()
            };
            let mut running: Vec<usize> = Vec::new();
            let mut waiting: Vec<usize> = Vec::new();
            for number in 0..tasks.len() + 10_000 {
                let mut begun = Vec::new();
                match tasks.get(number) {
                    Some((task, ..)) => {
                        let has_them = limits.take(&asked(number), task.priority, number as u64);
                        waiting.push(number);
                        begun.extend(has_them.then_some(number));
                    }
                    None if running.is_empty() => break,
                    None => {}
                }
                let ends = tasks.get(number).is_none_or(|(_, ends, _)| *ends);
                if ends && !running.is_empty() {
                    let chosen = tasks[number % tasks.len()].2.index(running.len());
                    let ended = running.swap_remove(chosen);
                    begun.extend(limits.give_back(&asked(ended)).into_iter().map(|item| item as usize));
                }
                for begun in begun {
                    waiting.retain(|other| *other != begun);
                    running.push(begun);
                }
                let used = |limit: usize| running.iter().map(|number| tasks[*number].0.counts[limit]).sum::<u32>();
                let free: Vec<u32> = (0..3).map(|limit| all[limit].units().checked_sub(used(limit)).unwrap()).collect();
                let fits = |number: usize| (0..3).all(|limit| tasks[number].0.counts[limit] <= free[limit]);
                let rank = |number: usize| (-tasks[number].0.priority, number);
                // Whoever fits and waits does so for another one, of a higher priority or passed
                // often.
                for waits in waiting.iter().copied().filter(|number| fits(*number)) {
                    let is_right = waiting.iter().copied().filter(|other| !fits(*other)).any(|other| {
                        let is_higher = tasks[other].0.priority > tasks[waits].0.priority;
                        rank(other) < rank(waits) && (is_higher || number - other >= MOST_PASSES as usize)
                    });
                    prop_assert!(is_right, "{waits} fits and waits for nobody");
                }
            }
            prop_assert!(running.is_empty() && waiting.is_empty() && limits.is_idle(), "{waiting:?} wait for ever");
        }
    }
}
