//! The order in which a lane's chunks leave it: a linked list of slots.
//!
//! A chunk gets the last slot when its head gives it out, and leaves in the order of the slots, whoever
//! is done first. What a worker has not begun of a chunk that turned slow gets a slot of its own, right
//! after the part that it has done, so a chunk may be cut as often as need be without renumbering.
//!
//! | from | event | to | who |
//! |---|---|---|---|
//! | – | a chunk is made | `Flying` | the worker that made it |
//! | `Flying` | it has come to the end of its lane, and others are before it | `Landed` | the same worker |
//! | `Flying` | it has come to the end of its lane, and it is the first | – | the same worker |
//! | – | a chunk was cut | `Left`, after that chunk | the worker that cut it |
//! | `Left` | a worker goes on with it | `Flying` | that worker |
//! | `Landed` | all before it have left | – | the worker that landed the last of those |
//! | any | a chunk before it failed | – (`Flying`: when it lands) | the worker that landed the failure |

use super::state::{Landing, Left};
use millpond_workers::discard::discard;

/// The name of a slot while it is in use.
pub(crate) type SlotId = u32;

/// No slot.
const NONE: SlotId = SlotId::MAX;

/// A chunk as the worker that carries it knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(super) slot: SlotId,
    /// Its number, counted from 0 as heads give chunks out; parts of one chunk share it.
    pub(crate) number: u64,
}

/// What a slot holds.
pub(super) enum Place<T> {
    /// A worker is on its way with it.
    Flying,
    /// It has come to the end of the lane and waits for those before it.
    Landed(Box<Landing<T>>),
    /// Nobody is at it: the rest of a chunk that was cut.
    Left(Box<Left>),
}

struct Slot<T> {
    before: SlotId,
    after: SlotId,
    number: u64,
    /// How many items the head made it of, for the lane's reservations.
    made: usize,
    /// A chunk before it has failed, so nobody will get what comes of it.
    is_doomed: bool,
    place: Place<T>,
}

/// See the [module documentation](self).
pub(super) struct Sequence<T> {
    slots: Vec<Slot<T>>,
    /// Slots to use again.
    free: Vec<SlotId>,
    first: SlotId,
    last: SlotId,
    /// How many slots hold a chunk that has landed, and how many the rest of one.
    landed: usize,
    left: usize,
}

/// What left a sequence.
pub(super) struct Departed<T> {
    pub(super) made: usize,
    pub(super) place: Place<T>,
}

impl<T> Departed<T> {
    /// Drops what is in it. Does not unwind.
    pub(super) fn discard(self) {
        match self.place {
            Place::Landed(landing) => landing.discard(),
            Place::Left(left) => discard(left),
            Place::Flying => {}
        }
    }
}

