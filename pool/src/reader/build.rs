//! Adding the next task: each method is [`ScopedPool::add_task`](crate::ScopedPool::add_task) of the [`Task`] of the same name.

use super::ScopedReader;
use crate::ScopedPool;
use crate::stage::Retry;
use crate::task::Task;
use millpond_workers::BoxError;

impl<'env, T: Send + 'env> ScopedReader<'env, T> {
    /// One item in, one out. See [`Task::map`].
    #[track_caller]
    pub fn map<U: Send + 'env>(self, function: impl Fn(T) -> U + Send + Sync + 'env) -> ScopedReader<'env, U> {
        add(Task::map(self, function))
    }

    /// One item in, one out; the first error stops the task. See [`Task::try_map`].
    #[track_caller]
    pub fn try_map<U: Send + 'env, E: Into<BoxError>>(
        self,
        function: impl Fn(T) -> Result<U, E> + Send + Sync + 'env,
    ) -> ScopedReader<'env, U> {
        add(Task::try_map(self, function))
    }

    /// One item in, one out; a call that fails is made again. See [`Task::retry_map`].
    #[track_caller]
    pub fn retry_map<U: Send + 'env, E: Into<BoxError>>(
        self,
        retry: Retry,
        function: impl Fn(&T) -> Result<U, E> + Send + Sync + 'env,
    ) -> ScopedReader<'env, U> {
        add(Task::retry_map(self, retry, function))
    }

    /// The items that `predicate` holds for. See [`Task::filter`].
    #[track_caller]
    pub fn filter(self, predicate: impl Fn(&T) -> bool + Send + Sync + 'env) -> Self {
        add(Task::filter(self, predicate))
    }

    /// One item in, one out or none. See [`Task::filter_map`].
    #[track_caller]
    pub fn filter_map<U: Send + 'env>(
        self,
        function: impl Fn(T) -> Option<U> + Send + Sync + 'env,
    ) -> ScopedReader<'env, U> {
        add(Task::filter_map(self, function))
    }

    /// One item in, any number out. See [`Task::flat_map`].
    #[track_caller]
    pub fn flat_map<U: Send + 'env, I: IntoIterator<Item = U, IntoIter: Send + 'env>>(
        self,
        function: impl Fn(T) -> I + Send + Sync + 'env,
    ) -> ScopedReader<'env, U> {
        add(Task::flat_map(self, function))
    }

    /// A chunk in, at most as many items out. See [`Task::map_chunks`].
    #[track_caller]
    pub fn map_chunks<U: Send + 'env, I: IntoIterator<Item = U>, E: Into<BoxError>>(
        self,
        function: impl Fn(Vec<T>) -> Result<I, E> + Send + Sync + 'env,
    ) -> ScopedReader<'env, U> {
        add(Task::map_chunks(self, function))
    }

    /// Looks at each item as it passes. See [`Task::inspect`].
    #[track_caller]
    pub fn inspect(self, look: impl Fn(&T) + Send + Sync + 'env) -> Self {
        add(Task::inspect(self, look))
    }

    /// A function with state, called for one item after the other, in order. See [`Task::sequential`].
    #[track_caller]
    pub fn sequential<U: Send + 'env>(self, function: impl FnMut(T) -> U + Send + 'env) -> ScopedReader<'env, U> {
        add(Task::sequential(self, function))
    }

    /// Like [`sequential`](Self::sequential), with a state that may end the output or fail. See [`Task::scan`].
    #[track_caller]
    pub fn scan<U: Send + 'env, S: Send + 'env, E: Into<BoxError>>(
        self,
        state: S,
        function: impl FnMut(&mut S, T) -> Result<Option<U>, E> + Send + 'env,
    ) -> ScopedReader<'env, U> {
        add(Task::scan(self, state, function))
    }

    /// Each item with its number, counted from 0. See [`Task::enumerate`].
    #[track_caller]
    pub fn enumerate(self) -> ScopedReader<'env, (usize, T)> {
        add(Task::enumerate(self))
    }

    /// Items in groups of `size`, the last of which may be shorter: before the end, or before a failure. See [`Task::batch`].
    ///
    /// # Panics
    /// When `size` is 0.
    #[track_caller]
    pub fn batch(self, size: usize) -> ScopedReader<'env, Vec<T>> {
        add(Task::batch(self, size))
    }

    /// The items of the items. See [`Task::flat_map`] for what a read asks for.
    #[track_caller]
    pub fn flatten(self) -> ScopedReader<'env, T::Item>
    where
        T: IntoIterator<IntoIter: Send + 'env>,
        T::Item: Send + 'env,
    {
        add(Task::flat_map(self, |items| items).name("flatten"))
    }

    /// The first `count` items; the input is asked for no more. See [`Task::take`].
    ///
    /// A reader is an iterator as well; this is the task, not the adaptor.
    #[track_caller]
    pub fn take(self, count: usize) -> Self {
        add(Task::take(self, count))
    }

    /// Items while `predicate` holds. See [`Task::take_while`].
    #[track_caller]
    pub fn take_while(self, predicate: impl FnMut(&T) -> bool + Send + 'env) -> Self {
        add(Task::take_while(self, predicate))
    }

    /// All but the first `count` items. See [`Task::skip`].
    #[track_caller]
    pub fn skip(self, count: usize) -> Self {
        add(Task::skip(self, count))
    }

    /// The items from the first that `predicate` does not hold for. See [`Task::skip_while`].
    #[track_caller]
    pub fn skip_while(self, predicate: impl FnMut(&T) -> bool + Send + 'env) -> Self {
        add(Task::skip_while(self, predicate))
    }

    /// Pairs of the items of this reader and another. See [`Task::zip`].
    #[track_caller]
    pub fn zip<U: Send + 'env>(self, other: ScopedReader<'env, U>) -> ScopedReader<'env, (T, U)> {
        let other = other.connected(&self.core);
        add(Task::zip(self, other))
    }

    /// The items of this reader, then those of another. See [`Task::chain`].
    #[track_caller]
    pub fn chain(self, other: Self) -> Self {
        let other = other.connected(&self.core);
        add(Task::chain([self, other]))
    }

    /// The items of this reader and another, as they come. See [`Task::merge`].
    #[track_caller]
    pub fn merge(self, other: Self) -> Self {
        let other = other.connected(&self.core);
        add(Task::merge([self, other]))
    }

    /// All items made into one, when it is read. See [`Task::fold`]; [`fold`](Self::fold) does it at once.
    #[track_caller]
    pub fn fold_task<A: Send + 'env>(
        self,
        start: A,
        function: impl FnMut(A, T) -> A + Send + 'env,
    ) -> ScopedReader<'env, A> {
        add(Task::fold(self, start, function))
    }

    /// The same items as the output of a task of another pool, which the tasks added next belong to; each pool does its part.
    ///
    /// Workers of the other pool that need items from here work for them here. Where this pool is
    /// serial they do not: then the task is for threads that read [only](Task::reader_only).
    #[track_caller]
    pub fn into_pool(self, pool: &ScopedPool<'env>) -> Self {
        self.connected(pool.core())
    }

    /// This reader, if it is of that pool, or its items as a source there.
    #[track_caller]
    pub(crate) fn connected(self, core: &std::sync::Arc<crate::core::Core<'env>>) -> Self {
        if std::sync::Arc::ptr_eq(&self.core, core) {
            return self;
        }
        // A worker that read from a serial pool would be another thread in it.
        let is_serial = self.core.size() == 0;
        let task = Task::foreign(self);
        ScopedReader::of_task(core, if is_serial { task.reader_only() } else { task })
    }
}

/// Adds a task to the pool of its inputs.
pub(super) fn add<'env, T: Send + 'env>(task: Task<'env, T>) -> ScopedReader<'env, T> {
    let core = std::sync::Arc::clone(task.core().expect("a task made from a reader knows its pool"));
    ScopedReader::of_task(&core, task)
}
