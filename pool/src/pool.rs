//! The pool: what executes a graph's tasks.

use std::fmt;
use std::sync::Arc;

use crate::core::Core;
use crate::error::ReadError;
use crate::reader::ScopedReader;
use crate::registry::TaskId;
use crate::report::TaskReport;
use crate::task::Task;
#[cfg(feature = "rayon")]
use millpond_workers::RayonWorkers;
use millpond_workers::Workers;
#[cfg(feature = "gcd")]
use millpond_workers::{GcdWorkers, QualityOfService};

/// What executes a graph's tasks, within a [`scope`](Self::scope) whose functions may borrow what outlives `'env`.
///
/// [`Pool`] is the pool whose functions borrow nothing. All methods are the same.
///
/// A pool's **size** is how many workers work at once, of which the thread that reads is one; the
/// others are threads of a rayon pool, or of libdispatch, started when there is more work than the
/// reader does at once. Of size 0 it is in serial mode: the caller does everything, no thread is
/// started and nothing is locked. (A read that awaits at a [full branch](crate::Capacity) is the
/// one exception.)
///
/// Several threads that read at the same time each work for their own read; helpers join in up to the pool's size.
///
/// Dropping the pool ends all that is going on at the next item; its readers then say [`ReadError::PoolGone`].
pub struct ScopedPool<'env> {
    core: Arc<Core<'env>>,
    threads: Threads,
}

/// Where a pool gets threads from when it is resized.
#[derive(Debug, Clone)]
pub(crate) enum Threads {
    /// A rayon pool of its own.
    #[cfg(feature = "rayon")]
    Rayon,
    /// From nowhere: the caller does everything, whatever size is asked for.
    #[cfg(not(feature = "rayon"))]
    Nowhere,
    /// Apple's dispatch library.
    #[cfg(feature = "gcd")]
    Gcd(QualityOfService),
    /// What the user brought.
    Given(Arc<dyn Workers>),
    /// None: a simulation in the thread that reads.
    #[cfg(feature = "simulation")]
    Simulated(millpond_simulation::Simulated),
}

impl Threads {
    /// The threads for a pool of `size` workers: as many, because a reader that awaits does not work.
    fn of_size(&self, size: usize) -> Result<Option<Arc<dyn Workers>>, NoThreads> {
        if size == 0 {
            return Ok(None);
        }
        Ok(Some(match self {
            #[cfg(feature = "rayon")]
            Self::Rayon => Arc::new(RayonWorkers::new(size)),
            #[cfg(not(feature = "rayon"))]
            Self::Nowhere => return Ok(None),
            #[cfg(feature = "gcd")]
            Self::Gcd(quality) => Arc::new(GcdWorkers::new(size, *quality)?),
            Self::Given(workers) => Arc::clone(workers),
            #[cfg(feature = "simulation")]
            Self::Simulated(simulated) => simulated.workers(),
        }))
    }
}

/// Why there are no threads: with rayon's and the user's own there always are.
#[cfg(feature = "gcd")]
pub(crate) type NoThreads = millpond_workers::LibdispatchMissing;
#[cfg(not(feature = "gcd"))]
pub(crate) type NoThreads = std::convert::Infallible;

/// What executes a graph's tasks. See [`ScopedPool`] for what it can do.
pub type Pool = ScopedPool<'static>;

impl<'env> ScopedPool<'env> {
    pub(crate) fn with_threads(size: usize, threads: Threads) -> Result<Self, NoThreads> {
        let workers = threads.of_size(size)?;
        Ok(Self { core: Core::new(size, workers), threads })
    }

    #[cfg(feature = "rayon")]
    fn with_size(size: usize) -> Self {
        Self::with_threads(size, Threads::Rayon).expect("rayon starts its threads when they are needed")
    }

    fn with_given(size: usize, workers: Arc<dyn Workers>) -> Self {
        Self::with_threads(size, Threads::Given(workers)).expect("the threads are given")
    }

