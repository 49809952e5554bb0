//! A lane that is still being put together.
//!
//! Tasks that are added one to the other without anything between them that can be read share a lane, so a lane is only made
//! when its last task's output is read, cloned, or read from by a task that needs a lane of its own.

use std::sync::Arc;

use crate::consumer::Consumer;
use crate::contents::Contents;
use crate::core::Core;
use crate::guarded::Guarded;
use crate::head::{Head, Relay};
use crate::lane::{
    AnyLane, Asked, Headed, Header, Input, Lane, Limits, Spread, TaskEntry, Waiters, Work, lose_consumer,
};
use crate::stage::{Stage, Staged};

/// How many tasks may share a lane: the stages of a lane call each other.
const MOST_TASKS: usize = 64;

/// See the [module documentation](self).
pub(crate) struct Draft<'env, T: Send + 'env> {
    core: Arc<Core<'env>>,
    work: Undone<'env, T>,
    parts: Parts<'env>,
    /// Where the items of the last task wait, once there is a lane, for whoever asked.
    pub(crate) contents: Option<Contents<'env, T>>,
}

/// The work of a lane that may never be made.
struct Undone<'env, T>(Option<Box<dyn Work<'env, T> + 'env>>);

impl<'env, T> Undone<'env, T> {
    fn into_inner(mut self) -> Box<dyn Work<'env, T> + 'env> {
        self.0.take().expect("it is taken out last")
    }
}

impl<T> Drop for Undone<'_, T> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take() {
            work.dismantle();
        }
    }
}

/// What a draft has beside its work.
struct Parts<'env> {
    core: Arc<Core<'env>>,
    limits: Limits,
    tasks: Vec<TaskEntry>,
    inputs: Vec<Input<'env>>,
    /// Which of them the head asks, where that is not all.
    asked: Option<Arc<Asked>>,
    source: Option<Arc<Waiters>>,
    /// Whether the last task wants its lane to end with it.
    is_last: bool,
    /// Whether the head gives chunks with as many items as a task needs at the least.
    keeps_min_count: bool,
}

impl Drop for Parts<'_> {
    fn drop(&mut self) {
        if !self.core.is_of_this_process() {
            std::mem::forget(std::mem::take(&mut self.inputs));
            return;
        }
        self.core.forget_tasks(&self.tasks);
        for input in &self.inputs {
            lose_consumer(&input.lane, input.outlet);
        }
        self.core.bury(self.inputs.drain(..).map(|input| input.lane));
        self.core.tidy();
    }
}

/// What a task reads from.
pub(crate) enum Upstream<'env, T: Send + 'env> {
    /// A lane in the making, which the task may join.
    Draft(Draft<'env, T>),
    /// A lane that is read from.
    Lane(Consumer<'env, T>),
}

impl<'env, T: Send + 'env> Upstream<'env, T> {
    pub(crate) fn core(&self) -> &Arc<Core<'env>> {
        match self {
            Self::Draft(draft) => &draft.core,
            Self::Lane(consumer) => &consumer.lane().header().core,
        }
    }

    /// The task that is read from.
    pub(crate) fn task(&self) -> Option<&TaskEntry> {
        match self {
            Self::Draft(draft) => draft.parts.tasks.last(),
            Self::Lane(consumer) => consumer.lane().header().tasks.last(),
        }
    }

    /// Makes the lane, if it is not made yet.
    pub(crate) fn into_consumer(self) -> Consumer<'env, T> {
        match self {
            Self::Draft(draft) => draft.into_lane(Spread::Whole, 1).swap_remove(0),
            Self::Lane(consumer) => consumer,
        }
    }

    /// A draft that begins with a head which reads from here.
    fn relayed(self) -> Draft<'env, T> {
        let core = Arc::clone(self.core());
        let (inlet, input) = self.into_consumer().into_inlet();
        Draft::headed(&core, Relay(inlet), vec![input], None, None)
    }

    /// Adds a task with a stage: in the same lane where it may join it.
    pub(crate) fn with_stage<U: Send + 'env>(
        self,
        stage: impl Stage<T, U> + 'env,
        task: TaskEntry,
        limits: Limits,
        needs_whole_chunks: bool,
    ) -> Draft<'env, U> {
        let needs_own_lane = limits.concurrency != usize::MAX || needs_whole_chunks || limits.is_reader_only;
        let draft = match self {
            Self::Draft(draft) if !needs_own_lane && draft.parts.lets_join(limits) => draft,
            other => other.relayed(),
        };
        // Between this task and the one before nothing waits, or else in a lane that is made already.
        let Draft { core, work, mut parts, contents: _ } = draft;
        parts.tasks.push(task);
        parts.limit(limits);
        let staged = Staged::new(work.into_inner(), stage, parts.tasks.len() - 1, &core);
        Draft { core, work: Undone(Some(Box::new(staged))), parts, contents: None }
    }
}

