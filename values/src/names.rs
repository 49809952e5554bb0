//! Names of tasks and where they were added: cold data, kept small.
//!
//! Names lie in one text, places are noted when they change: a loop that adds a million tasks notes
//! one place.

use std::panic::Location;

/// The names and places of a graph's tasks, in their order.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: String,
    ends: Vec<u32>,
    /// From which task on which place holds.
    places: Vec<(u32, &'static Location<'static>)>,
}

impl Names {
    #[inline]
    pub(super) fn push(&mut self, name: &str, added: &'static Location<'static>) {
        let number = self.ends.len() as u32;
        if self.places.last().is_none_or(|(_, last)| !std::ptr::eq(*last, added)) {
            self.places.push((number, added));
        }
        self.text.push_str(name);
        let end = u32::try_from(self.text.len()).expect("the names of a graph fit into 4 GiB");
        self.ends.push(end);
    }

    pub(super) fn name(&self, task: u32) -> &str {
        let task = task as usize;
        let start = if task == 0 { 0 } else { self.ends[task - 1] as usize };
        &self.text[start..self.ends[task] as usize]
    }

    pub(super) fn added(&self, task: u32) -> &'static Location<'static> {
        let after = self.places.partition_point(|(from, _)| *from <= task);
        self.places[after - 1].1
    }

    pub(super) fn reserve(&mut self, tasks: usize) {
        self.ends.reserve(tasks);
    }
}
