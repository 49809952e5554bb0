//! Queues whose two ends are one object.
//!
//! One lock holds the items and the list of those who wait ([`millpond_sync::Grants`]): an item that is put in while
//! somebody waits for it is theirs before they run, and room that is made is the first putter's. The order in which items
//! leave is the [`Store`]'s.

mod asking;
mod error;
mod futures;
mod many;
mod state;
mod store;

pub use asking::{Get, Put};
pub use error::{DoneTooOften, GetError, PutError};
pub use futures::{GetFuture, GetManyFuture, PutFuture};
pub use state::{Asked, State};
pub use store::{Fifo, Item, Lifo, Priority, Store};

use crate::patience::Patience;
use millpond_sync::shim::atomic::{AtomicUsize, Ordering};
use millpond_sync::{Deadline, Grants, WaitList};
use state::{Kind, QueueTurn};
use std::fmt;
use std::time::Duration;

/// A queue whose two ends are one object, for any number of threads and tasks at each.
///
/// Bounded by number, or by weight; in the order of its [`Store`]: [`Fifo`], [`Lifo`] (as [`LifoQueue`]), [`Priority`] (as
/// [`PriorityQueue`]). Unlike a [channel](crate::unbounded) it has no ends that can be dropped: it is over when it is
/// [shut down](Self::shut_down). A channel is quicker; this one can look, count, and give items back.
///
/// # Examples
///
/// ```
/// use millpond_channel::{GetError, Queue};
///
/// let jobs = Queue::bounded(2);
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         (0..10).for_each(|job| jobs.put(job).unwrap());
///         jobs.shut_down();
///     });
///     assert!(jobs.iter().eq(0..10));
///     assert_eq!(jobs.get(), Err(GetError::ShutDown));
/// });
/// ```
pub struct Queue<T, S: Store<T> = Fifo<T>> {
    grants: Grants<State<S>, Asked<T>>,
    /// Those who wait for everything to be done.
    joiners: WaitList,
    /// What an item weighs; nothing said is 1.
    size: Option<fn(&T) -> u64>,
    /// How many items are in, for looks without the lock. Written in turns.
    count: AtomicUsize,
    getters: Patience,
    putters: Patience,
}

/// A [`Queue`] from which the item that was put in last is got first.
pub type LifoQueue<T> = Queue<T, Lifo<T>>;

/// A [`Queue`] from which the smallest item is got first; of equal ones the one that was put in first.
///
/// Items are compared under the queue's lock, so comparing them must not use the queue.
pub type PriorityQueue<T> = Queue<T, Priority<T>>;

