//! What a lane knows about its chunks: which are being made, which are in flight, which wait at the outlets.

use std::collections::VecDeque;
use std::vec;

use smallvec::SmallVec;

use super::firing::{Logged, StageFailure};
use super::grain::Grain;
use super::header::Limits;
use super::sequence::Sequence;
use super::spread::Parcel;
use crate::error::TaskError;
use millpond_workers::discard::{discard, discard_all};

/// How a lane's output ended.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// The input ended, or the task was removed.
    Complete,
    /// A task here or upstream stopped.
    Failed(TaskError),
}

/// Where a lane's head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadState {
    /// In its place: a firing may take it.
    Idle,
    /// With the worker that is making a chunk.
    Out,
    /// It will make no more: its input ended, a stage failed, or the task was removed.
    Done,
}

/// Where a stage keeps what it has not begun of a chunk that was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rest {
    /// Which task of the lane.
    pub(crate) task: usize,
    /// Names it within the stage.
    pub(crate) key: u64,
}

/// What there is of a lane's chunks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UnderWay {
    /// At how many of them workers are.
    pub(super) flying: usize,
    /// Whether there are items at an outlet.
    pub(super) is_any_ready: bool,
}

/// The rest of a chunk that was cut.
pub(super) struct Left {
    pub(super) rest: Rest,
    /// How many items the stage has not begun.
    pub(super) items: usize,
    /// The failure of a task before it, on an item after these.
    pub(super) failure: Option<StageFailure>,
    /// The head's end, when these are its last items.
    pub(super) end: Option<End>,
}

/// A chunk that has come to the end of its lane.
pub(super) struct Landing<T> {
    /// How many items the head made it of.
    pub(super) made: usize,
    pub(super) parcel: Parcel<T>,
    /// What each task was given and how long it took, in the lane's order of tasks.
    pub(super) log: Vec<Logged>,
    /// The stage that failed within this chunk.
    pub(super) failure: Option<StageFailure>,
    /// The head's end, when this is its last chunk.
    pub(super) end: Option<End>,
    /// What was left of it when it was cut, in order.
    pub(super) left: SmallVec<[Left; 1]>,
    /// Whether it was cut because it has lasted too long.
    pub(super) is_late: bool,
    /// Whether its first item was begun before, so that its time says nothing of that one.
    pub(super) is_resumed: bool,
}

impl<T> Landing<T> {
    /// Drops what is in it. Does not unwind.
    pub(super) fn discard(self) {
        let Self { parcel, failure, end, left, .. } = self;
        parcel.into_iter().for_each(discard_all);
        discard(failure);
        discard(end);
        discard_all(left);
    }
}

/// Where chunks wait for whoever reads them.
pub(super) struct Outlet<T> {
    pub(super) chunks: VecDeque<vec::IntoIter<T>>,
    /// Items in `chunks`.
    pub(super) len: usize,
    /// Items that blocked readers wait for, all together.
    pub(super) asked: usize,
    /// Readers that want all there is, and keep it: no window.
    pub(super) collecting: usize,
    /// What the lanes that read from here lack, all together.
    pub(super) inlets: usize,
    /// How many of them lack all there is.
    pub(super) endless_inlets: usize,
    /// How many items they need at once to go on.
    pub(super) inlet_least: usize,
}

impl<T> Outlet<T> {
    const fn new() -> Self {
        Self { chunks: VecDeque::new(), len: 0, asked: 0, collecting: 0, inlets: 0, endless_inlets: 0, inlet_least: 0 }
    }
}

/// The state of a lane, behind its pool's gate.
pub(super) struct State<T> {
    pub(super) outlets: SmallVec<[Outlet<T>; 1]>,
    pub(super) head: HeadState,
    /// Whether somebody has come to the head in vain since it went out.
    pub(super) is_head_missed: bool,
    /// Chunks made so far; the number of the next one.
    pub(super) made: u64,
    /// The chunks that have been given out and have not left the lane, in order.
    pub(super) sequence: Sequence<T>,
    /// Whether a chunk has failed: no chunk that is given out from now on leaves the lane.
    pub(super) has_failed: bool,
    /// Chunks that workers are at: granted or made, and neither landed nor left.
    pub(super) flying: usize,
    /// Items in those chunks and in the sequence, as their heads made them.
    pub(super) reserved: usize,
    pub(super) grain: Grain,
    pub(super) limits: Limits,
    /// How the output ends, once all chunks in flight have landed (unordered lanes and removed tasks).
    pub(super) ending: Option<End>,
    /// How the output ended: what is at the outlets now is all there will be.
    pub(super) end: Option<End>,
    /// Logs to use again, so that a firing allocates none.
    pub(super) spare_logs: Vec<Vec<Logged>>,
    /// Items given to each task so far, in order.
    pub(super) given: Box<[u64]>,
}

impl<T> Drop for State<T> {
    fn drop(&mut self) {
        self.outlets.iter_mut().for_each(|outlet| outlet.chunks.drain(..).for_each(discard_all));
        self.sequence.drain_waiting(|departed| departed.discard());
        discard(self.ending.take());
        discard(self.end.take());
    }
}

impl<T> State<T> {
    pub(super) fn under_way(&self) -> UnderWay {
        UnderWay { flying: self.flying, is_any_ready: self.outlets.iter().any(|at| at.len > 0) }
    }

    pub(super) fn new(outlets: usize, limits: Limits, tasks: usize) -> Self {
        Self {
            outlets: (0..outlets).map(|_| Outlet::new()).collect(),
            head: HeadState::Idle,
            is_head_missed: false,
            made: 0,
            sequence: Sequence::new(),
            has_failed: false,
            flying: 0,
            reserved: 0,
            grain: Grain::new(size_of::<T>()),
            limits,
            ending: None,
            end: None,
            spare_logs: Vec::new(),
            given: vec![0; tasks].into_boxed_slice(),
        }
    }
}
