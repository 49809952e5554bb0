//! What can be said of a lane without knowing the type of its items.

use std::collections::HashSet;
use std::hash::Hash;
use std::panic::Location;
use std::sync::{Arc, OnceLock};
use std::task::Wake;

use millpond_sync::WaitList;
use millpond_sync::host::Place;
use millpond_sync::shim::Mutex;
use millpond_sync::shim::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::room::{Branch, FullBranch, Room};
use super::{AnyLane, Asked, InputSet};
use crate::branches::Capacity;
use crate::core::Core;
use crate::error::TaskError;
use crate::hold::Hold;
use crate::registry::TaskId;
use millpond_workers::Cause;

/// A lane that another reads from, and which of its outlets.
pub(crate) struct Input<'env> {
    pub(crate) lane: Arc<dyn AnyLane<'env> + 'env>,
    pub(crate) outlet: usize,
}

/// Who waits for a change in a lane; as a waker, what a source of data from outside calls.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// Who works, and waits for something to do.
    list: WaitList,
    /// Readers that await and leave the work to others: they wait for items, an end, or data from outside.
    idle: WaitList,
    /// Whether the source is a serial channel, open and empty, that only the waiting thread could write to.
    is_dry: AtomicBool,
    /// Where a walk goes first when data has come in here: an input of the joint downstream.
    way: OnceLock<(Arc<Asked>, usize)>,
}

impl Waiters {
    pub(crate) fn list(&self) -> &WaitList {
        &self.list
    }

    pub(crate) fn idle(&self) -> &WaitList {
        &self.idle
    }

    /// Tells everybody.
    pub(crate) fn notify_all(&self) -> usize {
        self.list.notify_all() + self.idle.notify_all_after_lock()
    }

    /// Tells everybody of a change that was made under the lane's lock.
    #[inline]
    pub(crate) fn notify_all_after_lock(&self) -> usize {
        self.list.notify_all_after_lock() + self.idle.notify_all_after_lock()
    }

    /// Has walks that come to a joint go to `input` first when data has come in here.
    pub(crate) fn lead_to(&self, asked: &Arc<Asked>, input: usize) {
        // Where another joint reads from here, too, walks from this one look at all inputs.
        let _ = self.way.set((Arc::clone(asked), input));
    }

    /// Data has come in, or may have.
    fn data_came(&self) {
        if let Some((asked, input)) = self.way.get() {
            asked.first.insert(*input);
        }
        self.notify_all();
    }

    pub(crate) fn set_dry(&self, is_dry: bool) {
        self.is_dry.store(is_dry, Ordering::Relaxed);
    }

    pub(crate) fn is_dry(&self) -> bool {
        self.is_dry.load(Ordering::Relaxed)
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.data_came();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.data_came();
    }
}

/// What is in these, each once, by what tells it from others.
fn each_once<T, K: Eq + Hash>(all: impl Iterator<Item = T>, key: impl Fn(&T) -> K) -> Arc<[T]> {
    let mut known = HashSet::new();
    all.filter(|one| known.insert(key(one))).collect()
}

/// The waiters of all sources of data from outside, each once.
fn outside(source: &Option<Arc<Waiters>>, inputs: &[Input<'_>]) -> Arc<[Arc<Waiters>]> {
    let above = inputs.iter().flat_map(|input| input.lane.header().outside.iter());
    each_once(source.iter().chain(above).cloned(), Arc::as_ptr)
}

/// The branches of limited room upstream, each once.
fn branches_above(inputs: &[Input<'_>]) -> Arc<[Branch]> {
    if let [input] = inputs
        && input.lane.header().room.is_none()
    {
        return Arc::clone(&input.lane.header().above);
    }
    let of_input = |input: &Input<'_>| {
        let header = input.lane.header();
        let own = header.room.iter().map(|room| (Arc::clone(room), input.outlet));
        header.above.iter().cloned().chain(own).collect::<Vec<_>>()
    };
    each_once(inputs.iter().flat_map(of_input), |(room, branch)| (Arc::as_ptr(room), *branch))
}

/// How a lane may work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// A firing takes at least this many items (fewer at the end of the input only), and demand is rounded up to it.
    pub(crate) min_count: usize,
    /// A firing takes at most this many items.
    pub(crate) max_chunksize: usize,
    /// At most this many chunks are in flight.
    pub(crate) concurrency: usize,
    /// How many items beyond the demand workers may make.
    pub(crate) read_ahead: usize,
    /// Whether chunks leave in the order in which they were started.
    pub(crate) is_ordered: bool,
    /// Whether an item may become several.
    pub(crate) expands: bool,
    /// Whether a function gets whole chunks, however small.
    pub(crate) wants_chunks: bool,
    /// Whether threads that read run it, and helpers never.
    pub(crate) is_reader_only: bool,
    /// Whether this is so here or upstream: only a thread that reads can get all that is needed.
    pub(crate) needs_reader: bool,
    /// How much each of several branches may keep.
    pub(crate) capacity: Option<Capacity>,
}

