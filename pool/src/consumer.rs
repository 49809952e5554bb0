//! The right to read from a lane's outlet.

use std::sync::Arc;

use crate::hold::Hold;
use crate::lane::{AnyLane, Inlet, Input, Lane, lose_consumer};

/// Keeps an outlet in use: a lane none of whose outlets has a consumer is an orphan, and is let go with what only it needed.
pub(crate) struct Consumer<'env, T: Send + 'env> {
    /// `None` only while it is being taken apart.
    lane: Option<Arc<Lane<'env, T>>>,
    /// The same lane for the walk.
    any: Option<Arc<dyn AnyLane<'env> + 'env>>,
    outlet: usize,
}

impl<'env, T: Send + 'env> Consumer<'env, T> {
    /// Takes over the one consumer that each outlet of a new lane is counted for.
    pub(crate) fn first(lane: Arc<Lane<'env, T>>, outlet: usize) -> Self {
        let any = Arc::clone(&lane) as Arc<dyn AnyLane<'env> + 'env>;
        Self { lane: Some(lane), any: Some(any), outlet }
    }

    pub(crate) fn lane(&self) -> &Arc<Lane<'env, T>> {
        self.lane.as_ref().expect("a consumer in use has a lane")
    }

    pub(crate) fn any(&self) -> &Arc<dyn AnyLane<'env> + 'env> {
        self.any.as_ref().expect("a consumer in use has a lane")
    }

    pub(crate) fn outlet(&self) -> usize {
        self.outlet
    }

    /// Has helpers work for readers of this outlet only within `hold`.
    pub(crate) fn set_hold(&self, hold: Arc<dyn Hold>) {
        let _ = self.lane().header().holds[self.outlet].set(hold);
    }

    /// Hands the right over to a lane that is being made: its head's inlet, and the edge that the walk takes.
    pub(crate) fn into_inlet(mut self) -> (Inlet<'env, T>, Input<'env>) {
        let lane = self.lane.take().expect("a consumer in use has a lane");
        let any = self.any.take().expect("a consumer in use has a lane");
        (Inlet::new(lane, self.outlet), Input { lane: any, outlet: self.outlet })
    }
}

impl<T: Send> Clone for Consumer<'_, T> {
    fn clone(&self) -> Self {
        self.lane().add_consumer(self.outlet);
        Self { lane: self.lane.clone(), any: self.any.clone(), outlet: self.outlet }
    }
}

impl<T: Send> Drop for Consumer<'_, T> {
    fn drop(&mut self) {
        if let Some(any) = self.any.take() {
            let header = any.header();
            if !header.core.is_of_this_process() {
                // A forked child: locks may be held by threads that are not here, so what hangs on this is left alone.
                std::mem::forget((any, self.lane.take()));
                return;
            }
            lose_consumer(&any, self.outlet);
            let core = Arc::clone(&header.core);
            core.tidy();
        }
    }
}
