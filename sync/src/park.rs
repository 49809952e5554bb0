//! Which parker a thread has, and how it parks: as its host says.

use std::pin::pin;
use std::task::{Context, Poll};

use crate::deadline::Deadline;
use crate::parker::Parker;
use crate::shim::thread;

crate::shim::thread_local! {
    static CURRENT: Parker = Parker::of(thread::current());
}

impl Parker {
    /// Calls `body` with the calling thread's parker.
    pub fn with<R>(body: impl FnOnce(&Self) -> R) -> R {
        #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
        if let Some(parker) = crate::host::current().and_then(|host| host.parker()) {
            return body(&parker);
        }
        let mut body = Some(body);
        let call = |parker: &Self| body.take().map(|body| body(parker));
        // A thread that waits while its thread-locals are being destroyed gets a parker for this
        // wait.
        let result = CURRENT.try_with(call).ok().flatten();
        match (result, body) {
            (Some(result), _) => result,
            (None, Some(body)) => body(&Self::of(thread::current())),
            (None, None) => unreachable!("the body ran, so there is a result"),
        }
    }

    /// Sleeps until the waker has been called since the last time a park returned.
    ///
    /// # Blocking
    /// Until then. Never returns by itself, but the call may have been meant for an earlier wait of
    /// this thread: look at the condition again.
    pub fn park(&self) {
        let was_woken = self.park_deadline(Deadline::NEVER);
        debug_assert!(was_woken);
    }

    /// Sleeps like [`park`](Self::park) but at most until `deadline`; tells whether the waker was
    /// called.
    ///
    /// # Blocking
    /// Until the waker is called or the deadline has passed.
    pub fn park_deadline(&self, deadline: Deadline) -> bool {
        #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
        if let Some(host) = crate::host::current() {
            return self.take_token() || host.park(self, deadline.moment());
        }
        self.sleep(deadline.moment(), &mut |sleep| crate::host::wait_in_process(sleep))
    }

    /// Polls a future to its end; the calling thread sleeps while it is pending.
    ///
    /// # Blocking
    /// Until the future is ready.
    pub fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        Self::with(|parker| {
            let _nested = parker.nested();
            let mut context = Context::from_waker(parker.waker());
            loop {
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return output;
                }
                parker.park();
            }
        })
    }
}
