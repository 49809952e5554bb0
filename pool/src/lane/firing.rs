//! One firing as its head and stages see it, and when they stop between two items.
//!
//! A worker looks around where its pool's word has changed ([`millpond_workers::nudge`]). It **discards** what it
//! has not begun where nobody can get it any more: the lane is cancelled, or an item before these has
//! failed. It **cuts** the chunk where it has lasted too long or the reader's time is up: what is done
//! goes on to the reader, and the rest gets a slot of its own, which any worker may go on with.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use millpond_sync::Deadline;
use millpond_sync::shim::atomic::{AtomicBool, Ordering};
use smallvec::SmallVec;

use super::admit::Order;
use super::grain::LATE_NANOS;
use super::sequence::Chunk;
use super::state::{End, Left, Rest, UnderWay};
use super::{AnyLane, Header};
use crate::gate::Pass;
use crate::head::Next;
use millpond_sync::host;
use millpond_workers::nudge::{Nudges, Seen};
use millpond_workers::{BoxError, Cause};

/// Beyond this between two looks at the clock, items are not quick, in nanoseconds.
const SLOW_NANOS: u128 = 100_000;

/// What one task did in one firing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logged {
    pub(super) given: usize,
    pub(super) nanos: u64,
}

/// What a head has made in a firing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Made {
    /// No chunk; what there is of chunks before it.
    Nothing(UnderWay),
    /// A chunk of so many items; the head is still out.
    Held(usize),
    /// A chunk of so many items, which has its place.
    Placed(Chunk, usize),
}

/// A name for what a stage keeps, never the same twice.
pub(crate) fn next_key() -> u64 {
    static KEYS: AtomicU64 = AtomicU64::new(0);
    KEYS.fetch_add(1, Relaxed)
}

/// Where and why a stage stopped.
pub(crate) struct StageFailure {
    /// Which task of the lane.
    task: usize,
    /// Which of the items that the task was given in this firing; negative where it was given them in
    /// an earlier one, counted back from its end.
    position: i64,
    cause: Cause,
}

impl StageFailure {
    pub(super) fn new(task: usize, position: usize, cause: Cause) -> Self {
        Self { task, position: signed(position), cause }
    }

    pub(super) fn into_parts(self) -> (usize, i64, Cause) {
        (self.task, self.position, self.cause)
    }
}

fn signed(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}

/// Why a stage or a head has stopped before it was through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// It has not.
    None,
    /// What is left is to be kept.
    Cut,
    /// Nobody can get what would come of it.
    Discard,
}

/// One firing. See the [module documentation](self).
pub(crate) struct Firing<'a, 'env> {
    pub(crate) pass: &'a Pass<'a>,
    pub(crate) lane: &'a (dyn AnyLane<'env> + 'a),
    pub(crate) order: Order,
    /// Whether the head is released only when the chunk lands: nobody else has anything to start meanwhile.
    pub(super) holds_head: bool,
    /// How many helpers the rest of the work is worth, to be asked for once the head is back.
    pub(super) useful: usize,
    /// Whether it goes on with the rest of a chunk.
    pub(super) is_resumed: bool,
    /// What the head has made.
    pub(super) made: Made,
    /// What the head said of what comes after the chunk.
    pub(super) next: Next,
    pub(super) is_cancelled: &'a AtomicBool,
    pub(super) has_ended: &'a AtomicBool,
    pub(super) has_failed: &'a AtomicBool,
    pub(super) nudges: &'a Nudges,
    /// What this worker knows of the pool's word.
    pub(super) seen: Cell<Seen>,
    stop: Cell<Stop>,
    /// Whether the chunk may be cut: not where a function must get all of its items at once.
    pub(super) may_cut: bool,
    /// Whether its items are known to take some nanoseconds each.
    is_quick: bool,
    /// When the reader that works here gives up.
    deadline: Deadline,
    /// After how many items it looks at the clock, and how many of them are left.
    stride: Cell<u32>,
    countdown: Cell<u32>,
    /// When it looked last.
    looked: Cell<Option<Instant>>,
    /// When the firing began, where that is known.
    pub(super) begun: Option<Instant>,
    /// Whether it was cut because it has lasted too long.
    pub(super) is_late: Cell<bool>,
    /// The time of the last mark, where this firing is measured.
    pub(super) marked: Option<Instant>,
    pub(super) sample: u32,
    pub(super) log: Vec<Logged>,
    /// How many items the head was given, where that is not what it made.
    pub(super) given: Option<usize>,
    pub(super) failure: Option<StageFailure>,
    /// What has interrupted a function, until its reader is told.
    interrupt: Option<BoxError>,
    /// Whether it was told.
    pub(super) is_interrupted: bool,
    /// The lane that the walker's reader reads from.
    root: &'a Header<'env>,
    /// What stages have left, those after them first: the order in which it goes on.
    pub(super) left: SmallVec<[Left; 1]>,
    /// After how many items a host says that the chunk has lasted too long.
    pub(crate) late_after: Cell<Option<usize>>,
}

