//! Waiting for the first of several things.
//!
//! The waiter stands in the list of each, and its entries share one cell ([`Claim`]), which a grant
//! must win. So exactly one is taken; the other primitives pass the waiter over and have given
//! nothing.

use crate::claim::Claim;
use crate::deadline::Deadline;
use crate::parker::Parker;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A future that takes nothing before it is ready, and can be one of several of which one is to be
/// ready.
///
/// The futures of this library's primitives are.
pub trait Selectable: Future + Unpin {
    /// Makes it one of several: from now on it must win `claim` before it takes anything, and takes
    /// nothing if another has. Called before its first poll.
    fn join(&mut self, claim: Claim);
}

/// Waits for the first of several things: a lock, a permit, an event, an item.
///
/// Each branch has a future and a function of what it gives. The first that can be had is taken,
/// the leftmost of several; the others are left as if nobody had asked.
///
/// # Examples
///
/// ```
/// use millpond_sync::{Mutex, Select};
///
/// let (left, right) = (Mutex::new(1), Mutex::new(2));
/// let _held = left.lock();
/// let taken = Select::new()
///     .on(left.lock_async(), |guard| ("left", *guard))
///     .on(right.lock_async(), |guard| ("right", *guard))
///     .wait();
/// assert_eq!(taken, ("right", 2));
/// assert_eq!(left.waiting(), 0);
/// ```
#[must_use = "nothing is taken unless it is waited for"]
pub struct Select<'a, R> {
    claim: Claim,
    branches: Vec<Box<dyn Branch<R> + Send + 'a>>,
}

trait Branch<R> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<R>;
}

struct Arm<F, H> {
    future: F,
    /// Taken when it is called.
    handler: Option<H>,
}

impl<R, F: Selectable, H: FnOnce(F::Output) -> R> Branch<R> for Arm<F, H> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<R> {
        let Poll::Ready(value) = Pin::new(&mut self.future).poll(context) else { return Poll::Pending };
        let handler = self.handler.take().expect("a select that is ready is not polled again");
        Poll::Ready(handler(value))
    }
}

impl<'a, R> Select<'a, R> {
    /// Without branches yet.
    pub fn new() -> Self {
        Self { claim: Claim::new(), branches: Vec::new() }
    }

    /// Adds a branch: `handler` is called with what `future` gives, if it is the first.
    pub fn on<F, H>(mut self, mut future: F, handler: H) -> Self
    where
        F: Selectable + Send + 'a,
        H: FnOnce(F::Output) -> R + Send + 'a,
    {
        future.join(self.claim.clone());
        self.branches.push(Box::new(Arm { future, handler: Some(handler) }));
        self
    }

    /// Takes the leftmost that can be had now. Never waits.
    pub fn try_now(self) -> Option<R> {
        self.wait_deadline(Deadline::at(crate::host::now()))
    }

    /// Waits for the first.
    ///
    /// # Blocking
    /// Until one can be had; without branches for ever.
    pub fn wait(self) -> R {
        self.wait_deadline(Deadline::NEVER).expect("a wait without a deadline ends with a value")
    }

    /// Waits for the first, or gives up when `timeout` has passed, with nothing taken.
    ///
    /// # Blocking
    /// Until one can be had, or that long.
    pub fn wait_timeout(self, timeout: Duration) -> Option<R> {
        self.wait_deadline(Deadline::after(timeout))
    }

    /// Waits for the first, or gives up at `deadline`, with nothing taken.
    ///
    /// # Blocking
    /// Until one can be had, or until then.
    pub fn wait_deadline(mut self, deadline: impl Into<Deadline>) -> Option<R> {
        let deadline = deadline.into();
        Parker::with(|parker| {
            let _nested = parker.nested();
            let mut context = Context::from_waker(parker.waker());
            let mut is_over = false;
            loop {
                if let Poll::Ready(result) = self.poll_branches(&mut context) {
                    return Some(result);
                }
                // A grant that came before the time was up has won, and the poll after it takes it.
                if is_over && self.claim.win() {
                    return None;
                }
                is_over = !parker.park_deadline(deadline);
            }
        })
    }

    /// Awaits the first. Dropping the future takes nothing.
    pub const fn wait_async(self) -> SelectAsync<'a, R> {
        SelectAsync { select: self }
    }

    fn poll_branches(&mut self, context: &mut Context<'_>) -> Poll<R> {
        for branch in &mut self.branches {
            if let Poll::Ready(result) = branch.poll(context) {
                self.branches.clear();
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    }
}

impl<R> Default for Select<'_, R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> fmt::Debug for Select<'_, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Select").field("branches", &self.branches.len()).finish_non_exhaustive()
    }
}

/// A future of what the first branch of a [`Select`] gives.
#[must_use = "a future does nothing unless it is awaited"]
#[derive(Debug)]
pub struct SelectAsync<'a, R> {
    select: Select<'a, R>,
}

impl<R> Unpin for SelectAsync<'_, R> {}

impl<R> Future for SelectAsync<'_, R> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        self.get_mut().select.poll_branches(context)
    }
}
