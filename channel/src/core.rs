//! The channel behind both ends, whatever its flavour: a queue with two gates and three lists of waiters.
//!
//! Every change of the queue is made in a turn of one of its gates; who has to be told is told after it. A party that waits
//! looks once more after it has entered its list, and if that is in vain it takes a turn of the *other* side's gate, in
//! which it does nothing, and looks again. That turn orders the two, so that no fence is needed: the other side's turn was
//! before it, and then its change is seen, or is after it, and then it sees the waiter (the proof is in `README.md`).
//!
//! Who waits where: a reader of one item in `readers`, a reader of many in `gatherers` (its demand is with the writers'
//! side), a writer that found no room in `writers`. One item wakes one reader; a demand that is met wakes all gatherers,
//! as the list does not know whose it was; each item taken wakes one writer.
//!
//! Flavours are types of gate: [`LockGate`](crate::exclusive::LockGate) for threads,
//! [`ThreadGate`](crate::exclusive::ThreadGate) for the serial channel, whose waiters can only be futures. It does not know
//! the two ends, it counts them.

use crate::error::{ReadTimeoutError, TryReadError, TryWriteError, WriteTimeoutError};
use crate::exclusive::Gate;
use crate::fault::{self, Fault};
use crate::patience::Patience;
use crate::queue::Queue;
use crate::write_side::Refused;
use millpond_sync::shim::atomic::{AtomicUsize, Ordering};
use millpond_sync::{Deadline, WaitList};
use std::collections::VecDeque;
use std::fmt;

/// The shared part of a channel.
#[repr(C)]
pub(crate) struct Core<T, G: Gate> {
    queue: Queue<T, G>,
    /// `usize::MAX` for no bound.
    capacity: usize,
    /// Wait for one item.
    readers: WaitList,
    /// Wait for as many items as they have stated in the queue.
    gatherers: WaitList,
    /// Wait for room.
    writers: WaitList,
    writer_ends: AtomicUsize,
    reader_ends: AtomicUsize,
    /// How long readers pause before they look again; a hint.
    reader_patience: Patience,
    writer_patience: Patience,
}

