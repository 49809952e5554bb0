//! What some tasks have beyond a function: branches, limits, a priority, a time limit, a value that
//! is let go.
//!
//! Kept apart, since most tasks of most graphs have none of it; a graph that uses any of it is run
//! by the [careful loop](super::careful), others pay nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::error::GraphError;

/// What a task has beyond its function.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) priority: i32,
    pub(super) limits: Vec<(Limit, u32)>,
    pub(super) time_limit: Option<Duration>,
    /// What a choice picks from.
    pub(super) branches: Option<Vec<u32>>,
    /// Which choices may pick this task.
    pub(super) picked_by: Vec<u32>,
    pub(super) is_let_go: bool,
}

static NEXT_LIMIT: AtomicU64 = AtomicU64::new(1);

/// A number of units of something named, of which tasks take some while they run.
///
/// A limit holds within one run: for the graph's tasks, those of its subflows and those of its
/// modules.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use millpond_values::{Runner, Graph, Limit};
/// use millpond_workers::RayonWorkers;
///
/// let link = Limit::new("link", 2)?;
/// let mut graph = Graph::new();
/// let programs: Vec<_> = (0..8).map(|n| graph.task("link", (), move |()| n)).collect();
/// for program in &programs {
///     graph.limit(*program, &link, 1)?;
/// }
/// // However many threads there are, at most two of them run at once.
/// Runner::new(8, Arc::new(RayonWorkers::new(8))).get_many(&mut graph, &programs).unwrap();
/// # Ok::<(), millpond_values::GraphError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Limit {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    number: u64,
    name: String,
    units: u32,
}

impl Limit {
    /// A limit of `units`.
    ///
    /// # Errors
    /// [`GraphError::LimitOfNothing`] for 0 units.
    pub fn new(name: impl Into<String>, units: u32) -> Result<Self, GraphError> {
        let name = name.into();
        if units == 0 {
            return Err(GraphError::LimitOfNothing { name });
        }
        let number = NEXT_LIMIT.fetch_add(1, Ordering::Relaxed);
        Ok(Self { inner: Arc::new(Inner { number, name, units }) })
    }

    /// The limit's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// How many units there are.
    #[must_use]
    pub fn units(&self) -> u32 {
        self.inner.units
    }

    /// What tells limits apart, also when they have the same name.
    pub(super) fn number(&self) -> u64 {
        self.inner.number
    }
}
