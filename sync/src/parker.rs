//! How one thread sleeps until its waker is called.
//!
//! A token and the thread's own park: waking sets the token and unparks, parking takes the token or
//! sleeps. A token set before the park makes it return at once, so a wake-up between a last look
//! and the park is never lost. One parker per thread, made at its first wait.
//!
//! Subtle: waits nest. A thread that waits may, in its attempt, run code that waits as well, and
//! the inner wait can take a token that was meant for the outer one. So an inner wait that took a
//! token puts one back when it ends ([`Parker::nested`]); the outer one then looks once more than
//! needed.
//!
//! This file does not know hosts: which parker a thread has and how it parks is in `park.rs`.

use crate::shim::atomic::{AtomicBool, Ordering};
use crate::shim::cell::Cell;
use crate::shim::thread;
use std::fmt;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

/// Makes one thread sleep until its [`waker`](Self::waker) is called.
pub struct Parker {
    token: Arc<Token>,
    waker: Waker,
    /// How many waits of this thread are under way, one inside the other.
    depth: Cell<usize>,
    /// Whether the innermost of them has taken a token.
    has_taken: Cell<bool>,
    /// The lock that the thread waits for, where it is a simulated one.
    #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
    awaited: Cell<Option<crate::holding::Awaited>>,
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

impl Parker {
    /// A parker whose waker wakes this thread. A host makes one for each thread that it runs;
    /// everybody else takes the one that there is, by [`with`](Self::with).
    #[must_use]
    pub fn of(thread: thread::Thread) -> Self {
        let token = Arc::new(Token { is_set: AtomicBool::new(false), thread });
        let waker = Waker::from(Arc::clone(&token));
        Self {
            token,
            waker,
            depth: Cell::new(0),
            has_taken: Cell::new(false),
            #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
            awaited: Cell::new(None),
        }
    }

    /// The lock that the thread waits for, where it is a simulated one and waits for a lock.
    #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
    #[must_use]
    pub fn awaited(&self) -> Option<crate::holding::Awaited> {
        self.awaited.get()
    }

    #[cfg(all(feature = "simulation", not(any(loom, shuttle))))]
    pub(crate) fn set_awaited(&self, awaited: Option<crate::holding::Awaited>) {
        self.awaited.set(awaited);
    }

    /// What wakes this thread; may be cloned and called from anywhere, any number of times.
    #[must_use]
    pub fn waker(&self) -> &Waker {
        &self.waker
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

    /// Sleeps, as the system does it, until the waker is called (true) or the moment has come
    /// (false); `None` for never. Each time the thread goes to sleep it does so within a call of
    /// `around`.
    ///
    /// # Blocking
    /// Until then.
    pub fn sleep(&self, until: Option<Instant>, around: &mut dyn FnMut(&mut dyn FnMut())) -> bool {
        loop {
            if self.take_token() {
                return true;
            }
            if !sleep_once(until, around) {
                return self.take_token();
            }
        }
    }

    /// Marks the begin of a wait that may be inside another one; if it has taken a token, the outer
    /// wait is made to look again at its end.
    pub fn nested(&self) -> Nested<'_> {
        self.depth.set(self.depth.get() + 1);
        Nested { parker: self, had_taken: self.has_taken.replace(false) }
    }
}

/// Sleeps once; false if the moment has come.
#[cfg(not(any(loom, shuttle)))]
fn sleep_once(until: Option<Instant>, around: &mut dyn FnMut(&mut dyn FnMut())) -> bool {
    match until.map(|moment| moment.saturating_duration_since(crate::shim::clock::now())) {
        None => around(&mut thread::park),
        Some(remaining) if remaining.is_zero() => return false,
        Some(remaining) => around(&mut || thread::park_timeout(remaining)),
    }
    true
}

/// Under shuttle, which knows no time either, others go on first, and then a draw says whether the
/// moment has come.
#[cfg(shuttle)]
fn sleep_once(until: Option<Instant>, _around: &mut dyn FnMut(&mut dyn FnMut())) -> bool {
    match until {
        None => thread::park(),
        Some(moment) if crate::shim::clock::now() >= moment => return false,
        Some(moment) => {
            thread::yield_now();
            if crate::shim::draw(4) == 0 {
                crate::shim::clock::pass_until(moment);
            }
        }
    }
    true
}

/// Under loom there is no time: a moment comes at once, at every interleaving at which it could.
#[cfg(loom)]
fn sleep_once(until: Option<Instant>, _around: &mut dyn FnMut(&mut dyn FnMut())) -> bool {
    if until.is_none() {
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
