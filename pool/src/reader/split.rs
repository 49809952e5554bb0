//! One output, several readers.

use super::ScopedReader;
use super::build::add;
use crate::lane::Spread;
use crate::stage::{Pause, Retry, Retrying};
use crate::task::Task;
use millpond_workers::{BoxError, Cause};

/// An item that a task's function could not be made to accept, with why.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rejected<T> {
    /// The item.
    pub item: T,
    /// What the last call said, or the panic.
    pub cause: Cause,
}

impl<T> std::fmt::Display for Rejected<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.cause.fmt(f)
    }
}

impl<'env, T: Send + 'env> ScopedReader<'env, T> {
    /// `count` readers each of which gets every item.
    ///
    /// What one has read and another has not is kept for the other, without a bound: a branch that nobody reads keeps all. A reader that
    /// is dropped keeps nothing.
    ///
    /// # Panics
    /// When `count` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = millpond_pool::Pool::serial();
    /// let [mut all, even] = pool.source(1..=4).tee(2).try_into().unwrap();
    /// let mut even = even.filter(|n| n % 2 == 0);
    /// assert_eq!(even.read_all()?, [2, 4]);
    /// assert_eq!(all.read_all()?, [1, 2, 3, 4]);
    /// # Ok::<(), millpond_pool::ReadError>(())
    /// ```
    #[track_caller]
    pub fn tee(self, count: usize) -> Vec<Self>
    where
        T: Clone,
    {
        assert!(count > 0, "a tee was given `0` branches; give 1 or more");
        self.spread("tee", Spread::Copies(Box::new(|items, copies| copies.extend_from_slice(items))), count)
    }

    /// `parts` readers, of which each item goes to the one whose number `key` gives.
    ///
    /// Reading one part makes items for the others too, which are kept for them without a bound: a part that nobody reads keeps all of
    /// its items. A reader that is dropped keeps nothing.
    ///
    /// # Errors
    /// A key of `parts` or more is a panic of the task, and stops it.
    ///
    /// # Panics
    /// When `parts` is 0.
    #[track_caller]
    pub fn partition(self, parts: usize, key: impl Fn(&T) -> usize + Send + Sync + 'env) -> Vec<Self> {
        assert!(parts > 0, "a partition was given `0` parts; give 1 or more");
        self.spread("partition", Spread::Routes(Box::new(key)), parts)
    }

    /// A task that spreads the items over several outlets.
    #[track_caller]
    fn spread(self, name: &str, spread: Spread<'env, T>, outlets: usize) -> Vec<Self> {
        let core = std::sync::Arc::clone(&self.core);
        let task = Task::map(self, |item| item).name(name);
        let entry = task.register(&core);
        let consumers = task.into_draft(&core, entry).into_lane(spread, outlets);
        consumers.into_iter().map(ScopedReader::of_consumer).collect()
    }

    /// One item in, one out; an item that the function fails on, after as many calls as `retry` says, goes to the second reader.
    ///
    /// The function borrows its item, so that it can be called again with it and the item can be given back. A panic counts as a
    /// failure. Reading the rejected items alone pulls the accepted ones too, which are kept for the first reader (and the other
    /// way round); dropping either reader discards its items.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_pool::{Pool, Retry};
    ///
    /// let pool = Pool::serial();
    /// let texts = pool.source(["1", "x", "3"]);
    /// let (mut numbers, mut rejected) = texts.try_map_or_reject(Retry::NEVER, |text| text.parse::<u32>());
    /// assert_eq!(numbers.read_all()?, [1, 3]);
    /// assert_eq!(rejected.read_all()?[0].item, "x");
    /// # Ok::<(), millpond_pool::ReadError>(())
    /// ```
    #[track_caller]
    pub fn try_map_or_reject<U: Send + 'env, E: Into<BoxError>>(
        self,
        retry: Retry,
        function: impl Fn(&T) -> Result<U, E> + Send + Sync + 'env,
    ) -> (ScopedReader<'env, U>, ScopedReader<'env, Rejected<T>>) {
        let attempt = move |item: T, pause: Pause<'_>| {
            let outcome = retry.call(&item, &function, pause);
            Ok(outcome.map_err(|cause| Rejected { item, cause }))
        };
        add(Task::stage("try_map", self.into_upstream(), Retrying(attempt), false)).split_results()
    }
}

impl<'env, T: Send + 'env, E: Send + 'env> ScopedReader<'env, Result<T, E>> {
    /// What succeeded, and what failed: two readers of their own, each in order.
    ///
    /// For a function that takes its item, or a task with a name and options: `map` to results and split them. Reading one side
    /// makes items for the other too, which are kept for it; dropping either reader discards its items.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = millpond_pool::Pool::serial();
    /// let texts = pool.source(["1", "x", "3"]).map(str::to_owned);
    /// let parsed = texts.map(|text| text.parse::<u32>().map_err(|_| text)).named("parse");
    /// let (mut numbers, mut others) = parsed.split_results();
    /// assert_eq!(numbers.read_all()?, [1, 3]);
    /// assert_eq!(others.read_all()?, ["x"]);
    /// # Ok::<(), millpond_pool::ReadError>(())
    /// ```
    #[track_caller]
    pub fn split_results(self) -> (ScopedReader<'env, T>, ScopedReader<'env, E>) {
        let (accepted, rejected) = self.split_outcomes();
        (
            add(Task::filter_map(accepted, Result::ok).name("accepted")),
            add(Task::filter_map(rejected, Result::err).name("rejected")),
        )
    }

    /// Likewise, as results still: what succeeded, and what failed.
    #[track_caller]
    pub fn split_outcomes(mut self) -> (Self, Self) {
        let core = std::sync::Arc::clone(&self.core);
        // The task that made the results is the one that spreads them, where it has no lane yet.
        let (task, entry) = match self.adding.get_mut().take() {
            Some(adding) => *adding,
            None => {
                let task = Task::map(self, |result| result).name("split_results");
                let entry = task.register(&core);
                (task, entry)
            }
        };
        let by_outcome = Spread::Routes(Box::new(|outcome: &Result<T, E>| usize::from(outcome.is_err())));
        let mut consumers = task.into_draft(&core, entry).into_lane(by_outcome, 2).into_iter();
        let mut next = || ScopedReader::of_consumer(consumers.next().expect("a lane has as many consumers as outlets"));
        (next(), next())
    }
}
