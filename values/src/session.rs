//! One run of a plan: who takes part, what has failed, and when it is over.
//!
//! The caller begins alone, with plain loads and stores. When the tasks turn out to be worth it
//! ([`Heartbeat`]) it moves what is ready into its queue and opens the gate: from then on counters
//! and queues are shared. A run is over when no worker has work and no queue holds any; nothing is
//! counted per task. `README.md` beside this file argues both.

use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Duration;

use crossbeam_deque::Worker;
use crossbeam_utils::CachePadded;
use millpond_sync::shim::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use millpond_sync::shim::{Mutex, hint};
use millpond_sync::{Deadline, Parker};

use super::body::Context;
use super::careful::{Careful, Hands, Ready};
use super::crew::{Crew, LINGER, relax};
use super::error::Cause;
use super::gate::{Shared, Stay};
use super::graph::Graph;
use super::heartbeat::{Heartbeat, Pace, SLOW_NANOSECONDS};
use super::plan::Plan;
use super::records::BodyRef;
use crate::fault::{self, Fault};
use millpond_sync::host::{self, Site};
use millpond_workers::Workers;

/// For how long a helper watches before it judges.
const WATCH: Duration = Duration::from_micros(6);

/// For how long the caller sleeps at most before it looks whether it missed something.
const LOOK_AGAIN: Duration = Duration::from_micros(500);

/// Why the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Nothing is ready here.
    Dry,
    /// The run was stopped.
    Stopped,
    /// The caller should go on with others; what is ready is on its stack.
    Share,
}

/// A run. See the [module documentation](self).
pub(super) struct Session<'run, 'env> {
    pub(super) graph: &'run Graph<'env>,
    pub(super) plan: &'run Plan<'env>,
    pub(super) bodies: &'run [BodyRef<'env>],
    /// Whom to ask for help, and how many may work at once.
    workers: Option<(&'run Arc<dyn Workers>, usize)>,
    /// Set when nothing more shall start.
    is_stopped: AtomicBool,
    /// How many workers may hold work. Whoever looks for work counts itself in first.
    active: CachePadded<AtomicUsize>,
    /// Whether the caller sleeps, and how to wake it.
    is_asleep: AtomicBool,
    caller: OnceLock<Waker>,
    /// Whether helpers only watch so far, since nobody knows what the tasks cost; what they watch
    /// is how many tasks the caller has run.
    is_watched: AtomicBool,
    progress: CachePadded<AtomicU64>,
    /// How many tasks have been run, without those that workers have not reported yet.
    done: AtomicU64,
    lends: AtomicUsize,
    /// What a task of the slowest worker took on average, in nanoseconds, when shared.
    pace: AtomicU64,
    failures: Mutex<Vec<Noted>>,
    /// What more is needed when the plan asks for it.
    pub(super) careful: Option<Careful<'run, 'env>>,
}

/// A failure, as it is noted during the run.
pub(super) struct Noted {
    /// The task of the run's plan that failed, or that holds what failed.
    pub(super) task: u32,
    pub(super) cause: Cause,
    /// The names inside that task, from what failed outwards.
    pub(super) inner: Vec<String>,
    pub(super) added: Option<&'static Location<'static>>,
}

/// What a worker has to itself during a run.
pub(super) struct Local<'env> {
    pub(super) context: Context<'env>,
    /// The task whose body was entered last.
    pub(super) current: u32,
    /// What is ready, while the caller is alone.
    pub(super) stack: Vec<u64>,
    /// The same by priority, in a careful run.
    pub(super) ready: BinaryHeap<Ready>,
    /// Room for what becomes ready at once.
    pub(super) scratch: Vec<u32>,
    /// How many of the plan's sources have been started, while the caller is alone.
    pub(super) started: usize,
    pub(super) beat: Heartbeat,
    pub(super) done: u64,
    /// For how long it worked in a shared run.
    busy: Duration,
    /// Whether this is the caller.
    pub(super) is_caller: bool,
}

