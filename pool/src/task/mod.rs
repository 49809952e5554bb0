//! Tasks, before they are added to a pool.

mod heads;
mod stages;

use std::panic::Location;
use std::sync::Arc;

use crate::core::Core;
use crate::draft::{Draft, Upstream};
use crate::head::Head;
use crate::lane::{Inlet, Input, Limits, TaskEntry};
use crate::refuse::at_least_one;
use crate::registry::TaskId;
use crate::stage::Stage;

/// Builds what a task does, once it has been added.
type Build<'env, T> = Box<dyn FnOnce(&Arc<Core<'env>>, TaskEntry, Limits) -> Draft<'env, T> + Send + 'env>;

/// A task: a named function over items that reads from its inputs and gives items of type `T`.
///
/// Made from its inputs and its function, given options, and added with [`ScopedPool::add_task`](crate::ScopedPool::add_task), which
/// gives the reader of its output. [`PoolReader`](crate::PoolReader) has a method for each constructor here that does both.
///
/// ```
/// use millpond_pool::{Pool, Task};
///
/// let pool = Pool::serial();
/// let numbers = pool.add_task(Task::source(1..=4).name("numbers"));
/// let mut squares = pool.add_task(Task::map(numbers, |n| n * n).name("squares").min_count(2));
/// assert_eq!(squares.read_all()?, [1, 4, 9, 16]);
/// # Ok::<(), millpond_pool::ReadError>(())
/// ```
#[must_use = "a task does nothing until it is added to a pool and its output is read"]
pub struct Task<'env, T: Send + 'env> {
    build: Build<'env, T>,
    name: Arc<str>,
    location: &'static Location<'static>,
    pub(crate) limits: Limits,
    inputs: Vec<TaskId>,
    /// The pool of its inputs; none for a source.
    core: Option<Arc<Core<'env>>>,
}

