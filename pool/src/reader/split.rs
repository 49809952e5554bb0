//! One output, several readers.

use super::ScopedReader;
use super::build::add;
use crate::branches::{Branches, Capacity};
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
    /// What one has read and another has not is kept for the other. A branch that nobody reads
    /// keeps all, unless `branches` has a [capacity](Branches::capacity): then a full branch makes
    /// the others wait. A reader that is dropped keeps nothing.
    ///
    /// # Panics
    /// When there are 0 branches, or their capacity is 0.
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
    pub fn tee(self, branches: impl Into<Branches>) -> Vec<Self>
    where
        T: Clone,
    {
        let branches = branches.into();
        assert!(branches.count > 0, "a tee was given `0` branches; give 1 or more");
        self.spread("tee", Spread::Copies(Box::new(|items, copies| copies.extend_from_slice(items))), branches)
    }

    /// `parts` readers, of which each item goes to the one whose number `key` gives.
    ///
    /// Reading one part makes items for the others too, which are kept for them. A part that nobody
    /// reads keeps all of its items, unless `parts` has a [capacity](Branches::capacity): then a
    /// full part makes the others wait. A reader that is dropped keeps nothing.
    ///
    /// # Errors
    /// A key of `parts` or more is a panic of the task, and stops it.
    ///
    /// # Panics
    /// When there are 0 parts, or their capacity is 0.
    #[track_caller]
    pub fn partition(self, parts: impl Into<Branches>, key: impl Fn(&T) -> usize + Send + Sync + 'env) -> Vec<Self> {
        let parts = parts.into();
        assert!(parts.count > 0, "a partition was given `0` parts; give 1 or more");
        self.spread("partition", Spread::Routes(Box::new(key)), parts)
    }

    /// A task that spreads the items over several outlets.
    #[track_caller]
    fn spread(self, name: &str, spread: Spread<'env, T>, branches: Branches) -> Vec<Self> {
        let core = std::sync::Arc::clone(&self.core);
        let mut task = Task::map(self, |item| item).name(name);
        task.limits.capacity = branches.capacity.map(|capacity| capacity.check(name));
        let entry = task.register(&core);
        let consumers = task.into_draft(&core, entry).into_lane(spread, branches.count);
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
        self.try_map_or_reject_bounded(None, retry, function)
    }

    /// Like [`try_map_or_reject`](Self::try_map_or_reject), and each reader keeps at most
    /// `capacity` items that are not read: while one has as many, reads of the other wait. See
    /// [`Capacity`].
    ///
    /// # Panics
    /// When the capacity is 0.
    #[track_caller]
    pub fn try_map_or_reject_within<U: Send + 'env, E: Into<BoxError>>(
        self,
        capacity: impl Into<Capacity>,
        retry: Retry,
        function: impl Fn(&T) -> Result<U, E> + Send + Sync + 'env,
    ) -> (ScopedReader<'env, U>, ScopedReader<'env, Rejected<T>>) {
        self.try_map_or_reject_bounded(Some(capacity.into()), retry, function)
    }

    #[track_caller]
    fn try_map_or_reject_bounded<U: Send + 'env, E: Into<BoxError>>(
        self,
        capacity: Option<Capacity>,
        retry: Retry,
        function: impl Fn(&T) -> Result<U, E> + Send + Sync + 'env,
    ) -> (ScopedReader<'env, U>, ScopedReader<'env, Rejected<T>>) {
        let attempt = move |item: T, pause: Pause<'_>| {
            let outcome = retry.call(&item, &function, pause);
            Ok(outcome.map_err(|cause| Rejected { item, cause }))
        };
        add(Task::stage("try_map", self.into_upstream(), Retrying(attempt), false)).split_results_bounded(capacity)
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
        self.split_results_bounded(None)
    }

    /// Like [`split_results`](Self::split_results), and each reader keeps at most `capacity` items
    /// that are not read: while one has as many, reads of the other wait. See [`Capacity`].
    ///
    /// # Panics
    /// When the capacity is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_pool::{Pool, ReadError};
    ///
    /// let pool = Pool::serial();
    /// let texts = pool.source(["1", "x", "y", "z", "2"]);
    /// let (mut numbers, mut others) = texts.map(|text| text.parse::<u32>().map_err(|_| text)).split_results_within(2);
    /// assert!(matches!(numbers.read(2), Err(ReadError::BranchFull { branch: 1, capacity: 2, .. })));
    /// assert_eq!(others.read(2)?, ["x", "y"]);
    /// assert_eq!(numbers.read(2)?, [1, 2]);
    /// # Ok::<(), ReadError>(())
    /// ```
    #[track_caller]
    pub fn split_results_within(self, capacity: impl Into<Capacity>) -> (ScopedReader<'env, T>, ScopedReader<'env, E>) {
        self.split_results_bounded(Some(capacity.into()))
    }

    #[track_caller]
    fn split_results_bounded(self, capacity: Option<Capacity>) -> (ScopedReader<'env, T>, ScopedReader<'env, E>) {
        let (accepted, rejected) = self.split_outcomes_bounded(capacity);
        (
            add(Task::filter_map(accepted, Result::ok).name("accepted")),
            add(Task::filter_map(rejected, Result::err).name("rejected")),
        )
    }

    /// Likewise, as results still: what succeeded, and what failed.
    #[track_caller]
    pub fn split_outcomes(self) -> (Self, Self) {
        self.split_outcomes_bounded(None)
    }

    /// Like [`split_outcomes`](Self::split_outcomes), and each reader keeps at most `capacity`
    /// items that are not read. See [`Capacity`].
    ///
    /// # Panics
    /// When the capacity is 0.
    #[track_caller]
    pub fn split_outcomes_within(self, capacity: impl Into<Capacity>) -> (Self, Self) {
        self.split_outcomes_bounded(Some(capacity.into()))
    }

    #[track_caller]
    fn split_outcomes_bounded(mut self, capacity: Option<Capacity>) -> (Self, Self) {
        let core = std::sync::Arc::clone(&self.core);
        let capacity = capacity.map(|capacity| capacity.check("split_results"));
        let may_spread = |task: &Task<'env, Result<T, E>>| capacity.is_none() || task.limits.is_plain();
        // The task that made the results is the one that spreads them, where it has no lane yet.
        let adding = self.adding.get_mut();
        let (mut task, entry) = match adding.take_if(|adding| may_spread(&adding.0)) {
            Some(adding) => *adding,
            None => {
                let task = Task::map(self, |result| result).name("split_results");
                let entry = task.register(&core);
                (task, entry)
            }
        };
        task.limits.capacity = capacity;
        let by_outcome = Spread::Routes(Box::new(|outcome: &Result<T, E>| usize::from(outcome.is_err())));
        let mut consumers = task.into_draft(&core, entry).into_lane(by_outcome, 2).into_iter();
        let mut next = || ScopedReader::of_consumer(consumers.next().expect("a lane has as many consumers as outlets"));
        (next(), next())
    }
}
