//! A thread of the system's for a simulated thread, which runs only while it has the baton.
//!
//! There is one baton per fiber. [`ThreadFiber::resume`] hands it over and waits until it is back; [`suspend`] gives it back and waits
//! until it is handed over again. Whoever waits does nothing else, so of all threads of a simulation exactly one runs, and each hand-over
//! is a lock of the baton's mutex by both: what one did happens before what the other does.
//!
//! Both waits are within [`host::wait_in_process`], since whoever has the baton may need what the waiting thread holds.
//!
//! A fiber without a job is kept by its simulation for the next one. At the end of the simulation they are all told to end, and waited for,
//! so that the destructors of their thread-locals too run while nobody else does. A fiber in the middle of a job is resumed once more,
//! which its scheduler makes into a panic; one that does not end by that either stays where it is for good.

#![allow(
    unsafe_code,
    reason = "a simulation, which counts its references without atomics, is touched by one thread after the other"
)]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use millpond_sync::host;
use parking_lot::{Condvar, Mutex};

use super::left::{Left, Payload};
use millpond_workers::fork::Process;

/// How much stack a thread has; only what is touched takes memory.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// Calls its argument once, with something done before and after.
pub type Around = fn(&mut dyn FnMut());

/// What is done around the lives of a simulation's threads and around their jobs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings {
    pub(crate) life: Around,
    pub(crate) job: Around,
}

/// What a job on a thread happens within: makes the calling thread one of the simulation's while it calls its argument, once.
pub(crate) type Within = Rc<dyn Fn(&mut dyn FnMut())>;

/// A job on its way to a thread.
struct Parcel {
    within: Within,
    body: Box<dyn FnOnce() + Send>,
}

// SAFETY: all but `within` is `Send`. That is a reference to the simulation, which is not, and to counts that are not atomic. They are touched
// only by whoever runs of the simulation's threads: the thread that it began in, which waits in `resume` from when it hands over a baton until it
// has it back, and the one that has the baton. The hand-over is by a mutex, so what one of them did is seen by the next. A thread
// touches the simulation from when it takes a parcel until it gives the baton back with its job done, by when it has dropped
// `within`, which has taken it out of the thread-locals. What a job of the user's may have kept of it in a thread-local of its
// own is dropped when the thread ends, which is while the thread that the simulation began in waits for that, in `ThreadFiber::end`.
unsafe impl Send for Parcel {}

/// Who has the baton, and what is to be done with it.
enum Turn {
    /// The thread that resumes: this one has left.
    Left(Left),
    /// This thread, to begin a job.
    Begins(Parcel),
    /// This thread, to go on.
    GoesOn,
    /// This thread, at its job.
    Runs,
    /// Nobody any more: this thread is to end.
    Ends,
}

/// See the [module documentation](self).
struct Baton {
    turn: Mutex<Turn>,
    changed: Condvar,
}

impl Baton {
    /// Sets the turn, and waits until it is another one than that; gives it.
    fn pass(&self, turn: Turn, is_mine: fn(&Turn) -> bool, next: Turn) -> Turn {
        *self.turn.lock() = turn;
        self.changed.notify_one();
        self.wait(is_mine, next)
    }

    /// Waits until the turn is of a kind; gives it, and puts `next` in its place.
    fn wait(&self, is_mine: fn(&Turn) -> bool, next: Turn) -> Turn {
        let mut next = Some(next);
        host::wait_in_process(|| {
            let mut turn = self.turn.lock();
            while !is_mine(&turn) {
                self.changed.wait(&mut turn);
            }
            let next = next.take().unwrap_or(Turn::Ends);
            std::mem::replace(&mut *turn, next)
        })
    }
}

thread_local! {
    /// The baton that the thread runs by, if it is a fiber.
    static BATON: RefCell<Option<Arc<Baton>>> = const { RefCell::new(None) };
}

fn is_for_thread(turn: &Turn) -> bool {
    matches!(turn, Turn::Begins(_) | Turn::GoesOn | Turn::Ends)
}

fn is_for_resumer(turn: &Turn) -> bool {
    matches!(turn, Turn::Left(_))
}

/// Leaves the fiber that the calling thread is until it is resumed; says whether it is one.
pub(super) fn suspend() -> bool {
    let baton = BATON.with_borrow(Clone::clone);
    let Some(baton) = baton else { return false };
    let turn = baton.pass(Turn::Left(Left::Suspended), is_for_thread, Turn::Runs);
    debug_assert!(matches!(turn, Turn::GoesOn), "a fiber in the middle of its job goes on");
    true
}

