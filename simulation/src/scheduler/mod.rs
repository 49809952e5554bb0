//! Who runs next: the simulation's threads, its clock, and the switch from one to another.
//!
//! The threads of a simulation run in turns. The first, the **caller**, is the thread of the system that the simulation began in, on its
//! own stack; the others are [fibers](super::fiber). A thread is switched away from only at a *step*, which the engine takes where it
//! holds no lock, or when it parks. At each step the [`Decider`] says who runs next; it and nothing else brings chance into the order.
//!
//! Fibers are resumed by the caller only: a fiber that makes way says for whom and goes back to the caller's stack, where
//! [`switch`](Scheduler::switch) resumes that one, until it is the caller's own turn.
//!
//! Time stands still but for what steps add to it. When everybody waits, the clock jumps to the first deadline. When there is none,
//! nobody will ever run again: that is the deadlock, and the run's verdict.
//!
//! Invariant: `state` is never borrowed across a switch or while code runs that is not the simulation's own.

mod end;
mod hosting;

pub use end::Dismissed;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use millpond_sync::host::{self, Place, Site};
use millpond_sync::{Locals, Parker};

use super::decider::{Decider, Turn};
use super::faults::{Mischief, Planned};
use super::fiber::{self, Crew, Fiber, Job, Left, Within};
use super::injector::Injector;
use super::options::Simulation;
use super::report::Report;
use super::schedule::Schedule;
use super::shared::Shared;
use super::trace::{Event, Ring, Trace, Who};
use millpond_workers::fork::Process;

/// The caller's place among the threads.
pub(super) const CALLER: usize = 0;

/// What a step adds to the clock, in nanoseconds.
const STEP_NANOS: u64 = 50;

/// Whether a thread can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// It can.
    Ready,
    /// When its parker is woken, the clock shows this much, or so many steps have been taken.
    Parked { until: u64, at_step: u64 },
    /// Its job is done, and its place free.
    Done,
}

/// A simulated thread.
struct Thread {
    /// Its number among all that there have been.
    who: u32,
    status: Status,
    parker: Rc<Parker>,
    /// Its variables; the caller has those of the system's thread.
    locals: Rc<Locals>,
    /// Its stack, while it is not on it; the caller has none.
    fiber: Option<Fiber>,
}

/// What changes in the course of a run.
struct State {
    threads: Vec<Thread>,
    decider: Decider,
    trace: Ring,
    injector: Injector,
    /// Who runs fibers that are threads, where they are such.
    crew: Option<Crew>,
    /// How many of the threads are not done, the caller counted.
    alive: usize,
    /// How many helpers and threads there have been, to name the next.
    helpers: u32,
    spawned: u32,
}

/// Makes the calling thread one of a simulation's while it calls its argument.
pub(super) type Enter = fn(&Rc<Scheduler>, &mut dyn FnMut());

/// A simulation that runs. See the [module documentation](self).
pub(crate) struct Scheduler {
    pub(super) options: Simulation,
    pub(super) shared: Arc<Shared>,
    /// Itself, for threads that it makes its own.
    own: Weak<Self>,
    enter: Enter,
    state: RefCell<State>,
    current: Cell<usize>,
    /// Whether anything may go wrong within tasks.
    has_call_faults: bool,
    /// How many pools there are.
    pools: Cell<usize>,
    /// The process that it began in.
    process: Process,
    /// Whether the caller's stack is being unwound: then nobody's drop gives others their turn.
    is_unwinding: Cell<bool>,
    /// Whether what is left of the threads is being taken apart.
    is_dismissing: Cell<bool>,
    steps: Cell<u64>,
    switches: Cell<u64>,
    nanos: Cell<u64>,
    began: Instant,
    /// For whom the fiber that has just suspended makes way; none when nobody can run.
    next: Cell<Option<usize>>,
    /// Whether the caller waits for all others to end and takes no turn itself.
    is_ending: Cell<bool>,
    /// Why the run cannot go on. Nobody is resumed any more once there is one.
    verdict: RefCell<Option<String>>,
    is_over: Cell<bool>,
    /// Whether somebody was told of the verdict by a panic.
    has_told: Cell<bool>,
}

