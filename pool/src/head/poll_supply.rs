//! Sources whose items may not be there yet.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::{Head, Next};
use crate::error::TaskError;
use crate::lane::{Firing, Waiters};
use millpond_workers::{BoxError, Cause};

/// How many items a source is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// At least this many are to be given at once, unless the end comes before.
    pub least: usize,
    /// At most this many.
    pub most: usize,
    /// How many are lacking in all, those included; `usize::MAX` for all there are. What is begun beyond these is begun in vain.
    pub missing: usize,
}

/// Where items come from that may not be there yet: answers that are under way, say. Demand for them occupies no worker.
///
/// After an end or a failure it is asked no more, and dropped.
pub trait PollSupply<T>: Send {
    /// Whether it reads from a task that only [threads that
    /// read](crate::ScopedReader::needs_reader) can get items from. Asked once, as the task is
    /// made.
    fn needs_reader(&self) -> bool {
        false
    }

    /// Adds items to `into` and says whether there may be more; or sees to it that `waker` is called when it is worth asking again.
    ///
    /// # Errors
    /// The failure that stops the task. A [`TaskError`] is that of a task upstream, and stays it.
    /// An [`Interruption`] is no failure: whoever reads is told, and the next read asks on.
    fn poll_supply(&mut self, demand: Demand, into: &mut Vec<T>, waker: &Waker) -> Poll<Result<bool, BoxError>>;
}

/// What a [`PollSupply`] was interrupted by, from outside, without having failed. Readers get it as
/// [`ReadError::Interrupted`].
///
/// [`ReadError::Interrupted`]: crate::ReadError::Interrupted
#[derive(Debug)]
pub struct Interruption(pub BoxError);

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interrupted: {}", self.0)
    }
}

impl Error for Interruption {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// The head of a [`PollSupply`]'s task.
pub(crate) struct PollSupplied<S> {
    supply: S,
    /// Who is woken when it is worth asking again.
    waiters: Arc<Waiters>,
}

impl<S> PollSupplied<S> {
    pub(crate) const fn new(supply: S, waiters: Arc<Waiters>) -> Self {
        Self { supply, waiters }
    }
}

impl<'env, T, S: PollSupply<T>> Head<'env, T> for PollSupplied<S> {
    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next {
        let order = firing.order;
        let demand = Demand { least: order.least, most: order.most, missing: order.missing };
        match self.supply.poll_supply(demand, out, &Waker::from(Arc::clone(&self.waiters))) {
            Poll::Ready(Ok(true)) => Next::More,
            Poll::Ready(Ok(false)) => Next::End,
            Poll::Ready(Err(error)) => match error.downcast::<TaskError>() {
                Ok(upstream) => Next::Upstream(*upstream),
                Err(error) => match error.downcast::<Interruption>() {
                    Ok(interruption) => {
                        firing.interrupt(interruption.0);
                        if out.is_empty() { Next::Stopped } else { Next::More }
                    }
                    Err(error) => {
                        // The item that did not come counts as given.
                        firing.set_given(out.len() + 1);
                        Next::Fail(Cause::Error(error))
                    }
                },
            },
            Poll::Pending if out.is_empty() => Next::Parked,
            Poll::Pending => Next::More,
        }
    }
}
