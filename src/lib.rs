//! Lazy, ordered, bounded, parallel dataflow.
//!
//! **Declare tasks joined by channels; nothing runs until somebody reads; a read runs just the work that it needs, in
//! parallel, in order, in bounded memory.**
//!
//! ```
//! use millpond::Pool;
//!
//! fn main() -> Result<(), millpond::ReadError> {
//!     let pool = Pool::new(2);
//!     // An endless source: nothing of it is touched yet.
//!     let mut primes = pool
//!         .source(2_u64..)
//!         .filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0))
//!         .named("primes")
//!         .map(|prime| prime * prime)
//!         .named("square");
//!     assert_eq!(primes.read(4)?, [4, 9, 25, 49]);
//!     // The next read goes on where the last one ended.
//!     assert_eq!(primes.read(1)?, [121]);
//!     Ok(())
//! }
//! ```
//!
//! The pool and its readers are at the top: [`Pool`], [`PoolReader`], [`Task`]. The layers below are crates of their own, for use
//! alone as well: [`channel`], [`graph`], [`sync`].
#![forbid(unsafe_code)]

pub use millpond_channel as channel;
pub use millpond_graph as graph;
pub use millpond_pool::*;
pub use millpond_sync as sync;
#[cfg(feature = "testing")]
pub use millpond_testing as testing;

/// Runs the README's example with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
