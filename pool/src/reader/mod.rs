//! The reader of a task's output: reading from it pulls.

mod build;
mod callback;
mod finish;
mod iterate;
mod options;
mod pull;
mod read;
mod split;
mod wait;

pub use split::Rejected;
pub use wait::ReadFuture;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::vec;

use millpond_sync::shim::Mutex;
use millpond_sync::shim::atomic::Ordering;

use crate::consumer::Consumer;
use crate::contents::Contents;
use crate::core::Core;
use crate::draft::Upstream;
use crate::hold::Hold;
use crate::lane::{Spread, TaskEntry};
use crate::task::Task;
use millpond_workers::discard::{discard, discard_all};

/// The reader of a task's output, within a [`scope`](crate::ScopedPool::scope) whose functions may borrow what outlives `'env`.
///
/// [`PoolReader`] is the reader whose functions borrow nothing. All methods are the same.
///
/// Nothing runs until something is read, and a read runs just the work that it needs: the demand goes up through the graph to
/// the sources, chunks of items come down, in parallel and in order. The reader is also what the next task is added to, and
/// dropping it lets go of all that only it needed.
///
/// Cloning gives another reader of the same output: they share the items, each goes to exactly one. For every item to each, see
/// [`tee`](Self::tee).
///
/// # Examples
///
/// ```
/// use millpond_pool::Pool;
///
/// let pool = Pool::new(2);
/// let mut squares = pool.source(1_u64..).map(|n| n * n).filter(|n| n % 3 == 1);
/// assert_eq!(squares.read(4)?, [1, 4, 16, 25]);
/// # Ok::<(), millpond_pool::ReadError>(())
/// ```
#[must_use = "a reader is lazy: nothing runs until something is read from it"]
pub struct ScopedReader<'env, T: Send + 'env> {
    core: Arc<Core<'env>>,
    /// The task, until its lane is made: by the first read, by a clone, or by a task that reads from it.
    adding: Mutex<Option<Adding<'env, T>>>,
    /// The lane's outlet, once it is made.
    consumer: OnceLock<Consumer<'env, T>>,
    /// Items that an iteration has taken and not given yet.
    local: vec::IntoIter<T>,
    /// Whether the pool keeps a window of chunks filled for this reader.
    is_iterating: bool,
    /// Whether a branch of limited room is upstream of what an iteration has taken.
    is_limited: bool,
    /// Whether an iteration has come to its end, by an error too.
    is_over: bool,
    /// What helpers must hold, until the lane is made.
    hold: Option<Arc<dyn Hold>>,
    /// Where the items wait, for whoever asked.
    contents: OnceLock<Contents<'env, T>>,
    /// Where this reader waits as a stream.
    stream: wait::Waits<'env>,
}

/// A task that has been added and has no lane yet.
type Adding<'env, T> = Box<(Task<'env, T>, TaskEntry)>;

/// The reader of a task's output. See [`ScopedReader`] for what it can do.
pub type PoolReader<T> = ScopedReader<'static, T>;

