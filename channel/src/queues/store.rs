//! In which order items leave a queue.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

/// An item in a queue, with what it weighs and when it came.
#[derive(Debug)]
pub struct Item<T> {
    /// The number of the item: one more than that of the item that came before it.
    pub number: u64,
    /// What it weighs.
    pub weight: u64,
    /// The item itself.
    pub item: T,
}

/// What keeps the items of a queue, and so decides which is next: [`Fifo`], [`Lifo`], [`Priority`], or your own.
///
/// It is called under the queue's lock, so it must not use the queue.
pub trait Store<T> {
    /// A store without items.
    const EMPTY: Self;

    /// Puts an item in.
    fn put(&mut self, item: Item<T>);

    /// Puts an item back that was taken out, to the place that it had.
    fn put_back(&mut self, item: Item<T>);

    /// Takes the next item out.
    fn take(&mut self) -> Option<Item<T>>;

    /// The next item.
    fn peek(&self) -> Option<&T>;

    /// Shows all items, in any order.
    fn visit(&self, see: &mut dyn FnMut(&T));

    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// First in, first out.
#[derive(Debug)]
pub struct Fifo<T>(VecDeque<Item<T>>);

impl<T> Store<T> for Fifo<T> {
    const EMPTY: Self = Self(VecDeque::new());

    #[inline]
    fn put(&mut self, item: Item<T>) {
        self.0.push_back(item);
    }

    fn put_back(&mut self, item: Item<T>) {
        let place = self.0.iter().take_while(|other| other.number < item.number).count();
        self.0.insert(place, item);
    }

    #[inline]
    fn take(&mut self) -> Option<Item<T>> {
        self.0.pop_front()
    }

    fn visit(&self, see: &mut dyn FnMut(&T)) {
        self.0.iter().for_each(|item| see(&item.item));
    }

    fn peek(&self) -> Option<&T> {
        self.0.front().map(|item| &item.item)
    }

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }
}

/// Last in, first out.
#[derive(Debug)]
pub struct Lifo<T>(Vec<Item<T>>);

impl<T> Store<T> for Lifo<T> {
    const EMPTY: Self = Self(Vec::new());

    fn put(&mut self, item: Item<T>) {
        self.0.push(item);
    }

    fn put_back(&mut self, item: Item<T>) {
        let later = self.0.iter().rev().take_while(|other| other.number > item.number).count();
        self.0.insert(self.0.len() - later, item);
    }

    fn take(&mut self) -> Option<Item<T>> {
        self.0.pop()
    }

    fn visit(&self, see: &mut dyn FnMut(&T)) {
        self.0.iter().for_each(|item| see(&item.item));
    }

    fn peek(&self) -> Option<&T> {
        self.0.last().map(|item| &item.item)
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// The smallest first; of equal ones the one that came first.
#[derive(Debug)]
pub struct Priority<T>(BinaryHeap<Ranked<T>>);

/// An item that is greater the sooner it leaves.
#[derive(Debug)]
struct Ranked<T>(Item<T>);

impl<T: Ord> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, two) = (&self.0, &other.0);
        two.item.cmp(&one.item).then_with(|| two.number.cmp(&one.number))
    }
}

impl<T: Ord> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Ranked<T> {}

impl<T: Ord> Store<T> for Priority<T> {
    const EMPTY: Self = Self(BinaryHeap::new());

    fn put(&mut self, item: Item<T>) {
        self.0.push(Ranked(item));
    }

    fn put_back(&mut self, item: Item<T>) {
        self.0.push(Ranked(item));
    }

    fn take(&mut self) -> Option<Item<T>> {
        self.0.pop().map(|ranked| ranked.0)
    }

    fn visit(&self, see: &mut dyn FnMut(&T)) {
        self.0.iter().for_each(|ranked| see(&ranked.0.item));
    }

    fn peek(&self) -> Option<&T> {
        self.0.peek().map(|ranked| &ranked.0.item)
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}
