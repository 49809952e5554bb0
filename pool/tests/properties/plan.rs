//! A random graph as data: what the model interprets and what is built of tasks.
//!
//! All items are `u64`, so that any operator can follow any other; what an operator makes of them depends on their value and,
//! where the operator knows it, on their place, so that a lost, doubled or misplaced item shows downstream.

use proptest::prelude::*;

/// Two numbers made into one that tells them apart, their order too.
pub(crate) fn mix(left: u64, right: u64) -> u64 {
    let mut mixed = left.rotate_left(23) ^ right.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Items to which a function says no.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rare(pub(crate) u64);

impl Rare {
    pub(crate) fn is(self, item: u64) -> bool {
        mix(item, 77).is_multiple_of(self.0)
    }
}

/// What one operator does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Map,
    Inspect,
    MapChunks,
    Filter(Rare),
    FilterMap(Rare),
    /// Each item becomes as many as its value modulo this.
    FlatMap(u64),
    /// The first so many of the endless inner iterator that each item becomes.
    Endless(usize),
    /// A map that is interrupted the first time that it is called for one of these.
    Interrupted(Rare),
    /// A function with state.
    Sequential,
    /// Ends at the first of these.
    Scan(Rare),
    Enumerate,
    /// Groups, each then made into one item.
    Batch(usize),
    /// Groups, taken apart again.
    BatchFlatten(usize),
    Take(usize),
    TakeWhile(Rare),
    Skip(usize),
    SkipWhile(Rare),
    Fold,
}

impl Act {
    /// Whether what it makes depends on the order of its input.
    fn minds_order(self) -> bool {
        !matches!(
            self,
            Self::Map
                | Self::Inspect
                | Self::MapChunks
                | Self::Interrupted(_)
                | Self::Filter(_)
                | Self::FilterMap(_)
                | Self::FlatMap(_)
        )
    }

    pub(crate) fn is_one_to_one(self) -> bool {
        matches!(
            self,
            Self::Map | Self::Inspect | Self::MapChunks | Self::Interrupted(_) | Self::Sequential | Self::Enumerate
        )
    }
}

/// How a function fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) on: Rare,
    pub(crate) is_panic: bool,
}

/// An operator with its options.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) act: Act,
    pub(crate) fault: Option<Fault>,
    pub(crate) min_count: usize,
    pub(crate) max_chunksize: Option<usize>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) read_ahead: usize,
    pub(crate) is_unordered: bool,
    /// How long each call takes.
    pub(crate) rounds: u32,
    /// Calls that take a thousand times as long as others.
    pub(crate) slow: Option<Rare>,
}

/// How a stream is split.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fork {
    Tee,
    Partition,
}

/// How streams become one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Join {
    Zip,
    Chain,
    Merge,
}

/// A graph with one output.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    /// So many items.
    Source(usize),
    Pipe(Box<Plan>, Vec<Step>),
    Join(Join, Vec<Plan>),
    Fork {
        input: Box<Plan>,
        fork: Fork,
        branches: Vec<Vec<Step>>,
        join: Join,
    },
}

impl Plan {
    fn is_any_step(&self, test: &mut impl FnMut(&Step) -> bool) -> bool {
        match self {
            Self::Source(_) => false,
            Self::Pipe(input, steps) => input.is_any_step(test) || steps.iter().any(test),
            Self::Join(_, inputs) => inputs.iter().any(|input| input.is_any_step(test)),
            Self::Fork { input, branches, .. } => input.is_any_step(test) || branches.iter().flatten().any(test),
        }
    }

    pub(crate) fn each_step(&mut self, change: &mut impl FnMut(&mut Step)) {
        match self {
            Self::Source(_) => {}
            Self::Pipe(input, steps) => {
                input.each_step(change);
                steps.iter_mut().for_each(change);
            }
            Self::Join(_, inputs) => inputs.iter_mut().for_each(|input| input.each_step(change)),
            Self::Fork { input, branches, .. } => {
                input.each_step(change);
                branches.iter_mut().flatten().for_each(change);
            }
        }
    }

