//! Help offered, and the strands that bring it.
//!
//! A strand is a serial queue of libdispatch: at most one help loop runs on it, so as many strands as the pool has
//! threads bound how many run at once. Offers wait in one line for all strands. A strand that is woken takes offers
//! until none is left, then is idle; who makes an offer wakes up to as many idle strands as it asks threads for.
//!
//! Invariants, all under one lock:
//! * A strand is idle, or started and not yet idle again: so at most one [`Strand`] that has not looked at the line for
//!   the last time is in its queue.
//! * While an offer waits, no strand is idle, or strands have been started for it: a strand goes idle only on seeing
//!   the line empty, and an offer is put in line before its strands are taken from the idle ones. So no offer is
//!   forgotten, whichever comes first.
//! * A job is in line at most once, for as many threads as were asked for since it was put there, up to the number of
//!   strands. So the line is never longer than the number of jobs, however often each is offered.
//!
//! Knows nothing of what a job does.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::library::{Library, Queue, Run};
use crate::workers::{Help, QualityOfService};

/// The strands of one pool.
pub(super) struct Strands {
    /// Released on drop. What runs on them goes on, to the end of the line: whoever has lent a thread counts on its coming.
    queues: Vec<Queue>,
    /// What each queue runs.
    strands: Vec<Arc<Strand>>,
    line: Arc<Mutex<Line>>,
}

/// The offers that wait and the strands that could take one.
struct Line {
    offers: VecDeque<Offer>,
    /// The numbers of the idle strands, the one that became so last on top: its thread is the likeliest to be awake.
    idle: Vec<usize>,
}

/// A job in line.
struct Offer {
    job: Arc<dyn Help>,
    /// How many more threads should help; at least one.
    count: usize,
}

/// One strand's share of the work.
struct Strand {
    number: usize,
    line: Arc<Mutex<Line>>,
}

impl Strands {
    /// As many idle strands as `threads`; no thread is started yet.
    pub(super) fn new(library: &'static Library, threads: usize, quality: QualityOfService) -> Self {
        let line = Arc::new(Mutex::new(Line { offers: VecDeque::new(), idle: (0..threads).rev().collect() }));
        Self {
            queues: (0..threads).map(|_| library.serial_queue(c"millpond", quality)).collect(),
            strands: (0..threads).map(|number| Arc::new(Strand { number, line: Arc::clone(&line) })).collect(),
            line,
        }
    }

    /// Offers `job` to up to `count` strands.
    pub(super) fn offer(&self, count: usize, job: Arc<dyn Help>) {
        let count = count.min(self.strands.len());
        if count == 0 {
            return;
        }
        let mut line = self.line.lock();
        line.push(job, count, self.strands.len());
        let busy = line.idle.len() - count.min(line.idle.len());
        let woken = line.idle.split_off(busy);
        drop(line);
        for number in woken {
            self.queues[number].start(Arc::clone(&self.strands[number]));
        }
    }

    /// How many strands are at work, unless the lock is taken just now.
    pub(super) fn busy(&self) -> Option<usize> {
        self.line.try_lock().map(|line| self.strands.len() - line.idle.len())
    }
}

impl Line {
    /// Puts `job` in line for `count` more threads, `most` at the most.
    fn push(&mut self, job: Arc<dyn Help>, count: usize, most: usize) {
        let same = |offer: &&mut Offer| std::ptr::addr_eq(Arc::as_ptr(&offer.job), Arc::as_ptr(&job));
        match self.offers.iter_mut().find(same) {
            Some(offer) => offer.count = most.min(offer.count + count),
            None => self.offers.push_back(Offer { job, count }),
        }
    }

    /// The job at the head of the line, for one thread.
    fn take(&mut self) -> Option<Arc<dyn Help>> {
        let offer = self.offers.front_mut()?;
        if offer.count == 1 {
            return self.offers.pop_front().map(|offer| offer.job);
        }
        offer.count -= 1;
        Some(Arc::clone(&offer.job))
    }
}

impl Run for Strand {
    fn run(self: Arc<Self>) {
        loop {
            let mut line = self.line.lock();
            let Some(job) = line.take() else {
                line.idle.push(self.number);
                return;
            };
            drop(line);
            job.help();
        }
    }
}
