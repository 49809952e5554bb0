//! Graphs inside graphs: subflows that a task builds while it runs, and modules that are built
//! before.

use std::panic::Location;

use super::body::{Choose, Detach, Joined, Module};
use super::error::GraphError;
use super::graph::Graph;
use super::inputs::{Inputs, Values};
use super::task::{Task, TaskId};

impl<'env> Graph<'env> {
    /// Adds a task that builds a graph while it runs. All of that graph runs, on the same workers;
    /// then the value of the task that `function` returned becomes the value of this one, and what
    /// waits for it goes on.
    ///
    /// # Panics
    /// As [`task`](Self::task).
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// use millpond_values::{Runner, Graph, Task};
    /// use millpond_workers::RayonWorkers;
    ///
    /// fn fibonacci<'env>(graph: &mut Graph<'env>, n: u64) -> Task<u64> {
    ///     match n {
    ///         0 | 1 => graph.value("end", n),
    ///         _ => {
    ///             let a = graph.subflow("a", (), move |graph, ()| fibonacci(graph, n - 1));
    ///             let b = graph.subflow("b", (), move |graph, ()| fibonacci(graph, n - 2));
    ///             graph.task("sum", (a, b), |(a, b)| a + b)
    ///         }
    ///     }
    /// }
    ///
    /// let mut graph = Graph::new();
    /// let ten = fibonacci(&mut graph, 10);
    /// assert_eq!(*Runner::new(2, Arc::new(RayonWorkers::new(2))).get(&mut graph, ten).unwrap(), 55);
    /// ```
    #[track_caller]
    pub fn subflow<I, F, T>(&mut self, name: impl AsRef<str>, inputs: I, function: F) -> Task<T>
    where
        I: Inputs,
        F: for<'a> FnMut(&mut Graph<'env>, Values<'a, I>) -> Task<T> + Send + 'env,
        T: Send + Sync + 'static,
    {
        let added = Location::caller();
        let sources = self.link(&inputs);
        self.has_flows = true;
        self.place(name.as_ref(), added, Joined::new(sources, function))
    }

    /// Adds a task that builds a graph while it runs and does not wait for it: only the run as a
    /// whole does.
    ///
    /// # Panics
    /// As [`task`](Self::task).
    #[track_caller]
    pub fn detached<I, F, T>(&mut self, name: impl AsRef<str>, inputs: I, function: F) -> Task<T>
    where
        I: Inputs,
        F: for<'a> FnMut(&mut Graph<'env>, Values<'a, I>) -> T + Send + 'env,
        T: Send + Sync + 'static,
    {
        let added = Location::caller();
        let sources = self.link(&inputs);
        self.has_flows = true;
        self.place(name.as_ref(), added, Detach::new(sources, function))
    }

    /// Adds a whole graph as one task, whose value is the value of its task `target`.
    ///
    /// Before each run of it `feed` is given the module and the values of `inputs`, to
    /// [`set`](Self::set) the module's inputs.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`] when `target` is not of `module`.
    ///
    /// # Panics
    /// As [`task`](Self::task).
    ///
    /// # Examples
    /// ```
    /// use millpond_values::{Graph, Runner};
    ///
    /// let mut module = Graph::new();
    /// let side = module.input::<u32>("side");
    /// let area = module.task("area", side, |side| side * side);
    ///
    /// let mut graph = Graph::new();
    /// let seven = graph.value("seven", 7);
    /// let square = graph.module("square", module, area, seven, move |module, seven| {
    ///     module.set(side, *seven).expect("it is an input of the module");
    /// })?;
    /// assert_eq!(*Runner::alone().get(&mut graph, square).unwrap(), 49);
    /// # Ok::<(), millpond_values::GraphError>(())
    /// ```
    #[track_caller]
    pub fn module<I, F, T>(
        &mut self,
        name: impl AsRef<str>,
        module: Graph<'env>,
        target: Task<T>,
        inputs: I,
        feed: F,
    ) -> Result<Task<T>, GraphError>
    where
        I: Inputs,
        F: for<'a> FnMut(&mut Graph<'env>, Values<'a, I>) + Send + 'env,
        T: Send + Sync + 'static,
    {
        let added = Location::caller();
        module.check_handle(target.id)?;
        let sources = self.link(&inputs);
        self.has_flows = true;
        Ok(self.place(name.as_ref(), added, Module::new(sources, module, target, feed)))
    }

    /// Adds a task that picks which one of its [`branches`](Self::branches) runs next, by its
    /// number.
    ///
    /// A task that a choice may pick runs when it was picked and everything else that it waits for
    /// is there; what is not picked does not run. A choice may pick a task that led to it: that is
    /// a loop. The next round starts when all that the last one started has finished.
    ///
    /// # Panics
    /// As [`task`](Self::task).
    ///
    /// # Examples
    /// ```
    /// use std::cell::Cell;
    /// use std::sync::Arc;
    ///
    /// use millpond_values::{Graph, Runner};
    /// use millpond_workers::RayonWorkers;
    ///
    /// let mut graph = Graph::new();
    /// let mut n = 0;
    /// let count = graph.task("count", (), move |()| { n += 1; n });
    /// let again = graph.choice("again", count, |n| usize::from(*n >= 5));
    /// let done = graph.task("done", count, |n| format!("counted to {n}"));
    /// graph.branches(again, [count.id(), done.id()])?;
    /// assert_eq!(Runner::new(2, Arc::new(RayonWorkers::new(2))).get(&mut graph, done).unwrap(), "counted to 5");
    /// # Ok::<(), millpond_values::GraphError>(())
    /// ```
    #[track_caller]
    pub fn choice<I, F>(&mut self, name: impl AsRef<str>, inputs: I, function: F) -> Task<usize>
    where
        I: Inputs,
        F: for<'a> FnMut(Values<'a, I>) -> usize + Send + 'env,
    {
        let added = Location::caller();
        let sources = self.link(&inputs);
        let choice: Task<usize> = self.place(name.as_ref(), added, Choose::new(sources, function));
        self.attributes.entry(choice.id.index).or_default().branches = Some(Vec::new());
        self.choices.push(choice.id.index);
        choice
    }

    /// Says what `choice` picks from, in order.
    ///
    /// # Errors
    /// [`GraphError::OtherGraph`], and [`GraphError::NotAChoice`].
    pub fn branches(
        &mut self,
        choice: Task<usize>,
        branches: impl IntoIterator<Item = TaskId>,
    ) -> Result<(), GraphError> {
        self.check_handle(choice.id)?;
        if self.choices.binary_search(&choice.id.index).is_err() {
            return Err(GraphError::NotAChoice { name: self.names.name(choice.id.index).to_owned() });
        }
        self.set_branches(choice.id, branches.into_iter().collect())
    }
}
