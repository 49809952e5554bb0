//! Help offered, and the strands that bring it.
//!
//! A strand is a serial queue of libdispatch: at most one help loop runs on it, so as many strands
//! as the pool has threads bound how many run at once. Offers wait in one line for all strands. A
//! strand that is woken takes offers until none is left, then parks its thread for [`PARK_TIME`],
//! then gives it back and is idle; who makes an offer wakes up to as many strands as it asks
//! threads for, parked ones first.
//!
//! A thread is parked rather than given back at once because then it is still ours: it is told on
//! which processors to wake, and woken without the library.
//!
//! Invariants, all under one lock:
//! * A strand is idle, or parked, or at work; at work means started or woken, and not yet parked or
//!   idle again. So at most one [`Strand`] that has not looked at the line for the last time is in
//!   its queue.
//! * While an offer waits, no strand is idle or parked, or strands have been taken from these for
//!   it: a strand parks only on seeing the line empty, and an offer is put in line before its
//!   strands are taken. So no offer is forgotten, whichever comes first. A strand that stops
//!   waiting looks whether it has been taken meanwhile, and only otherwise goes idle.
//! * A job is in line at most once, for as many threads as were asked for since it was put there,
//!   up to the number of strands. So the line is never longer than the number of jobs, however
//!   often each is offered.
//!
//! Knows nothing of what a job does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::library::{Library, Queue, Run};
use crate::placement::Thread;
use crate::seats::Seats;
use crate::{Help, QualityOfService};

/// For how long a thread without work is kept asleep: long enough for whoever reads at intervals of
/// a person's patience.
const PARK_TIME: Duration = Duration::from_secs(1);

/// The strands of one pool.
pub(super) struct Strands {
    /// Released on drop. What runs on them goes on, to the end of the line: whoever has lent a
    /// thread counts on its coming.
    queues: Vec<Queue>,
    /// What each queue runs.
    strands: Vec<Arc<Strand>>,
    line: Arc<Mutex<Line>>,
    /// Where the threads of parked strands wake.
    seats: Arc<Seats>,
}

/// The offers that wait and the strands that could take one.
struct Line {
    offers: VecDeque<Offer>,
    /// The numbers of the idle strands, the one that became so last on top: its thread is the
    /// likeliest to be awake.
    idle: Vec<usize>,
    /// Those of the parked ones, likewise, and their threads.
    parked: Vec<(usize, Thread)>,
    /// Whether the workers are gone, so that nobody will make another offer.
    is_released: bool,
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
    /// Told when the strand was taken from the parked ones, or need park no more.
    call: Condvar,
    seats: Arc<Seats>,
}

impl Strands {
    /// As many idle strands as `threads`; no thread is started yet.
    pub(super) fn new(library: &'static Library, threads: usize, quality: QualityOfService) -> Self {
        let idle = (0..threads).rev().collect();
        let line = Line { offers: VecDeque::new(), idle, parked: Vec::new(), is_released: false };
        let (line, seats) = (Arc::new(Mutex::new(line)), Arc::new(Seats::new()));
        let strand = |number| {
            let (line, seats) = (Arc::clone(&line), Arc::clone(&seats));
            Arc::new(Strand { number, line, call: Condvar::new(), seats })
        };
        Self {
            queues: (0..threads).map(|_| library.serial_queue(c"millpond", quality)).collect(),
            strands: (0..threads).map(strand).collect(),
            line,
            seats,
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
        let at_hand = line.parked.len().saturating_sub(count);
        let called = line.parked.split_off(at_hand);
        let others = line.idle.len().saturating_sub(count - called.len());
        let started = line.idle.split_off(others);
        // Subtle: before the line is let go. A strand whose time is up just now would begin without
        // waiting for the others.
        let placing = (!called.is_empty()).then(|| self.seats.place());
        drop(line);
        if let Some(placing) = placing {
            placing.wake(called.iter().map(|(_, thread)| *thread), || {
                for (number, _) in &called {
                    self.strands[*number].call.notify_one();
                }
            });
        }
        for number in started {
            self.queues[number].start(Arc::clone(&self.strands[number]));
        }
    }

    /// Threads that are woken from now on are kept off `processor`.
    pub(super) fn avoid(&self, processor: usize) {
        self.seats.avoid(processor);
    }

    /// Parked threads go back to the library now, others when the line is empty.
    pub(super) fn release(&self) {
        let mut line = self.line.lock();
        line.is_released = true;
        let parked = std::mem::take(&mut line.parked);
        drop(line);
        for (number, _) in parked {
            self.strands[number].call.notify_one();
        }
    }

    /// How many strands are at work, unless the lock is taken just now.
    pub(super) fn busy(&self) -> Option<usize> {
        self.line.try_lock().map(|line| self.strands.len() - line.idle.len() - line.parked.len())
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

impl Strand {
    /// Waits until the strand is taken from the parked ones, or released; says whether that was in
    /// time. Otherwise it is in neither list.
    fn park(&self, line: &mut MutexGuard<'_, Line>) -> bool {
        if line.is_released {
            return false;
        }
        line.parked.push((self.number, Thread::current()));
        let end = Instant::now() + PARK_TIME;
        loop {
            let has_timed_out = self.call.wait_until(line, end).timed_out();
            match line.parked.iter().position(|(number, _)| *number == self.number) {
                None => return true,
                Some(place) if has_timed_out => {
                    line.parked.remove(place);
                    return false;
                }
                Some(_) => {}
            }
        }
    }
}

impl Run for Strand {
    fn run(self: Arc<Self>) {
        let mut line = self.line.lock();
        loop {
            if let Some(job) = line.take() {
                drop(line);
                self.seats.settle();
                job.help();
                drop(job);
                line = self.line.lock();
            } else if !self.park(&mut line) {
                line.idle.push(self.number);
                return;
            }
        }
    }
}
