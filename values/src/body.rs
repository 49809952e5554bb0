//! What a task does: its function, its inputs and its value in one record.
//!
//! Each kind of task is a type of its own here; the scheduler sees them through [`Body`] only.

use std::error::Error;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::cells::{Owned, Slot};
use super::error::Cause;
use super::graph::Graph;
use super::inputs::Read;
use super::task::Task;

/// How a body's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// The value is there.
    Done,
    /// The cause is in the context.
    Failed,
    /// The value is there, and the context says which branch is next.
    Picked,
    /// The context holds a graph to be run; the value comes when it has finished.
    Joined,
    /// The value is there, and the context holds a graph that runs on its own.
    Detached,
}

/// What a body hands to the worker that ran it, beside its signal.
#[derive(Default)]
pub(super) struct Context<'env> {
    pub(super) failure: Option<Cause>,
    pub(super) picked: usize,
    pub(super) flow: Option<Graph<'env>>,
}

/// A task, whatever its types. The contracts are those of [`super::cells`].
pub(super) trait Body<'env> {
    /// Runs the function. Contract: I1.
    fn run(&self, context: &mut Context<'env>) -> Signal;

    /// The address of the task's [`Slot`].
    fn slot(&self) -> NonNull<()>;

    /// Whether the value is there. Contract: I2 or I3.
    fn has_value(&self) -> bool;

    /// Drops the value, unless it was set from outside. Contract: I3, or the last consumer has
    /// finished.
    fn clear(&self);

    /// Takes back the graph that [`Signal::Joined`] or [`Signal::Detached`] handed out.
    /// `is_complete` says that it ran to its end, and only then there is a value. Contract: I1.
    fn take_back(&self, _graph: Graph<'env>, _is_complete: bool) -> Signal {
        Signal::Done
    }
}

macro_rules! slot_of_value {
    () => {
        fn slot(&self) -> NonNull<()> {
            NonNull::from(&self.slot).cast()
        }

        fn has_value(&self) -> bool {
            self.slot.get().is_some()
        }
    };
}

macro_rules! slot_that_is_cleared {
    () => {
        slot_of_value!();

        fn clear(&self) {
            self.slot.take();
        }
    };
}

/// A control-only task: no inputs, no value but the fact that it ran.
pub(super) struct Control<F> {
    slot: Slot<()>,
    function: Owned<F>,
}

impl<F> Control<F> {
    pub(super) fn new(function: F) -> Self {
        Self { slot: Slot::new(None), function: Owned::new(function) }
    }
}

impl<'env, F: FnMut()> Body<'env> for Control<F> {
    fn run(&self, _context: &mut Context<'env>) -> Signal {
        self.function.with(|function| function());
        self.slot.set(());
        Signal::Done
    }

    slot_that_is_cleared!();
}

/// A value from a function of the inputs.
pub(super) struct Compute<S, F, T> {
    slot: Slot<T>,
    sources: S,
    function: Owned<F>,
}

impl<S, F, T> Compute<S, F, T> {
    pub(super) fn new(sources: S, function: F) -> Self {
        Self { slot: Slot::new(None), sources, function: Owned::new(function) }
    }
}

impl<'env, S, F, T> Body<'env> for Compute<S, F, T>
where
    S: Read,
    F: for<'a> FnMut(S::Values<'a>) -> T,
{
    fn run(&self, _context: &mut Context<'env>) -> Signal {
        let value = self.function.with(|function| function(self.sources.values()));
        self.slot.set(value);
        Signal::Done
    }

    slot_that_is_cleared!();
}

/// A value from a function that may fail.
pub(super) struct Attempt<S, F, T, E> {
    slot: Slot<T>,
    sources: S,
    function: Owned<F>,
    error: PhantomData<fn() -> E>,
}

impl<S, F, T, E> Attempt<S, F, T, E> {
    pub(super) fn new(sources: S, function: F) -> Self {
        Self { slot: Slot::new(None), sources, function: Owned::new(function), error: PhantomData }
    }
}

impl<'env, S, F, T, E> Body<'env> for Attempt<S, F, T, E>
where
    S: Read,
    F: for<'a> FnMut(S::Values<'a>) -> Result<T, E>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn run(&self, context: &mut Context<'env>) -> Signal {
        match self.function.with(|function| function(self.sources.values())) {
            Ok(value) => {
                self.slot.set(value);
                Signal::Done
            }
            Err(error) => {
                context.failure = Some(Cause::Error(error.into()));
                Signal::Failed
            }
        }
    }

    slot_that_is_cleared!();
}

/// A value that is set from outside.
pub(super) struct Given<T> {
    slot: Slot<T>,
}

impl<T> Given<T> {
    pub(super) fn new(value: Option<T>) -> Self {
        Self { slot: Slot::new(value) }
    }
}

impl<'env, T> Body<'env> for Given<T> {
    fn run(&self, _context: &mut Context<'env>) -> Signal {
        Signal::Done
    }

    slot_of_value!();

