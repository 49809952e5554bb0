//! What threads let go of while they wait.
//!
//! A thread may hold something that others need before they can do what it waits for: the lock of an interpreter that all
//! their functions run in, say. Whoever lends such threads to this library names, once for the process, what to do around each wait.

use std::sync::OnceLock;

/// Lets go of what the thread holds, calls its argument, and takes it up again.
pub type AroundWait = fn(&mut dyn FnMut());

static AROUND: OnceLock<AroundWait> = OnceLock::new();

/// From now on each wait of a thread in this process happens inside `around`, which must call its argument once.
///
/// Called for waits that may last, never under a lock of this library, on any thread: also one that holds nothing.
/// The first call counts for the life of the process; says whether this was it.
pub fn set_around_wait(around: AroundWait) -> bool {
    AROUND.set(around).is_ok()
}

/// Waits, inside what [`set_around_wait`] named.
///
/// # Panics
/// When what was named does not call its argument.
#[inline]
pub fn waiting<R>(wait: impl FnOnce() -> R) -> R {
    match AROUND.get() {
        None => wait(),
        Some(around) => {
            let (mut wait, mut result) = (Some(wait), None);
            around(&mut || result = wait.take().map(|wait| wait()));
            result.expect("what is around a wait calls it")
        }
    }
}