impl Scheduler {
    pub(super) fn new(options: Simulation, enter: Enter) -> Rc<Self> {
        let decider = Decider::new(&options);
        let injector = Injector::new(&options);
        let has_call_faults = injector.has_call_faults();
        let shared = Arc::new(Shared::new());
        let caller =
            Thread { who: 0, status: Status::Ready, parker: shared.parker(), locals: Rc::default(), fiber: None };
        let state = State {
            threads: vec![caller],
            decider,
            trace: Ring::new(options.trace_rows, Who::Caller),
            injector,
            crew: options.surroundings.map(Crew::new),
            alive: 1,
            helpers: 0,
            spawned: 0,
        };
        Rc::new_cyclic(|own| Self {
            shared,
            options,
            own: Weak::clone(own),
            enter,
            state: RefCell::new(state),
            current: Cell::new(CALLER),
            has_call_faults,
            pools: Cell::new(0),
            process: Process::current(),
            is_unwinding: Cell::new(false),
            is_dismissing: Cell::new(false),
            steps: Cell::new(0),
            switches: Cell::new(0),
            nanos: Cell::new(0),
            began: Instant::now(),
            next: Cell::new(None),
            is_ending: Cell::new(false),
            verdict: RefCell::new(None),
            is_over: Cell::new(false),
            has_told: Cell::new(false),
        })
    }

    // ---- what has been

    pub(super) fn steps(&self) -> u64 {
        self.steps.get()
    }

