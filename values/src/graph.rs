//! The graph: its tasks, its edges, what it remembers.
//!
//! Records, names and edges are flat arrays to which a task only appends; see DESIGN.md for why the
//! builder is not petgraph itself. The graph does not know how it is run.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::num::NonZeroU64;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::attributes::Attributes;
use super::body::{Attempt, Body, Compute, Control, Given};
use super::branching::Branching;
use super::crew::Crew;
use super::edges::Edges;
use super::error::GraphError;
use super::inputs::{Inputs, Link, Values};
use super::names::Names;
use super::plan::Plan;
use super::records::Bodies;
use super::run_report::RunReport;
use super::task::{Task, TaskId};
use millpond_workers::discard::Drops;

/// A graph of tasks that give one value each.
///
/// Adding tasks runs nothing. [`Runner::get`](crate::Runner::get) runs what one target needs,
/// [`Runner::run`](crate::Runner::run) everything. Functions may borrow what outlives the graph
/// (`'env`); values are `'static`, since other tasks keep them.
///
/// # Examples
/// ```
/// use millpond_values::{Graph, Runner};
///
/// let mut graph = Graph::new();
/// let words = graph.task("words", (), |()| vec!["mill", "pond"]);
/// let count = graph.task("count", words, |words| words.len());
/// let text = graph.task("text", (words, count), |(words, count)| format!("{count}: {}", words.join(" ")));
///
/// let runner = Runner::alone();
/// assert_eq!(runner.get(&mut graph, text).unwrap(), "2: mill pond");
/// ```
#[must_use = "a graph runs nothing until somebody gets a value from it or runs it"]
pub struct Graph<'env> {
    pub(super) key: NonZeroU64,
    pub(super) bodies: Bodies<'env>,
    pub(super) edges: Edges,
    pub(super) names: Names,
    /// Tasks whose values are set from outside, in ascending order, and those of them that have no
    /// value.
    pub(super) inputs: Vec<u32>,
    pub(super) unset: Vec<u32>,
    /// Those whose value was taken away: other values may have been computed from it.
    taken: Vec<u32>,
    /// The plan of the whole graph, and whether it lacks the latest changes.
    pub(super) whole: Plan<'env>,
    pub(super) is_stale: bool,
    /// A cycle among all tasks, if there is one.
    cycle: Option<Vec<u32>>,
    /// The plan of what was wanted last.
    pub(super) wanted: Plan<'env>,
    pub(super) search: super::search::Search,
    /// What a run needs and the next run needs again.
    pub(super) stack: Vec<u64>,
    pub(super) crew: OnceLock<Arc<Crew>>,
    pub(super) last_run: RunReport,
    /// What a task took, on average, when last measured, in nanoseconds.
    pub(super) pace: u64,
    /// What some tasks have beyond a function, and whether anything asks for the careful loop.
    pub(super) attributes: HashMap<u32, Attributes>,
    pub(super) choices: Vec<u32>,
    pub(super) has_flows: bool,
    pub(super) has_priorities: bool,
}

static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

impl<'env> Graph<'env> {
    /// A graph without tasks.
    pub fn new() -> Self {
        // Each run of a subflow makes a graph, so 32 bits would last for hours only. These last for
        // centuries.
        let key = NonZeroU64::new(NEXT_KEY.fetch_add(1, Ordering::Relaxed)).expect("nobody makes 2^64 graphs");
        Self {
            key,
            bodies: Bodies::default(),
            edges: Edges::default(),
            names: Names::default(),
            inputs: Vec::new(),
            unset: Vec::new(),
            taken: Vec::new(),
            whole: Plan::default(),
            is_stale: false,
            cycle: None,
            wanted: Plan::default(),
            search: super::search::Search::default(),
            stack: Vec::new(),
            crew: OnceLock::new(),
            last_run: RunReport::default(),
            pace: 0,
            attributes: HashMap::new(),
            choices: Vec::new(),
            has_flows: false,
            has_priorities: false,
        }
    }

    /// Makes room for `tasks` more tasks at once.
    pub fn reserve(&mut self, tasks: usize) {
        self.bodies.reserve(tasks);
        self.edges.reserve(tasks);
        self.names.reserve(tasks);
    }

