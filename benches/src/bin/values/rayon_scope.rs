//! What one writes by hand on rayon: flat arrays, a counter per task, the first ready successor in
//! place, a spawn for every other.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::{Scope, ThreadPool};

use crate::shape::{Shape, spin};

pub(crate) struct Scoped<'pool> {
    pool: &'pool ThreadPool,
    offsets: Vec<u32>,
    to: Vec<u32>,
    waits: Vec<(AtomicU32, u32)>,
    rounds: u64,
    /// Counts bodies, when wanted.
    ran: Option<AtomicU64>,
}

impl<'pool> Scoped<'pool> {
    pub(crate) fn new(pool: &'pool ThreadPool, shape: &Shape, rounds: u64) -> Self {
        let mut sorted = shape.edges.clone();
        sorted.sort_by_key(|(from, _)| *from);
        let mut offsets = vec![0; shape.tasks + 1];
        let mut waits = vec![0; shape.tasks];
        for (from, to) in &sorted {
            offsets[*from as usize + 1] += 1;
            waits[*to as usize] += 1;
        }
        for task in 0..shape.tasks {
            offsets[task + 1] += offsets[task];
        }
        Self {
            pool,
            offsets,
            to: sorted.into_iter().map(|(_, to)| to).collect(),
            waits: waits.into_iter().map(|count| (AtomicU32::new(count), count)).collect(),
            rounds,
            ran: None,
        }
    }

    /// How many bodies a run calls.
    pub(crate) fn count(&mut self) -> u64 {
        self.ran = Some(AtomicU64::new(0));
        self.run();
        self.ran.take().map_or(0, AtomicU64::into_inner)
    }

    pub(crate) fn run(&self) {
        self.pool.scope(|scope| {
            for task in (0..self.waits.len()).filter(|task| self.waits[*task].1 == 0) {
                scope.spawn(move |scope| self.go(scope, task));
            }
        });
    }

    fn go<'scope>(&'scope self, scope: &Scope<'scope>, first: usize) {
        let mut next = Some(first);
        while let Some(task) = next.take() {
            if self.rounds > 0 {
                spin(self.rounds);
            }
            if let Some(ran) = &self.ran {
                ran.fetch_add(1, Ordering::Relaxed);
            }
            for to in &self.to[self.offsets[task] as usize..self.offsets[task + 1] as usize] {
                let target = *to as usize;
                let (left, total) = &self.waits[target];
                if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    left.store(*total, Ordering::Relaxed);
                    match next {
                        None => next = Some(target),
                        Some(_) => scope.spawn(move |scope| self.go(scope, target)),
                    }
                }
            }
        }
    }
}