    pub(crate) fn core(&self) -> &Arc<Core<'env>> {
        &self.core
    }

    /// Adds a task and gives the reader of its output. Runs nothing.
    ///
    /// A task whose inputs are of another pool is added with a connection to that pool; see
    /// [`into_pool`](ScopedReader::into_pool).
    #[track_caller]
    pub fn add_task<T: Send + 'env>(&self, task: Task<'env, T>) -> ScopedReader<'env, T> {
        match task.core() {
            Some(core) if !Arc::ptr_eq(core, &self.core) => {
                let core = Arc::clone(core);
                ScopedReader::of_task(&core, task).into_pool(self)
            }
            _ => ScopedReader::of_task(&self.core, task),
        }
    }

    /// The items of an iterator, which is asked for as many as are needed. See [`Task::source`].
    #[track_caller]
    pub fn source<I: IntoIterator>(&self, items: I) -> ScopedReader<'env, I::Item>
    where
        I::IntoIter: Send + 'env,
        I::Item: Send + 'env,
    {
        self.add_task(Task::source(items))
    }

    /// What a function gives, until it gives `None`. See [`Task::generate`].
    #[track_caller]
    pub fn generate<T: Send + 'env>(&self, function: impl FnMut() -> Option<T> + Send + 'env) -> ScopedReader<'env, T> {
        self.add_task(Task::generate(function))
    }

    /// What a channel is written to, until it is closed. See [`Task::channel`].
    #[track_caller]
    pub fn channel<T: Send + 'env>(&self, reader: millpond_channel::Reader<T>) -> ScopedReader<'env, T> {
        self.add_task(Task::channel(reader))
    }

    /// The items of several readers, as they come. See [`Task::merge`].
    #[track_caller]
    pub fn merge<T: Send + 'env>(
        &self,
        readers: impl IntoIterator<Item = ScopedReader<'env, T>>,
    ) -> ScopedReader<'env, T> {
        ScopedReader::of_task(&self.core, Task::merge(readers.into_iter().map(|reader| reader.connected(&self.core))))
    }

    /// The items of several readers, one reader after the other. See [`Task::chain`].
    #[track_caller]
    pub fn chain<T: Send + 'env>(
        &self,
        readers: impl IntoIterator<Item = ScopedReader<'env, T>>,
    ) -> ScopedReader<'env, T> {
        ScopedReader::of_task(&self.core, Task::chain(readers.into_iter().map(|reader| reader.connected(&self.core))))
    }

    /// How many workers work at once; 0 is serial mode.
    #[must_use]
    pub fn size(&self) -> usize {
        self.core.size()
    }

    /// Another size, at any time and from any thread, functions of tasks included.
    ///
    /// Growing and shrinking take effect at the next chunk; work in progress is finished. To and from serial mode the pool changes
    /// when nobody is reading.
    ///
    /// A pool that was made without threads, in a program without the feature `rayon`, stays in serial mode.
    pub fn set_size(&self, size: usize) {
        if size == self.size() {
            return;
        }
        let workers = self.threads.of_size(size).expect("a pool that was made from a library has it");
        let size = if workers.is_some() { size } else { 0 };
        self.core.resize(size, workers);
    }

    /// How many tasks the pool has.
    #[must_use]
    pub fn task_count(&self) -> usize {
        self.core.registry.lock().dag().node_count()
    }

    /// The tasks as a graph, with what each has done so far: to draw, to look up inputs and layers, to find the critical path.
    ///
    /// A task is in it until its output cannot be read any more.
    #[must_use]
    pub fn graph(&self) -> millpond_graph::Dag<TaskReport> {
        crate::report::graph(&self.core.registry.lock())
    }

    /// Removes a task. Chunks in progress are waited for (unless the caller is one of the pool's own tasks), and what has been made
    /// can still be read; then its readers are at the end. Inputs that nobody else reads from go too. A task that is gone already is fine.
    ///
    /// Tasks that share a lane go together: what comes before it is needed by nobody else, and what comes after has no more input.
    ///
    /// # Errors
    /// [`ReadError::SerialBusy`] when the pool is in serial mode and another thread is using it.
    pub fn remove_task(&self, task: TaskId) -> Result<(), ReadError> {
        crate::remove::remove_task(&self.core, task)
    }

    /// How often the pool has asked for a thread so far: for figures, and for tests that small reads ask for none.
    #[must_use]
    pub fn wakes(&self) -> u64 {
        self.core.wakes()
    }

    /// The threads that may be lent beside the caller; none in serial mode.
    pub(crate) fn workers(&self) -> Option<Arc<dyn Workers>> {
        self.core.workers()
    }
}