/// Makes a function `const`, except for loom, whose primitives cannot be made at compile time.
macro_rules! const_fn {
    ($(#[$attribute:meta])* pub const fn $($rest:tt)*) => {
        #[cfg(not(loom))]
        $(#[$attribute])*
        pub const fn $($rest)*

        #[cfg(loom)]
        $(#[$attribute])*
        pub fn $($rest)*
    };
}

impl<T> Queue<T> {
    const_fn! {
        /// A queue without a bound, first in, first out.
        #[must_use]
        pub const fn new() -> Self {
            Self::with_limit(u64::MAX, None)
        }
    }

    const_fn! {
        /// A queue for so many items, first in, first out. 0 lets one in, when the queue is empty.
        #[must_use]
        pub const fn bounded(limit: u64) -> Self {
            Self::with_limit(limit, None)
        }
    }

    const_fn! {
        /// A queue for items that together weigh at most `limit`, by `size`. One that is heavier goes in when it is alone.
        ///
        /// # Examples
        ///
        /// ```
        /// let pages: millpond_channel::Queue<String> = millpond_channel::Queue::bounded_by(10, |page| page.len() as u64);
        /// pages.put("12345678".to_owned()).unwrap();
        /// assert!(pages.try_put("123".to_owned()).is_err());
        /// assert!(pages.try_put("12".to_owned()).is_ok());
        /// ```
        #[must_use]
        pub const fn bounded_by(limit: u64, size: fn(&T) -> u64) -> Self {
            Self::with_limit(limit, Some(size))
        }
    }
}

impl<T, S: Store<T>> Queue<T, S> {
    const_fn! {
        /// A queue in the order of its store, for items that together weigh at most `limit` (`u64::MAX` for no bound), by
        /// `size` or 1 each.
        ///
        /// # Examples
        ///
        /// ```
        /// use millpond_channel::PriorityQueue;
        ///
        /// static URGENT: PriorityQueue<u32> = PriorityQueue::with_limit(100, None);
        ///
        /// URGENT.put_many([3, 1, 2]).unwrap();
        /// assert_eq!(URGENT.get(), Ok(1));
        /// ```
        #[must_use]
        pub const fn with_limit(limit: u64, size: Option<fn(&T) -> u64>) -> Self {
            Self {
                grants: Grants::new(Self::empty(limit)),
                joiners: WaitList::new(),
                size,
                count: AtomicUsize::new(0),
                getters: Patience::new(),
                putters: Patience::new(),
            }
        }
    }

    const fn empty(limit: u64) -> State<S> {
        State { store: S::EMPTY, weight: 0, limit, next: 0, unfinished: 0, is_shut_down: false }
    }

    /// Ends a turn in which items came or went: serves who waits, and writes down how many items there are.
    #[inline]
    fn end(&self, turn: &mut QueueTurn<'_, T, S>) {
        if turn.waiting() > 0 {
            state::settle(turn);
        }
        self.count.store(turn.store.len(), Ordering::Relaxed);
    }

    #[inline]
    fn weight(&self, item: &T) -> u64 {
        self.size.map_or(1, |size| size(item))
    }

    /// Puts an item in if there is room and nobody waits for room. Never waits.
    ///
    /// # Errors
    /// [`PutError::Full`] or [`PutError::ShutDown`], with the item.
    #[inline]
    pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
        let weight = self.weight(&item);
        asking::step();
        let mut turn = self.grants.turn();
        if turn.is_shut_down {
            return Err(PutError::ShutDown(item));
        }
        let others = turn.waiting();
        // Who waits while there is room waits for items.
        if !turn.fits(weight) || (others > 0 && !turn.store.is_empty()) {
            return Err(PutError::Full(item));
        }
        turn.put(item, weight);
        self.end(&mut turn);
        Ok(())
    }

    /// Puts an item in.
    ///
    /// # Errors
    /// [`PutError::ShutDown`], with the item, if it is shut down, or gets so meanwhile.
    ///
    /// # Blocking
    /// Until there is room, and whoever waited before has put theirs in.
    #[inline]
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        self.put_deadline(item, Deadline::NEVER)
    }

    /// Puts an item in, or gives up when `timeout` has passed.
    ///
    /// # Errors
    /// [`PutError::TimedOut`] or [`PutError::ShutDown`], with the item.
    ///
    /// # Blocking
    /// Until there is room, and whoever waited before has put theirs in, or that long.
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), PutError<T>> {
        self.put_deadline(item, Deadline::after(timeout))
    }

    /// Puts an item in, or gives up at `deadline`. Tries once if that has passed.
    ///
    /// # Errors
    /// [`PutError::TimedOut`] or [`PutError::ShutDown`], with the item.
    ///
    /// # Blocking
    /// Until there is room, and whoever waited before has put theirs in, or until then.
    #[inline]
    pub fn put_deadline(&self, item: T, deadline: impl Into<Deadline>) -> Result<(), PutError<T>> {
        match self.try_put(item) {
            Err(PutError::Full(item)) => self.put_slowly(item, deadline.into()),
            result => result,
        }
    }

    #[cold]
    fn put_slowly(&self, item: T, deadline: Deadline) -> Result<(), PutError<T>> {
        let count = || self.count.load(Ordering::Relaxed);
        let full = count();
        self.putters.spin(full, deadline, 1, || full.saturating_sub(count()), || false);
        match self.try_put(item) {
            Err(PutError::Full(item)) => asking::put(self, item, deadline),
            result => result,
        }
    }

    /// Puts an item in, awaiting room.
    ///
    /// Dropping the future leaves the list, and drops the item with it unless it is in already.
    pub fn put_async(&self, item: T) -> PutFuture<'_, T, S> {
        PutFuture::new(self, item)
    }

    /// Gets the next item if there is one. Never waits.
    ///
    /// # Errors
    /// [`GetError::Empty`] or [`GetError::ShutDown`].
    #[inline]
    pub fn try_get(&self) -> Result<T, GetError> {
        asking::step();
        let mut turn = self.grants.turn();
        match turn.take() {
            Some(item) => {
                self.end(&mut turn);
                Ok(item.item)
            }
            None => Err(if turn.is_shut_down { GetError::ShutDown } else { GetError::Empty }),
        }
    }

    /// Gets the next item.
    ///
    /// # Errors
    /// [`GetError::ShutDown`] if there is none and it is shut down, or gets so meanwhile.
    ///
    /// # Blocking
    /// Until there is one.
    #[inline]
    pub fn get(&self) -> Result<T, GetError> {
        self.get_deadline(Deadline::NEVER)
    }

    /// Gets the next item, or gives up when `timeout` has passed.
    ///
    /// # Errors
    /// [`GetError::TimedOut`] or [`GetError::ShutDown`].
    ///
    /// # Blocking
    /// Until there is one, or that long.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, GetError> {
        self.get_deadline(Deadline::after(timeout))
    }

    /// Gets the next item, or gives up at `deadline`. Tries once if that has passed.
    ///
    /// # Errors
    /// [`GetError::TimedOut`] or [`GetError::ShutDown`].
    ///
    /// # Blocking
    /// Until there is one, or until then.
    #[inline]
    pub fn get_deadline(&self, deadline: impl Into<Deadline>) -> Result<T, GetError> {
        match self.try_get() {
            Err(GetError::Empty) => self.get_slowly(deadline.into()),
            result => result,
        }
    }

    #[cold]
    fn get_slowly(&self, deadline: Deadline) -> Result<T, GetError> {
        self.getters.spin(usize::MAX, deadline, 1, || self.count.load(Ordering::Relaxed), || false);
        match self.try_get() {
            Err(GetError::Empty) => asking::get(self, deadline),
            result => result,
        }
    }

    /// Gets the next item, awaiting it.
    ///
    /// Dropping the future leaves the list; an item that it was given goes to the next who waits, or back to its place.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_channel::Queue;
    /// use millpond_sync::Parker;
    ///
    /// let queue: Queue<u32> = Queue::new();
    /// queue.put(5).unwrap();
    /// assert_eq!(Parker::block_on(queue.get_async()), Ok(5));
    /// ```
    pub const fn get_async(&self) -> GetFuture<'_, T, S> {
        GetFuture::new(self)
    }

    /// A copy of the next item, which stays in, if there is one. Never waits.
    ///
    /// # Errors
    /// [`GetError::Empty`] or [`GetError::ShutDown`].
    pub fn try_peek(&self) -> Result<T, GetError>
    where
        T: Clone,
    {
        let turn = self.grants.turn();
        let empty = if turn.is_shut_down { GetError::ShutDown } else { GetError::Empty };
        turn.store.peek().cloned().ok_or(empty)
    }

    /// A copy of the next item, which stays in.
    ///
    /// # Errors
    /// [`GetError::ShutDown`] if there is none and it is shut down, or gets so meanwhile.
    ///
    /// # Blocking
    /// Until there is one.
    pub fn peek(&self) -> Result<T, GetError>
    where
        T: Clone,
    {
        self.peek_deadline(Deadline::NEVER)
    }

    /// A copy of the next item, which stays in, or gives up at `deadline`.
    ///
    /// # Errors
    /// [`GetError::TimedOut`] or [`GetError::ShutDown`].
    ///
    /// # Blocking
    /// Until there is one, or until then.
    pub fn peek_deadline(&self, deadline: impl Into<Deadline>) -> Result<T, GetError>
    where
        T: Clone,
    {
        match self.try_peek() {
            Err(GetError::Empty) => asking::peek(self, deadline.into()),
            result => result,
        }
    }

    /// Says that what one item was put in for is done.
    ///
    /// # Errors
    /// [`DoneTooOften`] if everything is done already.
    pub fn task_done(&self) -> Result<(), DoneTooOften> {
        let is_all_done = {
            let mut turn = self.grants.turn();
            turn.unfinished = turn.unfinished.checked_sub(1).ok_or(DoneTooOften)?;
            turn.unfinished == 0
        };
        if is_all_done {
            self.joiners.notify_all_after_lock();
        }
        Ok(())
    }

    /// How many items were put in that nobody has said to be done.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.grants.turn().unfinished
    }

    /// Waits until everything that was put in is [done](Self::task_done).
    ///
    /// # Blocking
    /// Until then.
    pub fn join(&self) {
        self.joiners.wait_until(|| self.is_done());
    }

    /// Waits until everything that was put in is done, or until `deadline`; returns whether it is done.
    ///
    /// # Blocking
    /// Until then.
    pub fn join_deadline(&self, deadline: impl Into<Deadline>) -> bool {
        self.joiners.wait_until_deadline(deadline, || self.is_done()).is_some()
    }

    /// Waits until everything that was put in is done, awaiting it.
    pub async fn join_async(&self) {
        self.joiners.wait_async(|| self.is_done()).await;
    }

    fn is_done(&self) -> Option<()> {
        (self.unfinished() == 0).then_some(())
    }

    /// Takes no more items from now on: putters are told so, getters get what is in and are told so then. Returns
    /// whether that is news.
    pub fn shut_down(&self) -> bool {
        let mut turn = self.grants.turn();
        let is_news = !std::mem::replace(&mut turn.is_shut_down, true);
        self.end(&mut turn);
        is_news
    }

    /// The same, and drops what is in, which counts as done. Returns how many items that were.
    pub fn shut_down_now(&self) -> usize {
        self.shut_down();
        self.clear()
    }

    /// Drops what is in, which counts as done. Returns how many items that were.
    pub fn clear(&self) -> usize {
        let (items, is_all_done) = {
            let mut turn = self.grants.turn();
            let items = std::mem::replace(&mut turn.store, S::EMPTY);
            turn.weight = 0;
            turn.unfinished = turn.unfinished.saturating_sub(items.len() as u64);
            self.end(&mut turn);
            (items, turn.unfinished == 0)
        };
        if is_all_done {
            self.joiners.notify_all_after_lock();
        }
        // The items are the user's, so they are dropped when the lock is free.
        items.len()
    }

    /// Shows the items that are in, in any order, unless somebody uses the queue at this moment.
    /// Never waits.
    ///
    /// `see` runs under the queue's lock, so it must not use the queue. For collectors of garbage.
    pub fn visit(&self, see: &mut dyn FnMut(&T)) {
        if let Some(turn) = self.grants.try_turn() {
            turn.store.visit(see);
        }
    }

    /// Whether it is shut down.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.grants.turn().is_shut_down
    }

    /// How many items are in. A moment's view.
    #[must_use]
    pub fn len(&self) -> usize {
        self.grants.turn().store.len()
    }

    /// Whether none is in. A moment's view.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the items that are in weigh together: their number, unless the queue was made with a size. A moment's view.
    #[must_use]
    pub fn total_weight(&self) -> u64 {
        self.grants.turn().weight
    }

    /// The bound; `u64::MAX` for none.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.grants.turn().limit
    }

    /// Changes the bound. If it grows, those who wait for room get it; if it shrinks, nothing is dropped.
    pub fn set_limit(&self, limit: u64) {
        let mut turn = self.grants.turn();
        turn.limit = limit;
        self.end(&mut turn);
    }

    /// How many wait for an item, and how many for room. A moment's view.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        let mut turn = self.grants.turn();
        let waiting = turn.waiting();
        match turn.first().map(|asked| matches!(asked.kind, Kind::Put(..))) {
            None => (0, 0),
            Some(true) => (0, waiting),
            Some(false) => (waiting, 0),
        }
    }

    /// Items, one after the other, until it is empty and shut down.
    ///
    /// # Blocking
    /// At each item, until there is one.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        std::iter::from_fn(|| self.get().ok())
    }
}

impl<T, S: Store<T>> Default for Queue<T, S> {
    fn default() -> Self {
        Self::with_limit(u64::MAX, None)
    }
}

impl<T, S: Store<T>> Extend<T> for Queue<T, S> {
    /// Puts items in, beyond the bound if they are more.
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        for item in items {
            let weight = self.weight(&item);
            self.grants.get_mut().put(item, weight);
        }
        let count = self.grants.get_mut().store.len();
        self.count.store(count, Ordering::Relaxed);
    }
}

impl<T, S: Store<T>> FromIterator<T> for Queue<T, S> {
    /// A queue without a bound, with these items.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut queue = Self::default();
        queue.extend(items);
        queue
    }
}

impl<T, S: Store<T>> fmt::Debug for Queue<T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Queue");
        if let Some(turn) = self.grants.try_turn() {
            shown.field("len", &turn.store.len()).field("is_shut_down", &turn.is_shut_down);
        }
        shown.finish_non_exhaustive()
    }
}
