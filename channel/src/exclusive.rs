//! A value that one party at a time may touch, behind one of two gates. The only module with unsafe code.
//!
//! [`LockGate`] is for threads: taking it is one atomic exchange and leaving it a plain store, half of what a mutex that
//! can park needs. Whoever finds it taken spins, then yields, then naps; what runs behind it is a push or a pop, so
//! sleeping properly would cost more than it saves. [`ThreadGate`] is for the thread that made it: it compares the
//! thread's number and a flag, and no instruction of it is an atomic read-modify-write.
//!
//! Invariant: there is at most one turn of a gate at a time. All of the unsafe code below rests on it.
//!
//! It does not know what it guards. Code that runs behind a gate must be short and must not call its user.

use millpond_sync::shim::atomic::{AtomicBool, Ordering};
use millpond_sync::shim::cell::UnsafeCell;
use millpond_sync::shim::{hint, thread};
use std::cell::Cell;
use std::fmt;

/// Lets one party at a time through.
///
/// # Safety
/// While a turn of a gate exists, no other turn of it is given; and what was written during one turn is seen in the next.
pub(crate) unsafe trait Gate {
    /// Whether another thread may open what this one waits for.
    const CAN_BLOCK: bool;

    /// The right to be inside; dropping it leaves.
    type Turn<'a>
    where
        Self: 'a;

    /// Waits for its turn and takes it.
    ///
    /// # Panics
    /// If this party may never enter.
    fn enter(&self) -> Self::Turn<'_>;

    /// Waits for its turn and takes it; `None` if this party may never enter.
    fn enter_if_allowed(&self) -> Option<Self::Turn<'_>>;
}

/// A value behind a gate. The gate stands first, so that it shares a cache line with the value's first fields.
#[repr(C)]
pub(crate) struct Exclusive<T, G> {
    gate: G,
    value: UnsafeCell<T>,
}

// SAFETY: a shared `Exclusive` gives out `&mut T` behind the gate only, to one party at a time (the contract of `Gate`),
// which is what a mutex does: `T: Send` suffices, as the value may be used from several threads one after the other.
unsafe impl<T: Send, G: Gate + Sync> Sync for Exclusive<T, G> {}

impl<T, G: Gate> Exclusive<T, G> {
    pub(crate) fn new(gate: G, value: T) -> Self {
        Self { gate, value: UnsafeCell::new(value) }
    }

    /// Calls `access` with the value when it is this party's turn.
    ///
    /// # Panics
    /// If this party may never enter.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn with<R>(&self, access: impl FnOnce(&mut T) -> R) -> R {
        let _turn = self.gate.enter();
        // SAFETY: `_turn` lives until `access` has returned or unwound, and by the contract of `Gate` there is no other
        // turn while it does; so nobody else is in `with`, and the reference is the only one.
        self.value.with_mut(|value| access(unsafe { &mut *value }))
    }

    /// The value, by exclusive access to all of this.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        // SAFETY: nobody else has a reference to this, so there is no turn.
        self.value.with_mut(|value| unsafe { &mut *value })
    }

    /// Like [`with`](Self::with), but `None` if this party may never enter.
    pub(crate) fn with_if_allowed<R>(&self, access: impl FnOnce(&mut T) -> R) -> Option<R> {
        let _turn = self.gate.enter_if_allowed()?;
        // SAFETY: as in `with`.
        Some(self.value.with_mut(|value| access(unsafe { &mut *value })))
    }
}

impl<T, G: fmt::Debug> fmt::Debug for Exclusive<T, G> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Exclusive").field("gate", &self.gate).finish_non_exhaustive()
    }
}

/// A gate for any thread: a lock of one byte.
#[derive(Debug)]
pub(crate) struct LockGate {
    is_taken: AtomicBool,
    /// For a test that must fail: leaves without publishing what was written.
    #[cfg(all(test, loom))]
    is_broken: bool,
}

