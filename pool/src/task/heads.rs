//! Sources, and tasks that take their items in order or from several inputs.

use std::panic::Location;
use std::sync::Arc;

use super::Task;
use crate::core::Core;
use crate::draft::Draft;
use crate::head::{
    Batch, Chain, ChannelSource, Converted, Fold, Foreign, Head, IteratorSource, Merge, PollSupplied, PollSupply,
    Sequential, Supplied, Supply, Take, Verdict, Zip, show,
};
use crate::lane::{Limits, TaskEntry, Waiters};
use crate::reader::ScopedReader;
use crate::registry::TaskId;
use millpond_workers::discard::Held;
use millpond_workers::{BoxError, Cause};

impl<'env, T: Send + 'env> Task<'env, T> {
    /// The items of an iterator, which is asked for as many as are needed.
    #[track_caller]
    pub fn source<I: IntoIterator<Item = T>>(items: I) -> Self
    where
        I::IntoIter: Send + 'env,
    {
        let items = items.into_iter();
        Self::begin("source", move |core, task, limits| {
            Draft::headed(core, IteratorSource(items), Vec::new(), None, Some((task, limits)))
        })
    }

    /// What a [`Supply`] gives, until its end or its first failure.
    #[track_caller]
    pub fn supply(supply: impl Supply<T> + 'env) -> Self {
        Self::begin("source", move |core, task, limits| {
            Draft::headed(core, Supplied(supply), Vec::new(), None, Some((task, limits)))
        })
    }

    /// What a [`PollSupply`] gives, until its end or its first failure. `inputs` are the tasks that it reads from, for the graph.
    #[track_caller]
    pub fn poll_supply(inputs: impl IntoIterator<Item = TaskId>, supply: impl PollSupply<T> + 'env) -> Self {
        let needs_reader = supply.needs_reader();
        let mut task = Self::begin("source", move |core, task, limits| {
            let waiters = Arc::<Waiters>::default();
            let head = PollSupplied::new(supply, Arc::clone(&waiters));
            Draft::headed(core, head, Vec::new(), Some(waiters), Some((task, limits)))
        });
        task.limits.needs_reader = needs_reader;
        Self { inputs: inputs.into_iter().collect(), ..task }
    }

    /// What a function gives, until it gives `None`; it is called once for each item that is needed.
    #[track_caller]
    pub fn generate(function: impl FnMut() -> Option<T> + Send + 'env) -> Self {
        Self::source(std::iter::from_fn(function)).name("generate")
    }

    /// What a channel is written to, until it is closed. Demand for items that are not written yet occupies no worker.
    ///
    /// A serial channel can be read by the thread that made it only, so it feeds pools of size 0 and 1 that this thread reads from; a
    /// helper of a larger pool that touches it stops the task with an error which names both threads.
    #[track_caller]
    pub fn channel(reader: millpond_channel::Reader<T>) -> Self {
        Self::begin("channel", move |core, task, limits| {
            let waiters = Arc::<Waiters>::default();
            let head = ChannelSource::new(reader, Arc::clone(&waiters));
            Draft::headed(core, head, Vec::new(), Some(waiters), Some((task, limits)))
        })
    }

    /// What a reader of another pool gives; each pool does its part.
    #[track_caller]
    pub(crate) fn foreign(reader: ScopedReader<'env, T>) -> Self {
        let needs_reader = reader.needs_reader();
        let mut task = Self::begin("other pool", move |core, task, limits| {
            let waiters = Arc::<Waiters>::default();
            let head = Foreign::new(reader, Arc::clone(&waiters));
            Draft::headed(core, head, Vec::new(), Some(waiters), Some((task, limits)))
        });
        task.limits.needs_reader = needs_reader;
        task
    }

    /// A function with state, called for one item after the other, in order.
    #[track_caller]
    pub fn sequential<A: Send + 'env>(
        input: ScopedReader<'env, A>,
        mut function: impl FnMut(A) -> T + Send + 'env,
    ) -> Self {
        Self::head("sequential", input.into_upstream(), move |inlet| {
            Sequential::new(inlet, move |item| Verdict::Give(function(item)))
        })
    }

    /// Like [`sequential`](Self::sequential), ending at the first `None`; the first error stops the task.
    #[track_caller]
    pub fn scan<A: Send + 'env, S: Send + 'env, E: Into<BoxError>>(
        input: ScopedReader<'env, A>,
        state: S,
        mut function: impl FnMut(&mut S, A) -> Result<Option<T>, E> + Send + 'env,
    ) -> Self {
        let mut state = Held::new(state);
        Self::head("scan", input.into_upstream(), move |inlet| {
            Sequential::new(inlet, move |item| match function(state.get_mut(), item) {
                Ok(Some(result)) => Verdict::Give(result),
                Ok(None) => Verdict::Stop,
                Err(error) => Verdict::Fail(Cause::Error(error.into())),
            })
        })
    }

    /// A function that is called for one item after the other, in order, and decides what comes of each: an item, nothing, the end
    /// or a failure.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_pool::{Cause, Pool, Task, Verdict};
    ///
    /// let pool = Pool::new(2);
    /// let lines = pool.source(["1", "# one", "2", "end", "3"]);
    /// let mut numbers = pool.add_task(Task::decide(lines, |line| match line {
    ///     "end" => Verdict::Stop,
    ///     comment if comment.starts_with('#') => Verdict::Skip,
    ///     number => number.parse::<u32>().map_or_else(|error| Verdict::Fail(Cause::Error(error.into())), Verdict::Give),
    /// }));
    /// assert_eq!(numbers.read_all()?, [1, 2]);
    /// # Ok::<(), millpond_pool::ReadError>(())
    /// ```
    #[track_caller]
    pub fn decide<A: Send + 'env>(
        input: ScopedReader<'env, A>,
        function: impl FnMut(A) -> Verdict<T> + Send + 'env,
    ) -> Self {
        Self::head("decide", input.into_upstream(), move |inlet| Sequential::new(inlet, function))
    }

    /// Like [`decide`](Self::decide), with a function that may be interrupted: it then [fails](Verdict::Fail) with an error that says
    /// by what, and puts the item into its second argument. Whoever reads is told ([`ReadError::Interrupted`](crate::ReadError)),
    /// and the function is called for the item again when somebody reads on.
    #[track_caller]
    pub fn decide_interruptibly<A: Send + 'env>(
        input: ScopedReader<'env, A>,
        function: impl FnMut(A, &mut Option<A>) -> Verdict<T> + Send + 'env,
    ) -> Self {
        Self::head("decide", input.into_upstream(), move |inlet| Sequential::interruptible(inlet, function))
    }

    /// Items while `predicate` holds; ends at the first that it does not hold for, which is dropped.
    ///
    /// Tasks upstream may have run for items after it: a read of `n` asks them for `n`.
    #[track_caller]
    pub fn take_while(input: ScopedReader<'env, T>, mut predicate: impl FnMut(&T) -> bool + Send + 'env) -> Self {
        Self::head("take_while", input.into_upstream(), move |inlet| {
            Sequential::new(inlet, move |item| {
                let item = Held::new(item);
                if predicate(item.get()) {
                    return Verdict::Give(item.into_inner());
                }
                drop(item.into_inner());
                Verdict::Stop
            })
        })
    }

    /// All but the first `count` items.
    #[track_caller]
    pub fn skip(input: ScopedReader<'env, T>, count: usize) -> Self {
        let mut left = count;
        Self::head("skip", input.into_upstream(), move |inlet| {
            Sequential::new(inlet, move |item| {
                if left == 0 {
                    return Verdict::Give(item);
                }
                left -= 1;
                Verdict::Skip
            })
        })
    }

    /// The items from the first that `predicate` does not hold for.
    #[track_caller]
    pub fn skip_while(input: ScopedReader<'env, T>, mut predicate: impl FnMut(&T) -> bool + Send + 'env) -> Self {
        let mut is_skipping = true;
        Self::head("skip_while", input.into_upstream(), move |inlet| {
            Sequential::new(inlet, move |item| {
                let item = Held::new(item);
                is_skipping = is_skipping && predicate(item.get());
                if !is_skipping {
                    return Verdict::Give(item.into_inner());
                }
                drop(item.into_inner());
                Verdict::Skip
            })
        })
    }

    /// The first `count` items; the input is asked for no more.
    #[track_caller]
    pub fn take(input: ScopedReader<'env, T>, count: usize) -> Self {
        Self::head("take", input.into_upstream(), move |inlet| Take { inlet, remaining: count })
    }

    /// The items of several readers of one type, one reader after the other.
    #[track_caller]
    pub fn chain(inputs: impl IntoIterator<Item = ScopedReader<'env, T>>) -> Self {
        Self::joint("chain", inputs.into_iter().map(ScopedReader::into_upstream).collect(), Chain::new)
    }

    /// The items of several readers of one type, as they come.
    #[track_caller]
    pub fn merge(inputs: impl IntoIterator<Item = ScopedReader<'env, T>>) -> Self {
        Self::joint("merge", inputs.into_iter().map(ScopedReader::into_upstream).collect(), Merge::new)
    }

    /// Items in groups of `size`, the last of which may be shorter, each made into an item: chunks of groups go through `convert`.
    ///
    /// The items of a group that is not full yet are [shown](crate::Contents::begun), so they are
    /// of a type that borrows nothing.
    ///
    /// # Panics
    /// When `size` is 0.
    #[track_caller]
    pub fn batch_with<A: Send + 'static>(
        input: ScopedReader<'env, A>,
        size: usize,
        convert: impl FnMut(Vec<Vec<A>>) -> Vec<T> + Send + 'env,
    ) -> Self {
        assert!(size > 0, "batching was given a size of `0`; give 1 or more");
        Self::head("batch", input.into_upstream(), move |inlet| {
            Converted::new(Batch::new(inlet, size).shown_by(show), convert)
        })
    }

    /// Pairs of the items of two readers, each made into an item: chunks of pairs go through `convert`. Ends when either does.
    ///
    /// Items that wait for their partners are [shown](crate::Contents::begun), so they are of types
    /// that borrow nothing.
    #[track_caller]
    pub fn zip_with<A: Send + 'static, B: Send + 'static>(
        left: ScopedReader<'env, A>,
        right: ScopedReader<'env, B>,
        convert: impl FnMut(Vec<(A, B)>) -> Vec<T> + Send + 'env,
    ) -> Self {
        Self::pairs(left, right, |zip| Converted::new(zip.shown_by(show, show), convert))
    }

    #[track_caller]
    fn pairs<A: Send + 'env, B: Send + 'env, H: Head<'env, T> + 'env>(
        left: ScopedReader<'env, A>,
        right: ScopedReader<'env, B>,
        head: impl FnOnce(Zip<'env, A, B>) -> H + Send + 'env,
    ) -> Self {
        let (left, right) = (left.into_upstream(), right.into_upstream());
        let inputs = left.task().into_iter().chain(right.task()).map(|task| task.id).collect();
        let core = Some(Arc::clone(left.core()));
        let location = Location::caller();
        let build = move |core: &Arc<Core<'env>>, task: TaskEntry, limits: Limits| {
            let (left, left_input) = left.into_consumer().into_inlet();
            let (right, right_input) = right.into_consumer().into_inlet();
            let inputs = vec![left_input, right_input];
            Draft::headed(core, head(Zip::new(left, right)), inputs, None, Some((task, limits)))
        };
        Self { inputs, core, location, ..Self::begin("zip", build) }
    }

    /// All items made into one, in order; it is made when it is read.
    #[track_caller]
    pub fn fold<A: Send + 'env>(
        input: ScopedReader<'env, A>,
        start: T,
        function: impl FnMut(T, A) -> T + Send + 'env,
    ) -> Self {
        let start = Held::new(start);
        Self::head("fold", input.into_upstream(), move |inlet| Fold::new(inlet, start.into_inner(), function))
    }
}

impl<'env, T: Send + 'env> Task<'env, (usize, T)> {
    /// Each item with its number, counted from 0.
    #[track_caller]
    pub fn enumerate(input: ScopedReader<'env, T>) -> Self {
        let mut next = 0;
        Self::head("enumerate", input.into_upstream(), move |inlet| {
            Sequential::new(inlet, move |item| {
                next += 1;
                Verdict::Give((next - 1, item))
            })
        })
    }
}

impl<'env, T: Send + 'env> Task<'env, Vec<T>> {
    /// Items in groups of `size`, the last of which may be shorter.
    ///
    /// # Panics
    /// When `size` is 0.
    #[track_caller]
    pub fn batch(input: ScopedReader<'env, T>, size: usize) -> Self {
        assert!(size > 0, "batching was given a size of `0`; give 1 or more");
        Self::head("batch", input.into_upstream(), move |inlet| Batch::new(inlet, size))
    }
}

impl<'env, A: Send + 'env, B: Send + 'env> Task<'env, (A, B)> {
    /// Pairs of the items of two readers; ends when either does.
    #[track_caller]
    pub fn zip(left: ScopedReader<'env, A>, right: ScopedReader<'env, B>) -> Self {
        Self::pairs(left, right, |zip| zip)
    }
}
