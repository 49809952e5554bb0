//! What stands under a queue's lock, and how items and room are granted.
//!
//! Getters wait only while the queue is empty, and then any item fits; so getters and putters never wait at the same
//! time, and one list serves both. A turn that puts in or takes out ends with a look from the front ([`settle`]).

use super::store::{Item, Store};
use millpond_sync::Turn;

/// The items of a queue and what is counted with them.
#[derive(Debug)]
pub struct State<S> {
    pub(super) store: S,
    /// The sum of the weights of the items that are in.
    pub(super) weight: u64,
    pub(super) limit: u64,
    /// The number of the next item.
    pub(super) next: u64,
    /// How many items were put in and not said to be done.
    pub(super) unfinished: u64,
    pub(super) is_shut_down: bool,
}

/// What a waiter of a queue asks for, and what it was given.
#[derive(Debug)]
pub struct Asked<T> {
    pub(super) kind: Kind<T>,
    /// Whether it was told that the queue is shut down, and given nothing.
    pub(super) is_refused: bool,
}

#[derive(Debug)]
pub(super) enum Kind<T> {
    /// The next item.
    Get(Option<Item<T>>),
    /// Up to so many items.
    GetMany(usize, Vec<Item<T>>),
    /// A copy of the next item, made by the function.
    Peek(fn(&T) -> T, Option<T>),
    /// Room for an item that weighs so much; the item, until it is in.
    Put(u64, Option<T>),
}

/// A turn of a queue's lock.
pub(super) type QueueTurn<'a, T, S> = Turn<'a, State<S>, Asked<T>>;

impl<S> State<S> {
    /// Whether an item of this weight goes in. One that is heavier than the limit does when it is alone.
    #[inline]
    pub(super) fn fits<T>(&self, weight: u64) -> bool
    where
        S: Store<T>,
    {
        self.weight.saturating_add(weight) <= self.limit || self.store.is_empty()
    }

    #[inline]
    pub(super) fn put<T>(&mut self, item: T, weight: u64)
    where
        S: Store<T>,
    {
        self.store.put(Item { number: self.next, weight, item });
        self.next += 1;
        self.weight = self.weight.saturating_add(weight);
        self.unfinished += 1;
    }

    #[inline]
    pub(super) fn take<T>(&mut self) -> Option<Item<T>>
    where
        S: Store<T>,
    {
        let item = self.store.take()?;
        self.weight = self.weight.saturating_sub(item.weight);
        Some(item)
    }

    pub(super) fn put_back<T>(&mut self, item: Item<T>)
    where
        S: Store<T>,
    {
        self.weight = self.weight.saturating_add(item.weight);
        self.store.put_back(item);
    }
}

/// Whether what `kind` asks for can be had.
fn is_there<T, S: Store<T>>(state: &State<S>, kind: &Kind<T>) -> bool {
    match kind {
        Kind::Put(weight, _) => !state.is_shut_down && state.fits(*weight),
        Kind::Get(_) | Kind::GetMany(..) | Kind::Peek(..) => !state.store.is_empty(),
    }
}

/// Gives `asked` what it asks for if that can be had, or refuses it if it never can; returns whether it did either.
pub(super) fn serve<T, S: Store<T>>(state: &mut State<S>, asked: &mut Asked<T>) -> bool {
    if !is_there(state, &asked.kind) {
        asked.is_refused = state.is_shut_down;
        return asked.is_refused;
    }
    match &mut asked.kind {
        Kind::Get(item) => *item = state.take(),
        Kind::GetMany(count, items) => items.extend(std::iter::from_fn(|| state.take()).take(*count)),
        Kind::Peek(copy, item) => *item = state.store.peek().map(copy),
        Kind::Put(weight, item) => item.take().into_iter().for_each(|item| state.put(item, *weight)),
    }
    true
}

/// Serves those who wait, from the front, until one must wait on.
pub(super) fn settle<T, S: Store<T>>(turn: &mut QueueTurn<'_, T, S>) {
    while let Some((state, asked)) = turn.first_and_state() {
        if !is_there(state, &asked.kind) && !state.is_shut_down {
            return;
        }
        if let Some((state, asked)) = turn.try_grant_first_with_state() {
            serve(state, asked);
        }
    }
}
