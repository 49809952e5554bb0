//! A stack of its own for a simulated thread.
//!
//! A fiber runs jobs, one after the other, and can be left in the middle of one: [`suspend`] goes back to whoever resumed the
//! fiber, and resuming goes on after it. The switch itself is corosensei's (a dozen instructions); what is added here is that code
//! which knows nothing of fibers, deep within a job, can suspend the one that it runs on.
//!
//! A fiber without a job is kept by its thread for the next one, since making a stack costs more than a small simulation.

#![allow(unsafe_code, reason = "suspending from within code that does not know what it runs on")]

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

use super::left::{Left, Payload};

/// What runs on a stack.
type Job = Box<dyn FnOnce()>;

/// How large a stack is; only what is touched takes memory.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// How many fibers without a job a thread keeps.
const MOST_KEPT: usize = 32;

type Way = Yielder<Option<Job>, Left>;

/// A stack and the job that runs on it. See the [module documentation](self).
pub(crate) struct StackFiber {
    coroutine: ManuallyDrop<Coroutine<Option<Job>, Left, ()>>,
    /// Where the fiber's way back lies on its own stack; null before it has run.
    way: Rc<Cell<*const Way>>,
    /// What its last job panicked with, if it did.
    panic: Rc<Cell<Option<Payload>>>,
    /// The job, until the fiber is first resumed with it.
    job: Option<Job>,
    /// Whether it was left in the middle of its job.
    is_suspended: bool,
}

thread_local! {
    /// The way back of the fiber that the thread is on; null on the thread's own stack.
    static WAY: Cell<*const Way> = const { Cell::new(ptr::null()) };
    static IDLE: RefCell<Vec<StackFiber>> = const { RefCell::new(Vec::new()) };
}

impl StackFiber {
    /// A fiber for a job, which begins when it is first resumed.
    pub(super) fn with_job(job: Job) -> Self {
        let mut fiber = IDLE.try_with(|idle| idle.borrow_mut().pop()).ok().flatten().unwrap_or_else(Self::new);
        fiber.job = Some(job);
        fiber
    }

    fn new() -> Self {
        let way = Rc::new(Cell::new(ptr::null()));
        let own_way = Rc::clone(&way);
        let panic = Rc::new(Cell::new(None));
        let own_panic = Rc::clone(&panic);
        let stack = DefaultStack::new(STACK_BYTES).unwrap_or_else(|error| {
            panic!("getting {STACK_BYTES} bytes for the stack of a simulated thread failed: {error}")
        });
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Way, mut job: Option<Job>| {
            own_way.set(yielder);
            WAY.set(yielder);
            while let Some(run) = job {
                // A panic must not leave the fiber: it would leave `WAY` pointing to a stack that is gone.
                own_panic.set(catch_unwind(AssertUnwindSafe(run)).err());
                job = yielder.suspend(Left::Done);
            }
        });
        Self { coroutine: ManuallyDrop::new(coroutine), way, panic, job: None, is_suspended: false }
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

    /// What its job, which is done, panicked with.
    pub(super) fn take_panic(&self) -> Option<Payload> {
        self.panic.take()
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

impl Drop for StackFiber {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_a_job_stays_in_its_fiber_which_runs_the_next_job() {
        let mut fiber = StackFiber::with_job(Box::new(|| {
            suspend();
            std::panic::resume_unwind(Box::new("its own"));
        }));
        assert_eq!(fiber.resume(), Left::Suspended);
        assert_eq!(fiber.resume(), Left::Done);
        assert_eq!(fiber.take_panic().expect("a panic").downcast_ref(), Some(&"its own"));
        assert!(WAY.get().is_null(), "the thread is on its own stack again");
        fiber.retire();
        let done = Rc::new(Cell::new(false));
        let is_done = Rc::clone(&done);
        let mut fiber = StackFiber::with_job(Box::new(move || is_done.set(true)));
        assert_eq!((fiber.resume(), done.get()), (Left::Done, true));
        assert!(fiber.take_panic().is_none());
    }

    #[test]
    #[should_panic(expected = "only a fiber can be suspended")]
    fn a_thread_on_its_own_stack_is_not_suspended() {
        suspend();
    }
}