impl LockGate {
    pub(crate) fn new() -> Self {
        Self {
            is_taken: AtomicBool::new(false),
            #[cfg(all(test, loom))]
            is_broken: false,
        }
    }

    #[inline(always)]
    fn leave_order(&self) -> Ordering {
        #[cfg(all(test, loom))]
        if self.is_broken {
            return Ordering::Relaxed;
        }
        Ordering::Release
    }

    #[inline(always)]
    fn try_take(&self) -> bool {
        self.is_taken.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Spins for about as long as an ordinary turn, then gives the processor away.
    ///
    /// Giving it away early is what makes two busy threads quick: the other one then does hundreds of turns undisturbed,
    /// where two that spin hand the cache line to and fro for each.
    #[cold]
    #[inline(never)]
    fn wait_for_turn(&self) {
        let mut round = 0_u32;
        loop {
            match round {
                0..3 if !cfg!(any(loom, shuttle)) => (0..1_u32 << round).for_each(|_| hint::spin_loop()),
                _ => thread::yield_now(),
            }
            if round > 1000 {
                // Only when the party in its turn cannot run: sleeping lets a thread of any priority go on.
                nap();
            }
            round = round.saturating_add(1);
            if !self.is_taken.load(Ordering::Relaxed) && self.try_take() {
                return;
            }
        }
    }
}

fn nap() {
    #[cfg(not(loom))]
    thread::sleep(std::time::Duration::from_micros(100));
}

/// A turn of a [`LockGate`].
pub(crate) struct LockTurn<'a>(&'a LockGate);

impl Drop for LockTurn<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.is_taken.store(false, self.0.leave_order());
    }
}

// SAFETY: a turn is given only after a successful exchange from false to true, and only dropping a turn stores false; so
// while one exists no other exchange can succeed. Acquire and release order what is done in successive turns.
unsafe impl Gate for LockGate {
    const CAN_BLOCK: bool = true;

    type Turn<'a> = LockTurn<'a>;

    #[inline(always)]
    fn enter(&self) -> LockTurn<'_> {
        if !self.try_take() {
            self.wait_for_turn();
        }
        LockTurn(self)
    }

    fn enter_if_allowed(&self) -> Option<LockTurn<'_>> {
        Some(self.enter())
    }
}

/// A gate for the thread that made it; any other thread that enters panics.
pub(crate) struct ThreadGate {
    /// The number of the thread that made it; never 0.
    owner: u64,
    /// That thread, for the message.
    thread: std::thread::Thread,
    /// Whether its turn is taken. Touched by the owner alone.
    is_taken: Cell<bool>,
}

// SAFETY: `owner` and `thread` never change; `is_taken` is touched in `enter` and `enter_if_allowed` only after the
// calling thread was found to be the owner, and when a turn is dropped, which cannot be sent to another thread. So no two
// threads touch it.
unsafe impl Sync for ThreadGate {}

// The numbers are never given twice, unlike addresses or handles that a later thread can inherit.
static NEXT_THREAD: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

millpond_sync::local! {
    /// This thread's number, or that of the simulated thread; 0 until it makes its first gate.
    const NUMBER: Cell<u64> = Cell::new(0);
}

impl ThreadGate {
    pub(crate) fn new() -> Self {
        let owner = NUMBER.with(|number| {
            if number.get() == 0 {
                number.set(NEXT_THREAD.fetch_add(1, Ordering::Relaxed));
            }
            number.get()
        });
        Self { owner, thread: std::thread::current(), is_taken: Cell::new(false) }
    }

    #[inline(always)]
    fn is_owner(&self) -> bool {
        NUMBER.with(Cell::get) == self.owner
    }

