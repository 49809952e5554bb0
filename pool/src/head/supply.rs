//! Sources that fail, or see the chunks that they give.

use std::cell::RefCell;

use super::{Head, Next};
use crate::lane::{Firing, One, Single};
use millpond_workers::{BoxError, Cause};

/// Where items come from that may fail to come, and that has something to do once per chunk.
///
/// After an end or a failure it is asked no more, and dropped.
///
/// ```
/// use millpond_pool::{BoxError, Pool, Supply, Task};
///
/// struct Lines(std::str::Lines<'static>);
/// impl Supply<u32> for Lines {
///     fn supply(&mut self, most: usize, into: &mut Vec<u32>, _: &dyn Fn() -> bool) -> Result<bool, BoxError> {
///         for _ in 0..most {
///             match self.supply_one()? {
///                 Some(number) => into.push(number),
///                 None => return Ok(false),
///             }
///         }
///         Ok(true)
///     }
///
///     fn supply_one(&mut self) -> Result<Option<u32>, BoxError> {
///         self.0.next().map(|line| line.parse().map_err(BoxError::from)).transpose()
///     }
/// }
///
/// let mut numbers = Pool::serial().add_task(Task::supply(Lines("1\n2".lines())));
/// # let pool = Pool::serial();
/// # let mut numbers = pool.add_task(Task::supply(Lines("1\n2".lines())));
/// assert_eq!(numbers.read_all()?, [1, 2]);
/// # Ok::<(), millpond_pool::ReadError>(())
/// ```
pub trait Supply<T>: Send {
    /// Adds at most `most` items to `into`; says whether there may be more. Stops where they are not wanted any more.
    ///
    /// # Errors
    /// The failure that stops the task. What it has added by then is read first.
    fn supply(&mut self, most: usize, into: &mut Vec<T>, is_wanted: &dyn Fn() -> bool) -> Result<bool, BoxError>;

    /// Gives one item; `None` at the end.
    ///
    /// # Errors
    /// As for [`supply`](Self::supply).
    fn supply_one(&mut self) -> Result<Option<T>, BoxError>;
}

/// The head of a [`Supply`]'s task.
pub(crate) struct Supplied<S>(pub(crate) S);

impl<'env, T, S: Supply<T>> Head<'env, T> for Supplied<S> {
    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next {
        let supplied = {
            let watch = RefCell::new(firing.watch());
            self.0.supply(firing.order.most, out, &|| watch.borrow_mut().goes_on())
        };
        match supplied {
            Ok(true) if out.is_empty() && !firing.is_cancelled() => Next::Stopped,
            Ok(true) => Next::More,
            Ok(false) => Next::End,
            Err(error) => {
                // The item that did not come counts as given.
                firing.set_given(out.len() + 1);
                Next::Fail(Cause::Error(error))
            }
        }
    }

    #[inline]
    fn one(&mut self, _single: &mut Single<'_>) -> One<T> {
        match self.0.supply_one() {
            Ok(Some(item)) => One::Item(item),
            Ok(None) => One::End,
            Err(error) => One::Fail(Box::new(Cause::Error(error))),
        }
    }
}
