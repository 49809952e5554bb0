//! The pool.

use std::sync::Arc;

use crate::workers::{RayonWorkers, Workers};

/// What executes a graph's tasks.
#[derive(Debug, Clone)]
pub struct Pool {
    size: usize,
    workers: Option<Arc<dyn Workers>>,
}

impl Pool {
    /// A pool in serial mode: the caller does everything, no thread is started, nothing is locked.
    #[must_use]
    pub fn serial() -> Self {
        Self { size: 0, workers: None }
    }

    /// A pool of `size` workers, of which the reading thread is one and `size - 1` are threads of a rayon pool.
    #[must_use]
    pub fn rayon(size: usize) -> Self {
        match size {
            0 => Self::serial(),
            _ => Self { size, workers: Some(Arc::new(RayonWorkers::new(size - 1))) },
        }
    }

    /// How many workers work at once; 0 is serial mode.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The threads that may be lent beside the caller; none in serial mode.
    pub(crate) fn workers(&self) -> Option<&Arc<dyn Workers>> {
        self.workers.as_ref()
    }
}
