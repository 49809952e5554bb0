//! Room at the branches of a lane: a full one makes the others wait.
//!
//! A branch may keep its capacity of items, or as many as its readers need at once. What is on its
//! way counts as coming to every branch, since of a partition nobody knows yet where it goes.
//!
//! Nobody can know whether a full branch will ever be read from: its reader may be handed to a
//! thread that has not begun. So a wait for room ends by the clock. It is counted from when
//! somebody first waited, and anew from each sign of somebody who reads: items taken from the
//! branch, or from a task downstream of it, or given by an iteration that had taken them before. It
//! is not counted while a task downstream is at work on items, unless that waits for room itself.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use millpond_sync::shim::Mutex;
use millpond_sync::shim::atomic::{AtomicBool, AtomicUsize, Ordering};
use millpond_sync::{Deadline, host};
use smallvec::SmallVec;

use super::state::{Outlet, State};
use super::{Header, Lane};
use crate::branches::Capacity;
use crate::error::ReadError;
use crate::gate::Pass;

/// Since when each branch of a lane is waited for.
#[derive(Debug)]
pub(crate) struct Room(Box<[Wait]>);

/// How long a branch is waited for, and signs of somebody who reads from it.
#[derive(Debug, Default)]
struct Wait {
    /// Since when somebody waits and nobody has read.
    since: Mutex<Option<Instant>>,
    /// Whether somebody has read since that was looked at.
    is_read: AtomicBool,
    /// How many workers are at items of the branch.
    at_work: AtomicUsize,
}

/// A branch of limited room, by its number among those of a lane.
pub(crate) type Branch = (Arc<Room>, usize);

impl Room {
    pub(super) fn new(branches: usize) -> Self {
        Self((0..branches).map(|_| Wait::default()).collect())
    }

    /// Somebody reads from a branch, or from a task downstream of it.
    pub(crate) fn reads(&self, branch: usize) {
        self.0[branch].is_read.store(true, Ordering::Relaxed);
    }

    /// A branch has room.
    fn is_made(&self, branch: usize) {
        *self.0[branch].since.lock() = None;
    }

    /// Since when nobody has read from a branch, which is full now.
    fn full_since(&self, branch: usize) -> Instant {
        let Wait { since, is_read, at_work } = &self.0[branch];
        let mut since = since.lock();
        let is_worked_on = at_work.load(Ordering::Relaxed) > self.work_of_this_thread(branch);
        if is_read.swap(false, Ordering::Relaxed) || is_worked_on {
            *since = None;
        }
        *since.get_or_insert_with(host::now)
    }

    /// How many firings of this thread are at items of a branch.
    fn work_of_this_thread(&self, branch: usize) -> usize {
        let is_it = |(room, of): &&Branch| std::ptr::eq(&raw const **room, self) && *of == branch;
        AT_WORK.with(|at_work| at_work.borrow().iter().flat_map(|branches| branches.iter()).filter(is_it).count())
    }
}

/// A branch that is full.
#[derive(Debug, Clone)]
pub(crate) struct FullBranch {
    /// The task that splits.
    task: Arc<str>,
    /// Which of its branches.
    branch: usize,
    capacity: Capacity,
    room: Arc<Room>,
    since: Instant,
}

impl FullBranch {
    /// When a wait for it ends, if nobody reads from it.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::counted_from(self.since, self.capacity.patience)
    }

    /// Whether nobody has read from it since.
    pub(crate) fn is_still_full(&self) -> bool {
        let Wait { since, is_read, .. } = &self.room.0[self.branch];
        *since.lock() == Some(self.since) && !is_read.load(Ordering::Relaxed)
    }

    /// What a read is told that waits for it in vain.
    pub(crate) fn error(self) -> ReadError {
        ReadError::BranchFull { task: self.task, branch: self.branch, capacity: self.capacity.items, ready: 0 }
    }
}

impl<T> Outlet<T> {
    /// How many items may be here: its capacity, or what a read needs in one piece.
    fn allowance(&self, capacity: Capacity) -> usize {
        if self.collecting > 0 { usize::MAX } else { capacity.items.max(self.asked).max(self.inlet_least) }
    }
}

