//! The door between the worker that owns a run and the helpers that it lets take part in it.
//!
//! The SAFETY comments name the invariants of [`cells`](super::cells). The gate knows nothing of
//! what a run is.

use std::ptr;
use std::time::Duration;

use crossbeam_deque::Worker;
use millpond_sync::host::{self, Site};
use millpond_sync::shim::atomic::{AtomicPtr, AtomicUsize, Ordering};
use millpond_sync::shim::{hint, thread};

/// What a helper should do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stay {
    /// The run is over; another may follow.
    Over,
    /// There was nothing to do for a while.
    Idle,
    /// The caller's tasks are quick so far: look again later.
    Watching,
}

/// A run that helpers can take part in.
pub(super) trait Shared: Sync {
    /// Whether something is ready that lies in no worker's queue.
    fn has_ready(&self) -> bool;

    /// Works as a helper until the run is over or there has been nothing to do for a while.
    fn assist(&self, number: usize, queue: &Worker<u64>) -> Stay;
}

/// Where helpers find the run of a graph, and where its owner waits until they have left.
///
/// `state` holds "open" in its lowest bit and twice the number of helpers inside above it.
#[derive(Default)]
pub(super) struct Gate {
    state: AtomicUsize,
    /// The run: a reference to it, which lies with its owner, since an atomic pointer has no room
    /// for one to a `dyn`.
    run: AtomicPtr<&'static dyn Shared>,
}

const OPEN: usize = 1;
const ONE_INSIDE: usize = 2;

impl Gate {
    /// Lets helpers in until the guard is dropped, which waits for those inside.
    pub(super) fn open<'gate>(&'gate self, run: &'gate &'gate dyn Shared) -> OpenGate<'gate> {
        self.run.store(ptr::from_ref(run).cast_mut().cast(), Ordering::Relaxed);
        // Release: a helper that finds the gate open finds the run behind it. Whoever is still
        // inside a former opening was waited for, so only the open bit changes.
        self.state.fetch_or(OPEN, Ordering::Release);
        OpenGate { gate: self }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.load(Ordering::Relaxed) & OPEN != 0
    }

    /// Shows the run to a helper, if the gate is open.
    pub(super) fn enter<R>(&self, visit: impl FnOnce(&dyn Shared) -> R) -> Option<R> {
        let mut state = self.state.load(Ordering::Relaxed);
        while state & OPEN != 0 {
            match self.state.compare_exchange_weak(state, state + ONE_INSIDE, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => {
                    let _inside = Inside { gate: self };
                    host::step(Site::new("comes into a run"));
                    let run = self.run.load(Ordering::Relaxed);
                    // SAFETY: I4: the gate was open when this helper was counted in, so the run's
                    // owner waits until `_inside` is dropped. `visit` cannot keep the reference: it
                    // works for any lifetimes.
                    return Some(visit(unsafe { *run }));
                }
                Err(now) => state = now,
            }
        }
        None
    }
}

/// Counts one helper out again.
struct Inside<'gate> {
    gate: &'gate Gate,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        // Release: all that this helper did happens before the owner leaves.
        self.gate.state.fetch_sub(ONE_INSIDE, Ordering::Release);
    }
}

/// How long an owner sleeps at a time that waits for helpers to leave.
const NAP: Duration = Duration::from_micros(50);

/// An open gate; see [`Gate::open`].
pub(super) struct OpenGate<'gate> {
    gate: &'gate Gate,
}

impl Drop for OpenGate<'_> {
    fn drop(&mut self) {
        self.gate.state.fetch_and(!OPEN, Ordering::Relaxed);
        host::step(Site::new("hides its run"));
        let mut rounds = 0_u32;
        // Acquire: pairs with the release of the last helper that leaves. Those of a simulation
        // that cannot go on never leave, and never run again either.
        while self.gate.state.load(Ordering::Acquire) >= ONE_INSIDE && !host::is_over() {
            if host::give_way() {
                continue;
            }
            rounds = rounds.saturating_add(1);
            if rounds < 1_000 {
                hint::spin_loop();
            } else if rounds < 2_000 {
                thread::yield_now();
            } else {
                // Yielding makes no way for a helper of a lower priority.
                host::sleep(NAP);
            }
        }
    }
}