impl Local<'_> {
    fn new(stack: Vec<u64>, beat: Heartbeat, is_caller: bool) -> Self {
        Self {
            context: Context::default(),
            current: 0,
            stack,
            ready: BinaryHeap::new(),
            scratch: Vec::new(),
            started: 0,
            beat,
            done: 0,
            busy: Duration::ZERO,
            is_caller,
        }
    }
}

impl<'run, 'env> Session<'run, 'env> {
    pub(super) fn new(
        graph: &'run Graph<'env>,
        plan: &'run Plan<'env>,
        workers: Option<(&'run Arc<dyn Workers>, usize)>,
        careful: Option<Careful<'run, 'env>>,
    ) -> Self {
        let bodies = if plan.tasks.is_empty() { graph.bodies.list() } else { &plan.bodies };
        Self {
            graph,
            plan,
            bodies,
            workers: workers.filter(|(_, size)| *size > 1),
            is_stopped: AtomicBool::new(false),
            active: CachePadded::new(AtomicUsize::new(1)),
            is_asleep: AtomicBool::new(false),
            caller: OnceLock::new(),
            is_watched: AtomicBool::new(false),
            progress: CachePadded::new(AtomicU64::new(0)),
            done: AtomicU64::new(0),
            lends: AtomicUsize::new(0),
            pace: AtomicU64::new(0),
            failures: Mutex::new(Vec::new()),
            careful,
        }
    }

    /// Runs the plan in the calling thread, with helpers when they are worth it. Returns the stack
    /// for the next run, and what a task cost, if that was measured.
    pub(super) fn run(&self, stack: Vec<u64>, pace: Pace) -> (Vec<u64>, Option<u64>) {
        let (beat, is_eager) = match pace {
            _ if self.workers.is_none() => (Heartbeat::never(), false),
            Pace::Unknown => {
                self.is_watched.store(true, Ordering::Relaxed);
                (Heartbeat::eager(), true)
            }
            Pace::Nanoseconds(mean) if mean >= SLOW_NANOSECONDS && self.is_long(self.plan.len() as u64, mean) => {
                (Heartbeat::eager(), true)
            }
            Pace::Nanoseconds(mean) => (Heartbeat::measuring(mean), false),
        };
        let mut local = Local::new(stack, beat, true);
        if let Some(careful) = &self.careful {
            careful.begin(self, &mut local);
        }
        let pause = if is_eager && self.plan.sources.len() > 1 {
            Pause::Share
        } else {
            self.guarded(&mut local, |local| match &self.careful {
                None => self.drive_alone(local),
                Some(careful) => careful.drive(self, &mut Hands { local, shared: None, has_pushed: false }, None),
            })
        };
        if self.careful.is_none() {
            local.done = local.beat.counted();
        }
        let pace = if pause == Pause::Share {
            self.share(&mut local);
            Some(self.pace.load(Ordering::Relaxed))
        } else {
            self.done.fetch_add(local.done, Ordering::Relaxed);
            local.beat.pace()
        };
        local.stack.clear();
        (local.stack, pace)
    }

    /// Whether so many tasks of so many nanoseconds take longer than it takes for help to come.
    fn is_long(&self, tasks: u64, mean: u64) -> bool {
        let is_near = self.graph.crew.get().is_some_and(|crew| crew.lent() > 0);
        // In a simulation help costs nothing, and helpers are what it is about.
        host::is_simulated() || tasks.saturating_mul(mean) >= if is_near { 4_000 } else { 60_000 }
    }

    /// Calls `drive`, making a panic in a body that body's failure.
    pub(super) fn guarded(&self, local: &mut Local<'env>, mut drive: impl FnMut(&mut Local<'env>) -> Pause) -> Pause {
        match catch_unwind(AssertUnwindSafe(|| drive(local))) {
            Ok(pause) => pause,
            Err(payload) => {
                self.fail(local.current, Cause::panic(payload));
                Pause::Stopped
            }
        }
    }

    /// Notes that a task failed and stops the run.
    #[cold]
    pub(super) fn fail(&self, task: u32, cause: Cause) {
        self.note(Noted { task, cause, inner: Vec::new(), added: None });
        self.stop();
    }