impl<T> State<T> {
    /// How many items may be made before a branch is full.
    #[inline]
    pub(super) fn headroom(&self, header: &Header<'_>) -> usize {
        let Some(capacity) = self.limits.capacity else { return usize::MAX };
        let outlets = self.outlets.iter().enumerate().filter(|(outlet, _)| header.has_consumers(*outlet));
        let room = |(_, at): (usize, &Outlet<T>)| at.allowance(capacity).saturating_sub(at.len + self.reserved);
        outlets.map(room).min().unwrap_or(usize::MAX)
    }

    /// Whether taking from `outlet` may make room.
    pub(super) fn is_capped(&self, outlet: usize) -> bool {
        self.limits.capacity.is_some_and(|capacity| self.outlets[outlet].len >= capacity.items)
    }
}

impl<'env, T: Send + 'env> Lane<'env, T> {
    /// The full branch that is waited for longest.
    pub(super) fn full(&self, pass: &Pass<'_>) -> Option<FullBranch> {
        let (capacity, room) = (self.header.limits.capacity?, self.header.room.as_ref()?);
        let is_full: SmallVec<[bool; 4]> =
            self.state.with(pass, |state| state.outlets.iter().map(|at| at.len >= at.allowance(capacity)).collect());
        let since = |(branch, is_full): (usize, bool)| {
            if is_full && self.header.has_consumers(branch) {
                return Some((room.full_since(branch), branch));
            }
            room.is_made(branch);
            None
        };
        let (since, branch) = is_full.into_iter().enumerate().filter_map(since).min()?;
        Some(FullBranch { task: self.header.name(), branch, capacity, room: Arc::clone(room), since })
    }

    /// Something was taken from a branch that may have been full: whoever waits for room looks
    /// again.
    #[cold]
    pub(super) fn tell_of_room(&self, pass: &Pass<'_>, branch: usize) {
        if pass.is_shared() {
            self.header.tell_of_room(branch);
        } else {
            self.header.room.iter().for_each(|room| room.is_made(branch));
            // A reader that awaits, and makes way for others by that.
            let _ = self.header.waiters.notify_all_after_lock();
        }
    }
}

impl Header<'_> {
    /// A branch that may have been full has room.
    pub(super) fn tell_of_room(&self, branch: usize) {
        self.room.iter().for_each(|room| room.is_made(branch));
        self.core.tick();
        let _ = self.waiters.notify_all_after_lock();
        // A reader that awaits leaves the work to helpers, who found nothing to do until now.
        self.core.call();
    }
}

millpond_sync::local! {
    /// The branches at whose items this thread is, the innermost firing's last.
    const AT_WORK: RefCell<Vec<Arc<[Branch]>>> = RefCell::new(Vec::new());
}

/// This thread begins to work on items of these branches.
#[inline]
pub(crate) fn begin_work(branches: &Arc<[Branch]>) {
    if !branches.is_empty() {
        count(branches, 1);
        AT_WORK.with(|at_work| at_work.borrow_mut().push(Arc::clone(branches)));
    }
}

/// It has come to the end of what it [began](begin_work) last.
#[inline]
pub(crate) fn finish_work(branches: &Arc<[Branch]>) {
    if !branches.is_empty() {
        count(branches, -1);
        AT_WORK.with(|at_work| drop(at_work.borrow_mut().pop()));
    }
}

fn count(branches: &[Branch], more: isize) {
    for (room, branch) in branches {
        let _ = room.0[*branch].at_work.fetch_add(more.cast_unsigned(), Ordering::Relaxed);
    }
}

/// A wait for room, during which this thread does not count as at work.
pub(crate) fn while_waiting<R>(wait: impl FnOnce() -> R) -> R {
    let at_work = AT_WORK.with(|at_work| at_work.borrow().clone());
    at_work.iter().for_each(|branches| count(branches, -1));
    let result = wait();
    at_work.iter().for_each(|branches| count(branches, 1));
    result
}