impl<T> Sequence<T> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), first: NONE, last: NONE, landed: 0, left: 0 }
    }

    /// How many chunks wait for those before them.
    pub(super) fn landed(&self) -> usize {
        self.landed
    }

    /// How many rests of chunks wait for a worker.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// The chunks that wait for those before them, in no order.
    pub(super) fn landings(&self) -> impl Iterator<Item = &Landing<T>> {
        self.slots
            .iter()
            .filter_map(|slot| if let Place::Landed(landing) = &slot.place { Some(&**landing) } else { None })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// Whether fewer than `count` slots are before this one.
    pub(super) fn is_within(&self, slot: SlotId, count: usize) -> bool {
        let mut at = self.first;
        for _ in 0..count {
            if at == slot {
                return true;
            }
            if at == NONE {
                break;
            }
            at = self.slot(at).after;
        }
        false
    }

    pub(super) fn is_first(&self, slot: SlotId) -> bool {
        self.first == slot
    }

    pub(super) fn number(&self, slot: SlotId) -> u64 {
        self.slot(slot).number
    }

    pub(super) fn is_doomed(&self, slot: SlotId) -> bool {
        self.slot(slot).is_doomed
    }

    fn slot(&self, slot: SlotId) -> &Slot<T> {
        &self.slots[slot as usize]
    }

    fn slot_mut(&mut self, slot: SlotId) -> &mut Slot<T> {
        &mut self.slots[slot as usize]
    }

    /// A slot at the end, for a chunk that is on its way.
    pub(super) fn push(&mut self, number: u64, made: usize, is_doomed: bool) -> SlotId {
        let place = Place::Flying;
        self.insert(self.last, Slot { before: NONE, after: NONE, number, made, is_doomed, place })
    }

    /// A slot right after `slot` for the rest of its chunk, to which `made` of the items go that the
    /// head made it of.
    pub(super) fn push_left(&mut self, slot: SlotId, left: Left, made: usize) -> SlotId {
        self.push_left_after(slot, slot, left, made)
    }

    /// The same, after `last`: another rest of that chunk.
    pub(super) fn push_left_after(&mut self, slot: SlotId, last: SlotId, left: Left, made: usize) -> SlotId {
        let cut = self.slot_mut(slot);
        let made = made.min(cut.made);
        cut.made -= made;
        let (number, is_doomed) = (cut.number, cut.is_doomed);
        self.left += 1;
        let place = Place::Left(Box::new(left));
        self.insert(last, Slot { before: NONE, after: NONE, number, made, is_doomed, place })
    }

    /// A slot at the end for the rest of a chunk that nobody has carried.
    pub(super) fn push_rest(&mut self, number: u64, left: Left) {
        let slot = self.push(number, left.items, false);
        self.slot_mut(slot).place = Place::Left(Box::new(left));
        self.left += 1;
    }

    /// Puts a slot after the one named `before`, or at the front.
    fn insert(&mut self, before: SlotId, mut slot: Slot<T>) -> SlotId {
        let after = if before == NONE { self.first } else { self.slot(before).after };
        (slot.before, slot.after) = (before, after);
        let id = match self.free.pop() {
            Some(id) => {
                *self.slot_mut(id) = slot;
                id
            }
            None => {
                self.slots.push(slot);
                SlotId::try_from(self.slots.len() - 1).expect("there are fewer chunks than a u32 can count")
            }
        };
        *self.link_after(before) = id;
        *self.link_before(after) = id;
        id
    }

    /// The link that names what comes after `slot`.
    fn link_after(&mut self, slot: SlotId) -> &mut SlotId {
        if slot == NONE { &mut self.first } else { &mut self.slots[slot as usize].after }
    }

    /// The link that names what comes before `slot`.
    fn link_before(&mut self, slot: SlotId) -> &mut SlotId {
        if slot == NONE { &mut self.last } else { &mut self.slots[slot as usize].before }
    }

    /// Takes a slot out of the list.
    pub(super) fn remove(&mut self, slot: SlotId) -> Departed<T> {
        let at = self.slot_mut(slot);
        let (before, after, made) = (at.before, at.after, at.made);
        let place = std::mem::replace(&mut at.place, Place::Flying);
        match &place {
            Place::Flying => {}
            Place::Landed(_) => self.landed -= 1,
            Place::Left(_) => self.left -= 1,
        }
        *self.link_after(before) = after;
        *self.link_before(after) = before;
        self.free.push(slot);
        Departed { made, place }
    }

    /// A chunk that was on its way has landed and waits.
    pub(super) fn land(&mut self, slot: SlotId, landing: Landing<T>) {
        self.slot_mut(slot).place = Place::Landed(Box::new(landing));
        self.landed += 1;
    }

    /// Takes the first chunk out if it has landed.
    pub(super) fn pop_landed(&mut self) -> Option<(usize, Landing<T>)> {
        if self.first == NONE || !matches!(self.slot(self.first).place, Place::Landed(_)) {
            return None;
        }
        let Departed { made, place: Place::Landed(landing) } = self.remove(self.first) else { return None };
        Some((made, *landing))
    }

    /// The first rest of a chunk that waits for a worker.
    pub(super) fn first_left(&self) -> Option<SlotId> {
        if self.left == 0 {
            return None;
        }
        let mut slot = self.first;
        while slot != NONE {
            if let Place::Left(_) = self.slot(slot).place {
                return Some(slot);
            }
            slot = self.slot(slot).after;
        }
        None
    }

    /// How many items a rest has.
    pub(super) fn left_items(&self, slot: SlotId) -> usize {
        match &self.slot(slot).place {
            Place::Left(left) => left.items,
            _ => 0,
        }
    }

    /// A worker goes on with a rest.
    pub(super) fn resume(&mut self, slot: SlotId) -> Left {
        match std::mem::replace(&mut self.slot_mut(slot).place, Place::Flying) {
            Place::Left(left) => {
                self.left -= 1;
                *left
            }
            _ => unreachable!("a rest of a chunk is resumed once"),
        }
    }

    /// Nobody will get what comes after `slot`: takes out what nobody is at, and marks the others.
    pub(super) fn doom_after(&mut self, slot: SlotId, mut departed: impl FnMut(Departed<T>)) {
        let mut next = self.slot(slot).after;
        while next != NONE {
            let slot = next;
            let at = self.slot_mut(slot);
            next = at.after;
            at.is_doomed = true;
            if !matches!(at.place, Place::Flying) {
                departed(self.remove(slot));
            }
        }
    }

    /// Takes out all that nobody is at.
    pub(super) fn drain_waiting(&mut self, mut departed: impl FnMut(Departed<T>)) {
        let mut next = self.first;
        while next != NONE {
            let slot = next;
            next = self.slot(slot).after;
            if !matches!(self.slot(slot).place, Place::Flying) {
                departed(self.remove(slot));
            }
        }
    }
}
