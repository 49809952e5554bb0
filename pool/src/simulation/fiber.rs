//! A stack of its own for each simulated thread.
//!
//! A fiber runs jobs, one after the other, and can be left in the middle of one: [`suspend`] goes back to whoever resumed the
//! fiber, and resuming goes on after it. The switch itself is corosensei's (a dozen instructions); what is added here is that code
//! which knows nothing of fibers, deep within a job, can suspend the one that it runs on.
//!
//! A fiber without a job is kept by its thread for the next one, since making a stack costs more than a small simulation.

#![allow(unsafe_code, reason = "suspending from within code that does not know what it runs on")]

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::ptr;
use std::rc::Rc;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

/// What a simulated thread runs. It does not unwind.
pub(super) type Job = Box<dyn FnOnce()>;

/// How large a stack is; only what is touched takes memory.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// How many fibers without a job a thread keeps.
const MOST_KEPT: usize = 32;

/// How a fiber came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// In the middle of its job.
    Suspended,
    /// With its job done.
    Done,
}

type Way = Yielder<Option<Job>, Left>;

/// A stack and the job that runs on it. See the [module documentation](self).
pub(super) struct Fiber {
    coroutine: ManuallyDrop<Coroutine<Option<Job>, Left, ()>>,
    /// Where the fiber's way back lies on its own stack; null before it has run.
    way: Rc<Cell<*const Way>>,
    /// The job, until the fiber is first resumed with it.
    job: Option<Job>,
    /// Whether it was left in the middle of its job.
    is_suspended: bool,
}

thread_local! {
    /// The way back of the fiber that the thread is on; null on the thread's own stack.
    static WAY: Cell<*const Way> = const { Cell::new(ptr::null()) };
    static IDLE: RefCell<Vec<Fiber>> = const { RefCell::new(Vec::new()) };
}

impl Fiber {
    /// A fiber for a job, which begins when it is first resumed.
    pub(super) fn with_job(job: Job) -> Self {
        let mut fiber = IDLE.try_with(|idle| idle.borrow_mut().pop()).ok().flatten().unwrap_or_else(Self::new);
        fiber.job = Some(job);
        fiber
    }

    fn new() -> Self {
        let way = Rc::new(Cell::new(ptr::null()));
        let own_way = Rc::clone(&way);
        let stack = DefaultStack::new(STACK_BYTES).unwrap_or_else(|error| {
            panic!("getting {STACK_BYTES} bytes for the stack of a simulated thread failed: {error}")
        });
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Way, mut job: Option<Job>| {
            own_way.set(yielder);
            WAY.set(yielder);
            while let Some(run) = job {
                run();
                job = yielder.suspend(Left::Done);
            }
        });
        Self { coroutine: ManuallyDrop::new(coroutine), way, job: None, is_suspended: false }
    }

    /// Runs the fiber until it suspends or its job is done.
    pub(super) fn resume(&mut self) -> Left {
        let before = WAY.replace(self.way.get());
        let result = self.coroutine.resume(self.job.take());
        WAY.set(before);
        let left = match result {
            CoroutineResult::Yield(left) => left,
            CoroutineResult::Return(()) => Left::Done,
        };
        self.is_suspended = left == Left::Suspended;
        left
    }

    /// Gives the fiber back for another job.
    pub(super) fn retire(self) {
        if !self.is_suspended && self.job.is_none() {
            let _ = IDLE.try_with(|idle| {
                let mut idle = idle.borrow_mut();
                if idle.len() < MOST_KEPT {
                    idle.push(self);
                }
            });
        }
    }
}

/// Leaves the fiber that the thread is on, until it is resumed.
///
/// # Panics
/// On the thread's own stack.
pub(super) fn suspend() {
    let way = WAY.get();
    assert!(!way.is_null(), "only a fiber can be suspended");
    // SAFETY: `WAY` is set to a fiber's way for as long as that fiber runs and no longer: by its body when it first begins, by
    // `resume` from then on, which puts back what was there before when the fiber has left. So the fiber runs now, its body, to which
    // the yielder was lent, is at the bottom of its stack, and the yielder is alive. It is a thread-local, so this is its thread.
    let yielder = unsafe { &*way };
    let job = yielder.suspend(Left::Suspended);
    debug_assert!(job.is_none(), "a fiber gets a job only when it has none");
}

impl Drop for Fiber {
    fn drop(&mut self) {
        if self.is_suspended {
            // In the middle of a job: what lies on its stack may be dropped by nobody but the job, so it stays there for good.
            return;
        }
        if self.coroutine.started() && !self.coroutine.done() {
            // No further job: the body returns.
            self.job = None;
            let _ = self.resume();
        }
        // SAFETY: done here only, and `self` is used no more.
        unsafe { ManuallyDrop::drop(&mut self.coroutine) };
    }
}
