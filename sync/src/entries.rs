//! The slots of a wait list: a slab of entries, linked first-in-first-out by index.
//!
//! Indices instead of pointers keep this safe code; a freed slot is used again, so waiting
//! allocates nothing once the slab has grown to the largest number of waiters at one time. It knows
//! nothing of locks, threads or wake-ups.
//!
//! An entry may carry a value: what its waiter asks for, and later what it was granted.

use crate::state::{WaiterEvent, WaiterState, Wakes};
use std::task::Waker;

const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Slot<V> {
    state: WaiterState,
    /// Present unless the slot is vacant.
    value: Option<V>,
    /// Present while the state is `Waiting`.
    waker: Option<Waker>,
    /// Towards the front of the list; meaningless unless waiting.
    previous: u32,
    /// Towards the end of the list; in a vacant slot the next free one.
    next: u32,
    /// How often the slot has been vacated: tells a ticket from a stale one.
    generation: u32,
}

/// A place in the slab: slot and generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    index: u32,
    generation: u32,
}

/// What is left of a waiter that has left.
#[derive(Debug)]
pub(crate) struct Vacated<V> {
    /// The state that it was in.
    pub(crate) was: WaiterState,
    /// Whom its leaving wakes.
    pub(crate) wakes: Wakes,
    /// Its waker, if nobody called it, to be dropped when the lock is free.
    pub(crate) waker: Option<Waker>,
    /// What it carried.
    pub(crate) value: Option<V>,
}

/// All waiters of one list.
#[derive(Debug)]
pub(crate) struct Entries<V = ()> {
    slots: Vec<Slot<V>>,
    /// The first free slot.
    free: u32,
    /// The waiter that has waited longest.
    head: u32,
    /// The waiter that came last.
    tail: u32,
    /// How many are in state `Waiting`.
    waiting: usize,
}

impl<V> Entries<V> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), free: NONE, head: NONE, tail: NONE, waiting: 0 }
    }

    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Puts a waiter at the end of the list.
    pub(crate) fn enter(&mut self, waker: Waker, value: V) -> Place {
        let index = self.occupy(waker, value);
        self.link_last(index);
        Place { index, generation: self.slots[index as usize].generation }
    }

    /// Puts a waiter at the front of the list.
    pub(crate) fn enter_first(&mut self, waker: Waker, value: V) -> Place {
        let index = self.occupy(waker, value);
        self.link_first(index);
        Place { index, generation: self.slots[index as usize].generation }
    }

    fn occupy(&mut self, waker: Waker, value: V) -> u32 {
        let index = self.vacant_slot();
        self.step(index, WaiterEvent::Enter);
        let slot = &mut self.slots[index as usize];
        slot.waker = Some(waker);
        slot.value = Some(value);
        index
    }

    fn link_last(&mut self, index: u32) {
        let tail = self.tail;
        let slot = &mut self.slots[index as usize];
        slot.previous = tail;
        slot.next = NONE;
        match tail {
            NONE => self.head = index,
            _ => self.slots[tail as usize].next = index,
        }
        self.tail = index;
        self.waiting += 1;
    }

    fn link_first(&mut self, index: u32) {
        let head = self.head;
        let slot = &mut self.slots[index as usize];
        slot.previous = NONE;
        slot.next = head;
        match head {
            NONE => self.tail = index,
            _ => self.slots[head as usize].previous = index,
        }
        self.head = index;
        self.waiting += 1;
    }

    /// The value of the waiter that has waited longest.
    pub(crate) fn first(&mut self) -> Option<&mut V> {
        self.slots.get_mut(self.head as usize)?.value.as_mut()
    }

    /// The value at `place`.
    pub(crate) fn value(&mut self, place: Place) -> Option<&mut V> {
        self.check(place)?;
        self.slots[place.index as usize].value.as_mut()
    }

    /// The state of the waiter at `place`.
    pub(crate) fn state(&self, place: Place) -> Option<WaiterState> {
        self.check(place)?;
        Some(self.slots[place.index as usize].state)
    }

    /// Takes the first waiter out of the list by `event` and returns its waker and its value.
    pub(crate) fn notify_first(&mut self, event: WaiterEvent) -> Option<(Option<Waker>, &mut V)> {
        let index = self.head;
        if index == NONE {
            return None;
        }
        self.unlink(index);
        let wakes = self.step(index, event);
        debug_assert_eq!(wakes, Wakes::Waiter);
        let slot = &mut self.slots[index as usize];
        let waker = slot.waker.take();
        slot.value.as_mut().map(|value| (waker, value))
    }

    /// The state of the waiter at `place`; while it waits, its waker is replaced by `waker` if that
    /// is another one.
    ///
    /// Returns the replaced waker too, to be dropped when the lock is free.
    pub(crate) fn update(&mut self, place: Place, waker: Option<&Waker>) -> Option<(WaiterState, Option<Waker>)> {
        self.check(place)?;
        self.step(place.index, WaiterEvent::Update);
        let slot = &mut self.slots[place.index as usize];
        let replaced = match (waker, &slot.waker) {
            (Some(waker), Some(current)) if !current.will_wake(waker) => slot.waker.replace(waker.clone()),
            _ => None,
        };
        Some((slot.state, replaced))
    }

    /// Vacates `place`.
    pub(crate) fn leave(&mut self, place: Place, event: WaiterEvent) -> Option<Vacated<V>> {
        self.check(place)?;
        let was = self.slots[place.index as usize].state;
        if was == WaiterState::Waiting {
            self.unlink(place.index);
        }
        let wakes = self.step(place.index, event);
        let free = self.free;
        let slot = &mut self.slots[place.index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.next = free;
        let (waker, value) = (slot.waker.take(), slot.value.take());
        self.free = place.index;
        Some(Vacated { was, wakes, waker, value })
    }

    fn check(&self, place: Place) -> Option<()> {
        let slot = self.slots.get(place.index as usize)?;
        (slot.generation == place.generation && slot.state != WaiterState::Vacant).then_some(())
    }

    /// The one place where a state changes.
    fn step(&mut self, index: u32, event: WaiterEvent) -> Wakes {
        let slot = &mut self.slots[index as usize];
        let (state, wakes) = slot.state.after(event).expect("the list only makes moves that the table has");
        slot.state = state;
        wakes
    }

    fn vacant_slot(&mut self) -> u32 {
        let index = self.free;
        if index != NONE {
            self.free = self.slots[index as usize].next;
            return index;
        }
        let index = u32::try_from(self.slots.len()).ok().filter(|&index| index != NONE);
        let index = index.expect("fewer than 2^32 - 1 waiters in one list");
        self.slots.push(Slot {
            state: WaiterState::Vacant,
            value: None,
            waker: None,
            previous: NONE,
            next: NONE,
            generation: 0,
        });
        index
    }

    fn unlink(&mut self, index: u32) {
        let Slot { previous, next, .. } = self.slots[index as usize];
        match previous {
            NONE => self.head = next,
            _ => self.slots[previous as usize].next = next,
        }
        match next {
            NONE => self.tail = previous,
            _ => self.slots[next as usize].previous = previous,
        }
        self.waiting -= 1;
    }
}