    pub(super) fn note(&self, noted: Noted) {
        self.failures.lock().push(noted);
    }

    /// Lets nothing more start.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Shows those who watch how far the caller is.
    #[inline]
    pub(super) fn report_progress(&self, done: u64) {
        self.progress.store(done, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Whether helpers would shorten the rest, of which one task takes `mean` nanoseconds.
    #[cold]
    pub(super) fn is_worth_sharing(&self, local: &mut Local<'_>, has_next: bool) -> bool {
        let ready =
            local.stack.len() + local.ready.len() + (self.plan.sources.len() - local.started) + usize::from(has_next);
        let Some(mean) = local.beat.tick() else { return false };
        if ready < 2 {
            return false;
        }
        let left = (self.plan.len() as u64).saturating_sub(local.beat.counted()).max(ready as u64);
        self.is_long(left, mean)
    }

    /// Goes on with others.
    #[cold]
    fn share(&self, local: &mut Local<'env>) {
        let (workers, size) = self.workers.expect("only a run that may have helpers is shared");
        let crew = self.graph.crew.get_or_init(|| Arc::new(Crew::new(workers, size)));
        let _ = self.caller.set(Parker::with(|parker| parker.waker().clone()));
        let queue = crew.first_seat();
        let unstarted = self.plan.sources[local.started..].iter().rev().map(|task| u64::from(*task));
        unstarted.chain(local.stack.drain(..)).for_each(|item| queue.push(item));
        if let Some(careful) = &self.careful {
            careful.share(local);
        }
        host::step(Site::new("opens its run"));
        let this: &dyn Shared = self;
        let _gate = crew.gate.open(&this);
        self.pushed(crew);
        loop {
            self.work(crew, 0, &queue, local);
            if self.wait(crew) {
                break;
            }
        }
        self.account(local);
    }

    /// Adds what a worker did in a shared run.
    fn account(&self, local: &Local<'_>) {
        self.done.fetch_add(local.done, Ordering::Relaxed);
        let busy = u64::try_from(local.busy.as_nanos()).unwrap_or(u64::MAX);
        self.pace.fetch_max(busy.checked_div(local.done).unwrap_or(0), Ordering::Relaxed);
    }

    /// Watches the caller for a moment: whether its tasks turn out to be slow.
    fn is_slow(&self, crew: &Crew) -> bool {
        let (before, since) = (self.progress.load(Ordering::Relaxed), host::now());
        while host::now().duration_since(since) < WATCH {
            if !crew.gate.is_open() {
                return false;
            }
            if !host::give_way() {
                hint::spin_loop();
            }
        }
        let tasks = self.progress.load(Ordering::Relaxed) - before;
        let is_slow = WATCH.as_nanos() >= u128::from(tasks * SLOW_NANOSECONDS);
        if is_slow {
            self.is_watched.store(false, Ordering::Relaxed);
        }
        is_slow
    }

    /// Runs what is in the own queue and what can be stolen. The worker is counted in, and counted
    /// out at the end.
    fn work(&self, crew: &Arc<Crew>, number: usize, queue: &Worker<u64>, local: &mut Local<'env>) {
        let begun = host::now();
        while let Some(item) = self.next(crew, queue, number) {
            if self.is_stopped() {
                continue;
            }
            self.guarded(local, |local| match &self.careful {
                None => self.drive_shared(crew, queue, local, item as u32),
                Some(careful) => {
                    let mut hands = Hands { local, shared: Some((crew, queue)), has_pushed: false };
                    careful.drive(self, &mut hands, Some(item))
                }
            });
        }
        local.busy += host::now().duration_since(begun);
        host::step(Site::new("counts itself out"));
        if self.active.fetch_sub(1, Ordering::SeqCst) == 1 && !fault::is(Fault::EndsInSilence) {
            self.wake_caller();
        }
    }

    fn next(&self, crew: &Arc<Crew>, queue: &Worker<u64>, number: usize) -> Option<u64> {
        let by_priority = self.careful.as_ref().and_then(Careful::pop_ready);
        by_priority.or_else(|| queue.pop()).or_else(|| self.steal(crew, queue, number))
    }

    /// Whether something is ready that any worker may take.
    fn has_work(&self, crew: &Crew) -> bool {
        crew.has_work() || self.has_ready()
    }

    fn steal(&self, crew: &Arc<Crew>, queue: &Worker<u64>, number: usize) -> Option<u64> {
        host::step(Site::new("looks into other queues"));
        let item = crew.steal(queue, number)?;
        host::step(Site::new("looks into other queues"));
        if self.has_work(crew) {
            // More is there than one can do: let the next helper come.
            self.pushed(crew);
        }
        Some(item)
    }

    /// Called after pushing: somebody should see it.
    ///
    /// Without a fence, which would cost as much as the push: who goes or sleeps looks again a
    /// little later (README).
    #[inline]
    pub(super) fn pushed(&self, crew: &Arc<Crew>) {
        if self.is_asleep.load(Ordering::Relaxed) {
            self.wake_caller();
        }
        if crew.can_lend() && crew.lent() < self.active.load(Ordering::Relaxed) && crew.lend() {
            self.lends.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[cold]
    fn wake_caller(&self) {
        if self.is_asleep.swap(false, Ordering::SeqCst)
            && let Some(caller) = self.caller.get()
        {
            caller.wake_by_ref();
        }
    }

    /// Waits, as the caller and without work, until the run is over (true) or there may be work
    /// again (false; then the caller is counted in).
    fn wait(&self, crew: &Arc<Crew>) -> bool {
        let since = host::now();
        let mut rounds = 0;
        loop {
            if self.active.load(Ordering::SeqCst) == 0 {
                return true;
            }
            if self.has_work(crew) {
                host::step(Site::new("counts itself in"));
                self.active.fetch_add(1, Ordering::SeqCst);
                return false;
            }
            if host::now().duration_since(since) < LINGER {
                relax(&mut rounds);
                continue;
            }
            self.is_asleep.store(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            host::step(Site::new("is about to sleep"));
            if self.active.load(Ordering::SeqCst) != 0 && !self.has_work(crew) {
                Parker::with(|parker| {
                    let _nested = parker.nested();
                    // Under a model checker for ever: the end, which is never missed, must come
                    // without this.
                    let is_checked = cfg!(any(loom, shuttle));
                    parker.park_deadline(if is_checked { Deadline::NEVER } else { Deadline::after(LOOK_AGAIN) });
                });
            }
            self.is_asleep.store(false, Ordering::SeqCst);
        }
    }

    pub(super) fn report(&self) -> super::run_report::RunReport {
        super::run_report::RunReport {
            tasks: self.done.load(Ordering::Relaxed),
            helpers_asked: self.lends.load(Ordering::Relaxed),
            is_shared: self.caller.get().is_some(),
        }
    }

    pub(super) fn take_failures(&self) -> Vec<Noted> {
        std::mem::take(&mut *self.failures.lock())
    }
}

impl Shared for Session<'_, '_> {
    fn has_ready(&self) -> bool {
        self.careful.as_ref().is_some_and(Careful::has_ready)
    }

    fn assist(&self, number: usize, queue: &Worker<u64>) -> Stay {
        let Some(crew) = self.graph.crew.get() else { return Stay::Over };
        if self.is_watched.load(Ordering::Relaxed) && !self.is_slow(crew) {
            return Stay::Watching;
        }
        let mut local = Local::new(Vec::new(), Heartbeat::never(), false);
        let mut idle_since = host::now();
        let mut rounds = 0;
        let mut stay = Stay::Over;
        while crew.gate.is_open() {
            if self.has_work(crew) {
                host::step(Site::new("counts itself in"));
                self.active.fetch_add(1, Ordering::SeqCst);
                self.work(crew, number, queue, &mut local);
                idle_since = host::now();
                rounds = 0;
            } else if host::now().duration_since(idle_since) > LINGER {
                stay = Stay::Idle;
                break;
            } else {
                relax(&mut rounds);
            }
        }
        self.account(&local);
        stay
    }
}