    #[cold]
    #[track_caller]
    fn refuse(&self) -> ! {
        assert!(
            !self.is_owner(),
            "using a serial channel while it is in use; do not call it from what it runs in between"
        );
        let name = |thread: &std::thread::Thread| thread.name().unwrap_or("unnamed").to_owned();
        let (made, used) = (&self.thread, std::thread::current());
        assert!(
            made.id() != used.id(),
            "using a serial channel made by another simulated thread of this simulation; use it where it was made, or make it \
             with `unbounded()` or `bounded()`"
        );
        panic!(
            "using a serial channel made by thread `{}` ({:?}) in thread `{}` ({:?}); use it where it was made, or make it \
             with `unbounded()` or `bounded()`",
            name(made),
            made.id(),
            name(&used),
            used.id(),
        )
    }
}

/// A turn of a [`ThreadGate`]. It holds a reference to something that is not `Send`, so it stays in its thread.
pub(crate) struct ThreadTurn<'a>(&'a Cell<bool>);

impl Drop for ThreadTurn<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.set(false);
    }
}

// SAFETY: a turn is given only in the one thread whose number is `owner` (numbers are unique for the life of the process; a
// simulated thread, which runs on one thread of the system as long as it lives, has one of its own), and only if the flag was clear, which it then sets; dropping the turn, in the same thread, clears it. So there are never
// two turns at once, neither of two threads nor one inside another of the same thread. Program order of that thread makes
// writes visible.
unsafe impl Gate for ThreadGate {
    const CAN_BLOCK: bool = false;

    type Turn<'a> = ThreadTurn<'a>;

    #[inline(always)]
    #[track_caller]
    fn enter(&self) -> ThreadTurn<'_> {
        if !self.is_owner() || self.is_taken.replace(true) {
            self.refuse();
        }
        ThreadTurn(&self.is_taken)
    }

    fn enter_if_allowed(&self) -> Option<ThreadTurn<'_>> {
        (self.is_owner() && !self.is_taken.replace(true)).then(|| ThreadTurn(&self.is_taken))
    }
}

impl fmt::Debug for ThreadGate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ThreadGate").field("thread", &self.thread.id()).finish_non_exhaustive()
    }
}

/// What threads share in this build: the lock, or under the model checker, which cannot bound spinning, a mutex of its own.
#[cfg(not(loom))]
pub(crate) type SharedGate = LockGate;

#[cfg(loom)]
pub(crate) use modelled::MutexGate as SharedGate;

#[cfg(loom)]
mod modelled {
    use super::Gate;
    use millpond_sync::shim::{Mutex, MutexGuard};

    /// The model checker's mutex as a gate.
    #[derive(Debug)]
    pub(crate) struct MutexGate(Mutex<()>);

    impl MutexGate {
        pub(crate) fn new() -> Self {
            Self(Mutex::new(()))
        }
    }

    // SAFETY: a turn is the guard of a mutex.
    unsafe impl Gate for MutexGate {
        const CAN_BLOCK: bool = true;

        type Turn<'a> = MutexGuard<'a, ()>;

        fn enter(&self) -> MutexGuard<'_, ()> {
            self.0.lock()
        }

        fn enter_if_allowed(&self) -> Option<MutexGuard<'_, ()>> {
            Some(self.0.lock())
        }
    }
}

/// Run by `ci/loom.sh`, as all tests under `cfg(loom)`.
#[cfg(all(test, loom))]
mod tests {
    use super::{Exclusive, LockGate};
    use loom::thread;
    use std::sync::Arc;

    /// ```text
    /// thread a   take   +1   leave
    /// thread b        take (spins)   +1   leave
    /// ```
    fn two_threads_add_one(is_broken: bool) {
        loom::model(move || {
            let gate = LockGate { is_broken, ..LockGate::new() };
            let count = Arc::new(Exclusive::new(gate, 0));
            let threads = [0; 2].map(|_| {
                let count = Arc::clone(&count);
                thread::spawn(move || count.with(|count| *count += 1))
            });
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(count.with(|count| *count), 2);
        });
    }

    #[test]
    fn turns_of_the_lock_follow_each_other() {
        two_threads_add_one(false);
    }

    #[test]
    #[should_panic(expected = "Causality violation")]
    fn a_lock_that_does_not_publish_is_found() {
        two_threads_add_one(true);
    }
}