impl<T, G: Gate> Core<T, G> {
    /// A channel with one writer and one reader.
    pub(crate) fn new(gate: impl Fn() -> G, capacity: usize) -> Self {
        Self {
            queue: Queue::new(gate, capacity),
            capacity,
            readers: WaitList::new(),
            gatherers: WaitList::new(),
            writers: WaitList::new(),
            writer_ends: AtomicUsize::new(1),
            reader_ends: AtomicUsize::new(1),
            reader_patience: Patience::new(),
            writer_patience: Patience::new(),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Shows the items.
    pub(crate) fn visit(&self, visitor: &mut dyn FnMut(&T)) {
        self.queue.visit(visitor);
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        Some(self.capacity).filter(|&capacity| capacity != usize::MAX)
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    pub(crate) fn readers(&self) -> &WaitList {
        &self.readers
    }

    pub(crate) fn gatherers(&self) -> &WaitList {
        &self.gatherers
    }

    pub(crate) fn writers(&self) -> &WaitList {
        &self.writers
    }

    /// Where a waiting reader's side and a writer's are put in an order: after the reader entered its list, before it
    /// looks for the last time.
    pub(crate) fn visit_writers(&self) {
        self.queue.visit_writers();
    }

    /// The same for a writer that waits.
    pub(crate) fn visit_readers(&self) {
        self.queue.visit_readers();
    }

    // Writing.

    #[inline(always)]
    #[track_caller]
    pub(crate) fn try_write(&self, item: T) -> Result<(), TryWriteError<T>> {
        let satisfies = self.queue.push(item).map_err(refused)?;
        if satisfies || self.readers.waiting() > 0 {
            self.tell_readers(1, satisfies);
        }
        Ok(())
    }

    /// Writes as many items from the front as fit; they are gone from `items` then.
    #[track_caller]
    pub(crate) fn try_write_many(&self, items: &mut VecDeque<T>) -> Result<usize, TryWriteError<()>> {
        if items.is_empty() {
            return if self.is_closed() { Err(TryWriteError::Closed(())) } else { Ok(0) };
        }
        let (count, satisfies) = self.queue.push_many(items).map_err(refused)?;
        if satisfies || self.readers.waiting() > 0 {
            self.tell_readers(count, satisfies);
        }
        Ok(count)
    }

    #[cold]
    #[inline(never)]
    fn tell_readers(&self, count: usize, satisfies_a_demand: bool) {
        self.readers.notify_after_lock(count);
        if satisfies_a_demand {
            self.gatherers.notify_all_after_lock();
        }
    }

    #[inline(always)]
    #[track_caller]
    pub(crate) fn write(&self, item: T, deadline: Deadline) -> Result<(), WriteTimeoutError<T>> {
        match self.try_write(item) {
            Ok(()) => Ok(()),
            Err(TryWriteError::Closed(item)) => Err(WriteTimeoutError::Closed(item)),
            Err(TryWriteError::Full(item)) => self.write_slowly(item, deadline),
        }
    }

    /// What is left of a write that found no room.
    #[cold]
    #[inline(never)]
    #[track_caller]
    pub(crate) fn write_slowly(&self, item: T, deadline: Deadline) -> Result<(), WriteTimeoutError<T>> {
        let mut item = Some(item);
        self.spin(&self.writer_patience, deadline, 1, || self.capacity.saturating_sub(self.len()));
        let written = self.writers.wait_until_deadline(deadline, || self.attempt_write(&mut item));
        match (written, item) {
            (Some(written), _) => written.map_err(WriteTimeoutError::Closed),
            (None, Some(item)) => Err(WriteTimeoutError::TimedOut(item)),
            (None, None) => unreachable!("an item that was written ends the wait"),
        }
    }

    /// One attempt of a write that waits: `None` while there is no room, and then the item is back in `item`.
    pub(crate) fn attempt_write(&self, item: &mut Option<T>) -> Option<Result<(), T>> {
        let written = match self.try_write(item.take()?) {
            Err(TryWriteError::Full(back)) => {
                self.visit_readers();
                self.try_write(back)
            }
            written => written,
        };
        match written {
            Ok(()) => Some(Ok(())),
            Err(TryWriteError::Closed(item)) => Some(Err(item)),
            Err(TryWriteError::Full(back)) => {
                *item = Some(back);
                None
            }
        }
    }

    /// Writes all items, waiting for room; on an error gives those back that were not written.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn write_all(&self, mut items: Vec<T>, deadline: Deadline) -> Result<(), WriteTimeoutError<Vec<T>>> {
        let count = items.len();
        self.queue.push_whole(&mut items);
        if items.is_empty() && count > 0 {
            if self.readers.waiting() > 0 {
                self.tell_readers(count, false);
            }
            return Ok(());
        }
        self.write_all_slowly(items, deadline)
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn write_all_slowly(&self, items: Vec<T>, deadline: Deadline) -> Result<(), WriteTimeoutError<Vec<T>>> {
        let mut items = VecDeque::from(items);
        self.write_many(&mut items, deadline).map_err(|error| match error {
            WriteTimeoutError::TimedOut(()) => WriteTimeoutError::TimedOut(items.into()),
            WriteTimeoutError::Closed(()) => WriteTimeoutError::Closed(items.into()),
        })
    }

    /// Writes all items, waiting for room; on an error those that were not written are left in `items`.
    #[track_caller]
    pub(crate) fn write_many(&self, items: &mut VecDeque<T>, deadline: Deadline) -> Result<(), WriteTimeoutError<()>> {
        let written = match self.attempt_write_many(items) {
            None => {
                self.spin(&self.writer_patience, deadline, items.len().min(self.capacity), || {
                    self.capacity.saturating_sub(self.len())
                });
                self.writers.wait_until_deadline(deadline, || self.attempt_write_many(items))
            }
            written => written,
        };
        match written {
            Some(written) => written.map_err(WriteTimeoutError::Closed),
            None => Err(WriteTimeoutError::TimedOut(())),
        }
    }

    /// One attempt of a write of many that waits: `None` while something is left and there is no room.
    #[track_caller]
    pub(crate) fn attempt_write_many(&self, items: &mut VecDeque<T>) -> Option<Result<(), ()>> {
        let mut has_passed = false;
        loop {
            match self.try_write_many(items) {
                Ok(_) if items.is_empty() => return Some(Ok(())),
                Ok(_) => has_passed = false,
                Err(TryWriteError::Closed(())) => return Some(Err(())),
                Err(TryWriteError::Full(())) if has_passed => return None,
                Err(TryWriteError::Full(())) => {
                    self.visit_readers();
                    has_passed = true;
                }
            }
        }
    }

    // Reading.

    #[inline(always)]
    #[track_caller]
    pub(crate) fn try_read_one(&self) -> Result<T, TryReadError> {
        let item = match self.queue.pop() {
            Some(item) => item,
            None => self.last_item()?,
        };
        if self.writers.waiting() > 0 {
            self.tell_writers(1);
        }
        Ok(item)
    }

    /// Moves up to `count` items, those that are there, to the end of `into`.
    #[track_caller]
    pub(crate) fn try_read_into(&self, count: usize, into: &mut Vec<T>) -> Result<usize, TryReadError> {
        let mut taken = self.queue.pop_many(count, true, into).unwrap_or(0);
        if taken == 0 && count > 0 {
            if self.is_open() {
                return Err(TryReadError::Empty);
            }
            taken = self.queue.pop_many(count, true, into).unwrap_or(0);
            if taken == 0 {
                return Err(TryReadError::Closed);
            }
        }
        self.tell_writers(taken);
        Ok(taken)
    }

    /// One attempt of a read of many that waits: `None` while there are fewer than `count` and the channel is open.
    #[track_caller]
    pub(crate) fn attempt_gather(&self, count: usize) -> Option<Vec<T>> {
        let mut items = Vec::new();
        let mut taken = self.queue.pop_many(count, false, &mut items);
        if taken.is_none() {
            self.visit_writers();
            taken = self.queue.pop_many(count, false, &mut items);
        }
        self.tell_writers(taken?);
        Some(items)
    }

    /// An item that came after this looked and before the channel was closed, if there is one.
    #[cold]
    #[inline(never)]
    #[track_caller]
    fn last_item(&self) -> Result<T, TryReadError> {
        if self.is_open() {
            return Err(TryReadError::Empty);
        }
        if fault::is(Fault::ClosedAtOnce) {
            return Err(TryReadError::Closed);
        }
        self.queue.pop().ok_or(TryReadError::Closed)
    }

    /// Whether more may come. Where not, look for items once more: some may have come before the close.
    fn is_open(&self) -> bool {
        !self.is_closed()
    }

    #[cold]
    #[inline(never)]
    fn tell_writers(&self, count: usize) {
        self.writers.notify_after_lock(count);
    }

    #[inline(always)]
    #[track_caller]
    pub(crate) fn read_one(&self, deadline: Deadline) -> Result<T, ReadTimeoutError> {
        match self.try_read_one() {
            Ok(item) => Ok(item),
            Err(TryReadError::Closed) => Err(ReadTimeoutError::Closed),
            Err(TryReadError::Empty) => self.read_one_slowly(deadline),
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn read_one_slowly(&self, deadline: Deadline) -> Result<T, ReadTimeoutError> {
        if !G::CAN_BLOCK {
            return Err(ReadTimeoutError::WouldWaitForever);
        }
        self.spin(&self.reader_patience, deadline, 1, || self.len());
        let item = self.readers.wait_until_deadline(deadline, || self.attempt_read_one());
        item.unwrap_or(Err(ReadTimeoutError::TimedOut))
    }

    /// One attempt of a read of one that waits: `None` while there is nothing and the channel is open.
    pub(crate) fn attempt_read_one(&self) -> Option<Result<T, ReadTimeoutError>> {
        let item = match self.try_read_one() {
            Err(TryReadError::Empty) => {
                self.visit_writers();
                self.try_read_one()
            }
            item => item,
        };
        match item {
            Ok(item) => Some(Ok(item)),
            Err(TryReadError::Closed) => Some(Err(ReadTimeoutError::Closed)),
            Err(TryReadError::Empty) => None,
        }
    }

    #[inline(always)]
    #[track_caller]
    pub(crate) fn read(&self, count: usize, deadline: Deadline) -> Result<Vec<T>, ReadTimeoutError> {
        match self.queue.pop_whole(count) {
            None => self.read_slowly(count, deadline),
            Some(items) => {
                if self.writers.waiting() > 0 {
                    self.tell_writers(count);
                }
                Ok(items)
            }
        }
    }

    #[inline(never)]
    #[track_caller]
    fn read_slowly(&self, count: usize, deadline: Deadline) -> Result<Vec<T>, ReadTimeoutError> {
        if let Some(items) = self.attempt_gather(count) {
            return Ok(items);
        }
        if !G::CAN_BLOCK {
            return Err(ReadTimeoutError::WouldWaitForever);
        }
        if count != usize::MAX {
            self.spin(&self.reader_patience, deadline, count, || self.len());
        }
        let _demand = Demand::new(self, count);
        let items = self.gatherers.wait_until_deadline(deadline, || self.attempt_gather(count));
        items.ok_or(ReadTimeoutError::TimedOut)
    }

    /// States what a waiting reader waits for; a demand beyond the capacity makes room, which writers are told.
    pub(crate) fn state_demand(&self, count: usize) {
        let grown = self.queue.add_demand(count);
        self.writers.notify_after_lock(grown);
    }

    /// Withdraws what was stated.
    pub(crate) fn withdraw_demand(&self, count: usize) {
        self.queue.remove_demand(count);
    }

    /// Looks again a few times before blocking, whether there are `enough` of what `progress` counts.
    fn spin(&self, patience: &Patience, deadline: Deadline, enough: usize, progress: impl Fn() -> usize) {
        patience.spin(self.capacity, deadline, enough, progress, || self.is_closed());
    }

    // Closing.

    /// Closes; what is in it can still be read. Tells whether it was open.
    #[track_caller]
    pub(crate) fn close(&self) -> bool {
        let is_news = self.queue.close();
        self.tell_all();
        is_news
    }

    fn tell_all(&self) {
        self.readers.notify_all();
        self.gatherers.notify_all();
        self.writers.notify_all();
    }

    pub(crate) fn add_writer_end(&self) {
        self.writer_ends.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_reader_end(&self) {
        self.reader_ends.fetch_add(1, Ordering::Relaxed);
    }

    /// A writer is dropped; the last one closes.
    pub(crate) fn drop_writer_end(&self) {
        if self.writer_ends.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.close_from_anywhere(false);
        }
    }

    /// A reader is dropped; the last one closes and drops what nobody can read any more.
    pub(crate) fn drop_reader_end(&self) {
        if self.reader_ends.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.close_from_anywhere(true);
        }
    }

    fn close_from_anywhere(&self, takes_items: bool) {
        let rest = self.queue.close_from_anywhere(takes_items);
        self.tell_all();
        // Dropping items runs their code: outside the turn, and after everybody has been told.
        drop(rest);
    }
}

fn refused<R>(refused: Refused<R>) -> TryWriteError<R> {
    match refused {
        Refused::Closed(rest) => TryWriteError::Closed(rest),
        Refused::Full(rest) => TryWriteError::Full(rest),
        Refused::NoSegment(..) => unreachable!("a write that needs a segment is given one"),
    }
}

/// What a blocked reader of many items has stated; withdrawn when dropped.
struct Demand<'a, T, G: Gate> {
    core: &'a Core<T, G>,
    count: usize,
}

impl<'a, T, G: Gate> Demand<'a, T, G> {
    fn new(core: &'a Core<T, G>, count: usize) -> Self {
        core.state_demand(count);
        Self { core, count }
    }
}

impl<T, G: Gate> Drop for Demand<'_, T, G> {
    fn drop(&mut self) {
        self.core.withdraw_demand(self.count);
    }
}

impl<T, G: Gate> fmt::Debug for Core<T, G> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Core")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .field("waiting_readers", &(self.readers.waiting() + self.gatherers.waiting()))
            .field("waiting_writers", &self.writers.waiting())
            .finish_non_exhaustive()
    }
}