impl Parts<'_> {
    /// Whether a further task may join the lane: not one whose chunks must be smaller than those that a task before it needs, or
    /// larger than the head gives them.
    fn lets_join(&self, limits: Limits) -> bool {
        !self.is_last
            && self.tasks.len() < MOST_TASKS
            && limits.max_chunksize >= self.limits.min_count
            && (limits.capacity.is_none() || self.limits.is_plain())
            && (self.keeps_min_count || limits.min_count <= 1)
    }

    /// Takes a further task's limits into account.
    fn limit(&mut self, limits: Limits) {
        let Limits {
            min_count,
            max_chunksize,
            concurrency,
            read_ahead,
            is_ordered,
            expands,
            wants_chunks,
            capacity,
            ..
        } = limits;
        let all = &mut self.limits;
        all.min_count = all.min_count.max(min_count);
        all.max_chunksize = all.max_chunksize.min(max_chunksize);
        all.concurrency = all.concurrency.min(concurrency);
        all.read_ahead = all.read_ahead.max(read_ahead);
        all.is_ordered &= is_ordered;
        all.expands |= expands;
        all.wants_chunks |= wants_chunks;
        all.is_reader_only |= limits.is_reader_only;
        all.needs_reader |= limits.needs_reader;
        if capacity.is_some() {
            // Where there is little room, little is made at once. Nothing in this lane needs more,
            // see `lets_join`.
            all.min_count = 1;
            all.capacity = capacity;
        }
        self.is_last = concurrency != usize::MAX || read_ahead > 0 || expands || limits.is_reader_only;
    }
}

impl<'env, T: Send + 'env> Draft<'env, T> {
    /// A lane that begins with `head`, which is a task of its own or only reads from the inputs.
    pub(crate) fn headed<H: Head<'env, T> + 'env>(
        core: &Arc<Core<'env>>,
        head: H,
        inputs: Vec<Input<'env>>,
        source: Option<Arc<Waiters>>,
        task: Option<(TaskEntry, Limits)>,
    ) -> Self {
        let inherited =
            inputs.iter().map(|input| input.lane.header().limits.min_count).filter(|_| H::INHERITS_MIN_COUNT);
        let min_count = inherited.max().unwrap_or(1);
        let needs_reader = inputs.iter().any(|input| input.lane.header().limits.needs_reader);
        let is_task = task.is_some();
        let mut parts = Parts {
            core: Arc::clone(core),
            limits: Limits { min_count, needs_reader, ..Limits::NONE },
            tasks: Vec::new(),
            inputs,
            asked: head.asked(),
            source,
            is_last: false,
            keeps_min_count: H::KEEPS_MIN_COUNT,
        };
        if let Some((task, limits)) = task {
            parts.tasks.push(task);
            parts.limit(limits);
        }
        let head = Guarded::new(core.gate(), Some(Box::new(head)));
        Self { core: Arc::clone(core), work: Undone(Some(Box::new(Headed::new(head, is_task)))), parts, contents: None }
    }

    /// Makes the lane, and a consumer for each of its outlets.
    pub(crate) fn into_lane(self, spread: Spread<'env, T>, outlets: usize) -> Vec<Consumer<'env, T>> {
        let Self { core, work, mut parts, contents } = self;
        let tasks = std::mem::take(&mut parts.tasks).into_boxed_slice();
        let inputs = std::mem::take(&mut parts.inputs);
        let inputs = (inputs, parts.asked.take());
        let source = parts.source.take();
        let header = Header::new(Arc::clone(&core), parts.limits, tasks, inputs, outlets, source);
        let lane = Lane::new(work.into_inner(), spread, header);
        let any = Arc::downgrade(&lane) as std::sync::Weak<dyn AnyLane<'env> + 'env>;
        let is_removed = core.registry.lock().settle(&lane.header().tasks, &any);
        if is_removed {
            lane.header().core.end_removed(&*lane);
        }
        let consumers: Vec<_> = (0..outlets).map(|outlet| Consumer::first(Arc::clone(&lane), outlet)).collect();
        if let Some(contents) = contents {
            contents.set(&consumers[0]);
        }
        consumers
    }
}
