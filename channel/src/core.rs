//! The channel behind both ends, whatever its flavour: a queue behind a gate and three lists of waiters.
//!
//! Every change of the queue is made in a turn of the gate; who has to be told is found in the same turn and told after
//! it. As every waiter looks at the queue in a turn too, after entering its list, the gate orders the two and no fence is
//! needed (the proof is in the README of `millpond-sync`).
//!
//! Who waits where: a reader of one item in `readers`, a reader of many in `gatherers` (its demand is in the queue), a
//! writer that found no room in `writers`. One item wakes one reader; a demand that is met wakes all gatherers, as the
//! list does not know whose it was; each item taken wakes one writer.
//!
//! Flavours are types of gate: [`LockGate`](crate::exclusive::LockGate) for threads, [`ThreadGate`](crate::exclusive::ThreadGate) for the serial channel, whose waiters can only be
//! futures. It does not know the two ends, it counts them.

use crate::error::{ReadTimeoutError, TryReadError, TryWriteError, WriteTimeoutError};
use crate::exclusive::{Exclusive, Gate};
use crate::queue::{HANDED_OVER, Queue};
use millpond_sync::shim::atomic::{AtomicBool, AtomicUsize, Ordering};
use millpond_sync::{Deadline, WaitList};
use std::collections::VecDeque;
use std::fmt;

/// How many rounds a reader or writer looks again before it blocks: the first spin, the others give the processor away.
const ROUNDS: u32 = 12;
const SPIN_ROUNDS: u32 = 3;

/// The shared part of a channel.
///
/// The length, the lock and what every item touches of the queue fill one cache line exactly, so that two threads hand
/// one line to and fro and not two; the rest is seldom written.
#[repr(C, align(64))]
pub(crate) struct Core<T, G> {
    /// How many items there are. Written in a turn of the gate, read anywhere as a hint.
    length: AtomicUsize,
    queue: Exclusive<Queue<T>, G>,
    /// Written in a turn of the gate, except when the last end of a serial channel is dropped in another thread.
    is_closed: AtomicBool,
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
}

