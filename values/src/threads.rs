//! Where the threads of a run come from.

use std::sync::Arc;

use millpond_workers::Workers;

/// Where a run gets its threads from. It is asked once for each run that has something to do.
pub trait Threads {
    /// How many work at once, the caller counted.
    fn size(&self) -> usize;

    /// Who lends the others; `None` where the caller is alone.
    fn workers(&self) -> Option<Arc<dyn Workers>>;
}
