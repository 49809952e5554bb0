//! What is run: tasks and edges compiled to flat arrays.
//!
//! Successors lie in one array (compressed rows), and the top bit of a successor says that it has
//! no other predecessor, so that no counter is touched. The others have an arrival counter, which
//! the last to arrive sets back: a plan that ran to its end is ready for the next run without a
//! pass over it.
//!
//! A plan is either of the whole graph, where a task's number is its own, or of what some targets
//! want, found backwards from them and renumbered, so that its cost depends on what is wanted and
//! not on the graph.

use millpond_sync::shim::atomic::{AtomicU32, Ordering};

use super::branching::Branching;
use super::edges::Edges;
use super::records::BodyRef;
use crate::fault::{self, Fault};

/// Set in a successor that has one predecessor.
pub(super) const ONLY: u32 = 1 << 31;

/// A compiled graph, or the part of one that is wanted.
#[derive(Default)]
pub(super) struct Plan<'env> {
    /// The graph's number of each task; empty when the plan is of the whole graph.
    pub(super) tasks: Vec<u32>,
    /// The records of `tasks`; empty when the plan is of the whole graph.
    pub(super) bodies: Vec<BodyRef<'env>>,
    /// Where the successors of each task begin in `to`, and one end more.
    pub(super) offsets: Vec<u32>,
    pub(super) to: Vec<u32>,
    /// How many arrivals each task still waits for.
    arrivals: Vec<AtomicU32>,
    /// How many it waits for at the start.
    pub(super) totals: Vec<u32>,
    /// The tasks that wait for nothing.
    pub(super) sources: Vec<u32>,
    /// Whether a run was broken off, so that the counters must be set back.
    pub(super) is_dirty: bool,
    /// How many of its tasks have never run.
    pub(super) unknown: usize,
    /// How many of its first tasks are what was asked for.
    pub(super) targets: usize,
    /// Its choices, if it has any.
    pub(super) branching: Option<Box<Branching>>,
}

impl<'env> Plan<'env> {
    pub(super) fn len(&self) -> usize {
        self.totals.len()
    }

    /// The graph's number of a task of the plan.
    pub(super) fn task(&self, local: u32) -> u32 {
        if self.tasks.is_empty() { local } else { self.tasks[local as usize] }
    }

    /// Compiles the whole graph.
    pub(super) fn compile_all(&mut self, edges: &Edges, tasks: usize) {
        self.tasks.clear();
        self.bodies.clear();
        self.totals.clear();
        self.totals.reserve_exact(tasks);
        self.offsets.clear();
        self.offsets.reserve_exact(tasks + 1);
        self.offsets.resize(tasks + 1, 0);
        if edges.has_hanging() {
            for task in 0..tasks as u32 {
                let mut total = 0;
                for input in edges.of(task) {
                    self.offsets[input as usize] += 1;
                    total += 1;
                }
                self.totals.push(total);
            }
        } else {
            let (inputs, ends) = edges.flat();
            for input in inputs {
                self.offsets[*input as usize] += 1;
            }
            let mut start = 0;
            for end in ends {
                self.totals.push(end - start);
                start = *end;
            }
        }
        self.sum_offsets(edges.len());
        for task in (0..tasks as u32).rev() {
            let mark = if self.totals[task as usize] == 1 { ONLY } else { 0 };
            for input in edges.of(task) {
                self.place(input, task | mark);
            }
        }
        self.finish();
    }

    /// Begins a plan of some tasks: [`want`](Self::want) them, then
    /// [`compile_wanted`](Self::compile_wanted).
    pub(super) fn clear(&mut self) {
        self.tasks.clear();
        self.bodies.clear();
        self.unknown = 0;
        self.targets = 0;
    }

    /// Adds a task to the plan and returns its number there.
    pub(super) fn want(&mut self, task: u32, body: BodyRef<'env>) -> u32 {
        self.tasks.push(task);
        self.bodies.push(body);
        self.tasks.len() as u32 - 1
    }

    /// Compiles the wanted tasks. `local_of` gives the plan's number of a task of the graph, if the
    /// plan has it.
    pub(super) fn compile_wanted(&mut self, edges: &Edges, local_of: impl Fn(u32) -> Option<u32>) {
        let tasks = self.tasks.len();
        self.totals.clear();
        self.offsets.clear();
        self.offsets.resize(tasks + 1, 0);
        let mut count = 0;
        for task in &self.tasks {
            let mut total = 0;
            for input in edges.of(*task).filter_map(&local_of) {
                self.offsets[input as usize] += 1;
                total += 1;
            }
            self.totals.push(total);
            count += total as usize;
        }
        self.sum_offsets(count);
        for local in (0..tasks).rev() {
            let mark = if self.totals[local] == 1 { ONLY } else { 0 };
            for input in edges.of(self.tasks[local]) {
                if let Some(input) = local_of(input) {
                    self.place(input, local as u32 | mark);
                }
            }
        }
        self.finish();
    }

    fn sum_offsets(&mut self, edges: usize) {
        let mut sum = 0;
        for offset in &mut self.offsets {
            sum += *offset;
            *offset = sum;
        }
        self.to.clear();
        self.to.reserve_exact(edges);
        self.to.resize(edges, 0);
    }

