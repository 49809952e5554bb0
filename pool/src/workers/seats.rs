//! Where lent threads may run.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::placement::{Allowed, NOWHERE, Thread};

/// The threads of some workers that can be told where to run, and the processor that they are kept off.
pub(super) struct Seats {
    avoided: AtomicUsize,
    /// Each thread and where it may run by itself.
    taken: Mutex<Vec<(Thread, Allowed)>>,
}

impl Seats {
    pub(super) fn new() -> Self {
        Self { avoided: AtomicUsize::new(NOWHERE), taken: Mutex::default() }
    }

    /// From now on the calling thread, which by itself may run on all that are `allowed`, is kept off the processor that is avoided.
    pub(super) fn take(&self, allowed: Allowed) {
        let thread = Thread::current();
        let mut taken = self.taken.lock();
        taken.push((thread, allowed));
        allowed.grant(thread, self.avoided.load(Ordering::Relaxed));
    }

    /// The calling thread may run again wherever it could before [`take`](Self::take).
    #[cfg(feature = "gcd")]
    pub(super) fn leave(&self) {
        let thread = Thread::current();
        let mut taken = self.taken.lock();
        if let Some(place) = taken.iter().position(|(other, _)| *other == thread) {
            let (_, allowed) = taken.swap_remove(place);
            allowed.grant(thread, NOWHERE);
        }
    }

    /// Keeps the threads off `processor` from now on. Costs nothing when that is so already.
    pub(super) fn avoid(&self, processor: usize) {
        if self.avoided.load(Ordering::Relaxed) == processor {
            return;
        }
        let thread = Thread::current();
        let taken = self.taken.lock();
        // A helper that asks for another one does not mean its own seat.
        if taken.iter().any(|(other, _)| *other == thread) {
            return;
        }
        self.avoided.store(processor, Ordering::Relaxed);
        taken.iter().for_each(|(thread, allowed)| allowed.grant(*thread, processor));
    }
}

#[cfg(all(test, target_os = "linux", feature = "gcd"))]
mod tests {
    use std::thread;

    use super::Seats;
    use crate::placement::{Allowed, NOWHERE, current, has_room_for};

    #[test]
    fn a_thread_is_kept_off_a_processor_while_it_has_a_seat() {
        let seats = Seats::new();
        let before = Allowed::of_current_thread();
        thread::scope(|scope| {
            scope.spawn(|| {
                let here = current();
                thread::scope(|lender| _ = lender.spawn(|| seats.avoid(here)));
                seats.take(before);
                assert!(current() != here || !has_room_for(2));
                // The thread that sits here means nobody.
                seats.avoid(NOWHERE);
                assert!(current() != here || !has_room_for(2));
                seats.leave();
                assert_eq!(Allowed::of_current_thread().count(), before.count());
            });
        });
    }
}
