//! What a graph must give, and which calls that takes: an interpreter over plain lists.
//!
//! For a demand of `n` items the model says how often each operator's function is called: exactly, or where chance or the size of
//! chunks has a say, at least and at most. Demand goes up as the engine's does: through an operator that has made `taken[i]` inputs
//! into its first `i + 1` items, a demand of `n` is one of `taken[n - 1]`.

use crate::ledger::weight;
use crate::plan::{Act, Fork, Join, Plan, Step, mix};

/// How a stream ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    Failed { task: String, index: u64 },
}

/// A demand or a number of calls: at least and at most. `usize::MAX` is a demand for all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) least: usize,
    pub(crate) most: usize,
}

/// The calls that an operator may get.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) operator: usize,
    pub(crate) calls: Span,
    /// The sum of the calls' items, where their number says which they are.
    pub(crate) sum: Option<u64>,
}

/// An operator, with all that it does when everything is read.
#[derive(Debug)]
pub(crate) struct Node {
    operator: usize,
    pub(crate) items: Vec<u64>,
    pub(crate) end: End,
    /// Whether the order of the items is open.
    pub(crate) is_open: bool,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Source,
    /// A branch of the fork with this number; its input is reckoned up there.
    Branch,
    Step {
        input: Box<Node>,
        act: Act,
        taken: Vec<usize>,
        stopped_after: Option<usize>,
    },
    Join {
        join: Join,
        inputs: Vec<Node>,
    },
    Fork {
        input: Box<Node>,
        fork: Fork,
        join: Join,
        branches: Vec<Node>,
    },
}

/// Which part of a partition an item goes to.
pub(crate) fn part(item: u64, parts: usize) -> usize {
    usize::try_from(mix(item, 5) % parts as u64).expect("less than a usize")
}

/// The item with this number of the source that is operator `operator`.
pub(crate) fn source_item(operator: usize, number: usize) -> u64 {
    mix(operator as u64, number as u64)
}

/// The model of a graph; `operators` counts them in the order in which they are built.
pub(crate) fn interpret(plan: &Plan, operators: &mut usize) -> Node {
    match plan {
        Plan::Source(count) => {
            let operator = next(operators);
            let items = (0..*count).map(|number| source_item(operator, number)).collect();
            Node { operator, items, end: End::Complete, is_open: false, shape: Shape::Source }
        }
        Plan::Pipe(input, steps) => {
            let input = interpret(input, operators);
            pipe(input, steps, operators)
        }
        Plan::Join(how, inputs) => {
            let inputs: Vec<Node> = inputs.iter().map(|input| interpret(input, operators)).collect();
            let operator = next(operators);
            let (items, end, is_open) = join(*how, &inputs);
            Node { operator, items, end, is_open, shape: Shape::Join { join: *how, inputs } }
        }
        Plan::Fork { input, fork, branches, join: how } => {
            let input = interpret(input, operators);
            next(operators);
            let parts = branches.len();
            let branches: Vec<Node> = branches
                .iter()
                .enumerate()
                .map(|(number, steps)| {
                    let items = match fork {
                        Fork::Tee => input.items.clone(),
                        Fork::Partition => {
                            input.items.iter().copied().filter(|&item| part(item, parts) == number).collect()
                        }
                    };
                    let branch = Node {
                        operator: usize::MAX,
                        items,
                        end: input.end.clone(),
                        is_open: input.is_open,
                        shape: Shape::Branch,
                    };
                    pipe(branch, steps, operators)
                })
                .collect();
            let operator = next(operators);
            let (items, end, is_open) = join(*how, &branches);
            let shape = Shape::Fork { input: Box::new(input), fork: *fork, join: *how, branches };
            Node { operator, items, end, is_open, shape }
        }
    }
}

fn next(operators: &mut usize) -> usize {
    *operators += 1;
    *operators - 1
}

fn join(how: Join, inputs: &[Node]) -> (Vec<u64>, End, bool) {
    let is_open = inputs.iter().any(|input| input.is_open);
    match how {
        Join::Zip => {
            let (mut items, mut end) = (inputs[0].items.clone(), inputs[0].end.clone());
            for other in &inputs[1..] {
                if other.items.len() < items.len() {
                    end = other.end.clone();
                }
                items = items.iter().zip(&other.items).map(|(&left, &right)| mix(left, right)).collect();
            }
            (items, end, is_open)
        }
        Join::Chain | Join::Merge => {
            let mut items = Vec::new();
            for input in inputs {
                items.extend(&input.items);
                if input.end != End::Complete {
                    return (items, input.end.clone(), is_open);
                }
            }
            (items, End::Complete, is_open || matches!(how, Join::Merge))
        }
    }
}

/// A zip of more than two is one of zips, each with its slack.
fn nested(join: Join, inputs: usize, demand: Span, slack: usize) -> Span {
    match join {
        Join::Zip if demand.most > 0 => {
            Span { most: demand.most.saturating_add(slack.saturating_mul(inputs - 2)), ..demand }
        }
        _ => demand,
    }
}

