//! Keeps the topological order right when an edge is added, and finds the cycle that it would
//! close.
//!
//! The algorithm is the ordered two-way search of Haeupler, Kavitha, Mathew, Sen and Tarjan,
//! "Incremental Cycle Detection, Topological Ordering, and Strong Component Maintenance" (ACM
//! Transactions on Algorithms 8(1), 2012), which refines one of Alpern, Hoover, Rosen, Sweeney and
//! Zadeck (1990), on the list of [`crate::order`]. An edge that agrees with the order costs one
//! comparison. Otherwise two searches approach each other: forward from the edge's target, always
//! at its first node not yet expanded, and backward from the source, always at its last. They stop
//! where they have passed each other, and what they have crossed moves to the place where they met.
//! So a chain costs little in whatever order its edges come, where an algorithm that searches the
//! whole affected region (Pearce and Kelly's) takes quadratic time.
//!
//! Invariants: every edge leads from a smaller tag to a greater one; a refused edge changes nothing
//! but marks.
//!
//! Why the move is right. Let `u` be the first node that the forward search reached and did not
//! expand, if there is one. All that it found before `u` is expanded: F. The backward search
//! stopped at a `z` not behind `u`, so all that it found behind `u` is expanded: B. Directly before
//! `u` go B, then F. An input of B lies in B or before `u`; an output of F lies in F, or is `u`, or
//! behind it. If the forward search has nothing left, all that it found before `from` is F, and all
//! of F lies before the last `z` that the backward search has left: directly behind `z` go B, then
//! F.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::stable_graph::{NodeIndex, StableDiGraph};

use crate::order::{Anchor, Order};

/// The two searches of an insertion, kept for their memory only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Insertion {
    forward: BinaryHeap<Reverse<(u64, NodeIndex)>>,
    backward: BinaryHeap<(u64, NodeIndex)>,
    /// The expanded nodes of each search, in the order of expansion.
    forward_done: Vec<NodeIndex>,
    backward_done: Vec<NodeIndex>,
}

impl Insertion {
    /// Makes room for an edge that goes against the order: moves `to`, which stands before `from`,
    /// behind it. An `Err` is a shortest path from `to` to `from`; the order is then as before.
    pub(crate) fn reorder<Weight, Edge>(
        &mut self,
        graph: &StableDiGraph<Weight, Edge>,
        order: &mut Order,
        from: NodeIndex,
        to: NodeIndex,
    ) -> Result<(), Vec<NodeIndex>> {
        let anchor = self.search(graph, order, from, to).ok_or_else(|| shortest_path(graph, order, to, from))?;
        let here = order.tag(anchor.node());
        // What the backward search expanded before the forward search leapt over it stays where it
        // is.
        self.backward_done.retain(|&node| order.tag(node) > here);
        debug_assert!(self.forward_done.iter().all(|&node| order.tag(node) < here), "expanded in ascending order");
        self.backward_done.reverse();
        self.backward_done.append(&mut self.forward_done);
        order.move_to(anchor, self.backward_done.iter().copied());
        Ok(())
    }

    /// Runs both searches until they have passed each other and says where; `None` when they meet
    /// in a node, which is a cycle.
    fn search<Weight, Edge>(
        &mut self,
        graph: &StableDiGraph<Weight, Edge>,
        order: &mut Order,
        from: NodeIndex,
        to: NodeIndex,
    ) -> Option<Anchor> {
        let (low, high) = (order.tag(to), order.tag(from));
        let (seen_forward, seen_backward) = order.two_new_marks();
        self.forward.clear();
        self.backward.clear();
        self.forward_done.clear();
        self.backward_done.clear();
        self.forward.push(Reverse((low, to)));
        self.backward.push((high, from));
        order.set_mark(to, seen_forward);
        order.set_mark(from, seen_backward);
        let (mut forward_cost, mut backward_cost) = (0_usize, 0_usize);
        loop {
            let (first, last) = match (self.forward.peek(), self.backward.peek()) {
                (Some(&Reverse(first)), Some(&last)) if first.0 < last.0 => (first.1, last.1),
                (Some(&Reverse((_, first))), _) => return Some(Anchor::Before(first)),
                (None, Some(&(_, last))) => return Some(Anchor::Behind(last)),
                (None, None) => unreachable!("the loop ends when the first of the searches has nothing left"),
            };
            if forward_cost <= backward_cost {
                self.forward.pop();
                self.forward_done.push(first);
                forward_cost += 1;
                for node in graph.neighbors_directed(first, Outgoing) {
                    forward_cost += 1;
                    match order.mark(node) {
                        mark if mark == seen_backward => return None,
                        mark if mark == seen_forward => {}
                        _ => {
                            order.set_mark(node, seen_forward);
                            let tag = order.tag(node);
                            if tag < high {
                                self.forward.push(Reverse((tag, node)));
                            }
                        }
                    }
                }
            } else {
                self.backward.pop();
                self.backward_done.push(last);
                backward_cost += 1;
                for node in graph.neighbors_directed(last, Incoming) {
                    backward_cost += 1;
                    match order.mark(node) {
                        mark if mark == seen_forward => return None,
                        mark if mark == seen_backward => {}
                        _ => {
                            order.set_mark(node, seen_backward);
                            let tag = order.tag(node);
                            if tag > low {
                                self.backward.push((tag, node));
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Anchor {
    fn node(self) -> NodeIndex {
        match self {
            Anchor::Behind(node) | Anchor::Before(node) => node,
        }
    }
}

/// A shortest path between two nodes, both included, by a breadth-first search among the nodes
/// between them.
///
/// # Panics
///
/// When there is none.
fn shortest_path<Weight, Edge>(
    graph: &StableDiGraph<Weight, Edge>,
    order: &Order,
    from: NodeIndex,
    to: NodeIndex,
) -> Vec<NodeIndex> {
    let end = order.tag(to);
    // By slot: one more than the slot of the node before it, 0 for none. Zeroed memory that nobody
    // touches is free.
    let mut before = vec![0_u32; order.slot_bound()];
    let mut queue = VecDeque::from([from]);
    'search: while let Some(node) = queue.pop_front() {
        for output in graph.neighbors_directed(node, Outgoing) {
            if order.tag(output) > end || before[output.index()] != 0 {
                continue;
            }
            before[output.index()] = node.index() as u32 + 1;
            if output == to {
                break 'search;
            }
            queue.push_back(output);
        }
    }
    let mut path = vec![to];
    let mut node = to;
    while node != from {
        let before = before[node.index()].checked_sub(1).expect("the two searches met, so there is a path");
        node = NodeIndex::new(before as usize);
        path.push(node);
    }
    path.reverse();
    path
}
