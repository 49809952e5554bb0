//! What a simulated thread gets from its simulation.

use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

use millpond_sync::host::{self, Call, Fault, Host, Place, Site};
use millpond_sync::{Locals, Parker};

use super::Scheduler;
use crate::faults::Planned;
use crate::random::stir;
use crate::trace::Event;

/// What a look at the clock adds to it, so that whoever waits for a time to pass sees it pass.
const LOOK_NANOS: u64 = 10;

/// What giving way takes, in nanoseconds.
const YIELD_NANOS: u64 = 20_000;

/// What an item of a function takes, in nanoseconds; which of these, the seed decides for each function, and for each run how many of
/// them it may be: quick functions make large chunks and short runs.
const COSTS: [u64; 8] = [20, 50, 100, 200, 1_000, 3_000, 8_000, 30_000];
/// How many of them, by the run.
const COSTS_OF_RUNS: [u64; 4] = [3, 4, 6, 8];

impl Scheduler {
    /// What the function of this number takes for an item, in nanoseconds.
    fn cost(&self, function: u64) -> u64 {
        let seed = self.options.seed;
        let costs = COSTS_OF_RUNS[(stir(!seed) % COSTS_OF_RUNS.len() as u64) as usize];
        COSTS[(stir(seed ^ stir(function)) % costs) as usize]
    }
}

impl Host for Scheduler {
    fn now(&self) -> Instant {
        self.advance(LOOK_NANOS);
        self.began + self.elapsed()
    }

    fn parker(&self) -> Option<Rc<Parker>> {
        Some(self.current_parker())
    }

    fn locals(&self) -> Option<Rc<Locals>> {
        // The caller is a thread of the system's, also before and after.
        (!self.is_of_caller()).then(|| Rc::clone(&self.state.borrow().threads[self.current.get()].locals))
    }

    fn park(&self, parker: &Parker, until: Option<Instant>) -> bool {
        let mut until = self.moment(until);
        if until != u64::MAX && self.state.borrow_mut().injector.cancels_wait() {
            self.note(Event::Fault("a wait is cut short".into()));
            self.nanos.set(self.nanos.get().max(until));
            until = 0;
        }
        self.park_until(parker, until, u64::MAX)
    }

    fn sleep(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let until = self.nanos.get().saturating_add(nanos);
        let parker = self.current_parker();
        let mut was_woken = false;
        while self.nanos.get() < until && !self.is_over.get() {
            was_woken |= self.park_until(&parker, until, u64::MAX);
        }
        if was_woken {
            // It was meant for a wait around the sleep.
            parker.waker().wake_by_ref();
        }
    }

    fn random(&self) -> u64 {
        self.draw(u64::MAX)
    }

    fn wait(&self, wait: &mut dyn FnMut()) {
        // For something that the simulation does not know: nobody else runs meanwhile.
        host::wait_in_process(wait);
    }

    fn step(&self, site: Site, place: Option<Place<'_>>) {
        self.step_with(place, Event::At(site));
    }

    fn give_way(&self) {
        // Where all others sleep, whoever looks again and again does so until the first of them wakes up.
        if !self.is_anybody_ready() {
            self.sleep_as_long_as_others();
        }
        // Several that do so beside one that sleeps: time passes for them too.
        self.advance(YIELD_NANOS);
        self.yields();
    }

    fn returns(&self) {
        if self.options.lets_outsiders {
            self.let_others_go_on();
        } else {
            self.step_with(None, Event::At(Site::new("returns")));
        }
    }

    /// Where whoever polls it knows nothing of the simulation, others go on here, and when they are not done the future asks to be
    /// polled again.
    fn pending(&self, waker: &Waker) {
        if waker.will_wake(self.current_parker().waker()) {
            return;
        }
        for _ in 0..self.draw(64) {
            if !self.is_anybody_ready() {
                break;
            }
            // Who polls again and again has helpers come each time: for one that sleeps beside them time passes, too.
            self.advance(YIELD_NANOS);
            self.yields();
        }
        if self.is_anybody_ready() || self.sleep_as_long_as_others() {
            waker.wake_by_ref();
        }
    }

    fn call(&self, call: &Call<'_>) -> Option<Fault> {
        self.advance(self.cost(call.number).saturating_mul(call.timed as u64));
        match self.fault(call.name?, call.items)? {
            Planned::Fail(at) => Some(Fault::Fail(at)),
            Planned::Panic(at) => Some(Fault::Panic(at)),
            Planned::Slow(nanos) => {
                self.sleep(Duration::from_nanos(nanos));
                Some(Fault::Slow(nanos))
            }
            Planned::Cancel | Planned::Resize(_) | Planned::Visit(_) | Planned::Remove(_) => None,
        }
    }

    fn not_called(&self, name: &str, items: usize) {
        self.state.borrow_mut().injector.not_called(name, items);
    }

    fn is_over(&self) -> bool {
        self.is_over.get()
    }
}