fn pipe(input: Node, steps: &[Step], operators: &mut usize) -> Node {
    steps.iter().fold(input, |input, step| apply(input, step, next(operators)))
}

/// The items of a group made into one.
pub(crate) fn fold_group(items: &[u64]) -> u64 {
    items.iter().fold(items.len() as u64, |folded, &item| mix(folded, item))
}

fn apply(input: Node, step: &Step, operator: usize) -> Node {
    let act = step.act;
    let (mut items, mut taken) = (Vec::new(), Vec::new());
    let mut stopped = None;
    let mut end = input.end.clone();
    let mut state = operator as u64;
    match act {
        Act::Batch(size) => {
            for (number, group) in input.items.chunks(size).enumerate() {
                items.push(fold_group(group));
                taken.push((number + 1) * size);
            }
        }
        Act::BatchFlatten(size) => {
            items.clone_from(&input.items);
            taken.extend((0..items.len()).map(|number| (number / size + 1) * size));
        }
        Act::Endless(count) => {
            if let Some(&item) = input.items.first().filter(|_| count > 0) {
                items.extend((0..count as u64).map(|number| mix(item, number)));
                taken.resize(count, 1);
            }
            if items.len() == count {
                end = End::Complete;
            }
        }
        Act::Take(count) => {
            items.extend(input.items.iter().take(count));
            taken.extend(1..=items.len());
            if items.len() == count {
                end = End::Complete;
            }
        }
        _ => {
            let mut is_skipping = true;
            for (index, &item) in input.items.iter().enumerate() {
                let fails = step.fault.is_some_and(|fault| fault.on.is(item))
                    && (is_skipping || !matches!(act, Act::SkipWhile(_)));
                if fails {
                    end = End::Failed { task: format!("task {operator}"), index: index as u64 };
                    stopped = Some(index + 1);
                    break;
                }
                let mut give = |item| {
                    items.push(item);
                    taken.push(index + 1);
                };
                match act {
                    Act::Map | Act::MapChunks | Act::Interrupted(_) => give(mix(item, operator as u64)),
                    Act::Inspect => give(item),
                    Act::Filter(rare) if !rare.is(item) => give(item),
                    Act::FilterMap(rare) if !rare.is(item) => give(mix(item, 1)),
                    Act::FlatMap(most) => (0..item % most).for_each(|number| give(mix(item, number))),
                    Act::Sequential => {
                        state = mix(state, item);
                        give(state);
                    }
                    Act::Enumerate => give(mix(item, index as u64)),
                    Act::Skip(count) if index >= count => give(item),
                    Act::SkipWhile(rare) => {
                        // Skips what is not rare.
                        is_skipping = is_skipping && !rare.is(item);
                        if !is_skipping {
                            give(item);
                        }
                    }
                    Act::TakeWhile(rare) | Act::Scan(rare) if rare.is(item) => {
                        (stopped, end) = (Some(index + 1), End::Complete);
                        break;
                    }
                    Act::TakeWhile(_) => give(item),
                    Act::Scan(_) => {
                        state = mix(state, item);
                        give(state);
                    }
                    Act::Fold => state = mix(state, item),
                    _ => {}
                }
            }
            if matches!(act, Act::Fold) && end == End::Complete {
                items.push(state);
                taken.push(usize::MAX);
            }
        }
    }
    let is_open = input.is_open || step.is_unordered;
    let shape = Shape::Step { input: Box::new(input), act, taken, stopped_after: stopped };
    Node { operator, items, end, is_open, shape }
}

impl Span {
    pub(crate) const fn exactly(count: usize) -> Self {
        Self { least: count, most: count }
    }

    pub(crate) const ALL: Self = Self::exactly(usize::MAX);

    fn and(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.max(other.most) }
    }
}

impl Node {
    /// The calls that a demand takes, where each operator may make `slack` items more than are asked of it.
    pub(crate) fn expect(&self, demand: Span, slack: usize, all: &mut Vec<Expected>) {
        let more = if demand.most == 0 { 0 } else { demand.most.saturating_add(slack) };
        let demand = Span { most: more, ..demand };
        match &self.shape {
            Shape::Source => all.push(self.counted(self.operator, demand, &self.items, &End::Complete, false)),
            Shape::Branch => {}
            Shape::Step { input, act, .. } => {
                let above = self.above(demand, slack);
                match act {
                    Act::Take(_) | Act::Skip(_) | Act::BatchFlatten(_) => {}
                    Act::Enumerate | Act::Batch(_) => {
                        all.push(self.counted(self.operator, demand, &self.items, &self.end, self.is_open));
                    }
                    Act::SkipWhile(rare) => {
                        // Called up to the first that it lets pass.
                        let called = input.items.iter().position(|&item| rare.is(item)).map_or(usize::MAX, |at| at + 1);
                        let calls = Span { least: above.least.min(called), most: above.most.min(called) };
                        all.push(self.counted(self.operator, calls, &input.items, &input.end, input.is_open));
                    }
                    _ => all.push(self.counted(self.operator, above, &input.items, &input.end, input.is_open)),
                }
                input.expect(above, slack, all);
            }
            Shape::Join { join, inputs } => {
                let demand = nested(*join, inputs.len(), demand, slack);
                for (input, demand) in inputs.iter().zip(self.spread(*join, inputs, demand)) {
                    input.expect(demand, slack, all);
                }
            }
            Shape::Fork { input, fork, join, branches } => {
                let demand = nested(*join, branches.len(), demand, slack);
                let mut above = Span::exactly(0);
                for (number, (branch, demand)) in branches.iter().zip(self.spread(*join, branches, demand)).enumerate()
                {
                    branch.expect(demand, slack, all);
                    let at_fork = branch.at_fork(demand, slack);
                    above = above.and(match fork {
                        Fork::Tee => at_fork,
                        Fork::Partition => {
                            let places: Vec<usize> = (0..input.items.len())
                                .filter(|&place| part(input.items[place], branches.len()) == number)
                                .collect();
                            let place = |count: usize, beyond| match count {
                                0 => 0,
                                _ if input.is_open => beyond,
                                _ => places.get(count - 1).map_or(usize::MAX, |place| place + 1),
                            };
                            let is_all = at_fork.least > places.len();
                            Span {
                                least: place(at_fork.least, if is_all { usize::MAX } else { 0 }),
                                most: place(at_fork.most, usize::MAX),
                            }
                        }
                    });
                }
                input.expect(above, slack, all);
            }
        }
    }

