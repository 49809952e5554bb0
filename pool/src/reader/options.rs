//! Options of the task that was added last.

use std::sync::Arc;

use super::ScopedReader;
use crate::hold::Hold;
use crate::refuse::at_least_one;
use crate::task::Task;

/// Options of the task whose output this reads, to be given right after it was added:
///
/// ```
/// # let pool = millpond_pool::Pool::serial();
/// let mut lengths = pool.source(["a", "bc"]).map(str::len).named("length").min_count(2);
/// # assert_eq!(lengths.read_all()?, [1, 2]);
/// # Ok::<(), millpond_pool::ReadError>(())
/// ```
///
/// # Panics
/// Each of these but `helped_within` when something has been read from the task already, or when it is the branch of a `tee` or partition.
impl<'env, T: Send + 'env> ScopedReader<'env, T> {
    #[track_caller]
    fn with_task(mut self, option: &str, change: impl FnOnce(Task<'env, T>) -> Task<'env, T>) -> Self {
        let Some(adding) = self.adding.get_mut().take() else {
            panic!(
                "`{option}` of task `{}` came too late; give a task its options right after adding it",
                self.task_name()
            );
        };
        let (task, mut entry) = *adding;
        let task = change(task);
        if *task.name_str() != entry.name {
            entry.name = Arc::clone(task.name_str());
            self.core.registry.lock().rename(entry.id, &entry.name);
        }
        *self.adding.get_mut() = Some(Box::new((task, entry)));
        self
    }

    /// The name that errors and drawings call the task by. See [`Task::name`].
    #[track_caller]
    pub fn named(self, name: impl Into<Arc<str>>) -> Self {
        self.with_task("named", |task| task.name(name))
    }

    /// See [`Task::min_count`].
    #[track_caller]
    pub fn min_count(self, items: usize) -> Self {
        at_least_one(&self.task_name(), "min_count", items);
        self.with_task("min_count", |task| task.min_count(items))
    }

    /// See [`Task::max_chunksize`].
    #[track_caller]
    pub fn max_chunksize(self, items: usize) -> Self {
        at_least_one(&self.task_name(), "max_chunksize", items);
        self.with_task("max_chunksize", |task| task.max_chunksize(items))
    }

    /// See [`Task::concurrency`].
    #[track_caller]
    pub fn concurrency(self, workers: usize) -> Self {
        at_least_one(&self.task_name(), "concurrency", workers);
        self.with_task("concurrency", |task| task.concurrency(workers))
    }

    /// See [`Task::unordered`].
    #[track_caller]
    pub fn unordered(self) -> Self {
        self.with_task("unordered", Task::unordered)
    }

    /// Has helpers work for this reader only within `hold`; see [`Hold`]. The one that was given first counts.
    ///
    /// May be given at any time, unlike the other options, but what has been read before was read without.
    pub fn helped_within(mut self, hold: Arc<dyn Hold>) -> Self {
        match self.consumer.get() {
            Some(consumer) => consumer.set_hold(hold),
            None => self.hold = Some(hold),
        }
        self
    }

    /// See [`Task::reader_only`].
    #[track_caller]
    pub fn reader_only(self) -> Self {
        self.with_task("reader_only", Task::reader_only)
    }

    /// See [`Task::read_ahead`].
    #[track_caller]
    pub fn read_ahead(self, items: usize) -> Self {
        self.with_task("read_ahead", |task| task.read_ahead(items))
    }
}