    fn each_source(&mut self, change: &mut impl FnMut(&mut usize)) {
        match self {
            Self::Source(items) => change(items),
            Self::Pipe(input, _) | Self::Fork { input, .. } => input.each_source(change),
            Self::Join(_, inputs) => inputs.iter_mut().for_each(|input| input.each_source(change)),
        }
    }

    /// The largest `min_count` of all.
    fn min_count(&self) -> usize {
        let mut most = 1;
        self.is_any_step(&mut |step| {
            most = most.max(step.min_count);
            false
        });
        most
    }

    /// All read-ahead together.
    pub(crate) fn read_ahead(&self) -> usize {
        let mut sum = 0;
        self.is_any_step(&mut |step| {
            sum += step.read_ahead;
            false
        });
        sum
    }

    /// How many items more than are asked of it an operator may make.
    pub(crate) fn slack(&self) -> usize {
        self.min_count() - 1 + self.read_ahead()
    }

    /// How many operators there are.
    pub(crate) fn operators(&self) -> usize {
        match self {
            Self::Source(_) => 1,
            Self::Pipe(input, steps) => input.operators() + steps.len(),
            Self::Join(_, inputs) => 1 + inputs.iter().map(Self::operators).sum::<usize>(),
            Self::Fork { input, branches, .. } => 2 + input.operators() + branches.iter().flatten().count(),
        }
    }

    /// Makes what it gives independent of chance: where the order of items is open, no operator minds it and none fails.
    fn settle(mut self) -> Self {
        if self.scrambles() {
            self.each_step(&mut |step| step.fault = None);
        }
        let mut expansions = 0;
        self.is_any_step(&mut |step| {
            expansions += usize::from(matches!(step.act, Act::FlatMap(_)));
            false
        });
        if expansions > 1 {
            self.each_source(&mut |items| *items %= 300);
        }
        self
    }

    /// Whether the order of its output is open; replaces what would make more than the order open by it.
    fn scrambles(&mut self) -> bool {
        fn pipe(steps: &mut [Step], mut is_open: bool) -> bool {
            for step in steps {
                if is_open && step.act.minds_order() {
                    step.act = Act::Map;
                }
                is_open |= step.is_unordered;
            }
            is_open
        }
        match self {
            Self::Source(_) => false,
            Self::Pipe(input, steps) => {
                let is_open = input.scrambles();
                pipe(steps, is_open)
            }
            Self::Join(join, inputs) => {
                let open = inputs.iter_mut().filter_map(|input| input.scrambles().then_some(())).count();
                if open > 0 && matches!(join, Join::Zip) {
                    *join = Join::Chain;
                }
                open > 0 || matches!(join, Join::Merge)
            }
            Self::Fork { input, branches, join, .. } => {
                let is_open = input.scrambles();
                let open = branches.iter_mut().filter_map(|steps| pipe(steps, is_open).then_some(())).count();
                if open > 0 && matches!(join, Join::Zip) {
                    *join = Join::Chain;
                }
                open > 0 || matches!(join, Join::Merge)
            }
        }
    }
}

/// What graphs may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flavour {
    pub(crate) has_faults: bool,
    /// Merges and unordered tasks.
    pub(crate) is_open: bool,
    pub(crate) has_limits: bool,
    pub(crate) has_read_ahead: bool,
    pub(crate) most_items: usize,
}

impl Flavour {
    /// Everything.
    pub(crate) const ALL: Self =
        Self { has_faults: true, is_open: true, has_limits: true, has_read_ahead: true, most_items: 20_000 };
}

fn rare() -> impl Strategy<Value = Rare> {
    prop_oneof![2..5_u64, 5..60_u64, 60..2_000_u64].prop_map(Rare)
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Map),
        1 => Just(Act::Inspect),
        2 => Just(Act::MapChunks),
        2 => rare().prop_map(Act::Filter),
        1 => rare().prop_map(Act::FilterMap),
        2 => (2..5_u64).prop_map(Act::FlatMap),
        1 => (0..400_usize).prop_map(Act::Endless),
        1 => rare().prop_map(Act::Interrupted),
        1 => Just(Act::Sequential),
        1 => rare().prop_map(Act::Scan),
        1 => Just(Act::Enumerate),
        1 => (1..9_usize).prop_map(Act::Batch),
        1 => (1..9_usize).prop_map(Act::BatchFlatten),
        1 => (0..400_usize).prop_map(Act::Take),
        1 => rare().prop_map(Act::TakeWhile),
        1 => (0..60_usize).prop_map(Act::Skip),
        1 => rare().prop_map(Act::SkipWhile),
        1 => Just(Act::Fold),
    ]
}