    #[inline]
    fn place(&mut self, from: u32, to: u32) {
        let offset = &mut self.offsets[from as usize];
        *offset -= 1;
        self.to[*offset as usize] = to;
    }

    fn finish(&mut self) {
        self.sources.clear();
        self.sources.extend((0..).zip(&self.totals).filter(|(_, total)| **total == 0).map(|(task, _)| task));
        self.arrivals.clear();
        self.arrivals.reserve_exact(self.totals.len());
        self.arrivals.extend(self.totals.iter().copied().map(AtomicU32::new));
        self.is_dirty = false;
    }

    /// Takes in the choices: what must be picked waits for that, too.
    pub(super) fn branch(&mut self, branching: Option<Branching>) {
        if let Some(branching) = &branching {
            let mut must_be_picked = vec![false; self.len()];
            for task in branching.picked() {
                must_be_picked[task as usize] = true;
                self.totals[task as usize] += 1;
            }
            for to in self.to.iter_mut().filter(|to| must_be_picked[(**to & !ONLY) as usize]) {
                *to &= !ONLY;
            }
            self.finish();
        }
        self.branching = branching.map(Box::new);
    }

    /// How many successors a task has.
    pub(super) fn degree(&self, task: u32) -> usize {
        (self.offsets[task as usize + 1] - self.offsets[task as usize]) as usize
    }

    /// Sets the counters back after a run that was broken off.
    pub(super) fn reset(&mut self) {
        if self.is_dirty {
            for (arrivals, total) in self.arrivals.iter_mut().zip(&self.totals) {
                *arrivals = AtomicU32::new(*total);
            }
            self.is_dirty = false;
        }
    }

    /// Sets one counter. Contract: no worker arrives there meanwhile.
    pub(super) fn rearm(&self, task: u32, arrivals: u32) {
        self.arrivals[task as usize].store(arrivals, Ordering::Relaxed);
    }

    /// Counts one arrival at `task`, and says whether it was the last.
    ///
    /// Not shared, this is a plain load and store. Shared, the counter's release sequence makes
    /// every arrival happen before the last one returns (I2), and the last arriver alone sets the
    /// counter back.
    #[inline]
    pub(super) fn arrive<const SHARED: bool>(&self, task: u32) -> bool {
        let arrivals = &self.arrivals[task as usize];
        if SHARED && !fault::is(Fault::ArrivalsLost) {
            if arrivals.fetch_sub(1, Ordering::AcqRel) != 1 {
                return false;
            }
        } else {
            let left = arrivals.load(Ordering::Relaxed) - 1;
            if left != 0 {
                arrivals.store(left, Ordering::Relaxed);
                return false;
            }
        }
        arrivals.store(self.totals[task as usize], Ordering::Relaxed);
        true
    }

    /// Names tasks that wait for each other in a circle, if there are any; numbers are the plan's.
    pub(super) fn find_cycle(&self) -> Option<Vec<u32>> {
        let mut left = self.totals.clone();
        let mut ready = self.sources.clone();
        let mut done = 0;
        while let Some(task) = ready.pop() {
            done += 1;
            for next in self.successors(task) {
                left[next as usize] -= 1;
                if left[next as usize] == 0 {
                    ready.push(next);
                }
            }
        }
        if done == self.len() {
            return None;
        }
        // Every task that is left has a predecessor that is left: walking backwards must come
        // round.
        let mut before = vec![u32::MAX; self.len()];
        for task in (0..self.len() as u32).filter(|task| left[*task as usize] > 0) {
            for next in self.successors(task).filter(|next| left[*next as usize] > 0) {
                before[next as usize] = task;
            }
        }
        let mut task = (0..self.len() as u32).find(|task| left[*task as usize] > 0)?;
        let mut is_seen = vec![false; self.len()];
        while !std::mem::replace(&mut is_seen[task as usize], true) {
            task = before[task as usize];
        }
        let last = task;
        let mut cycle = vec![last];
        while before[cycle[cycle.len() - 1] as usize] != last {
            cycle.push(before[cycle[cycle.len() - 1] as usize]);
        }
        cycle.reverse();
        Some(cycle)
    }

    /// The tasks on a shortest way from `task` to one of the first `targets` tasks, both included.
    pub(super) fn path_to_target(&self, task: u32, targets: usize) -> Vec<u32> {
        let mut before = vec![u32::MAX; self.len()];
        before[task as usize] = task;
        let mut found = vec![task];
        let mut reached = 0;
        while let Some(mut at) = found.get(reached).copied() {
            if (at as usize) < targets {
                let mut path = vec![at];
                while before[at as usize] != at {
                    at = before[at as usize];
                    path.push(at);
                }
                path.reverse();
                return path;
            }
            for next in self.successors(at) {
                if before[next as usize] == u32::MAX {
                    before[next as usize] = at;
                    found.push(next);
                }
            }
            reached += 1;
        }
        vec![task]
    }

    pub(super) fn successors(&self, task: u32) -> impl ExactSizeIterator<Item = u32> + '_ {
        let (start, end) = (self.offsets[task as usize], self.offsets[task as usize + 1]);
        self.to[start as usize..end as usize].iter().map(|to| to & !ONLY)
    }
}
