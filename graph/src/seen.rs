//! A set of slots whose cost depends on what is put in, not on how large the graph is.
//!
//! In a large graph it begins as a hash set. As soon as it holds as many slots as a bit for every
//! slot of the graph needs words, it becomes those bits; so it never touches more memory than it
//! was given slots, and is quick for the large sets. In a small graph the bits are there from the
//! beginning.

use std::collections::HashSet;

use petgraph::stable_graph::NodeIndex;

const BITS_PER_WORD: usize = u64::BITS as usize;
/// So many words cost less to clear than a hash set costs to make.
const FEW_WORDS: usize = 64;

#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// Few of the graph's slots; the number says from how many on bits are cheaper.
    Few(HashSet<NodeIndex>, usize),
    /// A bit for every slot.
    Many(Vec<u64>),
}

impl Seen {
    /// An empty set of slots below the bound.
    pub(crate) fn new(slot_bound: usize) -> Seen {
        match slot_bound.div_ceil(BITS_PER_WORD) {
            words @ ..=FEW_WORDS => Seen::Many(vec![0; words]),
            words => Seen::Few(HashSet::new(), words),
        }
    }

    /// Puts a slot in and says whether it was missing.
    pub(crate) fn insert(&mut self, node: NodeIndex) -> bool {
        match self {
            Seen::Few(nodes, words) if nodes.len() < *words => nodes.insert(node),
            Seen::Few(nodes, words) => {
                let mut bits = vec![0; *words];
                nodes.iter().for_each(|&node| _ = set_bit(&mut bits, node));
                let is_new = set_bit(&mut bits, node);
                *self = Seen::Many(bits);
                is_new
            }
            Seen::Many(bits) => set_bit(bits, node),
        }
    }

    pub(crate) fn contains(&self, node: NodeIndex) -> bool {
        match self {
            Seen::Few(nodes, _) => nodes.contains(&node),
            Seen::Many(bits) => bits[node.index() / BITS_PER_WORD] & bit(node) != 0,
        }
    }
}

fn bit(node: NodeIndex) -> u64 {
    1 << (node.index() % BITS_PER_WORD)
}

fn set_bit(bits: &mut [u64], node: NodeIndex) -> bool {
    let word = &mut bits[node.index() / BITS_PER_WORD];
    let is_new = *word & bit(node) == 0;
    *word |= bit(node);
    is_new
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts each slot in once, in an order of its own.
    fn fill(mut seen: Seen, count: usize) -> Seen {
        let slots = (0..count).map(|slot| NodeIndex::new(slot * 7919 % count));
        for slot in slots.clone() {
            assert!(!seen.contains(slot));
            assert!(seen.insert(slot));
            assert!(!seen.insert(slot));
            assert!(seen.contains(slot));
        }
        slots.for_each(|slot| assert!(!seen.insert(slot)));
        seen
    }

    #[test]
    fn in_a_large_graph_a_slot_is_new_once_before_and_after_the_change_to_bits() {
        let seen = Seen::new(10_000);
        assert!(matches!(seen, Seen::Few(..)));
        assert!(matches!(fill(seen, 10_000), Seen::Many(_)));
    }

    #[test]
    fn in_a_small_graph_a_slot_is_new_once() {
        fill(Seen::new(1000), 1000);
    }
}