    /// What is asked of the fork above this branch.
    fn at_fork(&self, demand: Span, slack: usize) -> Span {
        let more = if demand.most == 0 { 0 } else { demand.most.saturating_add(slack) };
        match &self.shape {
            Shape::Step { input, .. } => input.at_fork(self.above(Span { most: more, ..demand }, slack), slack),
            _ => Span { most: more, ..demand },
        }
    }

    /// What a demand on this operator asks of its input.
    fn above(&self, demand: Span, slack: usize) -> Span {
        let most = self.up(demand.most, true);
        // What expands takes its slack in items of its input; what is two tasks may be two lanes, with their slack each.
        let more = match &self.shape {
            Shape::Step { act: Act::FlatMap(_) | Act::Endless(_) | Act::Enumerate, .. } if most > 0 => slack,
            Shape::Step { act: Act::Batch(size), .. } if most > 0 => slack.saturating_mul(*size),
            Shape::Step { act: Act::BatchFlatten(size), .. } if most > 0 => slack.saturating_mul(2 * *size),
            _ => 0,
        };
        Span { least: self.up(demand.least, false), most: most.saturating_add(more) }
    }

    fn up(&self, count: usize, is_most: bool) -> usize {
        let Shape::Step { input, act, taken, stopped_after } = &self.shape else { return count };
        if count == 0 || matches!(act, Act::Take(0) | Act::Endless(0)) {
            return 0;
        }
        if act.is_one_to_one() && stopped_after.is_none() {
            return count;
        }
        if input.is_open {
            return if count > self.items.len() || is_most { usize::MAX } else { 0 };
        }
        if let Some(&inputs) = taken.get(count - 1) {
            return inputs;
        }
        match (act, stopped_after) {
            (Act::Take(most), _) => count.min(*most),
            (Act::Endless(_), _) if !self.items.is_empty() => 1,
            (_, None) => usize::MAX,
            (_, Some(stopped)) if !is_most => *stopped,
            (Act::FlatMap(_) | Act::Filter(_) | Act::FilterMap(_) | Act::SkipWhile(_) | Act::Fold, _) => usize::MAX,
            _ => count,
        }
    }

    /// What a demand on a join asks of each of its inputs.
    fn spread(&self, join: Join, inputs: &[Node], demand: Span) -> Vec<Span> {
        let total: usize = inputs.iter().map(|input| input.items.len()).sum();
        let mut before = 0;
        let mut has_failed = false;
        let each = inputs.iter().map(|input| {
            let len = input.items.len();
            match join {
                Join::Zip if demand.least <= self.items.len() => demand,
                Join::Zip => Span { least: self.items.len(), ..demand },
                Join::Merge => {
                    let others = total - len;
                    let least =
                        if demand.least == usize::MAX { usize::MAX } else { demand.least.saturating_sub(others) };
                    Span { least, ..demand }
                }
                Join::Chain => {
                    let rest = |count: usize| if count == usize::MAX { count } else { count.saturating_sub(before) };
                    let is_reached = !has_failed;
                    let above = Span { least: rest(demand.least), most: rest(demand.most) };
                    before += len;
                    has_failed |= input.end != End::Complete;
                    if is_reached { above } else { Span::exactly(0) }
                }
            }
        });
        each.collect()
    }

    fn counted(&self, operator: usize, calls: Span, values: &[u64], end: &End, is_open: bool) -> Expected {
        let count = values.len();
        let most = if *end == End::Complete { calls.most.min(count) } else { calls.most };
        let calls = Span { least: calls.least.min(count), most };
        let is_known = calls.least == calls.most && (!is_open || calls.least == count);
        let sum =
            is_known.then(|| values[..calls.least].iter().fold(0_u64, |sum, &item| sum.wrapping_add(weight(item))));
        Expected { operator, calls, sum }
    }
}
