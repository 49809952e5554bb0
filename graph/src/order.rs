//! A list of all nodes in topological order, in which two nodes are compared in one step.
//!
//! This is the order-maintenance problem; the solution is the tag-range relabelling of Bender,
//! Cole, Demaine, Farach-Colton and Zito, "Two Simplified Algorithms for Maintaining Order in a
//! List" (ESA 2002), first found by Dietz. Every node has a tag, and tags grow along a doubly
//! linked list. A node that is put between two others takes the middle of their tags; where no tag
//! is left, the smallest enclosing range of tags that is not too full has its nodes spread evenly
//! over it. A move costs O(log n), amortised, and mostly one step.
//!
//! Invariants: the list is circular through the sentinel in place 0; along it tags grow strictly; a
//! place that is not in the list is linked to nothing.
//!
//! It does not know edges: [`crate::insertion`] says what must come before what.

use petgraph::stable_graph::NodeIndex;

/// Tags are below this, so that sums of two never overflow.
const TAG_BITS: u32 = 62;
const TAG_END: u64 = 1 << TAG_BITS;
/// How far apart nodes that are added at the end are tagged, so that some fit in between.
const APPEND_GAP: u64 = 1 << 20;
/// A range of 2^b tags is too full for spreading when it holds more than (2 / FULLNESS)^b nodes.
const FULLNESS: f64 = 1.5;
/// The place that holds no node: the list's end and its beginning.
const SENTINEL: u32 = 0;

#[derive(Clone, Copy, Debug)]
struct Place {
    tag: u64,
    next: u32,
    previous: u32,
    /// Which search saw the node last; see [`Order::mark`].
    mark: u32,
}

/// The topological order of a graph's nodes.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// The sentinel, then the place of each slot of the graph.
    places: Vec<Place>,
    /// The greatest mark given out.
    last_mark: u32,
}

impl Order {
    pub(crate) fn with_capacity(nodes: usize) -> Order {
        let mut places = Vec::with_capacity(nodes + 1);
        places.push(Place { tag: 0, next: SENTINEL, previous: SENTINEL, mark: 0 });
        Order { places, last_mark: 0 }
    }

    /// Puts a node that is not in the list behind all others.
    pub(crate) fn push(&mut self, node: NodeIndex) {
        let place = place_of(node);
        let unlinked = Place { tag: 0, next: place, previous: place, mark: 0 };
        match place as usize {
            at if at < self.places.len() => self.places[at] = unlinked,
            // Slots are handed out one after the other, so a hole never stays.
            at => self.places.resize(at + 1, unlinked),
        }
        self.link_after(self.places[SENTINEL as usize].previous, [place].into_iter());
    }

    /// Takes a node out of the list.
    pub(crate) fn remove(&mut self, node: NodeIndex) {
        self.unlink(place_of(node));
    }

    /// The tag of a node; of two nodes the one with the smaller tag comes first. Good until the
    /// next move.
    pub(crate) fn tag(&self, node: NodeIndex) -> u64 {
        self.places[place_of(node) as usize].tag
    }

    /// Moves nodes so that they stand in the order given, directly behind `anchor`, or directly
    /// before it. The anchor is not among them.
    pub(crate) fn move_to(&mut self, anchor: Anchor, nodes: impl ExactSizeIterator<Item = NodeIndex> + Clone) {
        for node in nodes.clone() {
            self.unlink(place_of(node));
        }
        let after = match anchor {
            Anchor::Behind(node) => place_of(node),
            Anchor::Before(node) => self.places[place_of(node) as usize].previous,
        };
        self.link_after(after, nodes.map(place_of));
    }

    /// One more than the greatest slot ever used.
    pub(crate) fn slot_bound(&self) -> usize {
        self.places.len() - 1
    }

    /// All nodes in order.
    pub(crate) fn iter(&self) -> Nodes<'_> {
        let sentinel = &self.places[SENTINEL as usize];
        Nodes { order: self, front: sentinel.next, back: sentinel.previous, is_done: sentinel.next == SENTINEL }
    }

    /// Two marks that no node has.
    pub(crate) fn two_new_marks(&mut self) -> (u32, u32) {
        if self.last_mark >= u32::MAX - 2 {
            self.places.iter_mut().for_each(|place| place.mark = 0);
            self.last_mark = 0;
        }
        self.last_mark += 2;
        (self.last_mark - 1, self.last_mark)
    }

    /// The mark that a search left at a node.
    pub(crate) fn mark(&self, node: NodeIndex) -> u32 {
        self.places[place_of(node) as usize].mark
    }

    pub(crate) fn set_mark(&mut self, node: NodeIndex, mark: u32) {
        self.places[place_of(node) as usize].mark = mark;
    }

    fn unlink(&mut self, place: u32) {
        let Place { next, previous, .. } = self.places[place as usize];
        self.places[previous as usize].next = next;
        self.places[next as usize].previous = previous;
        self.places[place as usize].next = place;
        self.places[place as usize].previous = place;
    }

    /// Links places that are not in the list behind one that is, in the order given.
    fn link_after(&mut self, after: u32, places: impl ExactSizeIterator<Item = u32> + Clone) {
        let Place { tag, next, .. } = self.places[after as usize];
        let share = self.gap_after(after) / (places.len() as u64 + 1);
        let step = if next == SENTINEL { share.min(APPEND_GAP) } else { share };
        let (mut previous, mut tag) = (after, tag);
        for place in places.clone() {
            tag += step;
            let linked = &mut self.places[place as usize];
            (linked.tag, linked.previous) = (tag, previous);
            self.places[previous as usize].next = place;
            previous = place;
        }
        self.places[previous as usize].next = next;
        self.places[next as usize].previous = previous;
        if step == 0 {
            self.spread_around(after);
        }
    }

    /// How far the tag of the next place, or the end of all tags, is from that of this one.
    fn gap_after(&self, place: u32) -> u64 {
        let Place { tag, next, .. } = self.places[place as usize];
        (if next == SENTINEL { TAG_END } else { self.places[next as usize].tag }) - tag
    }

    /// Spreads the tags around a place evenly, where places with equal tags, all those of a range,
    /// stand behind it.
    fn spread_around(&mut self, place: u32) {
        let tag = self.places[place as usize].tag;
        let (mut first, mut last, mut count) = (place, place, 1_u64);
        let mut most = 1.0;
        for bits in 1..=TAG_BITS {
            most *= 2.0 / FULLNESS;
            let low = tag >> bits << bits;
            let high = low + (1 << bits);
            // The sentinel has the tag 0 and is part of the lowest range, where it stays, being
            // first.
            while first != SENTINEL && self.places[self.places[first as usize].previous as usize].tag >= low {
                first = self.places[first as usize].previous;
                count += 1;
            }
            loop {
                let next = self.places[last as usize].next;
                if next == SENTINEL || self.places[next as usize].tag >= high {
                    break;
                }
                last = next;
                count += 1;
            }
            let gap = (1 << bits) / count;
            if gap >= 2 && (count as f64) < most || bits == TAG_BITS {
                let mut at = first;
                let mut tag = low;
                loop {
                    self.places[at as usize].tag = tag;
                    if at == last {
                        return;
                    }
                    tag += gap;
                    at = self.places[at as usize].next;
                }
            }
        }
    }
}

