//! The primitives that model checking replaces: std and parking_lot in a normal build, loom under
//! `cfg(loom)`, shuttle under `cfg(shuttle)`.
//!
//! Code that is to be model-checked takes atomics, locks, threads, thread-locals, cells and the
//! clock from here and nowhere else. [`Mutex`] and [`RwLock`] have parking_lot's shape in all
//! builds (no poisoning: a panic under the lock unlocks it), the [`cell::UnsafeCell`] has loom's
//! (access through closures), so that one source serves all.
//!
//! A normal build gets the very types of std and parking_lot: there is nothing in between. The two
//! checkers differ in what they see: loom tries every interleaving of a few steps, with what the
//! orderings of atomics allow; shuttle draws interleavings of any number of steps, as if all
//! orderings were sequentially consistent.
//!
//! Not replaced: `Arc` outside of this crate and the channels (loom's cannot hold a `dyn`),
//! statics, and what is written once before threads come.

#[cfg(not(any(loom, shuttle)))]
mod system;
#[cfg(not(any(loom, shuttle)))]
use system as chosen;

#[cfg(any(loom, shuttle))]
mod checked;
#[cfg(any(loom, shuttle))]
use checked as chosen;

#[cfg(not(loom))]
pub mod cell;

pub use chosen::*;

/// Makes a function `const`, except for loom, whose primitives cannot be made at compile time.
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis const fn $($rest:tt)*) => {
        #[cfg(not(loom))]
        $(#[$attribute])*
        $visibility const fn $($rest)*

        #[cfg(loom)]
        $(#[$attribute])*
        $visibility fn $($rest)*
    };
}
pub(crate) use const_fn;