/// A thread's life: one job after the other.
fn live(baton: &Arc<Baton>, around_job: Around, panic: &Mutex<Option<Payload>>) {
    BATON.set(Some(Arc::clone(baton)));
    let mut turn = baton.wait(is_for_thread, Turn::Runs);
    while let Turn::Begins(Parcel { within, body }) = turn {
        let mut body = Some(body);
        let mut result = Ok(());
        within(&mut || {
            result = catch_unwind(AssertUnwindSafe(|| {
                around_job(&mut || {
                    if let Some(body) = body.take() {
                        body();
                    }
                });
            }));
            drop(body.take());
        });
        drop(within);
        *panic.lock() = result.err();
        turn = baton.pass(Turn::Left(Left::Done), is_for_thread, Turn::Runs);
    }
    BATON.take();
}

/// A thread and the job that runs on it. See the [module documentation](self).
pub(crate) struct ThreadFiber {
    baton: Arc<Baton>,
    /// What its last job panicked with, if it did.
    panic: Arc<Mutex<Option<Payload>>>,
    /// Until it was waited for.
    thread: Option<JoinHandle<()>>,
    /// The process that has the thread.
    process: Process,
    /// The job, until the fiber is first resumed with it.
    job: Option<Parcel>,
    /// Whether it was left in the middle of its job.
    is_suspended: bool,
}

impl ThreadFiber {
    fn new(number: usize, around: Surroundings) -> Self {
        let baton = Arc::new(Baton { turn: Mutex::new(Turn::Left(Left::Done)), changed: Condvar::new() });
        let panic = Arc::new(Mutex::new(None));
        let (own_baton, own_panic) = (Arc::clone(&baton), Arc::clone(&panic));
        let thread = std::thread::Builder::new()
            .name(format!("simulated-{number}"))
            .stack_size(STACK_BYTES)
            .spawn(move || (around.life)(&mut || live(&own_baton, around.job, &own_panic)))
            .unwrap_or_else(|error| panic!("starting a thread for a simulated thread failed: {error}"));
        Self { baton, panic, thread: Some(thread), process: Process::current(), job: None, is_suspended: false }
    }

    pub(super) fn resume(&mut self) -> Left {
        let turn = self.job.take().map_or(Turn::GoesOn, Turn::Begins);
        let left = match self.baton.pass(turn, is_for_resumer, Turn::Left(Left::Done)) {
            Turn::Left(left) => left,
            _ => unreachable!("that is what was waited for"),
        };
        self.is_suspended = left == Left::Suspended;
        left
    }

    pub(super) fn take_panic(&mut self) -> Option<Payload> {
        self.panic.lock().take()
    }

    /// Has the thread end, and waits for it.
    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.is_suspended || !self.process.is_current() {
            // A thread that is suspended for good, or that is not there in this process.
            std::mem::forget(thread);
            return;
        }
        *self.baton.turn.lock() = Turn::Ends;
        self.baton.changed.notify_one();
        // What a job panicked with was caught, and what is around it does not panic.
        let _ = host::wait_in_process(|| thread.join());
    }
}

impl Drop for ThreadFiber {
    fn drop(&mut self) {
        if self.is_suspended && self.process.is_current() {
            // The scheduler makes of this a panic that takes the job apart.
            let _ = self.resume();
            drop(self.take_panic());
        }
        self.end();
    }
}

/// The threads of one simulation that have no job.
pub(crate) struct Crew {
    around: Surroundings,
    idle: Vec<ThreadFiber>,
    started: usize,
}

impl Crew {
    pub(crate) fn new(around: Surroundings) -> Self {
        Self { around, idle: Vec::new(), started: 0 }
    }

    /// A fiber for a job.
    pub(super) fn fiber(&mut self, within: Within, body: Box<dyn FnOnce() + Send>) -> ThreadFiber {
        let mut fiber = self.idle.pop().unwrap_or_else(|| {
            self.started += 1;
            ThreadFiber::new(self.started, self.around)
        });
        fiber.job = Some(Parcel { within, body });
        fiber
    }

    pub(super) fn keep(&mut self, fiber: ThreadFiber) {
        self.idle.push(fiber);
    }
}
