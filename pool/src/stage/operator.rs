//! Functions that see the chunks that their items come in.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::{Batch, Nothing, Pause, Ran, Stage};
use crate::lane::{Firing, One};
use millpond_workers::discard::discard;
use millpond_workers::discard::{Held, Remaining};
use millpond_workers::{BoxError, Cause};

/// Items on their way into an [`Operator`], which takes them one by one.
#[derive(Debug)]
pub struct Items<A> {
    /// What was put back.
    front: Option<Held<A>>,
    rest: Remaining<A>,
}

impl<A> Items<A> {
    pub(super) fn new(items: Vec<A>) -> Self {
        Self { front: None, rest: Remaining::new(items) }
    }

    /// Puts the item that was taken last back: its call does not count, and is made again later.
    pub fn put_back(&mut self, item: A) {
        debug_assert!(self.front.is_none(), "one item is put back at a time");
        self.front = Some(Held::new(item));
    }

    /// What was not taken.
    pub(super) fn into_rest(self) -> Vec<A> {
        match self.front {
            Some(item) => std::iter::once(item.into_inner()).chain(self.rest).collect(),
            None => self.rest.collect(),
        }
    }
}

impl<A> Iterator for Items<A> {
    type Item = A;

    #[inline]
    fn next(&mut self) -> Option<A> {
        match self.front.take() {
            Some(item) => Some(item.into_inner()),
            None => self.rest.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.rest.len() + usize::from(self.front.is_some());
        (count, Some(count))
    }
}

impl<A> ExactSizeIterator for Items<A> {}

/// What whoever makes a chunk is told: whether that is still wanted.
pub struct Wanted<'a> {
    goes_on: &'a dyn Fn() -> bool,
    pause: Pause<'a>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(goes_on: &'a dyn Fn() -> bool, pause: Pause<'a>) -> Self {
        Self { goes_on, pause }
    }

    /// Whether to take another item.
    #[inline]
    #[must_use]
    pub fn goes_on(&self) -> bool {
        (self.goes_on)()
    }

    /// Waits for so long, before an item that was taken is tried again, say. Says whether anybody wants
    /// the items then: the wait ends at once where nobody does.
    ///
    /// # Blocking
    /// The wait occupies the worker.
    #[must_use]
    pub fn pause(&self, wait: Duration) -> bool {
        (self.pause)(wait)
    }
}

impl fmt::Debug for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wanted").finish_non_exhaustive()
    }
}

/// A function over items that has something to do once per chunk: taking a lock, entering a context, one call for many items.
///
/// What it makes of the items must not depend on the chunks that they come in. Any number of workers call it at once.
///
/// ```
/// use millpond_pool::{BoxError, Items, Operator, Outcome, Pool, Task, Wanted};
///
/// struct Halve;
/// impl Operator<u32, u32> for Halve {
///     fn apply(&self, items: &mut Items<u32>, wanted: &Wanted<'_>, outcome: &mut Outcome<u32>) {
///         // What is left in `items` is given to it again, if it is still wanted then.
///         while wanted.goes_on() && outcome.error.is_none()
///             && let Some(item) = items.next()
///         {
///             match self.apply_one(item, &mut None) {
///                 Ok(result) => outcome.results.extend(result),
///                 Err(error) => outcome.error = Some(error),
///             }
///         }
///     }
///
///     fn apply_one(&self, item: u32, _back: &mut Option<u32>) -> Result<Option<u32>, BoxError> {
///         if item % 2 == 0 { Ok(Some(item / 2)) } else { Err("odd".into()) }
///     }
/// }
///
/// let pool = Pool::serial();
/// let mut halves = pool.add_task(Task::operator(pool.source([2, 4, 5]), Halve));
/// assert_eq!(halves.read(2)?, [1, 2]);
/// assert_eq!(halves.read(1).unwrap_err().as_task_error().map(|error| error.index()), Some(2));
/// # Ok::<(), millpond_pool::ReadError>(())
/// ```
pub trait Operator<A, B>: Send + Sync {
    /// Takes items one after the other and adds what comes of them, up to the first that it fails on, which it has taken then.
    /// Stops where they are not wanted any more, which it asks before each; what it has not taken, it is given later.
    ///
    /// Where it panics, the failure is that of the item that it took last, and what it has added by then counts.
    fn apply(&self, items: &mut Items<A>, wanted: &Wanted<'_>, outcome: &mut Outcome<B>);

    /// Makes one item into a result, or into none.
    ///
    /// # Errors
    /// The failure that stops the task; with the item in `back`, what has interrupted it, as [`Outcome::interrupt`].
    fn apply_one(&self, item: A, back: &mut Option<A>) -> Result<Option<B>, BoxError>;

    /// Shows `see` what is in items that wait to be applied, for [`Contents::begun`](crate::Contents::begun); nothing by default.
    fn show(&self, _items: &[A], _see: &mut dyn FnMut(&dyn Any)) {}
}

/// What an [`Operator`] has made of a chunk.
#[derive(Debug)]
pub struct Outcome<B> {
    /// What came of the items, in order.
    pub results: Vec<B>,
    /// Why it failed on the item that it took last.
    pub error: Option<BoxError>,
    /// What has interrupted it: no failure, and told to whoever reads as [`ReadError::Interrupted`](crate::ReadError). The operator
    /// has [put back](Items::put_back) the item that it was at.
    pub interrupt: Option<BoxError>,
}

impl<B> Default for Outcome<B> {
    fn default() -> Self {
        Self { results: Vec::new(), error: None, interrupt: None }
    }
}

/// The stage of an [`Operator`]'s task.
pub(crate) struct Operate<O>(pub(crate) O);

impl<A, B, O: Operator<A, B>> Stage<A, B> for Operate<O> {
    type Open = Nothing;

    fn run(&self, batch: Batch<A, Nothing>, firing: &mut Firing<'_, '_>) -> Ran<A, Nothing, B> {
        let mut items = Items::new(batch.items);
        let before = items.len();
        let mut outcome = Outcome::default();
        if before > 0 {
            let watch = RefCell::new(firing.watch());
            let goes_on = || watch.borrow_mut().goes_on();
            let pause = |wait| firing.pause(wait);
            let wanted = Wanted::new(&goes_on, &pause);
            let applied = catch_unwind(AssertUnwindSafe(|| self.0.apply(&mut items, &wanted, &mut outcome)));
            let given = before - items.len();
            let cause = match applied {
                Ok(()) => outcome.error.take().map(Cause::Error),
                Err(payload) => Some(Cause::panic(payload)),
            };
            if let Some(cause) = cause {
                firing.fail(given.saturating_sub(1), cause);
                firing.mark(given);
                discard(items);
                return (outcome.results, None);
            }
        }
        if let Some(cause) = outcome.interrupt.take() {
            firing.interrupt(cause);
        }
        firing.mark(before - items.len());
        let rest = if items.len() > 0 { Some(Batch { open: None, items: items.into_rest() }) } else { None };
        (outcome.results, rest)
    }

    fn show(&self, batch: &Batch<A, Nothing>, see: &mut dyn FnMut(&dyn Any)) {
        self.0.show(&batch.items, see);
    }

    #[inline]
    fn one(&self, item: A, back: &mut Option<A>) -> One<B> {
        match self.0.apply_one(item, back) {
            Ok(Some(result)) => One::Item(result),
            Ok(None) => One::Skipped,
            Err(error) => One::Fail(Box::new(Cause::Error(error))),
        }
    }
}