impl Limits {
    pub(crate) const NONE: Self = Self {
        min_count: 1,
        max_chunksize: usize::MAX,
        concurrency: usize::MAX,
        read_ahead: 0,
        is_ordered: true,
        expands: false,
        wants_chunks: false,
        is_reader_only: false,
        needs_reader: false,
        capacity: None,
    };

    /// Whether a chunk must stay whole: a function is to get at least so many items at once.
    pub(crate) fn keeps_chunks(&self) -> bool {
        self.wants_chunks && self.min_count > 1
    }

    /// Whether a firing may take as few items as there is room for, and gives at most one for each.
    pub(crate) fn is_plain(&self) -> bool {
        self.min_count <= 1 && !self.expands && !self.wants_chunks
    }
}

/// One task of a lane, and what it has done so far.
#[derive(Debug, Clone)]
pub(crate) struct TaskEntry {
    pub(crate) id: TaskId,
    pub(crate) name: Arc<str>,
    pub(crate) location: &'static Location<'static>,
    pub(crate) stats: Arc<TaskCounters>,
}

impl TaskEntry {
    pub(crate) fn error(&self, index: u64, cause: Cause) -> TaskError {
        TaskError::new(Arc::clone(&self.name), self.location, index, cause)
    }
}

/// What a task has done. Written by whoever holds the lane's state, so without read-modify-write; read by anybody.
#[derive(Debug, Default)]
pub(crate) struct TaskCounters {
    pub(crate) items: AtomicU64,
    pub(crate) chunks: AtomicU64,
    pub(crate) nanos: AtomicU64,
}

impl TaskCounters {
    /// Adds to a counter that only the holder of the lane's state writes.
    pub(crate) fn add(counter: &AtomicU64, more: u64) {
        counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
    }
}

/// A set of a joint's inputs, and which of them an outlet is.
type Come = OnceLock<(Arc<InputSet>, usize)>;

/// The part of a lane that does not depend on the type of its items.
pub(crate) struct Header<'env> {
    pub(crate) core: Arc<Core<'env>>,
    pub(crate) limits: Limits,
    /// The tasks that a chunk passes in this lane, in order.
    pub(crate) tasks: Box<[TaskEntry]>,
    /// The lanes that this one reads from.
    pub(crate) inputs: Vec<Input<'env>>,
    /// Which of them a walk goes to, where that is not all.
    asked: Option<Arc<Asked>>,
    /// Who waits for a change in this lane: readers for items, walkers for something to do.
    pub(crate) waiters: Arc<Waiters>,
    /// The waiters of the sources upstream (or of this lane) that data from outside the graph comes in by.
    pub(crate) outside: Arc<[Arc<Waiters>]>,
    /// Readers and lanes that can still read from each outlet.
    pub(crate) consumers: Box<[AtomicUsize]>,
    /// Nobody can read what this lane makes: stop at the next item boundary.
    pub(crate) is_cancelled: AtomicBool,
    /// The output has ended: what the head holds is of no more use.
    pub(crate) has_ended: AtomicBool,
    /// An item has failed: what is on its way behind it is of no more use.
    pub(crate) has_failed: AtomicBool,
    /// The inputs have been told that this lane reads from them no more.
    is_detached: AtomicBool,
    /// The last walk through here ended at a source that waits for data from outside.
    pub(crate) is_parked: AtomicBool,
    /// The walk that found nothing to do here last, so that it does not look again by another way.
    pub(crate) barren: AtomicU64,
    /// Readers that iterate over each outlet: a window of chunks is kept filled for them.
    pub(crate) iterating: Box<[AtomicUsize]>,
    /// Which outlets are on the pool's list of jobs; written under the list's lock.
    pub(crate) offered: Box<[AtomicBool]>,
    /// The set of inputs, and the place in it, of the joint that reads from each outlet and looks
    /// only where something has come.
    pub(crate) come: Box<[Come]>,
    /// What helpers must hold while they work for a reader of each outlet.
    pub(crate) holds: Box<[OnceLock<Arc<dyn Hold>>]>,
    /// Since when the outlets are waited for, where their room is limited.
    pub(crate) room: Option<Arc<Room>>,
    /// The branches of limited room upstream.
    pub(crate) above: Arc<[Branch]>,
    /// A branch upstream, or here, at which readers that await are told that nobody makes room;
    /// with the outlet that they read.
    pub(crate) stuck: Mutex<Vec<(usize, FullBranch)>>,
}

