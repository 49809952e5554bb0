//! The pool's methods for graphs of values.

use std::sync::Arc;

use millpond_values::{self as values, Found, Graph, Inputs, RunError, RunOptions, Task, Threads};
use millpond_workers::Workers;

use crate::ScopedPool;

impl Threads for ScopedPool<'_> {
    fn size(&self) -> usize {
        ScopedPool::size(self)
    }

    fn workers(&self) -> Option<Arc<dyn Workers>> {
        ScopedPool::workers(self)
    }
}

impl ScopedPool<'_> {
    /// Returns the value of `target`, running what it needs and what is not remembered, each task once.
    ///
    /// Whoever calls works, too. The value stays in the graph, and so do those on the way to it.
    ///
    /// # Errors
    /// [`RunError::Graph`] before anything runs; [`RunError::Failed`] when a task fails, which stops the run; values that
    /// were computed until then are remembered, but for those of loops.
    ///
    /// # Blocking
    /// Until the value is there. After a failure no further function is called, and this waits for
    /// those that other threads are in, since they may borrow what the graph borrows.
    ///
    /// # Examples
    /// ```
    /// use millpond_pool::{Pool, values::Graph};
    ///
    /// let mut graph = Graph::new();
    /// let a = graph.task("a", (), |()| 20);
    /// let b = graph.task("b", a, |a| a + 1);
    /// let unwanted = graph.task("unwanted", a, |_| -> i32 { panic!("nobody asked") });
    ///
    /// let pool = Pool::rayon(2);
    /// assert_eq!(*pool.get(&mut graph, b).unwrap(), 21);
    /// assert_eq!(graph.last_run().tasks, 2);
    /// ```
    pub fn get<'graph, T: Send + Sync + 'static>(
        &self,
        graph: &'graph mut Graph<'_>,
        target: Task<T>,
    ) -> Result<&'graph T, RunError> {
        self.get_many(graph, target)
    }

    /// [`get`](Self::get) with options.
    ///
    /// # Errors
    /// As `get`, and [`RunError::Cancelled`]. A run that keeps going names all tasks that failed.
    ///
    /// # Blocking
    /// As `get`; likewise when the run is cancelled.
    pub fn get_with<'graph, T: Send + Sync + 'static>(
        &self,
        graph: &'graph mut Graph<'_>,
        target: Task<T>,
        options: &RunOptions<'_>,
    ) -> Result<&'graph T, RunError> {
        self.get_many_with(graph, target, options)
    }

    /// Returns the values of several targets, in the shape in which they are given: a tuple for a tuple, a vector for a slice.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Blocking
    /// As `get`, until all values are there.
    ///
    /// # Examples
    /// ```
    /// use millpond_pool::{Pool, values::Graph};
    ///
    /// let mut graph = Graph::new();
    /// let seed = graph.task("seed", (), |()| 6);
    /// let half = graph.task("half", seed, |n| n / 2);
    /// let text = graph.task("text", seed, |n| n.to_string());
    /// let (half, text) = Pool::rayon(2).get_many(&mut graph, (half, text)).unwrap();
    /// assert_eq!((*half, text.as_str()), (3, "6"));
    /// ```
    pub fn get_many<'graph, I: Inputs>(
        &self,
        graph: &'graph mut Graph<'_>,
        targets: I,
    ) -> Result<Found<'graph, I>, RunError> {
        self.get_many_with(graph, targets, &RunOptions::new())
    }

    /// [`get_many`](Self::get_many) with options.
    ///
    /// # Errors
    /// As [`get_with`](Self::get_with). After a run that kept going, [`Graph::peek`] gives the values that there are.
    ///
    /// # Blocking
    /// As `get_with`.
    pub fn get_many_with<'graph, I: Inputs>(
        &self,
        graph: &'graph mut Graph<'_>,
        targets: I,
        options: &RunOptions<'_>,
    ) -> Result<Found<'graph, I>, RunError> {
        values::get_many_with(self, graph, targets, options)
    }

    /// Runs every task of the graph, remembered or not.
    ///
    /// A graph that has been run before is run again without compiling and without allocating.
    ///
    /// # Errors
    /// As [`get`](Self::get), but a run that fails leaves no values behind.
    ///
    /// # Blocking
    /// Until all tasks have run. After a failure as [`get`](Self::get).
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use millpond_pool::{Pool, values::Graph};
    ///
    /// let count = AtomicU32::new(0);
    /// let mut graph = Graph::new();
    /// let first = graph.control("first", || _ = count.fetch_add(1, Ordering::Relaxed));
    /// let second = graph.control("second", || _ = count.fetch_add(10, Ordering::Relaxed));
    /// graph.before(first, second);
    /// Pool::rayon(2).run_n(&mut graph, 3).unwrap();
    /// drop(graph);
    /// assert_eq!(count.into_inner(), 33);
    /// ```
    pub fn run(&self, graph: &mut Graph<'_>) -> Result<(), RunError> {
        self.run_with(graph, &RunOptions::new())
    }

    /// [`run`](Self::run) with options.
    ///
    /// # Errors
    /// As [`get_with`](Self::get_with). A run that keeps going leaves the values that it could compute.
    ///
    /// # Blocking
    /// As `get_with`.
    pub fn run_with(&self, graph: &mut Graph<'_>, options: &RunOptions<'_>) -> Result<(), RunError> {
        values::run_with(self, graph, options)
    }

    /// Runs the graph `times` times.
    ///
    /// # Errors
    /// As [`run`](Self::run); the runs after it are left out.
    ///
    /// # Blocking
    /// Until all runs are over.
    pub fn run_n(&self, graph: &mut Graph<'_>, times: usize) -> Result<(), RunError> {
        (0..times).try_for_each(|_| self.run(graph))
    }

    /// Runs the graph again and again until `is_enough`, which is asked after each run.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    ///
    /// # Blocking
    /// Until the last run is over.
    pub fn run_until(
        &self,
        graph: &mut Graph<'_>,
        mut is_enough: impl FnMut(&Graph<'_>) -> bool,
    ) -> Result<(), RunError> {
        loop {
            self.run(graph)?;
            if is_enough(graph) {
                return Ok(());
            }
        }
    }
}
