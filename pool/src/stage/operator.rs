//! Functions that see the chunks that their items come in.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Stage;
use crate::error::{BoxError, Cause};
use crate::lane::{Firing, One};

/// A function over items that has something to do once per chunk: taking a lock, entering a context, one call for many items.
///
/// What it makes of the items must not depend on the chunks that they come in. Any number of workers call it at once.
///
/// ```
/// use millpond_pool::{BoxError, Operator, Outcome, Pool, Task};
///
/// struct Halve;
/// impl Operator<u32, u32> for Halve {
///     fn apply(&self, items: Vec<u32>, is_wanted: &dyn Fn() -> bool) -> Outcome<u32> {
///         let mut outcome = Outcome::default();
///         for item in items {
///             if !is_wanted() {
///                 break;
///             }
///             outcome.given += 1;
///             match self.apply_one(item) {
///                 Ok(result) => outcome.results.extend(result),
///                 Err(error) => {
///                     outcome.error = Some(error);
///                     break;
///                 }
///             }
///         }
///         outcome
///     }
///
///     fn apply_one(&self, item: u32) -> Result<Option<u32>, BoxError> {
///         if item % 2 == 0 { Ok(Some(item / 2)) } else { Err("odd".into()) }
///     }
/// }
///
/// let pool = Pool::serial();
/// let mut halves = pool.add_task(Task::operator(pool.source([2, 4, 5]), Halve));
/// assert_eq!(halves.read(2)?, [1, 2]);
/// assert_eq!(halves.read(9).unwrap_err().as_task_error().map(|error| error.index()), Some(2));
/// # Ok::<(), millpond_pool::ReadError>(())
/// ```
pub trait Operator<A, B>: Send + Sync {
    /// Makes a chunk of items into results, up to the first item that it fails on; stops where the items are not wanted any more.
    fn apply(&self, items: Vec<A>, is_wanted: &dyn Fn() -> bool) -> Outcome<B>;

    /// Makes one item into a result, or into none. Not called of a task that [expands](crate::Task::expander).
    ///
    /// # Errors
    /// The failure that stops the task.
    fn apply_one(&self, item: A) -> Result<Option<B>, BoxError>;
}

/// What an [`Operator`] has made of a chunk.
#[derive(Debug)]
pub struct Outcome<B> {
    /// What came of the items, in order.
    pub results: Vec<B>,
    /// How many items it has used, the one that it failed on included.
    pub given: usize,
    /// Why it failed on the last of them.
    pub error: Option<BoxError>,
}

impl<B> Default for Outcome<B> {
    fn default() -> Self {
        Self { results: Vec::new(), given: 0, error: None }
    }
}

/// The stage of an [`Operator`]'s task.
pub(crate) struct Operate<O>(pub(crate) O);

impl<A, B, O: Operator<A, B>> Stage<A, B> for Operate<O> {
    fn run(&self, items: Vec<A>, firing: &mut Firing<'_, '_>) -> Vec<B> {
        if items.is_empty() {
            firing.mark(0);
            return Vec::new();
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| self.0.apply(items, &|| !firing.is_cancelled())));
        let (outcome, cause) = match outcome {
            Ok(mut outcome) => {
                let cause = outcome.error.take().map(Cause::Error);
                (outcome, cause)
            }
            // The chunk is lost with the operator's frame.
            Err(payload) => (Outcome { given: 1, ..Outcome::default() }, Some(Cause::panic(payload))),
        };
        if let Some(cause) = cause {
            firing.fail(outcome.given.saturating_sub(1), cause);
        }
        firing.mark(outcome.given);
        outcome.results
    }

    #[inline]
    fn one(&self, item: A) -> One<B> {
        match self.0.apply_one(item) {
            Ok(Some(result)) => One::Item(result),
            Ok(None) => One::Skipped,
            Err(error) => One::Fail(Box::new(Cause::Error(error))),
        }
    }
}