    pub(super) fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos.get())
    }

    /// How the run has gone so far.
    pub(super) fn report(&self) -> Report {
        let trace = self.state.borrow().trace.to_trace();
        self.report_with(trace)
    }

    /// How the run went; its trace is here no more.
    pub(super) fn take_report(&self) -> Report {
        let trace = self.state.borrow_mut().trace.take();
        self.report_with(trace)
    }

    fn report_with(&self, trace: Trace) -> Report {
        let state = self.state.borrow();
        Report {
            seed: self.options.seed,
            schedule: Schedule {
                seed: self.options.seed,
                workers: self.options.workers,
                choices: state.decider.choices().to_vec(),
                faults: state.injector.injected().to_vec(),
            },
            steps: self.steps.get(),
            switches: self.switches.get(),
            elapsed: self.elapsed(),
            trace,
            verdict: self.verdict.borrow().clone(),
        }
    }

    pub(super) fn note(&self, event: Event) {
        self.record(&mut self.state.borrow_mut(), None, event);
    }

    fn record(&self, state: &mut State, place: Option<Place<'_>>, event: Event) {
        let who = state.threads[self.current.get()].who;
        state.trace.push(self.steps.get(), self.nanos.get(), who, place, event);
    }

    // ---- time

    /// Lets this much time pass without anybody's doing.
    fn advance(&self, nanos: u64) {
        self.nanos.set(self.nanos.get().saturating_add(nanos));
    }

    /// What the clock will show at a moment; the greatest number for never.
    fn moment(&self, until: Option<Instant>) -> u64 {
        until.map_or(u64::MAX, |moment| {
            u64::try_from(moment.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
        })
    }

    // ---- threads

    /// What a job on a thread of its own happens within.
    fn within(&self) -> Within {
        let (own, enter) = (self.own.upgrade().expect("it is there"), self.enter);
        Rc::new(move |work| enter(&own, work))
    }

    /// A further thread, which begins when it is chosen. Gives its place.
    pub(super) fn start(&self, kind: Started, job: Job) {
        let state = &mut *self.state.borrow_mut();
        let fiber = Fiber::with_job(job, state.crew.as_mut(), || self.within());
        let who = match kind {
            Started::Helper => {
                state.helpers += 1;
                Who::Helper(state.helpers)
            }
            Started::Thread(name) => {
                state.spawned += 1;
                name.map_or(Who::Thread(state.spawned), Who::Named)
            }
            Started::Mischief => Who::Mischief,
        };
        let who = state.trace.add_thread(who);
        state.alive += 1;
        let place = match state.threads.iter().position(|thread| thread.status == Status::Done) {
            Some(place) => {
                let thread = &mut state.threads[place];
                thread.who = who;
                thread.status = Status::Ready;
                thread.fiber = Some(fiber);
                thread.parker.take_token();
                place
            }
            None => {
                let parker = self.shared.parker();
                state.threads.push(Thread {
                    who,
                    status: Status::Ready,
                    parker,
                    locals: Rc::default(),
                    fiber: Some(fiber),
                });
                state.threads.len() - 1
            }
        };
        state.decider.started(place);
    }

    pub(super) fn is_of_caller(&self) -> bool {
        self.current.get() == CALLER
    }

    // ---- steps

    /// Somebody else may have a turn here. `place` and `event` say in the trace where here is.
    fn step_with(&self, place: Option<Place<'_>>, event: Event) {
        if self.is_over.get() || self.is_unwinding() || self.is_elsewhere() {
            return;
        }
        self.take_inbox();
        let next = {
            let state = &mut *self.state.borrow_mut();
            self.steps.set(self.steps.get() + 1);
            self.advance(STEP_NANOS);
            let is_waiting = event.is_waiting();
            self.record(state, place, event);
            self.choose(state, if is_waiting { Turn::Waits } else { Turn::Goes })
        };
        if self.steps.get() > self.options.most_steps {
            self.give_up(format!("it goes on after {} steps", self.options.most_steps));
            return;
        }
        if let Some(next) = next.filter(|&next| next != self.current.get()) {
            self.switch(Some(next));
            if self.is_over.get() {
                self.refuse_to_wait();
            }
        }
    }

    /// Another thread goes on while the one that runs now looks again and again at something.
    fn yields(&self) {
        self.step_with(None, Event::At(Site::new("yields").waiting()));
    }

    /// The parker of the thread that runs now.
    fn current_parker(&self) -> Rc<Parker> {
        Rc::clone(&self.state.borrow().threads[self.current.get()].parker)
    }

    /// Lends that came from other threads of the system.
    fn take_inbox(&self) {
        if self.shared.has_lends() {
            for help in self.shared.take_lends() {
                self.start(Started::Helper, Job::Anywhere(Box::new(move || help.help())));
            }
        }
    }

    /// Who runs next; `None` when nobody can.
    fn choose(&self, state: &mut State, turn: Turn) -> Option<usize> {
        let current = self.current.get();
        if state.alive == 1 && turn != Turn::Parks {
            return Some(current);
        }
        let (nanos, steps) = (self.nanos.get(), self.steps.get());
        let State { threads, decider, .. } = state;
        let is_runnable = |place: usize| {
            let thread = &threads[place];
            match thread.status {
                Status::Ready => place != CALLER || !self.is_ending.get(),
                Status::Parked { until, at_step } => until <= nanos || at_step <= steps || thread.parker.is_woken(),
                Status::Done => false,
            }
        };
        decider.choose(current, turn, threads.len(), is_runnable)
    }

    /// Goes to another thread and comes back when it is this one's turn again; with `None`, nobody can run.
    fn switch(&self, next: Option<usize>) {
        let mine = self.current.get();
        self.switches.set(self.switches.get() + 1);
        if mine == CALLER {
            self.resume_others(next);
        } else {
            self.next.set(next);
            fiber::suspend();
        }
    }

    /// Whether the thread that runs now is on its way out of a panic, or the caller is, who waits for it.
    fn is_unwinding(&self) -> bool {
        thread::panicking() || self.is_unwinding.get()
    }

    /// Whether the calling thread is the one that the simulation began in.
    pub(super) fn is_begun_here(&self) -> bool {
        self.shared.is_owner()
    }

    /// Whether this is a copy in a process that has none of the simulation's threads.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.options.surroundings.is_some() && !self.process.is_current()
    }

    /// Resumes one fiber after the other until it is the caller's turn.
    fn resume_others(&self, mut next: Option<usize>) {
        self.is_unwinding.set(thread::panicking());
        loop {
            let place = match next {
                Some(CALLER) => break,
                Some(place) => place,
                None => match self.unblock() {
                    Some(CALLER) | None => break,
                    Some(place) => place,
                },
            };
            self.current.set(place);
            let mut fiber = {
                let thread = &mut self.state.borrow_mut().threads[place];
                thread.status = Status::Ready;
                thread.fiber.take().expect("who is not running has a stack")
            };
            let left = fiber.resume();
            let panic = if left == Left::Done { fiber.take_panic() } else { None };
            // Dropped when nothing is borrowed.
            let mut locals = Rc::default();
            let state = &mut *self.state.borrow_mut();
            next = match left {
                Left::Suspended => {
                    state.threads[place].fiber = Some(fiber);
                    self.next.take()
                }
                Left::Done => {
                    self.record(state, None, Event::Ended);
                    state.threads[place].status = Status::Done;
                    std::mem::swap(&mut state.threads[place].locals, &mut locals);
                    state.alive -= 1;
                    fiber.retire(state.crew.as_mut());
                    self.choose(state, Turn::Parks)
                }
            };
            if let Some(payload) = panic {
                // A thread of the user's keeps its own; what is left is the simulation's or the engine's.
                self.current.set(CALLER);
                *self.verdict.borrow_mut() = Some("a thread of its own panicked".to_owned());
                self.is_over.set(true);
                if !thread::panicking() {
                    self.has_told.set(true);
                    std::panic::resume_unwind(payload);
                }
            }
            if self.is_over.get() {
                break;
            }
        }
        self.current.set(CALLER);
        self.is_unwinding.set(false);
    }

    /// Nobody can run: lets time pass to the first deadline, or waits for threads outside the simulation. Gives who can run then;
    /// `None` when nobody ever will.
    fn unblock(&self) -> Option<usize> {
        loop {
            let first = {
                let state = self.state.borrow();
                let waits = state.threads.iter().filter_map(|thread| match thread.status {
                    Status::Parked { until, at_step } => Some((until, at_step)),
                    _ => None,
                });
                waits.fold((u64::MAX, u64::MAX), |first, wait| (first.0.min(wait.0), first.1.min(wait.1)))
            };
            match first {
                (u64::MAX, u64::MAX) => {
                    if !self.wait_outside() {
                        return None;
                    }
                }
                // Faults that are due at a later step may as well come now.
                (u64::MAX, step) => self.steps.set(self.steps.get().max(step)),
                (moment, _) => self.nanos.set(self.nanos.get().max(moment)),
            }
            self.take_inbox();
            let next = self.choose(&mut self.state.borrow_mut(), Turn::Parks);
            if next.is_some() {
                return next;
            }
        }
    }

    /// Sleeps until somebody outside the simulation has woken one of its threads; false when nobody does for long.
    fn wait_outside(&self) -> bool {
        if self.state.borrow().alive == 1 && self.is_ending.get() {
            return false;
        }
        let since = Instant::now();
        loop {
            let is_woken = self.shared.has_lends()
                || self
                    .state
                    .borrow()
                    .threads
                    .iter()
                    .any(|thread| matches!(thread.status, Status::Parked { .. }) && thread.parker.is_woken());
            if is_woken {
                return true;
            }
            let Some(left) = self.options.patience.checked_sub(since.elapsed()).filter(|left| !left.is_zero()) else {
                return false;
            };
            host::wait_in_process(|| thread::park_timeout(left));
        }
    }

    /// The thread that runs now waits until its parker is woken (true), or the clock shows `until` (false).
    fn park_until(&self, parker: &Parker, until: u64, at_step: u64) -> bool {
        let current = self.current.get();
        loop {
            if parker.take_token() {
                return true;
            }
            if self.is_over.get() {
                self.refuse_to_wait();
                return false;
            }
            if until <= self.nanos.get() || at_step <= self.steps.get() {
                return false;
            }
            self.take_inbox();
            let next = {
                let state = &mut *self.state.borrow_mut();
                state.threads[current].status = Status::Parked { until, at_step };
                self.steps.set(self.steps.get() + 1);
                self.record(state, None, Event::Parked);
                self.choose(state, Turn::Parks)
            };
            if next != Some(current) {
                self.switch(next);
                if self.is_over.get() && !self.is_of_caller() {
                    self.state.borrow_mut().threads[current].status = Status::Ready;
                    self.refuse_to_wait();
                    return false;
                }
            }
            let is_mine = {
                let state = &mut *self.state.borrow_mut();
                let thread = &mut state.threads[current];
                thread.status = Status::Ready;
                until <= self.nanos.get() || at_step <= self.steps.get() || thread.parker.is_woken()
            };
            if !is_mine {
                self.give_up(self.deadlock());
                return false;
            }
        }
    }

    /// Runs the others for as long as any of them can go on without time passing.
    fn let_others_go_on(&self) {
        if self.is_over.get() || !self.is_of_caller() {
            return;
        }
        loop {
            self.take_inbox();
            let next = {
                let state = &mut *self.state.borrow_mut();
                self.steps.set(self.steps.get() + 1);
                self.choose(state, Turn::Yields)
            };
            match next {
                Some(next) if next != CALLER => self.switch(Some(next)),
                _ => return,
            }
        }
    }

    /// Whether anybody but the thread that runs now could go on.
    fn is_anybody_ready(&self) -> bool {
        let state = self.state.borrow();
        let current = self.current.get();
        state.threads.iter().enumerate().any(|(place, thread)| place != current && thread.status == Status::Ready)
    }

    /// Where others sleep until a moment, sleeps until the first of these; says whether there is one.
    fn sleep_as_long_as_others(&self) -> bool {
        let until = self
            .state
            .borrow()
            .threads
            .iter()
            .filter_map(|thread| match thread.status {
                Status::Parked { until, .. } if until != u64::MAX => Some(until),
                _ => None,
            })
            .min();
        if let Some(until) = until {
            let parker = self.current_parker();
            if self.park_until(&parker, until, u64::MAX) {
                parker.waker().wake_by_ref();
            }
        }
        until.is_some()
    }

    pub(super) fn add_pool(&self) {
        self.pools.set(self.pools.get() + 1);
    }

    pub(super) fn lose_pools(&self, count: usize) {
        self.pools.set(self.pools.get() - count);
    }

    pub(super) fn has_pools(&self) -> bool {
        self.pools.get() > 0
    }

    // ---- faults

    /// A fault that is due at this call of a task's function.
    fn fault(&self, task: &str, items: usize) -> Option<Planned> {
        if !self.has_call_faults || self.is_over.get() {
            return None;
        }
        let planned = self.state.borrow_mut().injector.at_call(task, items);
        if let Some(planned) = &planned {
            self.note(Event::Fault(planned.to_string().into()));
        }
        planned
    }

    /// The thread that runs now sleeps until the next fault beside the tasks is due; gives it. `None` when there are none left.
    pub(super) fn next_mischief(&self) -> Option<Mischief> {
        let fault = self.state.borrow_mut().injector.next_mischief()?;
        let parker = self.current_parker();
        while self.steps.get() < fault.at {
            self.park_until(&parker, u64::MAX, fault.at);
            if self.is_ending.get() || self.is_over.get() {
                return None;
            }
        }
        self.note(Event::Fault(fault.what.to_string().into()));
        fault.what.mischief()
    }

    pub(super) fn has_mischief(&self) -> bool {
        self.state.borrow().injector.has_mischief()
    }

    /// A number less than `bound`, drawn for a purpose of the simulation's own.
    pub(super) fn draw(&self, bound: u64) -> u64 {
        self.state.borrow_mut().decider.draw(bound)
    }
}

/// What a further thread is.
pub(super) enum Started {
    /// A helper that a pool asked for.
    Helper,
    /// A thread of the user's.
    Thread(Option<Arc<str>>),
    /// Who injects what does not happen within a task.
    Mischief,
}
