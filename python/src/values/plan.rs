//! What a get has to run: the values that are wanted and not there, who waits for whom, in flat arrays.
//!
//! Values are numbered as a search from the targets finds them, so the targets come first.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use pyo3::prelude::*;

use super::arguments::Shape;
use super::value::Value;

/// Hashes an address by a multiplication, which spreads what differs in few bits.
#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("an address is written as a `usize`");
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (address as u64 >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(26);
    }
}

/// See the [module documentation](self).
pub(super) struct Plan {
    pub(super) shapes: Vec<Shape>,
    /// Where the followers of each value begin in `followers`, and one entry more for the end.
    starts: Vec<u32>,
    followers: Vec<u32>,
}

/// What changes while a plan is run.
#[derive(Default)]
pub(super) struct Missing {
    /// Each value until somebody makes it.
    pub(super) values: Vec<Option<Py<Value>>>,
    /// How many of its inputs are missing.
    pub(super) inputs: Vec<u32>,
}

/// A search on its way.
#[derive(Default)]
struct Search {
    missing: Missing,
    numbers: HashMap<usize, u32, BuildHasherDefault<AddressHasher>>,
    unseen: Vec<u32>,
}

impl Search {
    /// The number of a value, a new one when it has none yet.
    fn number(&mut self, value: &Bound<'_, Value>) -> u32 {
        *self.numbers.entry(value.as_ptr() as usize).or_insert_with(|| {
            let number = u32::try_from(self.missing.values.len()).expect("a process has fewer than 2^32 values");
            self.missing.values.push(Some(value.clone().unbind()));
            self.missing.inputs.push(0);
            self.unseen.push(number);
            number
        })
    }
}

impl Plan {
    /// What the targets need that is not there.
    pub(super) fn of(py: Python<'_>, targets: &[Bound<'_, Value>]) -> PyResult<(Self, Missing)> {
        let mut search = Search::default();
        let mut shapes = Vec::new();
        let mut edges: Vec<(u32, u32)> = Vec::new();
        for target in targets.iter().filter(|target| !target.get().is_done()) {
            search.number(target);
        }
        while let Some(number) = search.unseen.pop() {
            let call = search.missing.values[number as usize].as_ref().and_then(|value| value.get().call(py));
            let Some(call) = call else { continue };
            let shape = call.find(py, &mut |input| {
                if !input.get().is_done() {
                    edges.push((search.number(input), number));
                }
            })?;
            shapes.resize(search.missing.values.len(), Shape::Plain);
            shapes[number as usize] = shape;
        }
        let mut missing = search.missing;
        shapes.resize(missing.values.len(), Shape::Plain);
        for (_, follower) in &edges {
            missing.inputs[*follower as usize] += 1;
        }
        let (starts, followers) = sorted(&edges, missing.values.len());
        Ok((Self { shapes, starts, followers }, missing))
    }

    pub(super) fn followers(&self, number: u32) -> &[u32] {
        let number = number as usize;
        &self.followers[self.starts[number] as usize..self.starts[number + 1] as usize]
    }
}

/// The edges by where they begin: where those of each value start, and where they lead.
fn sorted(edges: &[(u32, u32)], values: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; values + 1];
    for (input, _) in edges {
        starts[*input as usize + 1] += 1;
    }
    for position in 1..starts.len() {
        starts[position] += starts[position - 1];
    }
    let mut next = starts.clone();
    let mut followers = vec![0; edges.len()];
    for (input, follower) in edges {
        let place = &mut next[*input as usize];
        followers[*place as usize] = *follower;
        *place += 1;
    }
    (starts, followers)
}
