//! The helpers of a graph: threads that were lent by the workers, their queues, and how they come
//! and go.
//!
//! A crew outlives the runs of its graph, so that a helper that has just worked is still near when
//! the next run wants it. The protocol is argued in `README.md` beside this file.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crossbeam_deque::{Steal, Stealer, Worker};
use crossbeam_utils::CachePadded;
use millpond_sync::shim::atomic::{AtomicUsize, Ordering, fence};
use millpond_sync::shim::{Mutex, MutexGuard, hint, thread};

use super::gate::{Gate, Stay};
use millpond_sync::host::{self, Site};
use millpond_workers::placement;
use millpond_workers::{Help, Workers};

/// For how long a helper without work looks for some before it goes back.
pub(super) const LINGER: Duration = Duration::from_micros(60);

/// How long a helper looks away from quick tasks.
const NAP: Duration = Duration::from_micros(50);

/// The queue of a worker: only who holds the lock pushes and pops, everybody steals.
struct Seat {
    queue: Mutex<Worker<u64>>,
    stealer: Stealer<u64>,
}

/// See the [module documentation](self).
pub(super) struct Crew {
    pub(super) gate: Gate,
    /// The caller's seat, then the helpers'.
    seats: Box<[CachePadded<Seat>]>,
    /// How many helpers were asked for and have not gone back.
    lent: CachePadded<AtomicUsize>,
    /// Not kept alive by a graph that has run on them.
    workers: Weak<dyn Workers>,
}

impl Crew {
    pub(super) fn new(workers: &Arc<dyn Workers>, size: usize) -> Self {
        let seat = || {
            let queue = Worker::new_lifo();
            let stealer = queue.stealer();
            CachePadded::new(Seat { queue: Mutex::new(queue), stealer })
        };
        Self {
            gate: Gate::default(),
            seats: (0..size).map(|_| seat()).collect(),
            lent: CachePadded::new(AtomicUsize::new(0)),
            workers: Arc::downgrade(workers),
        }
    }

    /// Whether this crew was made for these workers.
    pub(super) fn is_of(&self, workers: &Arc<dyn Workers>, size: usize) -> bool {
        std::ptr::addr_eq(self.workers.as_ptr(), Arc::as_ptr(workers)) && self.seats.len() == size
    }

    /// The caller's queue.
    pub(super) fn first_seat(&self) -> MutexGuard<'_, Worker<u64>> {
        self.seats[0].queue.lock()
    }

    /// How many helpers are here or on their way.
    pub(super) fn lent(&self) -> usize {
        self.lent.load(Ordering::Relaxed)
    }

    pub(super) fn can_lend(&self) -> bool {
        self.lent() + 1 < self.seats.len()
    }

    /// Asks the workers for one more helper, unless all have been asked for.
    #[cold]
    pub(super) fn lend(self: &Arc<Self>) -> bool {
        let Some(workers) = self.workers.upgrade() else { return false };
        let is_reserved = self.reserve();
        if is_reserved {
            host::step(Site::new("asks for a helper"));
            let job: Arc<dyn Help> = Arc::<Self>::clone(self);
            if placement::has_room_for(workers.threads()) {
                workers.avoid(placement::current());
            }
            workers.lend(1, job);
        }
        is_reserved
    }

    fn reserve(&self) -> bool {
        let most = self.seats.len() - 1;
        let more = |lent| if lent < most { Some(lent + 1) } else { None };
        self.lent.fetch_update(Ordering::SeqCst, Ordering::Relaxed, more).is_ok()
    }

    /// Whether something lies in a queue.
    pub(super) fn has_work(&self) -> bool {
        self.seats.iter().any(|seat| !seat.stealer.is_empty())
    }

    /// Takes half of what lies in another's queue, the oldest first.
    pub(super) fn steal(&self, queue: &Worker<u64>, own: usize) -> Option<u64> {
        let seats = self.seats.len();
        for distance in 1..seats {
            let seat = &self.seats[(own + distance) % seats];
            loop {
                match seat.stealer.steal_batch_and_pop(queue) {
                    Steal::Success(item) => return Some(item),
                    Steal::Empty => break,
                    Steal::Retry => hint::spin_loop(),
                }
            }
        }
        None
    }

    /// Whether there is a run with something to do.
    fn is_wanted(&self) -> bool {
        self.gate.enter(|run| self.has_work() || run.has_ready()).unwrap_or(false)
    }

    fn take_seat(&self) -> Option<(usize, MutexGuard<'_, Worker<u64>>)> {
        (1..self.seats.len()).find_map(|number| Some((number, self.seats[number].queue.try_lock()?)))
    }

    /// Works until there has been nothing to do for a while.
    fn stay(&self, number: usize, queue: &Worker<u64>) {
        let mut watches = 0_u32;
        loop {
            match self.gate.enter(|run| run.assist(number, queue)) {
                None | Some(Stay::Idle) => return,
                Some(Stay::Watching) => {
                    // Outside of the gate, so that nobody waits for this nap; short at first, since
                    // most first runs are.
                    watches += 1;
                    if watches > 8 {
                        host::sleep(NAP);
                    }
                }
                Some(Stay::Over) => watches = 0,
            }
            if !self.wait_until_open() {
                return;
            }
        }
    }

    /// Waits for the next run, but not for long.
    fn wait_until_open(&self) -> bool {
        let since = host::now();
        let mut rounds = 0;
        while !self.gate.is_open() {
            relax(&mut rounds);
            if host::now().duration_since(since) > LINGER {
                return false;
            }
        }
        true
    }
}

impl Help for Crew {
    fn help(&self) {
        loop {
            if let Some((number, queue)) = self.take_seat() {
                self.stay(number, &queue);
            }
            // The seat is free again before this helper counts as gone, so that its successor finds
            // one.
            host::step(Site::new("counts itself out"));
            self.lent.fetch_sub(1, Ordering::SeqCst);
            host::step(Site::new("counts itself out"));
            // Who made work and still counted on this helper did so before, or a moment ago
            // (README, "Calls that are missed").
            fence(Ordering::SeqCst);
            let is_wanted = self.is_wanted() || {
                relax(&mut 0);
                self.is_wanted()
            };
            if !is_wanted || !self.reserve() {
                return;
            }
        }
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew").field("seats", &self.seats.len()).field("lent", &self.lent()).finish_non_exhaustive()
    }
}

/// Waits a moment: on the processor at first, then giving it to whoever else wants to run.
pub(super) fn relax(rounds: &mut u32) {
    if host::give_way() {
        return;
    }
    *rounds = rounds.saturating_add(1);
    if *rounds < 256 {
        for _ in 0..16 {
            hint::spin_loop();
        }
    } else {
        thread::yield_now();
    }
}
