//! Removing a task from a running graph.

use std::sync::Arc;

use crate::core::{Core, Refused};
use crate::error::ReadError;
use crate::lane::detach;
use crate::registry::TaskId;
use crate::walk;

/// See [`crate::ScopedPool::remove_task`].
pub(crate) fn remove_task<'env>(core: &Arc<Core<'env>>, task: TaskId) -> Result<(), ReadError> {
    let mut registry = core.registry.lock();
    let Some(Some(lane)) = registry.lane(task) else {
        // Gone, or without a lane yet: nobody has read from it, and nobody will.
        registry.remove_early(task);
        return Ok(());
    };
    drop(registry);
    let name = || lane.header().name();
    let pass = core.enter().map_err(|refused| match refused {
        Refused::Closed => ReadError::PoolGone { task: name() },
        Refused::Forked => ReadError::Forked { task: name() },
        Refused::Occupied => ReadError::SerialBusy { task: name() },
    })?;
    let is_over = lane.remove(&pass);
    if !is_over && pass.is_shared() && !walk::is_firing_any() {
        lane.header().waiters.list().wait_until(|| lane.remove(&pass).then_some(()));
    }
    detach(lane.header());
    core.sweep(&pass);
    Ok(())
}
