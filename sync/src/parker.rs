//! How one thread sleeps until its waker is called.
//!
//! A token and the thread's own park: waking sets the token and unparks, parking takes the token or sleeps. A token
//! set before the park makes it return at once, so a wake-up between a last look and the park is never lost. One
//! parker per thread, made at its first wait.
//!
//! Subtle: waits nest. A thread that waits may, in its attempt, run code that waits as well, and the inner wait can take
//! a token that was meant for the outer one. So an inner wait that took a token puts one back when it ends
//! ([`Parker::nested`]); the outer one then looks once more than needed.

use crate::deadline::Deadline;
use crate::shim::atomic::{AtomicBool, Ordering};
use crate::shim::cell::Cell;
use crate::shim::thread;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Makes one thread sleep until its [`waker`](Self::waker) is called.
pub struct Parker {
    token: Arc<Token>,
    waker: Waker,
    /// Who the thread is to the locks that it acquires, in a simulation.
    #[cfg(feature = "simulation")]
    owner: crate::owner::Owner,
    /// How many waits of this thread are under way, one inside the other.
    depth: Cell<usize>,
    /// Whether the innermost of them has taken a token.
    has_taken: Cell<bool>,
}

struct Token {
    is_set: AtomicBool,
    thread: thread::Thread,
}

impl Wake for Token {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_set.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

crate::shim::thread_local! {
    static CURRENT: Parker = Parker::new();
}

impl Parker {
    /// A parker for the calling thread.
    fn new() -> Self {
        Self::of(thread::current())
    }

    /// A parker whose waker wakes a thread, for a host that runs several threads in that; everybody else takes the one that there is, by
    /// [`with`](Self::with).
    #[must_use]
    pub fn of(thread: thread::Thread) -> Self {
        let token = Arc::new(Token { is_set: AtomicBool::new(false), thread });
        let waker = Waker::from(Arc::clone(&token));
        Self {
            token,
            waker,
            #[cfg(feature = "simulation")]
            owner: crate::owner::Owner::new(),
            depth: Cell::new(0),
            has_taken: Cell::new(false),
        }
    }

    /// Who the thread is to the locks that it acquires.
    #[cfg(feature = "simulation")]
    #[cfg_attr(any(loom, shuttle), expect(dead_code, reason = "model checkers have no simulation"))]
    pub(crate) const fn owner(&self) -> crate::owner::Owner {
        self.owner
    }

    /// Calls `body` with the calling thread's parker.
    pub fn with<R>(body: impl FnOnce(&Self) -> R) -> R {
        #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
        if let Some(host) = crate::host::current() {
            return body(&host.parker());
        }
        let mut body = Some(body);
        let call = |parker: &Self| body.take().map(|body| body(parker));
        // A thread that waits while its thread-locals are being destroyed gets a parker for this wait.
        let result = CURRENT.try_with(call).ok().flatten();
        match (result, body) {
            (Some(result), _) => result,
            (None, Some(body)) => body(&Self::new()),
            (None, None) => unreachable!("the body ran, so there is a result"),
        }
    }

    /// What wakes this thread; may be cloned and called from anywhere, any number of times.
    #[must_use]
    pub fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Sleeps until the waker has been called since the last time a park returned.
    ///
    /// # Blocking
    /// Until then. Never returns by itself, but the call may have been meant for an earlier wait of this thread: look at
    /// the condition again.
    pub fn park(&self) {
        let was_woken = self.park_deadline(Deadline::NEVER);
        debug_assert!(was_woken);
    }

    /// Sleeps like [`park`](Self::park) but at most until `deadline`; tells whether the waker was called.
    ///
    /// # Blocking
    /// Until the waker is called or the deadline has passed.
    pub fn park_deadline(&self, deadline: Deadline) -> bool {
        #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
        if let Some(host) = crate::host::current() {
            return self.take_token() || host.park(self, deadline);
        }
        loop {
            if self.take_token() {
                return true;
            }
            if !sleep(deadline) {
                return self.take_token();
            }
        }
    }

    /// Whether the waker was called since the last time a park returned.
    #[must_use]
    pub fn is_woken(&self) -> bool {
        self.token.is_set.load(Ordering::Relaxed)
    }

    /// Takes the token if it is set, without sleeping.
    pub fn take_token(&self) -> bool {
        let is_taken = self.token.is_set.load(Ordering::Relaxed) && self.token.is_set.swap(false, Ordering::AcqRel);
        if is_taken {
            self.has_taken.set(true);
        }
        is_taken
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

    /// Marks the begin of a wait that may be inside another one; if it has taken a token, the outer wait is made to look
    /// again at its end.
    pub fn nested(&self) -> Nested<'_> {
        self.depth.set(self.depth.get() + 1);
        Nested { parker: self, had_taken: self.has_taken.replace(false) }
    }
}

/// Sleeps once; false if the deadline has passed.
#[cfg(not(any(loom, shuttle)))]
fn sleep(deadline: Deadline) -> bool {
    match deadline.remaining() {
        None => crate::waiting(thread::park),
        Some(remaining) if remaining.is_zero() => return false,
        Some(remaining) => crate::waiting(|| thread::park_timeout(remaining)),
    }
    true
}

/// Under shuttle, which knows no time either, others go on first, and then a draw says whether the deadline has come.
#[cfg(shuttle)]
fn sleep(deadline: Deadline) -> bool {
    match deadline.moment() {
        None => thread::park(),
        Some(_) if deadline.has_passed() => return false,
        Some(moment) => {
            thread::yield_now();
            if crate::shim::draw(4) == 0 {
                crate::shim::clock::pass_until(moment);
            }
        }
    }
    true
}

/// Under loom there is no time: a deadline passes at once, at every interleaving at which it could.
#[cfg(loom)]
fn sleep(deadline: Deadline) -> bool {
    if deadline == Deadline::NEVER {
        thread::park();
        return true;
    }
    thread::yield_now();
    false
}

impl fmt::Debug for Parker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parker").field("depth", &self.depth.get()).finish_non_exhaustive()
    }
}

/// A wait under way; see [`Parker::nested`].
#[must_use = "dropping it ends the wait"]
#[derive(Debug)]
pub struct Nested<'a> {
    parker: &'a Parker,
    /// Whether the wait around it had taken a token.
    had_taken: bool,
}

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        // As for a waiter: after a deadlock the model checker's primitives cannot be used.
        if cfg!(any(loom, shuttle)) && std::thread::panicking() {
            return;
        }
        let depth = self.parker.depth.get() - 1;
        self.parker.depth.set(depth);
        let has_taken = self.parker.has_taken.replace(self.had_taken);
        if depth > 0 && has_taken {
            self.parker.token.is_set.store(true, Ordering::Release);
        }
    }
}
