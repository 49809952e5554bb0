//! Which tasks a task waits for.
//!
//! Inputs are known when a task is added, so they lie in one flat array, task after task. Ordering
//! edges come later: one that ends in the task added last goes there, too (graphs are mostly
//! written in that order); others hang in lists. Both count the same for the schedule, so they are
//! not told apart.

/// The inputs and predecessors of every task.
#[derive(Debug, Default)]
pub(super) struct Edges {
    inputs: Vec<u32>,
    /// Where each task's part of `inputs` ends.
    ends: Vec<u32>,
    /// For each task the newest of its hanging edges, counted from 1; shorter than `ends` when the
    /// rest has none.
    heads: Vec<u32>,
    /// From which task, and the next edge of the list, counted from 1.
    hanging: Vec<(u32, u32)>,
    /// Whether some edge leads to a task that was added before its predecessor: without one there
    /// can be no cycle.
    has_backward: bool,
}

impl Edges {
    /// The place where the inputs of the task to be added next are pushed; [`finish`](Self::finish)
    /// ends it.
    #[inline]
    pub(super) fn begin(&mut self) -> &mut Vec<u32> {
        &mut self.inputs
    }

    /// Ends the inputs of the task that is being added.
    #[inline]
    pub(super) fn finish(&mut self) {
        let end = u32::try_from(self.inputs.len()).expect("a graph has at most 2^32 - 1 inputs");
        self.ends.push(end);
    }

    /// Forgets what was pushed for a task that is not added after all.
    pub(super) fn abandon(&mut self) {
        self.inputs.truncate(self.ends.last().map_or(0, |end| *end as usize));
    }

    /// Makes `after` wait for `before`.
    #[inline]
    pub(super) fn order(&mut self, before: u32, after: u32) {
        if after as usize + 1 == self.ends.len() {
            self.inputs.push(before);
            *self.ends.last_mut().expect("there is a last task") += 1;
        } else {
            self.hang(before, after);
        }
        self.has_backward |= before >= after;
    }

    fn hang(&mut self, before: u32, after: u32) {
        if self.heads.len() <= after as usize {
            self.heads.resize(self.ends.len(), 0);
        }
        let head = &mut self.heads[after as usize];
        self.hanging.push((before, *head));
        *head = u32::try_from(self.hanging.len()).expect("a graph has at most 2^32 - 1 ordering edges");
    }

    /// The tasks that `task` waits for.
    #[inline]
    pub(super) fn of(&self, task: u32) -> impl Iterator<Item = u32> + '_ {
        let task = task as usize;
        let start = if task == 0 { 0 } else { self.ends[task - 1] as usize };
        let fixed = self.inputs[start..self.ends[task] as usize].iter().copied();
        let mut next = self.heads.get(task).copied().unwrap_or(0);
        fixed.chain(std::iter::from_fn(move || {
            let (before, following) = *self.hanging.get((next as usize).wrapping_sub(1))?;
            next = following;
            Some(before)
        }))
    }

    /// How many edges there are.
    pub(super) fn len(&self) -> usize {
        self.inputs.len() + self.hanging.len()
    }

    pub(super) fn has_backward(&self) -> bool {
        self.has_backward
    }

    pub(super) fn has_hanging(&self) -> bool {
        !self.hanging.is_empty()
    }

    /// The flat part: every input, and where each task's inputs end.
    pub(super) fn flat(&self) -> (&[u32], &[u32]) {
        (&self.inputs, &self.ends)
    }

    pub(super) fn reserve(&mut self, tasks: usize) {
        self.ends.reserve(tasks);
        self.inputs.reserve(tasks);
    }
}