impl<'env, T: Send + 'env> ScopedReader<'env, T> {
    /// The reader of a task that has just been added.
    pub(crate) fn of_task(core: &Arc<Core<'env>>, task: Task<'env, T>) -> Self {
        let entry = task.register(core);
        Self::new(Arc::clone(core), Some(Box::new((task, entry))), OnceLock::new())
    }

    /// The reader of an outlet.
    pub(crate) fn of_consumer(consumer: Consumer<'env, T>) -> Self {
        let core = Arc::clone(&consumer.lane().header().core);
        Self::new(core, None, OnceLock::from(consumer))
    }

    fn new(core: Arc<Core<'env>>, adding: Option<Adding<'env, T>>, consumer: OnceLock<Consumer<'env, T>>) -> Self {
        Self {
            core,
            adding: Mutex::new(adding),
            consumer,
            local: Vec::new().into_iter(),
            is_iterating: false,
            is_limited: false,
            is_over: false,
            hold: None,
            contents: OnceLock::new(),
            stream: wait::Waits::default(),
        }
    }

    /// The outlet to read from; makes the lane if it is not made yet.
    fn consumer(&self) -> &Consumer<'env, T> {
        self.consumer.get_or_init(|| {
            let adding = self.adding.lock().take().expect("a reader without a lane has its task");
            let (task, entry) = *adding;
            let consumer = task.into_draft(&self.core, entry).into_lane(Spread::Whole, 1).swap_remove(0);
            if let Some(hold) = &self.hold {
                consumer.set_hold(Arc::clone(hold));
            }
            if let Some(contents) = self.contents.get() {
                contents.set(&consumer);
            }
            consumer
        })
    }

    /// What a task that reads from here reads from.
    pub(crate) fn into_upstream(mut self) -> Upstream<'env, T> {
        match self.adding.get_mut().take() {
            Some(adding) => {
                let (task, entry) = *adding;
                let mut draft = task.into_draft(&self.core, entry);
                draft.contents = self.contents.take();
                Upstream::Draft(draft)
            }
            None => {
                self.stop_iterating();
                Upstream::Lane(self.consumer.take().expect("a reader without a task has a lane"))
            }
        }
    }

    /// Gives back what an iteration has taken and not given, and asks for no more chunks ahead.
    fn stop_iterating(&mut self) {
        if let Some(consumer) = self.consumer.get() {
            let left: Vec<T> = std::mem::take(&mut self.local).collect();
            if !left.is_empty() {
                consumer.lane().give_back(consumer.outlet(), left);
            }
            if std::mem::take(&mut self.is_iterating) {
                consumer.lane().header().iterating[consumer.outlet()].fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// A look at the items that wait here, now and when a task reads from here. For whoever has to know of all items, such as a
    /// garbage collector.
    ///
    /// ```
    /// let pool = millpond_pool::Pool::serial();
    /// let [mut first, second] = pool.source(1..=3).tee(2).try_into().unwrap();
    /// let waiting = second.contents();
    /// let sums = second.map(|n| n + 1);
    /// first.read(2)?;
    /// let mut seen = Vec::new();
    /// waiting.visit(&mut |&item| seen.push(item));
    /// assert_eq!(seen, [1, 2]);
    /// # drop(sums);
    /// # Ok::<(), millpond_pool::ReadError>(())
    /// ```
    pub fn contents(&self) -> Contents<'env, T> {
        let contents = self.contents.get_or_init(Contents::new).clone();
        if let Some(consumer) = self.consumer.get() {
            contents.set(consumer);
        }
        contents
    }

    /// The items that an iteration has taken ahead.
    pub fn taken_ahead(&self) -> &[T] {
        self.local.as_slice()
    }

    /// The name of the task whose output this reads.
    #[must_use]
    pub fn task_name(&self) -> Arc<str> {
        match self.consumer.get() {
            Some(consumer) => consumer.lane().header().name(),
            None => self
                .adding
                .lock()
                .as_ref()
                .map_or_else(|| self.consumer().lane().header().name(), |adding| Arc::clone(adding.0.name_str())),
        }
    }

    /// The task whose output this reads.
    #[must_use]
    pub fn task_id(&self) -> crate::TaskId {
        let id = self.adding.lock().as_ref().map(|adding| adding.1.id);
        id.or_else(|| self.consumer().lane().header().tasks.last().map(|task| task.id)).expect("every lane has a task")
    }

    /// Stops what only this reader needed and lets go of it; what dropping does.
    pub fn close(self) {
        drop(self);
    }
}

impl<T: Send> Clone for ScopedReader<'_, T> {
    /// Another reader of the same output: they share the items, each goes to exactly one.
    ///
    /// Items that an iteration over the original has taken ahead stay with it.
    fn clone(&self) -> Self {
        Self::of_consumer(self.consumer().clone())
    }
}

impl<T: Send> Drop for ScopedReader<'_, T> {
    fn drop(&mut self) {
        if self.core.is_of_this_process() {
            self.stream.leave();
            self.stop_iterating();
            // What was unread before there was a lane to give it back to.
            discard_all(std::mem::take(&mut self.local));
            if let Some(adding) = self.adding.get_mut().take() {
                self.core.forget_tasks(std::slice::from_ref(&adding.1));
                discard(adding);
            }
        }
    }
}

impl<T: Send> fmt::Debug for ScopedReader<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("PoolReader");
        match self.consumer.get() {
            Some(consumer) => {
                let header = consumer.lane().header();
                out.field("task", &header.name());
                out.field("outlet", &consumer.outlet());
                out.field("is_cancelled", &header.is_cancelled());
            }
            None => {
                // Never blocks: a task that is being turned into a lane at this moment has no name to show.
                let name = self
                    .adding
                    .try_lock()
                    .and_then(|adding| adding.as_ref().map(|adding| Arc::clone(adding.0.name_str())));
                out.field("task", &name.as_deref().unwrap_or("(starting)"));
            }
        }
        out.finish_non_exhaustive()
    }
}