    fn clear(&self) {}
}

/// Picks which branch is next.
pub(super) struct Choose<S, F> {
    slot: Slot<usize>,
    sources: S,
    function: Owned<F>,
}

impl<S, F> Choose<S, F> {
    pub(super) fn new(sources: S, function: F) -> Self {
        Self { slot: Slot::new(None), sources, function: Owned::new(function) }
    }
}

impl<'env, S, F> Body<'env> for Choose<S, F>
where
    S: Read,
    F: for<'a> FnMut(S::Values<'a>) -> usize,
{
    fn run(&self, context: &mut Context<'env>) -> Signal {
        let picked = self.function.with(|function| function(self.sources.values()));
        self.slot.set(picked);
        context.picked = picked;
        Signal::Picked
    }

    slot_that_is_cleared!();
}

/// A task that builds a graph while it runs, and whose value is the value of one of that graph's
/// tasks.
pub(super) struct Joined<S, F, T> {
    slot: Slot<T>,
    sources: S,
    function: Owned<F>,
    /// The task of the graph that is running whose value this task's value will be.
    target: Owned<Option<Task<T>>>,
}

impl<S, F, T> Joined<S, F, T> {
    pub(super) fn new(sources: S, function: F) -> Self {
        Self { slot: Slot::new(None), sources, function: Owned::new(function), target: Owned::new(None) }
    }
}

impl<'env, S, F, T> Body<'env> for Joined<S, F, T>
where
    S: Read,
    F: for<'a> FnMut(&mut Graph<'env>, S::Values<'a>) -> Task<T>,
    T: Send + Sync + 'static,
{
    fn run(&self, context: &mut Context<'env>) -> Signal {
        let mut graph = Graph::new();
        let target = self.function.with(|function| function(&mut graph, self.sources.values()));
        if let Err(error) = graph.check_handle(target.id) {
            context.failure = Some(Cause::Graph(error));
            return Signal::Failed;
        }
        self.target.with(|place| *place = Some(target));
        context.flow = Some(graph);
        Signal::Joined
    }

    fn take_back(&self, mut graph: Graph<'env>, is_complete: bool) -> Signal {
        let target = self.target.with(Option::take);
        match target.filter(|_| is_complete).and_then(|target| graph.take(target)) {
            Some(value) => {
                self.slot.set(value);
                Signal::Done
            }
            None => Signal::Failed,
        }
    }

    slot_that_is_cleared!();
}

/// A task that starts a graph which nobody waits for but the run.
pub(super) struct Detach<S, F, T> {
    slot: Slot<T>,
    sources: S,
    function: Owned<F>,
}

impl<S, F, T> Detach<S, F, T> {
    pub(super) fn new(sources: S, function: F) -> Self {
        Self { slot: Slot::new(None), sources, function: Owned::new(function) }
    }
}

impl<'env, S, F, T> Body<'env> for Detach<S, F, T>
where
    S: Read,
    F: for<'a> FnMut(&mut Graph<'env>, S::Values<'a>) -> T,
{
    fn run(&self, context: &mut Context<'env>) -> Signal {
        let mut graph = Graph::new();
        let value = self.function.with(|function| function(&mut graph, self.sources.values()));
        self.slot.set(value);
        context.flow = Some(graph);
        Signal::Detached
    }

    slot_that_is_cleared!();
}

/// A graph composed into another as one task.
pub(super) struct Module<'env, S, F, T> {
    slot: Slot<T>,
    sources: S,
    /// Sets the module's inputs from the outer graph's values.
    feed: Owned<F>,
    /// The module, while it is not running.
    graph: Owned<Option<Graph<'env>>>,
    target: Task<T>,
}

impl<'env, S, F, T> Module<'env, S, F, T> {
    pub(super) fn new(sources: S, graph: Graph<'env>, target: Task<T>, feed: F) -> Self {
        Self { slot: Slot::new(None), sources, feed: Owned::new(feed), graph: Owned::new(Some(graph)), target }
    }
}

impl<'env, S, F, T> Body<'env> for Module<'env, S, F, T>
where
    S: Read,
    F: for<'a> FnMut(&mut Graph<'env>, S::Values<'a>),
    T: Send + Sync + 'static,
{
    fn run(&self, context: &mut Context<'env>) -> Signal {
        let Some(mut graph) = self.graph.with(Option::take) else {
            context.failure = Some(Cause::Graph(super::error::GraphError::Torn));
            return Signal::Failed;
        };
        self.feed.with(|feed| feed(&mut graph, self.sources.values()));
        context.flow = Some(graph);
        Signal::Joined
    }

    fn take_back(&self, mut graph: Graph<'env>, is_complete: bool) -> Signal {
        let value = if is_complete { graph.take(self.target) } else { None };
        self.graph.with(|place| *place = Some(graph));
        match value {
            Some(value) => {
                self.slot.set(value);
                Signal::Done
            }
            None => Signal::Failed,
        }
    }

    slot_that_is_cleared!();
}