impl<'env> Header<'env> {
    /// The lane, or a chunk of it, as a place that a host is told of.
    pub(crate) fn place(&self, chunk: Option<u64>) -> Option<Place<'_>> {
        Some(Place { name: &self.tasks.last()?.name, part: chunk })
    }

    pub(crate) fn new(
        core: Arc<Core<'env>>,
        limits: Limits,
        tasks: Box<[TaskEntry]>,
        (inputs, asked): (Vec<Input<'env>>, Option<Arc<Asked>>),
        outlets: usize,
        source: Option<Arc<Waiters>>,
    ) -> Self {
        let outside = match (&source, &inputs[..]) {
            (None, [input]) => Arc::clone(&input.lane.header().outside),
            _ => outside(&source, &inputs),
        };
        let waiters = source.unwrap_or_default();
        let room = limits.capacity.map(|_| Arc::new(Room::new(outlets)));
        let above = branches_above(&inputs);
        Self {
            core,
            limits,
            tasks,
            inputs,
            asked,
            waiters,
            outside,
            consumers: (0..outlets).map(|_| AtomicUsize::new(1)).collect(),
            is_cancelled: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            is_detached: AtomicBool::new(false),
            is_parked: AtomicBool::new(false),
            barren: AtomicU64::new(0),
            iterating: (0..outlets).map(|_| AtomicUsize::new(0)).collect(),
            offered: (0..outlets).map(|_| AtomicBool::new(false)).collect(),
            come: (0..outlets).map(|_| OnceLock::new()).collect(),
            holds: (0..outlets).map(|_| OnceLock::new()).collect(),
            room,
            above,
            stuck: Mutex::default(),
        }
    }

    /// The name that messages call the lane by: its last task's.
    pub(crate) fn name(&self) -> Arc<str> {
        self.tasks.last().map_or_else(|| Arc::from("(none)"), |task| Arc::clone(&task.name))
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        // Whoever ends the lane because of it has seen that the pool is closed, and so has whoever sees that end.
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// The first of the inputs from this one on that a walk goes to, and the number of the one
    /// after it.
    pub(crate) fn input(&self, from: usize) -> Option<(&Input<'env>, usize)> {
        let at = self.asked.as_ref().map_or(Some(from), |asked| asked.inputs.next(from))?;
        Some((self.inputs.get(at)?, at + 1))
    }

    /// The first of the inputs from this one on that a walk goes to before it goes to all in order,
    /// since data has come for it, and the number of the one after it.
    pub(crate) fn input_with_data(&self, from: usize) -> Option<(&Input<'env>, usize)> {
        let asked = self.asked.as_ref().filter(|_| !self.outside.is_empty())?;
        let at = asked.inputs.next_of_both(&asked.first, from)?;
        asked.first.remove(at);
        Some((self.inputs.get(at)?, at + 1))
    }

    /// Items have come to an outlet, or the end has. Called before the lane's lock is let go.
    #[inline]
    pub(crate) fn comes(&self, outlet: usize) {
        if let Some((come, input)) = self.come[outlet].get() {
            come.insert(*input);
        }
    }

    /// The end has come to all outlets.
    pub(crate) fn ends(&self) {
        (0..self.come.len()).for_each(|outlet| self.comes(outlet));
    }

    /// How many of the inputs that a walk goes to wait for data from outside.
    pub(crate) fn parked_inputs(&self) -> usize {
        if self.outside.is_empty() {
            return 0;
        }
        let is_parked = |input: &&Input<'env>| input.lane.header().is_parked.load(Ordering::Relaxed);
        match &self.asked {
            Some(asked) => asked.inputs.iter(0).filter_map(|input| self.inputs.get(input)).filter(is_parked).count(),
            None => self.inputs.iter().filter(is_parked).count(),
        }
    }

    /// Whether anybody can still read from `outlet`.
    pub(crate) fn has_consumers(&self, outlet: usize) -> bool {
        self.consumers[outlet].load(Ordering::Relaxed) > 0
    }

    /// Somebody has read from `outlet`.
    #[inline]
    pub(crate) fn reads(&self, outlet: usize) {
        self.reads_above();
        if let Some(room) = &self.room {
            room.reads(outlet);
        }
    }

    /// Items of the branches upstream were worked on.
    #[inline]
    pub(crate) fn reads_above(&self) {
        self.above.iter().for_each(|(room, branch)| room.reads(*branch));
    }

    /// Whether a read here may have to wait for room.
    pub(crate) fn is_limited(&self) -> bool {
        self.room.is_some() || !self.above.is_empty()
    }

    /// The full branch that a reader of `outlet` which awaits is to be told of.
    pub(crate) fn take_stuck(&self, outlet: usize) -> Option<FullBranch> {
        if !self.is_limited() {
            return None;
        }
        let mut stuck = self.stuck.lock();
        stuck.retain(|(_, full)| full.is_still_full());
        let place = stuck.iter().position(|(of, _)| *of == outlet)?;
        Some(stuck.swap_remove(place).1)
    }

    /// Whether a walk that has found nothing to do here may come again. Several ways lead to a shared
    /// lane. A source that waits for data is an input of a merge, which then asks one input more, and
    /// all are gone to anew.
    pub(crate) fn is_come_to_again(&self) -> bool {
        self.is_shared() || (self.inputs.is_empty() && self.is_parked.load(Ordering::Relaxed))
    }

    /// Whether several ways of a walk may lead here.
    pub(crate) fn is_shared(&self) -> bool {
        self.consumers.len() > 1 || self.consumers[0].load(Ordering::Relaxed) > 1
    }

    /// One consumer of `outlet` less. Says whether that leaves the lane an orphan, which is then marked as cancelled.
    fn lose_consumer(&self, outlet: usize) -> bool {
        let was_last = self.consumers[outlet].fetch_sub(1, Ordering::AcqRel) == 1;
        was_last
            && self.consumers.iter().all(|count| count.load(Ordering::Acquire) == 0)
            && !self.is_cancelled.swap(true, Ordering::AcqRel)
    }

    /// Claims the one notice to the inputs that this lane is done with them; false when that has been given.
    fn claim_detach(&self) -> bool {
        !self.is_detached.swap(true, Ordering::AcqRel)
    }
}

impl Drop for Header<'_> {
    fn drop(&mut self) {
        self.core.forget_tasks(&self.tasks);
        if self.core.is_of_this_process() {
            self.core.interrupts().forget(self);
        }
        // One after the other instead of one within the other: a long chain does not overflow the stack.
        self.core.bury(self.inputs.drain(..).map(|input| input.lane));
    }
}