impl<T, G: Gate> Core<T, G> {
    /// A channel with one writer and one reader.
    pub(crate) fn new(gate: G, capacity: usize) -> Self {
        Self {
            queue: Exclusive::new(gate, Queue::new(capacity)),
            length: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            capacity,
            readers: WaitList::new(),
            gatherers: WaitList::new(),
            writers: WaitList::new(),
            writer_ends: AtomicUsize::new(1),
            reader_ends: AtomicUsize::new(1),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        Some(self.capacity).filter(|&capacity| capacity != usize::MAX)
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
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

    // Writing.

    #[inline(always)]
    #[track_caller]
    pub(crate) fn try_write(&self, item: T) -> Result<(), TryWriteError<T>> {
        let satisfies = self.queue.with(|queue| {
            // Subtle: only a serial channel can be closed without the queue knowing, by an end dropped elsewhere.
            if !G::CAN_BLOCK && self.is_closed.load(Ordering::Relaxed) {
                return Err(TryWriteError::Closed(item));
            }
            queue.push(item).map_err(|item| self.refused(item))?;
            self.length.store(queue.len(), Ordering::Relaxed);
            Ok(queue.satisfies_a_demand())
        })?;
        if satisfies || self.readers.waiting() > 0 {
            self.tell_readers(1, satisfies);
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn refused<R>(&self, rest: R) -> TryWriteError<R> {
        if self.is_closed.load(Ordering::Relaxed) { TryWriteError::Closed(rest) } else { TryWriteError::Full(rest) }
    }

    /// Writes as many items from the front as fit; they are gone from `items` then.
    #[track_caller]
    pub(crate) fn try_write_many(&self, items: &mut VecDeque<T>) -> Result<usize, TryWriteError<()>> {
        if items.is_empty() {
            return if self.is_closed() { Err(TryWriteError::Closed(())) } else { Ok(0) };
        }
        let (count, satisfies) = self.queue.with(|queue| {
            if self.is_closed.load(Ordering::Relaxed) {
                return Err(TryWriteError::Closed(()));
            }
            let count = queue.push_many(items);
            self.length.store(queue.len(), Ordering::Relaxed);
            Ok((count, queue.satisfies_a_demand()))
        })?;
        self.tell_readers(count, satisfies);
        if count == 0 { Err(TryWriteError::Full(())) } else { Ok(count) }
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
        self.spin(|| self.len() < self.capacity);
        let written = self.writers.wait_until_deadline(deadline, || self.attempt_write(&mut item));
        match (written, item) {
            (Some(written), _) => written.map_err(WriteTimeoutError::Closed),
            (None, Some(item)) => Err(WriteTimeoutError::TimedOut(item)),
            (None, None) => unreachable!("an item that was written ends the wait"),
        }
    }

    /// One attempt of a write that waits: `None` while there is no room, and then the item is back in `item`.
    pub(crate) fn attempt_write(&self, item: &mut Option<T>) -> Option<Result<(), T>> {
        match self.try_write(item.take()?) {
            Ok(()) => Some(Ok(())),
            Err(TryWriteError::Closed(item)) => Some(Err(item)),
            Err(TryWriteError::Full(back)) => {
                *item = Some(back);
                None
            }
        }
    }

    /// Writes all items, waiting for room; on an error those that were not written are left in `items`.
    #[track_caller]
    pub(crate) fn write_many(&self, items: &mut VecDeque<T>, deadline: Deadline) -> Result<(), WriteTimeoutError<()>> {
        let written = match self.attempt_write_many(items) {
            None => {
                let most = self.capacity - items.len().min(self.capacity);
                self.spin(|| self.len() <= most);
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
        loop {
            match self.try_write_many(items) {
                Ok(_) if items.is_empty() => return Some(Ok(())),
                Ok(_) => {}
                Err(TryWriteError::Closed(())) => return Some(Err(())),
                Err(TryWriteError::Full(())) => return None,
            }
        }
    }

    // Reading.

    #[inline(always)]
    #[track_caller]
    pub(crate) fn try_read_one(&self) -> Result<T, TryReadError> {
        let item = self.queue.with(|queue| {
            let item = queue.pop().ok_or_else(|| self.nothing())?;
            self.length.store(queue.len(), Ordering::Relaxed);
            Ok(item)
        })?;
        if self.writers.waiting() > 0 {
            self.tell_writers(1);
        }
        Ok(item)
    }

    /// Moves up to `count` items, those that are there, to the end of `into`.
    #[track_caller]
    pub(crate) fn try_read_into(&self, count: usize, into: &mut Vec<T>) -> Result<usize, TryReadError> {
        self.reserve(count, into);
        let taken = self.queue.with(|queue| {
            if queue.len() == 0 {
                return Err(self.nothing());
            }
            Ok(self.take(queue, count, into))
        })?;
        self.tell_writers(taken);
        Ok(taken)
    }

    /// One attempt of a read of many that waits: `None` while there are fewer than `count` and the channel is open.
    #[track_caller]
    pub(crate) fn attempt_gather(&self, count: usize) -> Option<Vec<T>> {
        let mut items = Vec::new();
        if self.len() >= count {
            self.reserve(count, &mut items);
        }
        let taken = self.queue.with(|queue| {
            let is_enough = queue.len() >= count || self.is_closed.load(Ordering::Relaxed);
            is_enough.then(|| self.take(queue, count, &mut items))
        })?;
        self.tell_writers(taken);
        Some(items)
    }

    /// Makes room for what is probably taken, so that nothing is allocated in the turn.
    fn reserve(&self, count: usize, into: &mut Vec<T>) {
        let length = self.len();
        // All of a long queue is handed over in its own buffer, if there is not one to use again.
        let is_handed_over = length <= count && length >= HANDED_OVER && into.is_empty() && into.capacity() < length;
        if !is_handed_over {
            into.reserve(length.min(count));
        }
    }

    fn take(&self, queue: &mut Queue<T>, count: usize, into: &mut Vec<T>) -> usize {
        let taken = queue.pop_many(count, into);
        self.length.store(queue.len(), Ordering::Relaxed);
        taken
    }

    #[cold]
    #[inline(never)]
    fn nothing(&self) -> TryReadError {
        if self.is_closed.load(Ordering::Relaxed) { TryReadError::Closed } else { TryReadError::Empty }
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
        self.spin(|| self.len() > 0);
        let item = self.readers.wait_until_deadline(deadline, || self.attempt_read_one());
        item.unwrap_or(Err(ReadTimeoutError::TimedOut))
    }

    /// One attempt of a read of one that waits: `None` while there is nothing and the channel is open.
    pub(crate) fn attempt_read_one(&self) -> Option<Result<T, ReadTimeoutError>> {
        match self.try_read_one() {
            Ok(item) => Some(Ok(item)),
            Err(TryReadError::Closed) => Some(Err(ReadTimeoutError::Closed)),
            Err(TryReadError::Empty) => None,
        }
    }

    #[track_caller]
    pub(crate) fn read(&self, count: usize, deadline: Deadline) -> Result<Vec<T>, ReadTimeoutError> {
        if let Some(items) = self.attempt_gather(count) {
            return Ok(items);
        }
        if !G::CAN_BLOCK {
            return Err(ReadTimeoutError::WouldWaitForever);
        }
        if count != usize::MAX {
            self.spin(|| self.len() >= count);
        }
        let _demand = Demand::new(self, count);
        let items = self.gatherers.wait_until_deadline(deadline, || self.attempt_gather(count));
        items.ok_or(ReadTimeoutError::TimedOut)
    }

    /// States what a waiting reader waits for; a demand beyond the capacity makes room, which writers are told.
    pub(crate) fn state_demand(&self, count: usize) {
        let grown = self.queue.with(|queue| queue.add_demand(count));
        self.writers.notify_after_lock(grown);
    }

    /// Withdraws what was stated.
    pub(crate) fn withdraw_demand(&self, count: usize) {
        self.queue.with_if_allowed(|queue| queue.remove_demand(count));
    }

    /// Looks again a few times before blocking, with growing pauses.
    fn spin(&self, is_ready: impl Fn() -> bool) {
        if cfg!(any(loom, shuttle)) || !millpond_sync::host::runs_others_meanwhile() {
            return;
        }
        for round in 0..ROUNDS {
            if is_ready() || self.is_closed() {
                return;
            }
            if round < SPIN_ROUNDS {
                (0..1_u32 << round).for_each(|_| std::hint::spin_loop());
            } else {
                std::thread::yield_now();
            }
        }
    }

    // Closing.

    /// Closes; what is in it can still be read. Tells whether it was open.
    #[track_caller]
    pub(crate) fn close(&self) -> bool {
        let was_closed = self.queue.with(|queue| {
            queue.close();
            self.is_closed.swap(true, Ordering::Release)
        });
        self.tell_all();
        !was_closed
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

    /// Closes also where the gate may not be entered: then the items stay until the channel itself is dropped.
    ///
    /// Subtle: that is a serial channel whose last end of one kind is dropped in another thread than its own. Its flag
    /// alone is enough there: no end of that kind is left that could act between the flag and the queue.
    fn close_from_anywhere(&self, takes_items: bool) {
        let items = self.queue.with_if_allowed(|queue| {
            queue.close();
            self.is_closed.store(true, Ordering::Release);
            let items = takes_items.then(|| queue.take_all());
            self.length.store(queue.len(), Ordering::Relaxed);
            items
        });
        self.is_closed.store(true, Ordering::Release);
        self.tell_all();
        // Dropping items runs their code: outside the turn, and after everybody has been told.
        drop(items);
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