/// What a firing is made of that the lane decides.
pub(super) struct Beginning<'a, 'env> {
    pub(super) pass: &'a Pass<'a>,
    pub(super) lane: &'a (dyn AnyLane<'env> + 'a),
    pub(super) root: &'a Header<'env>,
    pub(super) order: Order,
    pub(super) seen: Seen,
    pub(super) deadline: Deadline,
    /// After how many items a reader that gives up at some time looks at the clock.
    pub(super) stride: u32,
    pub(super) has_quick_items: bool,
    pub(super) log: Vec<Logged>,
    pub(super) sample: u32,
}

impl<'a, 'env> Firing<'a, 'env> {
    pub(super) fn begin(beginning: Beginning<'a, 'env>) -> Self {
        let Beginning { pass, lane, root, order, seen, deadline, stride, has_quick_items, log, sample } = beginning;
        let header = lane.header();
        // A reader whose time is limited looks at the clock by itself, unless items are so quick that
        // it is told often enough.
        let is_told = pass.is_shared() && stride > 1;
        let seen = if deadline.moment().is_some() && !is_told { Seen::ALWAYS } else { seen };
        let begun = (sample > 0).then(host::now);
        Self {
            pass,
            lane,
            order,
            holds_head: false,
            useful: 0,
            is_resumed: false,
            made: Made::Nothing(UnderWay::default()),
            next: Next::More,
            is_cancelled: &header.is_cancelled,
            has_ended: &header.has_ended,
            has_failed: &header.has_failed,
            nudges: header.core.nudges(),
            seen: Cell::new(seen),
            stop: Cell::new(Stop::None),
            may_cut: !header.limits.keeps_chunks(),
            is_quick: has_quick_items,
            deadline,
            stride: Cell::new(stride),
            countdown: Cell::new(stride - 1),
            looked: Cell::new(None),
            begun,
            is_late: Cell::new(false),
            marked: begun,
            sample,
            log,
            given: None,
            failure: None,
            interrupt: None,
            is_interrupted: false,
            root,
            left: SmallVec::new(),
            late_after: Cell::new(None),
        }
    }
}

/// Before how many items a stage or a head asks whether it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Before each.
    Each,
    /// Before every few: items take some nanoseconds, which asking would be felt beside.
    Quick,
    /// Now and then: it makes no difference.
    Steady,
}

/// A stage's or a head's look at whether it goes on, before each item.
pub(crate) struct Watch<'f, 'a, 'env> {
    firing: &'f Firing<'a, 'env>,
    nudges: &'a Nudges,
    seen: Seen,
    /// Whether it has not looked yet. A reader whose time was up before it began does one item all the same, so that one that asks
    /// again and again gets somewhere.
    is_first: bool,
    /// Whether it has said that the next item is not to be begun: it says so from then on.
    has_stopped: bool,
}

impl Watch<'_, '_, '_> {
    /// Whether the next item is to be begun.
    #[inline(always)]
    pub(crate) fn goes_on(&mut self) -> bool {
        self.nudges.is_still(self.seen) || self.look()
    }

    /// How often it is to be asked.
    pub(crate) fn pace(&self) -> Pace {
        let firing = self.firing;
        if self.seen == Seen::ALWAYS {
            Pace::Each
        } else if !firing.pass.is_shared() {
            // In serial mode nobody else could do what is left, and no read without a time-out waits for less than it asked for.
            Pace::Steady
        } else if firing.is_quick {
            Pace::Quick
        } else {
            Pace::Each
        }
    }

    /// What a loop over many items keeps in a register, for [`goes_on_since`](Self::goes_on_since).
    #[inline(always)]
    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    /// Like [`goes_on`](Self::goes_on), without a look at what this has in memory.
    #[inline(always)]
    pub(crate) fn goes_on_since(&mut self, seen: &mut Seen) -> bool {
        if self.nudges.is_still(*seen) {
            return true;
        }
        let goes_on = self.look();
        *seen = self.seen;
        goes_on
    }

    #[cold]
    #[inline(never)]
    fn look(&mut self) -> bool {
        if self.has_stopped {
            return false;
        }
        let stop = self.firing.look(self.seen, std::mem::replace(&mut self.is_first, false));
        self.has_stopped = stop != Stop::None;
        self.seen = if self.has_stopped { Seen::ALWAYS } else { self.firing.seen.get() };
        self.firing.stop.set(stop);
        !self.has_stopped
    }
}