impl<'env, T: Send + 'env> Task<'env, T> {
    /// A task that begins a lane and reads nothing.
    #[track_caller]
    fn begin(
        name: &str,
        build: impl FnOnce(&Arc<Core<'env>>, TaskEntry, Limits) -> Draft<'env, T> + Send + 'env,
    ) -> Self {
        Self {
            build: Box::new(build),
            name: name.into(),
            location: Location::caller(),
            limits: Limits::NONE,
            inputs: Vec::new(),
            core: None,
        }
    }

    /// A task with a stage, which may share its input's lane.
    #[track_caller]
    pub(crate) fn stage<A: Send + 'env>(
        name: &str,
        upstream: Upstream<'env, A>,
        stage: impl Stage<A, T> + 'env,
        needs_whole_chunks: bool,
    ) -> Self {
        let inputs = upstream.task().map(|task| task.id).into_iter().collect();
        let core = Some(Arc::clone(upstream.core()));
        let build = move |_: &Arc<Core<'env>>, task: TaskEntry, limits: Limits| {
            let needs_whole_chunks = needs_whole_chunks && (limits.min_count > 1 || limits.max_chunksize != usize::MAX);
            upstream.with_stage(stage, task, limits, needs_whole_chunks)
        };
        Self { inputs, core, ..Self::begin(name, build) }
    }

    /// A task that is the head of a lane which reads from another.
    #[track_caller]
    fn head<A: Send + 'env, H: Head<'env, T> + 'env>(
        name: &str,
        upstream: Upstream<'env, A>,
        head: impl FnOnce(Inlet<'env, A>) -> H + Send + 'env,
    ) -> Self {
        let inputs = upstream.task().map(|task| task.id).into_iter().collect();
        let core = Some(Arc::clone(upstream.core()));
        let build = move |core: &Arc<Core<'env>>, task: TaskEntry, limits: Limits| {
            let (inlet, input) = upstream.into_consumer().into_inlet();
            Draft::headed(core, head(inlet), vec![input], None, Some((task, limits)))
        };
        Self { inputs, core, ..Self::begin(name, build) }
    }

    /// A task that is the head of a lane which reads from several others of one type.
    #[track_caller]
    fn joint<A: Send + 'env, H: Head<'env, T> + 'env>(
        name: &str,
        upstreams: Vec<Upstream<'env, A>>,
        head: impl FnOnce(Vec<Inlet<'env, A>>) -> H + Send + 'env,
    ) -> Self {
        let inputs = upstreams.iter().filter_map(|upstream| Some(upstream.task()?.id)).collect();
        let core = upstreams.first().map(|upstream| Arc::clone(upstream.core()));
        let build = move |core: &Arc<Core<'env>>, task: TaskEntry, limits: Limits| {
            let (inlets, edges): (Vec<Inlet<'env, A>>, Vec<Input<'env>>) =
                upstreams.into_iter().map(|upstream| upstream.into_consumer().into_inlet()).unzip();
            Draft::headed(core, head(inlets), edges, None, Some((task, limits)))
        };
        Self { inputs, core, ..Self::begin(name, build) }
    }

    /// The name that errors and drawings call it by; the kind of task by default.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// At least this many items are made at once when any are asked for, here and downstream; later reads are served from them.
    ///
    /// A firing takes fewer only at the end of the input. 1 by default.
    ///
    /// # Panics
    /// When `items` is 0.
    #[track_caller]
    pub fn min_count(mut self, items: usize) -> Self {
        at_least_one(&self.name, "min_count", items);
        self.limits.min_count = items;
        self
    }

    /// A firing takes at most this many items. By default chunks grow until they take some tens of microseconds.
    ///
    /// # Panics
    /// When `items` is 0.
    #[track_caller]
    pub fn max_chunksize(mut self, items: usize) -> Self {
        at_least_one(&self.name, "max_chunksize", items);
        self.limits.max_chunksize = items;
        self
    }

    /// At most this many workers run the task at once. All of the pool's by default.
    ///
    /// # Panics
    /// When `workers` is 0.
    #[track_caller]
    pub fn concurrency(mut self, workers: usize) -> Self {
        at_least_one(&self.name, "concurrency", workers);
        self.limits.concurrency = workers;
        self
    }

    /// Gives items as their chunks finish instead of in the order of the input.
    pub fn unordered(mut self) -> Self {
        self.limits.is_ordered = false;
        self
    }

    /// Once it has been read from, workers keep this many items ready beyond what is asked for. 0 by default; no effect in serial
    /// mode, where there is nobody to make them.
    pub fn read_ahead(mut self, items: usize) -> Self {
        self.limits.read_ahead = items;
        self
    }

    /// Only threads that read run it, the pool's helpers never: for a source that one thread alone
    /// may use. What is downstream is for helpers as ever.
    ///
    /// A read that awaits works, too, while it is polled, as in serial mode. A function that reads
    /// is a thread that reads.
    pub fn reader_only(mut self) -> Self {
        self.limits.is_reader_only = true;
        self.limits.needs_reader = true;
        self
    }

    pub(crate) fn core(&self) -> Option<&Arc<Core<'env>>> {
        self.core.as_ref()
    }

    pub(crate) fn name_str(&self) -> &Arc<str> {
        &self.name
    }

    /// Takes the task down in the pool's graph.
    pub(crate) fn register(&self, core: &Core<'env>) -> TaskEntry {
        core.registry.lock().add(Arc::clone(&self.name), self.location, &self.inputs)
    }

    /// Builds what the task does.
    pub(crate) fn into_draft(self, core: &Arc<Core<'env>>, entry: TaskEntry) -> Draft<'env, T> {
        let entry = TaskEntry { name: self.name, ..entry };
        (self.build)(core, entry, self.limits)
    }
}

impl<T: Send> std::fmt::Debug for Task<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name)
            .field("added_at", &format_args!("{}", self.location))
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
