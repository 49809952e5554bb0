//! Tasks that any number of workers run at once.

use super::Task;
use crate::reader::ScopedReader;
use crate::stage::{Each, Expand, Expander, FlatMap, MapChunk, Operate, Operator, Pause, Retry, Retrying};
use millpond_workers::discard::Held;
use millpond_workers::{BoxError, Cause};

impl<'env, T: Send + 'env> Task<'env, T> {
    /// One item in, one out.
    #[track_caller]
    pub fn map<A: Send + 'env>(input: ScopedReader<'env, A>, function: impl Fn(A) -> T + Send + Sync + 'env) -> Self {
        Self::stage("map", input.into_upstream(), Each(move |item| Ok(Some(function(item)))), false)
    }

    /// One item in, one out; the first error stops the task.
    #[track_caller]
    pub fn try_map<A: Send + 'env, E: Into<BoxError>>(
        input: ScopedReader<'env, A>,
        function: impl Fn(A) -> Result<T, E> + Send + Sync + 'env,
    ) -> Self {
        let each = move |item| function(item).map(Some).map_err(|error| Cause::Error(error.into()));
        Self::stage("try_map", input.into_upstream(), Each(each), false)
    }

    /// One item in, one out; a call that fails is made again as `retry` says, and the failure of the last stops the task.
    #[track_caller]
    pub fn retry_map<A: Send + 'env, E: Into<BoxError>>(
        input: ScopedReader<'env, A>,
        retry: Retry,
        function: impl Fn(&A) -> Result<T, E> + Send + Sync + 'env,
    ) -> Self {
        let retrying = Retrying(move |item: A, pause: Pause<'_>| {
            let item = Held::new(item);
            let outcome = retry.call(item.get(), &function, pause);
            drop(item.into_inner());
            outcome
        });
        Self::stage("retry_map", input.into_upstream(), retrying, false)
    }

    /// One item in, one out or none.
    #[track_caller]
    pub fn filter_map<A: Send + 'env>(
        input: ScopedReader<'env, A>,
        function: impl Fn(A) -> Option<T> + Send + Sync + 'env,
    ) -> Self {
        Self::stage("filter_map", input.into_upstream(), Each(move |item| Ok(function(item))), false)
    }

    /// The items that `predicate` holds for.
    #[track_caller]
    pub fn filter(input: ScopedReader<'env, T>, predicate: impl Fn(&T) -> bool + Send + Sync + 'env) -> Self {
        let keep = move |item| {
            let item = Held::new(item);
            Ok(if predicate(item.get()) {
                Some(item.into_inner())
            } else {
                // A panic in its drop is the task's, as one in the function is.
                drop(item.into_inner());
                None
            })
        };
        Self::stage("filter", input.into_upstream(), Each(keep), false)
    }

    /// Looks at each item as it passes.
    #[track_caller]
    pub fn inspect(input: ScopedReader<'env, T>, look: impl Fn(&T) + Send + Sync + 'env) -> Self {
        let map = move |item| {
            let item = Held::new(item);
            look(item.get());
            Ok(Some(item.into_inner()))
        };
        Self::stage("inspect", input.into_upstream(), Each(map), false)
    }

    /// One item in, any number out.
    ///
    /// How many items an input gives is only known when it has been asked, so a read of `n` items asks for one input after the other.
    /// Iterating and reading all run the function on several inputs at once.
    #[track_caller]
    pub fn flat_map<A: Send + 'env, I: IntoIterator<Item = T, IntoIter: Send + 'env>>(
        input: ScopedReader<'env, A>,
        function: impl Fn(A) -> I + Send + Sync + 'env,
    ) -> Self {
        let mut task = Self::stage("flat_map", input.into_upstream(), FlatMap::new(function), false);
        task.limits.expands = true;
        task
    }

    /// A chunk in, at most as many items out.
    ///
    /// The function gets between `min_count` and `max_chunksize` items at once (fewer only at the end), chosen by the pool where
    /// these are not set; an error or a panic loses the chunk's items and is that of its first item.
    #[track_caller]
    pub fn map_chunks<A: Send + 'env, I: IntoIterator<Item = T>, E: Into<BoxError>>(
        input: ScopedReader<'env, A>,
        function: impl Fn(Vec<A>) -> Result<I, E> + Send + Sync + 'env,
    ) -> Self {
        let chunk = move |items| function(items).map_err(|error| Cause::Error(error.into()));
        let mut task = Self::stage("map_chunks", input.into_upstream(), MapChunk(chunk), true);
        task.limits.wants_chunks = true;
        task
    }

    /// One item in, one out or none, by a function that sees chunks.
    #[track_caller]
    pub fn operator<A: Send + 'env>(input: ScopedReader<'env, A>, operator: impl Operator<A, T> + 'env) -> Self {
        Self::stage("operator", input.into_upstream(), Operate(operator), false)
    }

    /// One item in, any number out, by a function that sees chunks. See [`flat_map`](Self::flat_map) for what a read asks for.
    #[track_caller]
    pub fn expander<A: Send + 'env, E>(input: ScopedReader<'env, A>, expander: E) -> Self
    where
        E: Expander<A, T, Open: 'env> + 'env,
    {
        let mut task = Self::stage("expander", input.into_upstream(), Expand::new(expander), false);
        task.limits.expands = true;
        task
    }
}