/// An iterator that ends where its firing stops.
pub(crate) struct Watched<'w, 'f, 'a, 'env, I> {
    items: I,
    /// How many more it gives at the most.
    most: usize,
    watch: &'w mut Watch<'f, 'a, 'env>,
    seen: Seen,
    is_over: bool,
}

impl<'w, 'f, 'a, 'env, I> Watched<'w, 'f, 'a, 'env, I> {
    /// At most `most` of the items.
    pub(crate) fn new(items: I, most: usize, watch: &'w mut Watch<'f, 'a, 'env>) -> Self {
        let seen = watch.seen;
        Self { items, most, watch, seen, is_over: false }
    }

    /// Whether the iterator itself has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }
}

impl<I: Iterator> Iterator for Watched<'_, '_, '_, '_, I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        if self.most == 0 || !self.watch.goes_on_since(&mut self.seen) {
            return None;
        }
        self.most -= 1;
        let item = self.items.next();
        self.is_over = item.is_none();
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.most))
    }
}

impl<'a, 'env> Firing<'a, 'env> {
    /// Whether the lane is cancelled: nobody wants what it makes.
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    /// What a head or a stage asks before each item whether it goes on.
    pub(crate) fn watch<'f>(&'f self) -> Watch<'f, 'a, 'env> {
        self.stop.set(Stop::None);
        if host::is_hosted() && self.late_after.get().is_some() {
            self.seen.set(Seen::ALWAYS);
        }
        Watch { firing: self, nudges: self.nudges, seen: self.seen.get(), is_first: true, has_stopped: false }
    }

    /// Finds out why the pool's word has changed, or whether the reader's time is up.
    fn look(&self, seen: Seen, is_first: bool) -> Stop {
        if seen == Seen::ALWAYS {
            let left = self.countdown.get();
            if left > 0 {
                self.countdown.set(left - 1);
                return Stop::None;
            }
            self.countdown.set(self.stride.get() - 1);
        }
        let now = self.nudges.seen();
        if self.is_cancelled() || (self.has_failed.load(Ordering::Acquire) && self.is_doomed()) {
            // Subtle: the stages after this one have not looked. They find a word that has changed,
            // and look too.
            return Stop::Discard;
        }
        if seen != Seen::ALWAYS {
            self.seen.set(now);
        }
        if self.may_cut && self.is_over_time(is_first) { Stop::Cut } else { Stop::None }
    }

    fn is_over_time(&self, is_first: bool) -> bool {
        if host::is_hosted()
            && let Some(items) = self.late_after.get()
        {
            self.late_after.set(items.checked_sub(1));
            self.is_late.set(items == 0);
            return items == 0;
        }
        let now = host::now();
        if let Some(moment) = self.deadline.moment() {
            if now >= moment && !is_first {
                return true;
            }
            // What was foreseen to be quick may not be: from now on it looks at each item.
            let is_slow = |looked: Instant| now.duration_since(looked).as_nanos() > SLOW_NANOS;
            if self.seen.get() != Seen::ALWAYS || self.looked.replace(Some(now)).is_some_and(is_slow) {
                self.seen.set(Seen::ALWAYS);
                self.stride.set(1);
                self.countdown.set(0);
            }
        }
        if !self.pass.is_shared() || host::is_simulated() {
            return false;
        }
        // A chunk that is not measured was known to be quick: it is not, unless the thread was not run.
        let is_late = self.begun.is_none_or(|begun| now.duration_since(begun).as_nanos() > LATE_NANOS);
        self.is_late.set(is_late);
        is_late
    }

    fn is_doomed(&self) -> bool {
        let chunk = match self.made {
            Made::Placed(chunk, _) => Some(chunk),
            Made::Nothing(_) | Made::Held(_) => None,
        };
        self.lane.is_doomed(self.pass, chunk)
    }

    /// Waits for so long, or until the items are wanted no more; says whether they still are.
    pub(crate) fn pause(&self, wait: Duration) -> bool {
        let waiters = self.lane.header().waiters.list();
        waiters.wait_until_deadline(Deadline::after(wait), || self.is_cancelled().then_some(())).is_none()
    }

    /// Takes down that the next task of the lane was given `items` items and is done with them.
    pub(crate) fn mark(&mut self, items: usize) {
        let nanos = match self.marked {
            Some(before) => {
                let now = host::now();
                self.marked = Some(now);
                u64::try_from(now.duration_since(before).as_nanos()).unwrap_or(u64::MAX) * u64::from(self.sample)
            }
            None => 0,
        };
        self.log.push(Logged { given: items, nanos });
    }

    /// The head was given this many items since its last chunk; a failure is that of the last of them.
    pub(crate) fn set_given(&mut self, items: usize) {
        self.given = Some(items);
    }

    /// The number within the lane of the next task to be [marked](Self::mark).
    pub(crate) fn next_task(&self) -> usize {
        self.log.len()
    }

    /// The task of this number fails at `position` of what it was given, unless it has failed before that.
    pub(crate) fn fail_instead(&mut self, task: usize, position: usize, cause: Cause) {
        if self.failure.as_ref().is_none_or(|failure| failure.task != task) {
            self.failure = Some(StageFailure::new(task, position, cause));
        }
    }

    /// The next task of the lane to be [marked](Self::mark) fails at `position` of what it was given.
    ///
    /// A stage sees only items before an earlier failure, so a later stage's failure takes the place of an earlier one's.
    pub(crate) fn fail(&mut self, position: usize, cause: Cause) {
        self.failure = Some(StageFailure::new(self.log.len(), position, cause));
    }

    /// The same, at a position that is negative where the item was begun in an earlier firing.
    pub(crate) fn fail_at(&mut self, position: i64, cause: Cause) {
        self.failure = Some(StageFailure { task: self.log.len(), position, cause });
    }

    /// Whether what the stage of this task has not begun is to be kept, rather than dropped.
    pub(crate) fn keeps_rest(&self, task: usize) -> bool {
        self.stop.get() == Stop::Cut && self.failure.as_ref().is_none_or(|failure| failure.task != task)
    }

    /// The stage of this task has stopped and keeps `items` items under the key that this gives.
    pub(crate) fn leave(&mut self, task: usize, items: usize) -> u64 {
        let key = next_key();
        self.left.insert(0, Left { rest: Rest { task, key }, items, failure: None, end: None });
        key
    }

    /// A function was interrupted, and its item put back.
    pub(crate) fn interrupt(&mut self, cause: BoxError) {
        self.interrupt = Some(cause);
        self.cut_here();
    }

    /// Has the reader told of what has interrupted the function of this task, if anything has.
    ///
    /// Subtle: before the head is back and the chunk has landed. Whoever comes then may go on with
    /// what was interrupted, and the read may have all that it asked for before this thread goes
    /// on.
    pub(super) fn tell_interrupt(&mut self, task: usize) {
        if let Some(cause) = self.interrupt.take() {
            let header = self.lane.header();
            header.core.interrupts().put(Some(self.root), Arc::clone(&header.tasks[task].name), cause);
            self.is_interrupted = true;
        }
    }

    /// Stops between items without being asked: what is left is kept for a later firing.
    pub(crate) fn cut_here(&self) {
        self.stop.set(Stop::Cut);
    }

    /// Hands the failure and the end on to what is left last, if anything is: that is where they
    /// belong. Gives what was left behind an item that has failed, which nobody will get.
    pub(super) fn close(&mut self, end: &mut Option<End>) -> SmallVec<[Rest; 1]> {
        let mut lost = SmallVec::new();
        if let Some(failure) = &self.failure {
            while self.left.last().is_some_and(|last| last.rest.task <= failure.task) {
                lost.extend(self.left.pop().map(|last| last.rest));
            }
        }
        let Some(last) = self.left.last_mut() else { return lost };
        last.end = end.take();
        if let Some(mut failure) = self.failure.take() {
            // What the task was given in this firing will have been counted by then.
            failure.position -= signed(self.log.get(failure.task).map_or(0, |logged| logged.given));
            last.failure = Some(failure);
        }
        lost
    }
}
