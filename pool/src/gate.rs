//! Who may touch a pool's state: one thread in serial mode, any number otherwise.
//!
//! Every operation on a pool passes through its gate and holds a [`Pass`] while it works. In serial mode a single
//! thread holds passes at any time, so state behind the gate needs no lock; in shared mode many do, and state is
//! locked (see [`crate::guarded`]). The price in serial mode is one compare-and-swap per outermost operation (a read of any
//! number of items), none per item.
//!
//! The word is `0` when serial and free, a thread's token (even) when serial and held, and `2 × passes + 1` when shared.
//! The mode follows the pool's size only while no pass is out, so a resize from within a task or beside a read takes
//! effect when the last pass of the old mode is given back:
//!
//! | from | event | to |
//! |---|---|---|
//! | free | enter, size 0 | held by this thread |
//! | free | enter, size > 0 | shared, one pass |
//! | held by this thread | enter | held (a nested pass) |
//! | held by another thread | enter | refused: [`Occupied`] |
//! | held | outermost pass given back | free |
//! | shared | enter | shared, one pass more |
//! | shared | pass given back, others left or size > 0 | shared, one pass less |
//! | shared | last pass given back, size 0 | free |

use std::marker::PhantomData;

#[cfg(loom)]
use millpond_sync::shim;
use millpond_sync::shim::atomic::{AtomicUsize, Ordering};

use crate::fault::{self, Fault};

/// Serial and held by nobody.
const FREE: usize = 0;
/// The bit that marks shared mode; the bits above it count passes.
const SHARED: usize = 1;
/// What one pass adds to the word in shared mode.
const ONE: usize = 2;

/// The entrance to a pool's state. See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Gate {
    word: AtomicUsize,
    /// The size that the pool shall have; 0 asks for serial mode.
    size: AtomicUsize,
}

/// A serial pool is in use by another thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Occupied;

impl Gate {
    /// A gate for a pool of `size` workers.
    pub(crate) fn new(size: usize) -> Self {
        Self { word: AtomicUsize::new(if size == 0 { FREE } else { SHARED }), size: AtomicUsize::new(size) }
    }

    /// The size asked for last. In one order with the counts of jobs and helpers: who lists a job and finds no room for a helper is
    /// seen by who makes room.
    pub(crate) fn size(&self) -> usize {
        self.size.load(Ordering::SeqCst)
    }

    /// Asks for another size and says which one was asked for before.
    pub(crate) fn resize(&self, size: usize) -> usize {
        let before = self.size.swap(size, Ordering::SeqCst);
        if size == 0 && fault::is(Fault::GateTakenAway) {
            self.word.store(FREE, Ordering::Release);
        } else if size == 0 {
            // Where passes are out, the last one to be given back does this. Subtle: the two may miss each other. This exchange
            // fails because the pass is still out, and orders nothing then, so whoever gives it back may still see the old size. The
            // pool then stays shared, which is correct in any size, until its next pass is given back.
            let _ = self.word.compare_exchange(SHARED, FREE, Ordering::AcqRel, Ordering::Relaxed);
        }
        before
    }

    /// Passes the gate.
    ///
    /// # Errors
    /// [`Occupied`] when the pool is in serial mode and another thread holds a pass.
    pub(crate) fn enter(&self) -> Result<Pass<'_>, Occupied> {
        let me = thread_token();
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let (to, kind) = if word & SHARED != 0 {
                (word + ONE, Kind::Shared)
            } else if word == me {
                return Ok(self.pass(Kind::Nested));
            } else if word != FREE {
                return Err(Occupied);
            } else if self.size() == 0 {
                (me, Kind::Serial)
            } else {
                (SHARED + ONE, Kind::Shared)
            };
            match self.word.compare_exchange_weak(word, to, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(self.pass(kind)),
                Err(now) => word = now,
            }
        }
    }

    /// Passes the gate in shared mode only: a helper must not be in the way of a serial pool's one thread.
    ///
    /// # Errors
    /// [`Occupied`] when the pool is in serial mode.
    pub(crate) fn enter_shared(&self) -> Result<Pass<'_>, Occupied> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let to = match word {
                FREE if self.size() > 0 => SHARED + ONE,
                _ if word & SHARED != 0 => word + ONE,
                _ => return Err(Occupied),
            };
            match self.word.compare_exchange_weak(word, to, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(self.pass(Kind::Shared)),
                Err(now) => word = now,
            }
        }
    }

    fn pass(&self, kind: Kind) -> Pass<'_> {
        Pass { gate: self, kind, stays_on_its_thread: PhantomData }
    }

    fn give_back(&self, kind: Kind) {
        match kind {
            Kind::Nested => {}
            Kind::Serial => {
                let order = if fault::is(Fault::GateRelaxed) { Ordering::Relaxed } else { Ordering::Release };
                self.word.store(FREE, order);
            }
            Kind::Shared => {
                let left = self.word.fetch_sub(ONE, Ordering::AcqRel) - ONE;
                if left == SHARED && self.size.load(Ordering::SeqCst) == 0 {
                    let _ = self.word.compare_exchange(SHARED, FREE, Ordering::AcqRel, Ordering::Relaxed);
                }
            }
        }
    }
}

