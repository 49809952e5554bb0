//! What a simulated thread runs on: something that can be left in the middle of a job and gone on with later.
//!
//! There are two kinds, and the scheduler resumes one as the other. A [stack](stack) of its own within the system's thread that the
//! simulation began in: a switch is a dozen instructions. Or a [thread](thread) of the system's, exactly one of which runs at any time:
//! a switch is two wake-ups, but what runs there finds itself on a thread of its own, as interpreters of other languages want it.
//!
//! Fibers are resumed by the thread that the simulation began in, and by no other.

mod left;
mod stack;
mod thread;

pub(super) use self::left::Left;
use self::left::Payload;
use self::stack::StackFiber;
pub use self::thread::Around;
use self::thread::ThreadFiber;
pub(super) use self::thread::{Crew, Surroundings, Within};

/// What a simulated thread runs.
pub(super) enum Job {
    /// On the thread that the simulation began in.
    Here(Box<dyn FnOnce()>),
    /// On any.
    Anywhere(Box<dyn FnOnce() + Send>),
}

/// See the [module documentation](self).
pub(super) enum Fiber {
    Stack(StackFiber),
    Thread(ThreadFiber),
}

impl Fiber {
    /// A fiber for a job, which begins when it is first resumed: on a thread of the crew, if there is one and the job may go there.
    ///
    /// A job on a thread happens within what `within` gives.
    pub(super) fn with_job(job: Job, crew: Option<&mut Crew>, within: impl FnOnce() -> Within) -> Self {
        match (job, crew) {
            (Job::Here(body), _) => Self::Stack(StackFiber::with_job(body)),
            (Job::Anywhere(body), None) => Self::Stack(StackFiber::with_job(body)),
            (Job::Anywhere(body), Some(crew)) => Self::Thread(crew.fiber(within(), body)),
        }
    }

    /// Runs the fiber until it suspends or its job is done.
    pub(super) fn resume(&mut self) -> Left {
        match self {
            Self::Stack(fiber) => fiber.resume(),
            Self::Thread(fiber) => fiber.resume(),
        }
    }

    /// What its job, which is done, panicked with.
    pub(super) fn take_panic(&mut self) -> Option<Payload> {
        match self {
            Self::Stack(fiber) => fiber.take_panic(),
            Self::Thread(fiber) => fiber.take_panic(),
        }
    }

    /// Gives the fiber, which is without a job, back for another one.
    pub(super) fn retire(self, crew: Option<&mut Crew>) {
        match (self, crew) {
            (Self::Stack(fiber), _) => fiber.retire(),
            (Self::Thread(fiber), Some(crew)) => crew.keep(fiber),
            (Self::Thread(fiber), None) => drop(fiber),
        }
    }
}

/// Leaves the fiber that the calling code runs on, until it is resumed.
///
/// # Panics
/// On a thread's own stack, when the thread is no fiber.
pub(super) fn suspend() {
    if !thread::suspend() {
        stack::suspend();
    }
}
