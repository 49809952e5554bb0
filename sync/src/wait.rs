//! The loops of a wait: try; if nothing came, enter the list; try again; sleep until notified;
//! repeat.
//!
//! One loop for threads, whatever the number of lists, and one for futures ([`Waiter::poll`]). Both
//! consume a notification before they try, and cancel (which passes on) whatever they still hold
//! when they end.

use crate::deadline::Deadline;
use crate::host::{self, Site};
use crate::parker::Parker;
use crate::wait_list::WaitList;
use crate::waiter::Waiter;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

impl WaitList {
    /// Blocks until `attempt` gives a value.
    ///
    /// # Blocking
    /// Until then; `attempt` runs before, and again whenever a notification hits.
    pub fn wait_until<T>(&self, attempt: impl FnMut() -> Option<T>) -> T {
        let value = self.wait_until_deadline(Deadline::NEVER, attempt);
        value.expect("a wait without a deadline ends with a value")
    }

    /// Blocks until `attempt` gives a value or `deadline` has passed; `attempt` runs at least once,
    /// and once more at the end.
    ///
    /// # Blocking
    /// Until one of the two.
    pub fn wait_until_deadline<T>(
        &self,
        deadline: impl Into<Deadline>,
        attempt: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        wait_on_any(&mut [Waiter::new(self)], deadline.into(), attempt)
    }

    /// A future of the value that `attempt` gives; dropping it passes on a notification that it did
    /// not use.
    pub fn wait_async<T, A: FnMut() -> Option<T>>(&self, attempt: A) -> WaitAsync<'_, A> {
        WaitAsync { waiter: Waiter::new(self), attempt }
    }
}

/// Blocks until `attempt` gives a value or `deadline` has passed, woken by a notification on any of
/// the lists.
///
/// With several lists it is not known which one the value came from, so a notification that was
/// taken is passed on when the wait ends: at worst one waiter looks in vain.
///
/// # Blocking
/// Until one of the two.
pub fn wait_on_any<T>(
    waiters: &mut [Waiter<&WaitList>],
    deadline: Deadline,
    mut attempt: impl FnMut() -> Option<T>,
) -> Option<T> {
    if let Some(value) = attempt() {
        return Some(value);
    }
    Parker::with(|parker| {
        let _nested = parker.nested();
        let has_one_list = waiters.len() == 1;
        let mut is_over = false;
        loop {
            for waiter in &mut *waiters {
                waiter.take_notification();
                if !is_over && !waiter.has_entered() {
                    waiter.enter(parker.waker());
                }
            }
            host::step(Site::new("enters the waiters"));
            let value = attempt();
            if value.is_none() || has_one_list {
                waiters.iter_mut().for_each(Waiter::act);
            }
            if value.is_some() || is_over {
                waiters.iter_mut().for_each(Waiter::cancel);
                return value;
            }
            is_over = !parker.park_deadline(deadline);
        }
    })
}

/// A future made by [`WaitList::wait_async`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct WaitAsync<'a, A> {
    waiter: Waiter<&'a WaitList>,
    attempt: A,
}

impl<A> Unpin for WaitAsync<'_, A> {}

impl<T, A: FnMut() -> Option<T>> Future for WaitAsync<'_, A> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        this.waiter.poll(context, &mut this.attempt)
    }
}

impl<A> fmt::Debug for WaitAsync<'_, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WaitAsync").field("waiter", &self.waiter).finish_non_exhaustive()
    }
}