/// How a pass came about, and so what giving it back does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Serial mode, the outermost pass of the thread that holds the gate.
    Serial,
    /// Serial mode, within another pass of the same thread.
    Nested,
    /// Shared mode.
    Shared,
}

/// The right to touch the state behind a [`Gate`], until dropped. It stays on the thread that got it.
#[derive(Debug)]
pub(crate) struct Pass<'gate> {
    gate: &'gate Gate,
    kind: Kind,
    stays_on_its_thread: PhantomData<*const ()>,
}

impl Pass<'_> {
    /// Whether other threads may hold passes too, so that state must be locked.
    #[inline]
    pub(crate) fn is_shared(&self) -> bool {
        self.kind == Kind::Shared
    }

    /// Whether this is a pass of that gate.
    #[inline]
    pub(crate) fn is_of(&self, gate: &Gate) -> bool {
        std::ptr::eq(self.gate, gate)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.give_back(self.kind);
    }
}

/// A number that no other living thread has: even and never 0, the address of a variable that each thread has for itself.
///
/// Subtle: a thread may get the address that one had which has ended. It does not take an old value of the gate's word for its own, since
/// whatever gives it the memory comes after the end of that thread.
#[cfg(not(loom))]
fn thread_token() -> usize {
    millpond_sync::local! {
        const TOKEN: u64 = 0;
    }
    TOKEN.with(|token| std::ptr::from_ref(token).addr())
}

/// The same under loom, which does not see that memory is given from one thread to another: numbers that are never used again.
#[cfg(loom)]
fn thread_token() -> usize {
    use std::sync::atomic::{self, Ordering};

    static NEXT: atomic::AtomicUsize = atomic::AtomicUsize::new(2);
    shim::thread_local!(static TOKEN: usize = NEXT.fetch_add(2, Ordering::Relaxed));
    TOKEN.with(|token| *token)
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_serial_gate_lets_one_thread_in_as_often_as_it_likes() {
        let gate = Gate::new(0);
        let outer = gate.enter().expect("free");
        let inner = gate.enter().expect("nested");
        assert!(!outer.is_shared() && !inner.is_shared());
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(gate.enter().err(), Some(Occupied)));
        });
        drop(inner);
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(gate.enter().is_err(), "the outer pass is still out"));
        });
        drop(outer);
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(gate.enter().is_ok()));
        });
    }

    #[test]
    fn a_helper_is_let_in_where_everybody_is() {
        let gate = Gate::new(0);
        assert_eq!(gate.enter_shared().err(), Some(Occupied));
        gate.resize(2);
        let helper = gate.enter_shared().expect("shared");
        assert!(helper.is_shared());
        gate.resize(0);
        assert!(gate.enter_shared().is_ok(), "the mode changes when the last pass is back");
        drop(helper);
        assert!(gate.enter_shared().is_err());
        assert!(gate.enter().is_ok_and(|pass| !pass.is_shared()), "nobody is in the way");
    }

    #[test]
    fn a_shared_gate_lets_everybody_in() {
        let gate = Gate::new(2);
        let pass = gate.enter().expect("shared");
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(gate.enter().is_ok_and(|pass| pass.is_shared())));
        });
        assert!(pass.is_shared());
    }

    #[test]
    fn the_mode_follows_the_size_when_the_last_pass_is_back() {
        let gate = Gate::new(2);
        let first = gate.enter().expect("shared");
        assert_eq!(gate.resize(0), 2);
        assert!(gate.enter().expect("still shared").is_shared());
        drop(first);
        let serial = gate.enter().expect("free");
        assert!(!serial.is_shared());
        assert_eq!(gate.resize(3), 0);
        assert!(!gate.enter().expect("nested").is_shared(), "a pass of the old mode is out");
        drop(serial);
        assert!(gate.enter().expect("shared").is_shared());
    }
}
