//! How items and room are waited for.

use super::Queue;
use super::error::{GetError, PutError};
use super::state::{Asked, Kind, QueueTurn, State, serve};
use super::store::Store;
use millpond_sync::host::{Site, step as host_step};
use millpond_sync::{Deadline, Granting, Grants, WaiterState, Waiting};

/// What a getter was given.
pub type Get<T> = Result<T, GetError>;
/// What became of an item that was put.
pub type Put<T> = Result<(), PutError<T>>;

/// Another thread of a simulation may have its turn.
#[inline]
pub(super) fn step() {
    host_step(Site::new("uses a queue"));
}

impl<T> Asked<T> {
    pub(super) const fn new(kind: Kind<T>) -> Self {
        Self { kind, is_refused: false }
    }

    /// What a getter waits for; make a [`Waiting`] of it.
    #[must_use]
    pub const fn get() -> Self {
        Self::new(Kind::Get(None))
    }

    /// What somebody waits for who wants up to `count` items; make a [`Waiting`] of it.
    #[must_use]
    pub const fn get_many(count: usize) -> Self {
        Self::new(Kind::GetMany(count, Vec::new()))
    }

    /// What a putter waits for; make a [`Waiting`] of it.
    #[must_use]
    pub const fn put(item: T, weight: u64) -> Self {
        Self::new(Kind::Put(weight, Some(item)))
    }

    /// What somebody waits for who wants a copy of the next item; make a [`Waiting`] of it.
    #[must_use]
    pub const fn peek() -> Self
    where
        T: Clone,
    {
        Self::new(Kind::Peek(T::clone, None))
    }

    /// What a getter was given, when its wait has ended.
    ///
    /// # Errors
    /// [`GetError::ShutDown`] if it was given nothing.
    pub fn got(self) -> Get<T> {
        match self.kind {
            Kind::Get(Some(item)) => Ok(item.item),
            Kind::Peek(_, Some(item)) => Ok(item),
            _ => Err(GetError::ShutDown),
        }
    }

    /// What somebody was given who wanted several items, when the wait has ended.
    ///
    /// # Errors
    /// [`GetError::ShutDown`] if that is nothing.
    pub fn got_many(self) -> Result<Vec<T>, GetError> {
        match self.kind {
            Kind::GetMany(_, items) if !items.is_empty() => Ok(items.into_iter().map(|item| item.item).collect()),
            _ => Err(GetError::ShutDown),
        }
    }

    /// What became of the item, when the wait is over; `error` says why it is not in.
    ///
    /// # Errors
    /// `error` with the item, if it is not in.
    pub fn put_or(self, error: fn(T) -> PutError<T>) -> Put<T> {
        match self.kind {
            Kind::Put(_, Some(item)) => Err(error(item)),
            _ => Ok(()),
        }
    }
}

pub(super) fn get<T, S: Store<T>>(queue: &Queue<T, S>, deadline: Deadline) -> Get<T> {
    Waiting::new(queue, Asked::get()).block(deadline).map_or(Err(GetError::TimedOut), Asked::got)
}

pub(super) fn peek<T: Clone, S: Store<T>>(queue: &Queue<T, S>, deadline: Deadline) -> Get<T> {
    Waiting::new(queue, Asked::peek()).block(deadline).map_or(Err(GetError::TimedOut), Asked::got)
}

pub(super) fn put<T, S: Store<T>>(queue: &Queue<T, S>, item: T, deadline: Deadline) -> Put<T> {
    let weight = queue.weight(&item);
    match Waiting::new(queue, Asked::put(item, weight)).block(deadline) {
        Ok(asked) => asked.put_or(PutError::ShutDown),
        Err(asked) => asked.put_or(PutError::TimedOut),
    }
}

impl<T, S: Store<T>> Granting for Queue<T, S> {
    type State = State<S>;
    type Entry = Asked<T>;

    fn grants(&self) -> &Grants<State<S>, Asked<T>> {
        &self.grants
    }

    fn take(&self, turn: &mut QueueTurn<'_, T, S>, asked: &mut Asked<T>) -> bool {
        // Who waits while there is room waits for items; and who waits while there are items waits for room.
        let is_in_front = match asked.kind {
            Kind::Put(..) => turn.waiting() == 0 || turn.store.is_empty(),
            Kind::Get(_) | Kind::GetMany(..) | Kind::Peek(..) => true,
        };
        let is_served = (is_in_front || turn.is_shut_down) && serve(&mut *turn, asked);
        if is_served {
            self.end(turn);
        }
        is_served
    }

    fn forsake(&self, turn: &mut QueueTurn<'_, T, S>, asked: &mut Asked<T>, was: WaiterState) {
        if was == WaiterState::Granted {
            match &mut asked.kind {
                Kind::Get(item) => item.take().into_iter().for_each(|item| turn.put_back(item)),
                Kind::GetMany(_, items) => items.drain(..).rev().for_each(|item| turn.put_back(item)),
                // A copy is dropped with its waiter; an item that is in stays.
                Kind::Peek(..) | Kind::Put(..) => {}
            }
        }
        self.end(turn);
    }
}