impl ScopedPool<'static> {
    /// A pool of `size` workers, of which the reading thread is one; 0 for serial mode.
    #[cfg(feature = "rayon")]
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self::with_size(size)
    }

    /// A pool in serial mode: the caller does everything, no thread is started, nothing is locked.
    #[must_use]
    pub fn serial() -> Self {
        #[cfg(feature = "rayon")]
        let threads = Threads::Rayon;
        #[cfg(not(feature = "rayon"))]
        let threads = Threads::Nowhere;
        Self::with_threads(0, threads).expect("serial mode needs no threads")
    }

    /// A pool of `size` workers whose threads are a rayon pool of its own, which is started when first needed.
    #[cfg(feature = "rayon")]
    #[must_use]
    pub fn rayon(size: usize) -> Self {
        Self::with_size(size)
    }

    /// A pool of `size` workers whose threads are lent by Apple's dispatch library (GCD), found at run time.
    ///
    /// # Errors
    /// When the library is not there: says where it was looked for and what to install.
    #[cfg(feature = "gcd")]
    pub fn gcd(size: usize) -> Result<Self, millpond_workers::LibdispatchMissing> {
        Self::gcd_with(size, QualityOfService::default())
    }

    /// Like [`gcd`](Self::gcd), with threads of this quality of service.
    ///
    /// # Errors
    /// As [`gcd`](Self::gcd).
    #[cfg(feature = "gcd")]
    pub fn gcd_with(size: usize, quality: QualityOfService) -> Result<Self, millpond_workers::LibdispatchMissing> {
        // Also for serial mode, so that the pool can grow later.
        GcdWorkers::new(size, quality)?;
        Self::with_threads(size, Threads::Gcd(quality))
    }

    /// A pool of `size` workers whose threads come from `workers`, also when it is resized.
    #[must_use]
    pub fn with_workers(size: usize, workers: Arc<dyn Workers>) -> Self {
        Self::with_given(size, workers)
    }
}

impl<'env> ScopedPool<'env> {
    /// Calls `body` with a pool of `size` workers whose functions may borrow what outlives the call; then waits for the workers.
    ///
    /// # Blocking
    /// At its end, until no worker runs a function any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_pool::ScopedPool;
    ///
    /// let words = vec!["mill".to_owned(), "pond".to_owned()];
    /// let lengths = ScopedPool::scope(2, |pool| pool.source(&words).map(|word| word.len()).read_all())?;
    /// assert_eq!(lengths, [4, 4]);
    /// # Ok::<(), millpond_pool::ReadError>(())
    /// ```
    #[cfg(feature = "rayon")]
    pub fn scope<R>(size: usize, body: impl FnOnce(&Self) -> R) -> R {
        Self::with_size(size).scoped(body)
    }

    /// Like [`scope`](Self::scope), with threads that come from `workers`.
    ///
    /// # Blocking
    /// As [`scope`](Self::scope); so until the workers have let go of all that was lent to, run or not.
    pub fn scope_with_workers<R>(size: usize, workers: Arc<dyn Workers>, body: impl FnOnce(&Self) -> R) -> R {
        Self::with_given(size, workers).scoped(body)
    }

    fn scoped<R>(self, body: impl FnOnce(&Self) -> R) -> R {
        let _end = EndOfScope(&self.core);
        body(&self)
    }
}

/// Ends a scope, also when its body panics.
struct EndOfScope<'a, 'env>(&'a Core<'env>);

impl Drop for EndOfScope<'_, '_> {
    fn drop(&mut self) {
        self.0.close();
        self.0.wait_for_helpers();
    }
}

#[cfg(feature = "rayon")]
impl Default for Pool {
    /// A pool of as many workers as the machine has processors for this process.
    fn default() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }
}

impl Drop for ScopedPool<'_> {
    fn drop(&mut self) {
        if self.core.is_of_this_process() {
            self.core.close();
        }
        #[cfg(feature = "simulation")]
        if let Threads::Simulated(simulated) = &self.threads {
            simulated.end();
        }
    }
}

impl fmt::Debug for ScopedPool<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}