/// Where nodes are moved to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    /// Directly behind this node.
    Behind(NodeIndex),
    /// Directly before this node.
    Before(NodeIndex),
}

/// The nodes in topological order, from either end.
#[derive(Clone, Debug)]
pub(crate) struct Nodes<'a> {
    order: &'a Order,
    front: u32,
    back: u32,
    is_done: bool,
}

impl Iterator for Nodes<'_> {
    type Item = NodeIndex;

    fn next(&mut self) -> Option<NodeIndex> {
        if self.is_done {
            return None;
        }
        let at = self.front;
        self.is_done = at == self.back;
        self.front = self.order.places[at as usize].next;
        Some(NodeIndex::new(at as usize - 1))
    }
}

impl DoubleEndedIterator for Nodes<'_> {
    fn next_back(&mut self) -> Option<NodeIndex> {
        if self.is_done {
            return None;
        }
        let at = self.back;
        self.is_done = at == self.front;
        self.back = self.order.places[at as usize].previous;
        Some(NodeIndex::new(at as usize - 1))
    }
}

fn place_of(node: NodeIndex) -> u32 {
    node.index() as u32 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(order: &Order) -> Vec<usize> {
        let nodes: Vec<usize> = order.iter().map(NodeIndex::index).collect();
        let tags: Vec<u64> = order.iter().map(|node| order.tag(node)).collect();
        assert!(tags.is_sorted_by(|one, other| one < other), "tags grow strictly: {tags:?}");
        let mut backwards: Vec<usize> = order.iter().rev().map(NodeIndex::index).collect();
        backwards.reverse();
        assert_eq!(nodes, backwards);
        nodes
    }

    #[test]
    fn nodes_always_put_in_the_same_gap_find_room() {
        let mut order = Order::with_capacity(0);
        let mut expected = vec![0, 1];
        (0..2).for_each(|node| order.push(NodeIndex::new(node)));
        for node in 2..5000 {
            order.push(NodeIndex::new(node));
            order.move_to(Anchor::Behind(NodeIndex::new(0)), [NodeIndex::new(node)].into_iter());
            expected.insert(1, node);
        }
        assert_eq!(nodes(&order), expected);
    }

    #[test]
    fn nodes_always_put_before_the_first_find_room() {
        let mut order = Order::with_capacity(0);
        order.push(NodeIndex::new(0));
        for node in 1..5000 {
            order.push(NodeIndex::new(node));
            order.move_to(Anchor::Before(NodeIndex::new(node - 1)), [NodeIndex::new(node)].into_iter());
        }
        assert_eq!(nodes(&order), (0..5000).rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_list_whose_tags_have_run_out_at_the_end_takes_more() {
        let mut order = Order::with_capacity(0);
        order.push(NodeIndex::new(0));
        order.places[1].tag = TAG_END - 1;
        (1..5000).for_each(|node| order.push(NodeIndex::new(node)));
        assert_eq!(nodes(&order), (0..5000).collect::<Vec<_>>());
    }

    #[test]
    fn marks_that_have_run_out_begin_again_with_all_nodes_unmarked() {
        let mut order = Order::with_capacity(0);
        order.push(NodeIndex::new(0));
        order.last_mark = u32::MAX - 4;
        let (_, old) = order.two_new_marks();
        order.set_mark(NodeIndex::new(0), old);
        assert_eq!(order.two_new_marks(), (1, 2));
        assert_eq!(order.mark(NodeIndex::new(0)), 0);
    }

    #[test]
    fn removed_nodes_leave_the_list_in_order() {
        let mut order = Order::with_capacity(4);
        (0..4).for_each(|node| order.push(NodeIndex::new(node)));
        order.remove(NodeIndex::new(0));
        order.remove(NodeIndex::new(2));
        order.push(NodeIndex::new(0));
        assert_eq!(nodes(&order), [1, 3, 0]);
        for node in [3, 1, 0] {
            order.remove(NodeIndex::new(node));
        }
        assert_eq!(nodes(&order), [0; 0]);
    }
}