/// Takes note that a consumer of `lane` is gone: an orphan is cancelled, and with it what only it needed.
///
/// Iterative, so that a long chain does not overflow the stack; touches flags only, so that it can be called from any
/// thread in any mode and never waits. What an orphan holds is let go by the next sweep (see [`Core::sweep`]).
pub(crate) fn lose_consumer<'env>(lane: &Arc<dyn AnyLane<'env> + 'env>, outlet: usize) {
    let mut lost = vec![(Arc::clone(lane), outlet)];
    while let Some((lane, outlet)) = lost.pop() {
        if lane.header().lose_consumer(outlet) {
            if lane.header().claim_detach() {
                lost.extend(lane.header().inputs.iter().map(|input| (Arc::clone(&input.lane), input.outlet)));
            }
            let core = Arc::clone(&lane.header().core);
            core.nudges().nudge();
            let _ = lane.header().waiters.notify_all();
            core.litter(lane);
        } else if lane.header().limits.capacity.is_some() && !lane.header().has_consumers(outlet) {
            lane.header().tell_of_room(outlet);
        }
    }
}

/// Tells the inputs of `header`'s lane that it reads from them no more: it has ended.
pub(crate) fn detach(header: &Header<'_>) {
    if header.claim_detach() {
        for input in &header.inputs {
            lose_consumer(&input.lane, input.outlet);
        }
    }
}
