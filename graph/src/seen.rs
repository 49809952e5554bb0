//! A set of slots whose cost depends on what is put in, not on how large the graph is.
//!
//! It begins as a hash set. As soon as it holds as many slots as a bit for every slot of the graph needs words, it
//! becomes those bits; so it never touches more memory than it was given slots, and is quick for the large sets.

use std::collections::HashSet;

use petgraph::stable_graph::NodeIndex;

const BITS_PER_WORD: usize = u64::BITS as usize;

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
        Seen::Few(HashSet::new(), slot_bound.div_ceil(BITS_PER_WORD))
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

    #[test]
    fn a_slot_is_new_once_before_and_after_the_change_to_bits() {
        let mut seen = Seen::new(1000);
        let slots = (0..1000).map(|slot| NodeIndex::new(slot * 7 % 1000));
        for slot in slots.clone() {
            assert!(!seen.contains(slot));
            assert!(seen.insert(slot));
            assert!(!seen.insert(slot));
            assert!(seen.contains(slot));
        }
        assert!(matches!(seen, Seen::Many(_)));
        slots.for_each(|slot| assert!(!seen.insert(slot)));
    }
}
