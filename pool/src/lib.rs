//! Tasks joined by channels, pulled through a pool of workers.
//!
//! Declare tasks; nothing runs until somebody reads; a read runs just the work that it needs, in parallel, in order and in bounded
//! memory.
//!
//! ```
//! use millpond_pool::Pool;
//!
//! let pool = Pool::new(2);
//! let mut words = pool
//!     .source(["a mill", "a pond"])
//!     .flat_map(|line| line.split(' '))
//!     .filter(|word| word.len() > 1);
//! assert_eq!(words.read_all()?, ["mill", "pond"]);
//! # Ok::<(), millpond_pool::ReadError>(())
//! ```

mod alarm;
mod apply;
mod branches;
mod consumer;
mod contents;
mod core;
mod draft;
mod error;
#[doc(hidden)]
pub mod fault;
mod gate;
#[cfg(feature = "values")]
mod graphs;
mod guarded;
mod head;
mod hold;
mod injected;
mod interrupt;
mod lane;
mod lend;
mod places;
mod pool;
mod reader;
mod refuse;
mod registry;
mod remove;
mod report;
mod rings;
#[cfg(feature = "simulation")]
mod simulated;
mod stage;
mod task;
mod walk;

#[cfg(feature = "simulation")]
pub use millpond_simulation as simulation;
#[cfg(feature = "values")]
pub use millpond_values as values;

/// Where a pool's threads come from.
pub mod workers {
    #[cfg(feature = "rayon")]
    pub use millpond_workers::RayonWorkers;
    #[cfg(feature = "gcd")]
    pub use millpond_workers::{GcdWorkers, LibdispatchMissing};
    pub use millpond_workers::{Help, QualityOfService, Workers};
}

pub use branches::{Branches, Capacity};
pub use contents::Contents;
pub use error::{ReadError, TaskError};
pub use head::{Demand, Interruption, PollSupply, Supply, Verdict};
pub use hold::Hold;
pub use millpond_workers::{BoxError, Cause, Panic};
pub use pool::{Pool, ScopedPool};
pub use reader::{PoolReader, ReadFuture, Rejected, ScopedReader};
pub use registry::TaskId;
pub use report::TaskReport;
pub use stage::{Expander, Items, Operator, Outcome, Retry, Waits, Wanted};
pub use task::Task;