    /// Adds a task whose value is what `function` makes of the values of `inputs`.
    ///
    /// # Panics
    /// When an input is a handle of another graph, or when the graph has 2,147,483,647 tasks.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use millpond_values::{Graph, Runner};
    /// use millpond_workers::RayonWorkers;
    ///
    /// let mut graph = Graph::new();
    /// let parts: Vec<_> = (1..=4_u64).map(|n| graph.task("square", (), move |()| n * n)).collect();
    /// let sum = graph.task("sum", &parts, |parts| parts.iter().sum::<u64>());
    /// assert_eq!(*Runner::new(2, Arc::new(RayonWorkers::new(2))).get(&mut graph, sum).unwrap(), 30);
    /// ```
    #[track_caller]
    pub fn task<I, F, T>(&mut self, name: impl AsRef<str>, inputs: I, function: F) -> Task<T>
    where
        I: Inputs,
        F: for<'a> FnMut(Values<'a, I>) -> T + Send + 'env,
        T: Send + Sync + 'static,
    {
        let added = Location::caller();
        let sources = self.link(&inputs);
        self.place(name.as_ref(), added, Compute::new(sources, function))
    }

    /// Adds a task whose function may fail; its value is what is in the `Ok`.
    ///
    /// # Panics
    /// As [`task`](Self::task).
    ///
    /// # Examples
    /// ```
    /// use millpond_values::{Graph, Runner};
    ///
    /// let mut graph = Graph::new();
    /// let number = graph.attempt("number", (), |()| "4x".parse::<u32>());
    /// let twice = graph.task("twice", number, |number| number * 2);
    /// let error = Runner::alone().get(&mut graph, twice).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "running the graph: task `number` failed: invalid digit found in string (needed by `twice`)"
    /// );
    /// ```
    #[track_caller]
    pub fn attempt<I, F, T, E>(&mut self, name: impl AsRef<str>, inputs: I, function: F) -> Task<T>
    where
        I: Inputs,
        F: for<'a> FnMut(Values<'a, I>) -> Result<T, E> + Send + 'env,
        T: Send + Sync + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let added = Location::caller();
        let sources = self.link(&inputs);
        self.place(name.as_ref(), added, Attempt::<_, _, _, E>::new(sources, function))
    }

    /// Adds a control-only task: no inputs, no value; what it waits for is said by
    /// [`before`](Self::before) and [`after`](Self::after).
    ///
    /// # Panics
    /// When the graph has 2,147,483,647 tasks.
    #[track_caller]
    #[inline]
    pub fn control<F>(&mut self, name: impl AsRef<str>, function: F) -> Task<()>
    where
        F: FnMut() + Send + 'env,
    {
        let added = Location::caller();
        self.edges.begin();
        self.place(name.as_ref(), added, Control::new(function))
    }

    /// Adds a value that is there already.
    ///
    /// # Panics
    /// When the graph has 2,147,483,647 tasks.
    #[track_caller]
    pub fn value<T: Send + Sync + 'static>(&mut self, name: impl AsRef<str>, value: T) -> Task<T> {
        let added = Location::caller();
        self.edges.begin();
        let task = self.place(name.as_ref(), added, Given::new(Some(value)));
        self.inputs.push(task.id.index);
        task
    }

    /// Declares a value that will be [`set`](Self::set) from outside before anything that needs it
    /// runs.
    ///
    /// # Panics
    /// When the graph has 2,147,483,647 tasks.
    #[track_caller]
    pub fn input<T: Send + Sync + 'static>(&mut self, name: impl AsRef<str>) -> Task<T> {
        let added = Location::caller();
        self.edges.begin();
        let task = self.place(name.as_ref(), added, Given::<T>::new(None));
        self.inputs.push(task.id.index);
        self.unset.push(task.id.index);
        task
    }

    /// Sets an [`input`](Self::input) or replaces a [`value`](Self::value), and forgets what was
    /// computed from it.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`], and [`GraphError::NotAnInput`] for a task that computes its
    /// value.
    ///
    /// # Panics
    /// When the drop of an old value panics: after the new value is there and all that depends on
    /// it was forgotten.
    pub fn set<T: Send + Sync + 'static>(&mut self, input: Task<T>, value: T) -> Result<(), GraphError> {
        self.check_handle(input.id)?;
        let index = input.id.index;
        if self.inputs.binary_search(&index).is_err() {
            return Err(GraphError::NotAnInput { name: self.names.name(index).to_owned() });
        }
        let mut drops = Drops::default();
        let source = self.bodies.list()[index as usize].source::<T>();
        let before = source.take();
        source.set(value);
        drops.attempt(|| drop(before));
        let position = self.unset.iter().position(|unset| *unset == index);
        if let Some(position) = position {
            self.unset.swap_remove(position);
        }
        let taken = self.taken.iter().position(|taken| *taken == index);
        if let Some(position) = taken {
            self.taken.swap_remove(position);
        }
        // Nothing that needs an input which never had a value can have run.
        if position.is_none() || taken.is_some() {
            self.compile_whole();
            self.forget_from(index, &mut drops);
        }
        drops.resume();
        Ok(())
    }

    /// Makes `later` wait for `earlier`, without a value passing between them.
    ///
    /// The edge counts like an input: who wants `later` wants `earlier`.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`], and [`GraphError::Cycle`] for a task that would wait for itself.
    /// A longer cycle is found by [`check`](Self::check), and before anything runs.
    pub fn order(&mut self, earlier: impl Into<TaskId>, later: impl Into<TaskId>) -> Result<(), GraphError> {
        let (earlier, later) = (earlier.into(), later.into());
        self.check_handle(earlier)?;
        self.check_handle(later)?;
        if earlier == later {
            return Err(GraphError::Cycle { names: vec![self.names.name(later.index).to_owned()] });
        }
        self.edges.order(earlier.index, later.index);
        self.is_stale = true;
        Ok(())
    }

    /// Makes `task` run before `later`; [`order`](Self::order) for handles that are known to be
    /// good.
    ///
    /// # Panics
    /// Where `order` gives an error.
    #[track_caller]
    #[inline]
    pub fn before(&mut self, task: impl Into<TaskId>, later: impl Into<TaskId>) {
        if let Err(error) = self.order(task, later) {
            panic!("{error}");
        }
    }

    /// Makes `task` run after `earlier`; [`order`](Self::order) for handles that are known to be
    /// good.
    ///
    /// # Panics
    /// Where `order` gives an error.
    #[track_caller]
    #[inline]
    pub fn after(&mut self, task: impl Into<TaskId>, earlier: impl Into<TaskId>) {
        if let Err(error) = self.order(earlier, task) {
            panic!("{error}");
        }
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bodies.list().len()
    }

    /// Whether there is no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A task's name.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`].
    pub fn name(&self, task: impl Into<TaskId>) -> Result<&str, GraphError> {
        let task = task.into();
        self.check_handle(task)?;
        Ok(self.names.name(task.index))
    }

    /// The remembered value of a task, if it has one; nothing runs.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`].
    pub fn peek<T: Send + Sync + 'static>(&self, task: Task<T>) -> Result<Option<&T>, GraphError> {
        self.check_handle(task.id)?;
        let body = self.bodies.list()[task.id.index as usize];
        Ok(if body.get().has_value() { Some(body.source::<T>().get()) } else { None })
    }

    /// Takes the remembered value of a task out of the graph, as if it had been forgotten alone. An
    /// input then has to be [`set`](Self::set) again before anything that needs it runs.
    pub fn take<T: Send + Sync + 'static>(&mut self, task: Task<T>) -> Option<T> {
        self.check_handle(task.id).ok()?;
        let index = task.id.index;
        let value = self.bodies.list()[index as usize].source::<T>().take()?;
        if self.inputs.binary_search(&index).is_ok() {
            self.unset.push(index);
            self.taken.push(index);
        }
        Some(value)
    }

    /// Forgets the value of `task` and of everything that depends on it: later gets compute them
    /// again.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`].
    ///
    /// # Panics
    /// When the drop of a value panics: after all of them were forgotten.
    pub fn forget(&mut self, task: impl Into<TaskId>) -> Result<(), GraphError> {
        let task = task.into();
        self.check_handle(task)?;
        self.compile_whole();
        let mut drops = Drops::default();
        self.forget_from(task.index, &mut drops);
        drops.resume();
        Ok(())
    }

    /// Forgets all values but those that were set from outside.
    ///
    /// # Panics
    /// When the drop of a value panics: after all of them were forgotten.
    pub fn forget_all(&mut self) {
        let mut drops = Drops::default();
        for body in self.bodies.list() {
            drops.attempt(|| body.get().clear());
        }
        drops.resume();
    }

    /// Looks for mistakes that only show when the graph is complete, as everybody does before
    /// running anything.
    ///
    /// # Errors
    /// [`GraphError::Cycle`].
    pub fn check(&mut self) -> Result<(), GraphError> {
        self.compile_whole();
        self.cycle.as_deref().map_or(Ok(()), |cycle| Err(self.name_cycle(cycle, &self.whole)))
    }

    /// What the last run of this graph did.
    #[must_use]
    pub fn last_run(&self) -> RunReport {
        self.last_run
    }

    pub(super) fn check_handle(&self, task: TaskId) -> Result<(), GraphError> {
        if task.graph == self.key { Ok(()) } else { Err(GraphError::OtherGraph { task }) }
    }

    pub(super) fn find_cycle(&self, plan: &Plan<'env>) -> Option<Vec<u32>> {
        if self.edges.has_backward() { plan.find_cycle() } else { None }
    }

    pub(super) fn name_cycle(&self, cycle: &[u32], plan: &Plan<'env>) -> GraphError {
        GraphError::Cycle { names: cycle.iter().map(|local| self.names.name(plan.task(*local)).to_owned()).collect() }
    }

    /// Compiles the plan of the whole graph if it is out of date.
    pub(super) fn compile_whole(&mut self) {
        if self.is_stale {
            self.whole.compile_all(&self.edges, self.bodies.list().len());
            self.cycle = self.find_cycle(&self.whole);
            if self.cycle.is_none() && !self.choices.is_empty() {
                match Branching::of(&self.whole, &self.choices, &self.attributes, Some) {
                    Ok(branching) => self.whole.branch(branching),
                    Err(cycle) => self.cycle = Some(cycle),
                }
            }
            self.is_stale = false;
            self.whole.unknown = self.len() - self.search.known_until.min(self.len());
        }
    }

    #[track_caller]
    #[inline]
    pub(super) fn link<I: Inputs>(&mut self, inputs: &I) -> I::Sources {
        let mut link = Link { graph: self.key, bodies: self.bodies.list(), inputs: self.edges.begin() };
        match inputs.link(&mut link) {
            Ok(sources) => sources,
            Err(error) => {
                self.edges.abandon();
                panic!("{error}");
            }
        }
    }

    /// Adds the record of a task whose inputs have been linked.
    #[inline]
    pub(super) fn place<B, T>(&mut self, name: &str, added: &'static Location<'static>, body: B) -> Task<T>
    where
        B: Body<'env> + Send + Sync + 'env,
    {
        let index = self.bodies.list().len();
        assert!(index < i32::MAX as usize, "a graph has at most 2147483647 tasks");
        self.edges.finish();
        self.names.push(name, added);
        self.bodies.push(body);
        self.is_stale = true;
        Task::new(TaskId { graph: self.key, index: index as u32 })
    }
}

impl Default for Graph<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Graph<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("tasks", &self.len()).field("edges", &self.edges.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::{Graph, NEXT_KEY};
    use crate::Runner;

    #[test]
    fn graphs_are_told_apart_after_four_billion_others() {
        let (first, one) = graph_of(1);
        NEXT_KEY.fetch_max(u64::from(u32::MAX) - 1, Ordering::Relaxed);
        for n in 2..6 {
            let (mut graph, task) = graph_of(n);
            assert_eq!(*Runner::alone().get(&mut graph, task).expect("it is its own"), n);
            assert!(graph.peek(one).is_err() && first.peek(task).is_err());
        }
    }

    fn graph_of(n: u64) -> (Graph<'static>, crate::Task<u64>) {
        let mut graph = Graph::new();
        let one = graph.value("one", n);
        let task = graph.subflow("flow", one, |flow, one| flow.value("same", *one));
        (graph, task)
    }
}
