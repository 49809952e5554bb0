//! A random graph as data: what it should give, by a plain loop over lists, and how it is built of tasks.

use std::fmt;
use std::sync::Arc;

use super::functions::{Functions, Inner, Kind};
use super::trial::Trial;
use millpond_pool::PoolReader;

/// What comes after what.
#[derive(Debug, Clone)]
pub(super) enum Shape<T> {
    Source(Vec<T>),
    /// The function of this number, with options.
    Task(Box<Shape<T>>, usize, Options),
    /// In groups, which are taken apart again.
    Regroup(Box<Shape<T>>, usize),
    Take(Box<Shape<T>>, usize),
    Skip(Box<Shape<T>>, usize),
    /// One after the other.
    Chain(Vec<Shape<T>>),
    /// The join of this number.
    Zip(Box<Shape<T>>, Box<Shape<T>>, usize),
    /// Two branches of a tee, the second with the function of this number, one after the other.
    Tee(Box<Shape<T>>, usize),
}

/// A task's options.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) min_count: usize,
    pub(super) max_chunksize: Option<usize>,
    pub(super) concurrency: Option<usize>,
    pub(super) read_ahead: usize,
}

/// A graph of your functions, drawn by [`graphs`](super::graphs).
#[derive(Clone)]
pub struct GraphPlan<T> {
    pub(super) shape: Shape<T>,
    pub(super) functions: Functions<T>,
}

impl<T: Clone + Send + Sync + 'static> GraphPlan<T> {
    /// What the graph should give: what a plain loop over lists gives.
    #[must_use]
    pub fn expected(&self) -> Vec<T> {
        interpret(&self.shape, &self.functions.0)
    }

    /// Builds the graph in a trial's pool, with the calls of each function counted under its name. Runs nothing.
    pub fn build(&self, trial: &Trial) -> PoolReader<T> {
        build(&self.shape, &self.functions.0, trial)
    }

    /// How many tasks it has, as far as the plan knows.
    #[must_use]
    pub fn size(&self) -> usize {
        size(&self.shape)
    }
}

fn size<T>(shape: &Shape<T>) -> usize {
    match shape {
        Shape::Source(_) => 1,
        Shape::Task(input, ..) | Shape::Take(input, _) | Shape::Skip(input, _) => 1 + size(input),
        Shape::Regroup(input, _) => 2 + size(input),
        Shape::Chain(inputs) => 1 + inputs.iter().map(size).sum::<usize>(),
        Shape::Zip(left, right, _) => 2 + size(left) + size(right),
        Shape::Tee(input, _) => 3 + size(input),
    }
}

/// Applies a function to a list.
fn apply<T: Clone>(kind: &Kind<T>, items: Vec<T>) -> Vec<T> {
    match kind {
        Kind::Map(function) => items.into_iter().map(|item| function(item)).collect(),
        Kind::Filter(function) => items.into_iter().filter(|item| function(item)).collect(),
        Kind::FlatMap(function) => items.into_iter().flat_map(|item| function(item)).collect(),
        Kind::Sequential(make) => items.into_iter().map(make()).collect(),
    }
}

fn interpret<T: Clone>(shape: &Shape<T>, inner: &Inner<T>) -> Vec<T> {
    match shape {
        Shape::Source(items) => items.clone(),
        Shape::Task(input, number, _) => {
            apply(&inner.functions[number % inner.functions.len()].kind, interpret(input, inner))
        }
        Shape::Regroup(input, _) => interpret(input, inner),
        Shape::Take(input, count) => interpret(input, inner).into_iter().take(*count).collect(),
        Shape::Skip(input, count) => interpret(input, inner).into_iter().skip(*count).collect(),
        Shape::Chain(inputs) => inputs.iter().flat_map(|input| interpret(input, inner)).collect(),
        Shape::Zip(left, right, number) => {
            let function = &inner.joins[number % inner.joins.len()].1;
            let pairs = interpret(left, inner).into_iter().zip(interpret(right, inner));
            pairs.map(|(left, right)| function(left, right)).collect()
        }
        Shape::Tee(input, number) => {
            let items = interpret(input, inner);
            let other = apply(&inner.functions[number % inner.functions.len()].kind, items.clone());
            items.into_iter().chain(other).collect()
        }
    }
}

fn build<T: Clone + Send + Sync + 'static>(shape: &Shape<T>, inner: &Inner<T>, trial: &Trial) -> PoolReader<T> {
    match shape {
        Shape::Source(items) => trial.source(items.clone()),
        Shape::Task(input, number, options) => {
            let Options { min_count, max_chunksize, concurrency, read_ahead } = *options;
            let mut reader = task(build(input, inner, trial), *number, inner, trial);
            if min_count > 1 {
                reader = reader.min_count(min_count);
            }
            if let Some(items) = max_chunksize {
                reader = reader.max_chunksize(items);
            }
            if let Some(workers) = concurrency {
                reader = reader.concurrency(workers);
            }
            if read_ahead > 0 { reader.read_ahead(read_ahead) } else { reader }
        }
        Shape::Regroup(input, size) => build(input, inner, trial).batch(*size).flatten(),
        Shape::Take(input, count) => build(input, inner, trial).take(*count),
        Shape::Skip(input, count) => build(input, inner, trial).skip(*count),
        Shape::Chain(inputs) => trial.chain(inputs.iter().map(|input| build(input, inner, trial))),
        Shape::Zip(left, right, number) => {
            let (name, function) = &inner.joins[number % inner.joins.len()];
            let function = Arc::clone(function);
            let zipped = build(left, inner, trial).zip(build(right, inner, trial));
            let function = trial.counted(name, move |(left, right)| function(left, right));
            zipped.map(function).named(Arc::clone(name))
        }
        Shape::Tee(input, number) => {
            let mut branches = build(input, inner, trial).tee(2);
            let (second, first) = (branches.pop(), branches.pop());
            let second = second.map(|branch| task(branch, *number, inner, trial));
            trial.chain(first.into_iter().chain(second))
        }
    }
}

/// A task with the function of this number.
fn task<T: Clone + Send + Sync + 'static>(
    input: PoolReader<T>,
    number: usize,
    inner: &Inner<T>,
    trial: &Trial,
) -> PoolReader<T> {
    let function = &inner.functions[number % inner.functions.len()];
    let name = Arc::clone(&function.name);
    let count = trial.counted(&name, |()| ());
    match &function.kind {
        Kind::Map(function) => {
            let function = Arc::clone(function);
            input.map(move |item| {
                count(());
                function(item)
            })
        }
        Kind::Filter(function) => {
            let function = Arc::clone(function);
            input.filter(move |item| {
                count(());
                function(item)
            })
        }
        Kind::FlatMap(function) => {
            let function = Arc::clone(function);
            input.flat_map(move |item| {
                count(());
                function(item)
            })
        }
        Kind::Sequential(make) => {
            let mut function = make();
            input.sequential(move |item| {
                count(());
                function(item)
            })
        }
    }
    .named(name)
}

impl<T: fmt::Debug> fmt::Debug for GraphPlan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphPlan").field("functions", &self.functions).field("shape", &self.shape).finish()
    }
}