fn step(flavour: Flavour) -> impl Strategy<Value = Step> {
    let fault = prop::option::weighted(
        0.08,
        (prop_oneof![2..20_u64, 20..3_000_u64], any::<bool>())
            .prop_map(|(on, is_panic)| Fault { on: Rare(on), is_panic }),
    );
    (
        act(),
        fault,
        prop::option::weighted(0.2, 2..40_usize),
        prop::option::weighted(0.2, 1..40_usize),
        prop::option::weighted(0.2, 1..4_usize),
        prop::option::weighted(0.1, 1..200_usize),
        prop::bool::weighted(0.07),
        prop_oneof![6 => Just(0_u32), 2 => 1..100_u32, 1 => 100..3_000_u32],
        prop::option::weighted(0.05, (60..2_000_u64).prop_map(Rare)),
    )
        .prop_map(
            move |(act, fault, min_count, max_chunksize, concurrency, read_ahead, is_unordered, rounds, slow)| {
                let act = match act {
                    Act::Interrupted(_) if !flavour.has_faults => Act::Map,
                    act => act,
                };
                let has_function = !matches!(
                    act,
                    Act::Enumerate
                        | Act::Batch(_)
                        | Act::BatchFlatten(_)
                        | Act::Take(_)
                        | Act::Skip(_)
                        | Act::MapChunks
                        | Act::Endless(_)
                );
                Step {
                    act,
                    fault: fault.filter(|_| has_function && flavour.has_faults),
                    min_count: min_count.filter(|_| flavour.has_limits).unwrap_or(1),
                    max_chunksize: max_chunksize.filter(|_| flavour.has_limits),
                    concurrency: concurrency.filter(|_| flavour.has_limits),
                    read_ahead: read_ahead.filter(|_| flavour.has_read_ahead).unwrap_or(0),
                    is_unordered: is_unordered && flavour.is_open,
                    rounds,
                    slow,
                }
            },
        )
}

pub(crate) fn steps(flavour: Flavour) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(flavour), 1..4)
}

fn join(flavour: Flavour) -> impl Strategy<Value = Join> {
    prop_oneof![
        2 => Just(Join::Zip),
        2 => Just(Join::Chain),
        2 => Just(if flavour.is_open { Join::Merge } else { Join::Zip }),
    ]
}

/// Sources: mostly short, some long enough for chunks to grow.
fn source(flavour: Flavour) -> impl Strategy<Value = Plan> {
    let most = flavour.most_items;
    prop_oneof![
        1 => (0..4_usize).prop_map(Plan::Source),
        8 => (0..300_usize).prop_map(Plan::Source),
        1 => (0..most.max(301)).prop_map(Plan::Source),
    ]
}

/// Random graphs: chains, trees, diamonds.
pub(crate) fn plans(flavour: Flavour) -> impl Strategy<Value = Plan> {
    source(flavour)
        .prop_recursive(4, 12, 3, move |inner| {
            let fork = prop_oneof![Just(Fork::Tee), Just(Fork::Partition)];
            let branches = prop::collection::vec(prop::collection::vec(step(flavour), 0..3), 2..4);
            prop_oneof![
                4 => (inner.clone(), steps(flavour)).prop_map(|(input, steps)| Plan::Pipe(Box::new(input), steps)),
                1 => (join(flavour), prop::collection::vec(inner.clone(), 2..4))
                    .prop_map(|(join, inputs)| Plan::Join(join, inputs)),
                1 => (inner, fork, branches, join(flavour)).prop_map(|(input, fork, branches, join)| Plan::Fork {
                    input: Box::new(input),
                    fork,
                    branches,
                    join,
                }),
            ]
        })
        .prop_map(Plan::settle)
}
