//! A graph and how it is read: what a seed draws.

use proptest::prelude::*;

use crate::plan::{Flavour, Plan, plans};
use crate::reading::{Reading, readings};

/// How a graph's output is read.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// By the caller.
    Alone(Vec<Reading>),
    /// By several threads that share the items.
    Shared(Vec<Vec<Reading>>),
    /// By several threads, each with a branch of its own that may keep so much.
    Branches(Vec<Vec<Reading>>, Option<usize>),
}

/// A graph and how it is read.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) plan: Plan,
    pub(crate) way: Way,
}

/// Cases whose sources have up to so many items.
pub(crate) fn cases(most_items: usize) -> impl Strategy<Value = Case> {
    let flavour = Flavour { most_items, ..Flavour::ALL };
    let ordered = Flavour { is_open: false, ..flavour };
    let several = || prop::collection::vec(readings(), 2..4);
    prop_oneof![
        4 => (plans(flavour), readings()).prop_map(|(plan, readings)| Case { plan, way: Way::Alone(readings) }),
        2 => (plans(flavour), several()).prop_map(|(plan, ways)| Case { plan, way: Way::Shared(ways) }),
        1 => (plans(ordered), several(), prop::option::of(1..60_usize))
            .prop_map(|(plan, ways, capacity)| Case { plan, way: Way::Branches(ways, capacity) }),
    ]
}
