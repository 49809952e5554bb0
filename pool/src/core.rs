//! What all readers and workers of a pool share.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use millpond_sync::Deadline;
use millpond_sync::shim::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use millpond_sync::shim::{Mutex, clock, hint, thread};
use smallvec::SmallVec;

use crate::alarm::Alarm;
use crate::fault::{self, Fault};
use crate::gate::{Gate, Pass};
use crate::hold;
use crate::interrupt::Interrupts;
use crate::lane::{AnyLane, FullBranch, Header, TaskEntry, Waiters, detach};
use crate::lend;
use crate::registry::Registry;
use crate::rings::Rings;
use crate::walk::{WAKE_NANOS, Walked, Walker};
use millpond_sync::host::{self, Site};
use millpond_workers::Workers;
use millpond_workers::discard::discard;
use millpond_workers::fork::Process;
use millpond_workers::lend::Count;
use millpond_workers::nudge::Nudges;
use millpond_workers::placement;

/// How long a helper that finds nothing to do looks on before it goes back to its owner.
const SPIN: Duration = Duration::from_micros(60);

/// A lane that is read from and has more to do than its reader can do alone.
struct Job<'env> {
    lane: Weak<dyn AnyLane<'env> + 'env>,
    outlet: usize,
    /// Whether a reader awaits it, and so does not work for it.
    is_awaited: bool,
    /// Names the last time that it was listed, or that an awaiting reader asked for it; never the same twice.
    asked: u64,
}

/// A job as a helper saw it on the list.
struct Listed<'env> {
    lane: Arc<dyn AnyLane<'env> + 'env>,
    outlet: usize,
    is_awaited: bool,
    asked: u64,
}

impl<'env> Job<'env> {
    fn is(&self, lane: &Arc<dyn AnyLane<'env> + 'env>, outlet: usize) -> bool {
        self.outlet == outlet && std::ptr::addr_eq(self.lane.as_ptr(), Arc::as_ptr(lane))
    }

    fn listed(&self) -> Option<Listed<'env>> {
        let Self { outlet, is_awaited, asked, .. } = *self;
        Some(Listed { lane: self.lane.upgrade()?, outlet, is_awaited, asked })
    }
}

/// See the [module documentation](self).
pub(crate) struct Core<'env> {
    gate: Arc<Gate>,
    process: Process,
    is_closed: AtomicBool,
    /// Where helpers come from; none while the pool is in serial mode.
    workers: Mutex<Option<Arc<dyn Workers>>>,
    /// Helpers that are lent or on their way.
    helpers: CachePadded<AtomicUsize>,
    /// Helpers that have been lent and whose hold on this has not been let go, for scopes that must outlive them.
    lent: Arc<Count>,
    /// Readers that work at the moment.
    callers: CachePadded<AtomicUsize>,
    /// What workers look at before each item.
    nudges: Arc<Nudges>,
    interrupts: Interrupts,
    /// Goes up with every change in any lane.
    ticks: CachePadded<AtomicU64>,
    walks: AtomicU64,
    jobs: Mutex<Vec<Job<'env>>>,
    /// How many jobs there are.
    job_count: CachePadded<AtomicUsize>,
    /// How many of them are awaited.
    awaited: AtomicUsize,
    /// How often a thread was asked for, for tests and figures.
    wakes: AtomicU64,
    pub(crate) registry: Mutex<Registry<'env>>,
    /// Wakes readers that await.
    alarm: Arc<Alarm<Waiters>>,
    /// Threads that wait within a task's function.
    pub(crate) rings: Mutex<Rings>,
    /// Cancelled lanes whose contents are still to be let go.
    litter: Mutex<Vec<Arc<dyn AnyLane<'env> + 'env>>>,
    has_litter: AtomicBool,
    /// Lanes on their way out, and whether somebody is letting them go.
    graves: Mutex<(Vec<Arc<dyn AnyLane<'env> + 'env>>, bool)>,
}

/// Why a pool cannot be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Closed,
    Forked,
    Occupied,
}

impl<'env> Core<'env> {
    pub(crate) fn new(size: usize, workers: Option<Arc<dyn Workers>>) -> Arc<Self> {
        Arc::new(Self {
            gate: Arc::new(Gate::new(size)),
            process: Process::current(),
            is_closed: AtomicBool::new(false),
            workers: Mutex::new(workers),
            helpers: CachePadded::default(),
            lent: Arc::default(),
            callers: CachePadded::new(AtomicUsize::new(0)),
            nudges: Nudges::new(),
            interrupts: Interrupts::default(),
            ticks: CachePadded::new(AtomicU64::new(0)),
            walks: AtomicU64::new(0),
            jobs: Mutex::default(),
            job_count: CachePadded::new(AtomicUsize::new(0)),
            awaited: AtomicUsize::new(0),
            wakes: AtomicU64::new(0),
            registry: Mutex::default(),
            alarm: Arc::default(),
            rings: Mutex::default(),
            litter: Mutex::default(),
            has_litter: AtomicBool::new(false),
            graves: Mutex::default(),
        })
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Whether this process made the pool; where it did not, no lock of the pool may be touched.
    pub(crate) fn is_of_this_process(&self) -> bool {
        self.process.is_current()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Enters the pool, to read or to look at its state.
    pub(crate) fn enter(&self) -> Result<Pass<'_>, Refused> {
        if !self.is_of_this_process() {
            return Err(Refused::Forked);
        }
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        self.gate.enter().map_err(|_| Refused::Occupied)
    }

    /// How many chunks may be outstanding where there is no end to the demand: two per worker.
    pub(crate) fn window(&self) -> usize {
        self.gate.size().max(1) * 2
    }

    // ---- changes

    pub(crate) fn nudges(&self) -> &Arc<Nudges> {
        &self.nudges
    }

    pub(crate) fn interrupts(&self) -> &Interrupts {
        &self.interrupts
    }

    /// Something changed in a lane.
    pub(crate) fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::SeqCst)
    }

    /// A number for a walk or an ask, never 0 and never the same twice.
    pub(crate) fn next_number(&self) -> u64 {
        self.walks.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Looks on for a moment, while helpers are about, whether anything changes; says whether it did.
    pub(crate) fn spin(&self, since: u64) -> bool {
        if self.helpers.load(Ordering::Relaxed) == 0 && self.callers.load(Ordering::Relaxed) < 2 {
            return false;
        }
        if host::is_simulated() {
            host::step(Site::new("looks on").waiting());
            return self.ticks() != since;
        }
        let is_crowded = placement::is_crowded(self.size());
        let started = clock::now();
        host::wait(|| {
            loop {
                if is_crowded {
                    // Whoever could change something may be waiting for this processor.
                    thread::yield_now();
                }
                for _ in 0..64 {
                    if self.ticks() != since {
                        return true;
                    }
                    hint::spin_loop();
                }
                if clock::now().duration_since(started) > SPIN {
                    return false;
                }
            }
        })
    }

    // ---- callers

    /// A reader begins to work.
    pub(crate) fn caller_comes(&self) {
        self.callers.fetch_add(1, Ordering::SeqCst);
    }

    /// A reader works no more; where jobs are left, a helper takes its place.
    pub(crate) fn caller_goes(self: &Arc<Self>) {
        self.callers.fetch_sub(1, Ordering::SeqCst);
        // What this reader had in hand when a helper looked in vain is free now.
        self.tick();
        host::step(Site::new("works no more"));
        self.replace_caller();
    }

    /// Lends a helper where jobs are left and nobody is there to do them; for a reader that may have had in hand what they wanted.
    pub(crate) fn replace_caller(self: &Arc<Self>) {
        // Helpers that are there look at every job before they leave.
        if self.job_count.load(Ordering::SeqCst) > 0 && self.helpers.load(Ordering::SeqCst) == 0 {
            self.lend(1);
        }
    }

    /// Runs `sleep` while the caller counts as idle.
    pub(crate) fn while_idle<R>(self: &Arc<Self>, sleep: impl FnOnce() -> R) -> R {
        self.caller_goes();
        let result = sleep();
        self.callers.fetch_add(1, Ordering::SeqCst);
        result
    }

    // ---- helpers

    /// There is work at `lane` for `nanos` beyond what its reader does now, which is worth waking helpers for. Says for how many, who are
    /// to be [asked for](Self::lend) once they can take it up.
    pub(crate) fn offer(&self, lane: &Arc<dyn AnyLane<'env> + 'env>, outlet: usize, nanos: f32) -> usize {
        self.add_job(lane, outlet, false);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive; saturates")]
        let useful = (nanos / WAKE_NANOS * 2.0) as usize;
        useful.max(1)
    }

    /// Puts a lane that is read from on the list of jobs, where it is not there yet.
    pub(crate) fn add_job(&self, lane: &Arc<dyn AnyLane<'env> + 'env>, outlet: usize, is_awaited: bool) {
        let offered = &lane.header().offered[outlet];
        if !is_awaited && offered.load(Ordering::SeqCst) {
            return;
        }
        host::step_at(|| lane.header().place(None), Site::new("lists a job"));
        let mut jobs = self.jobs.lock();
        if !offered.swap(true, Ordering::SeqCst) {
            jobs.push(Job { lane: Arc::downgrade(lane), outlet, is_awaited, asked: self.next_number() });
        } else if let Some(job) = jobs.iter_mut().find(|job| job.is(lane, outlet)) {
            job.is_awaited |= is_awaited;
            job.asked = self.next_number();
        }
        self.count_jobs(&jobs);
    }

    fn count_jobs(&self, jobs: &[Job<'env>]) {
        self.job_count.store(jobs.len(), Ordering::SeqCst);
        self.awaited.store(jobs.iter().filter(|job| job.is_awaited).count(), Ordering::SeqCst);
    }

    /// Takes a job off the list whose reader has what it asked for, or, with `parked_at`, will ask again by itself; unless it has asked
    /// again since it had asked that often, for data that came while the walk found none.
    fn remove_job(&self, pass: &Pass<'_>, lane: &Arc<dyn AnyLane<'env> + 'env>, outlet: usize, parked_at: Option<u64>) {
        host::step_at(|| lane.header().place(None), Site::new("takes a job off"));
        let mut jobs = self.jobs.lock();
        if parked_at.is_some_and(|asked| jobs.iter().any(|job| job.is(lane, outlet) && job.asked != asked)) {
            return;
        }
        let is_awaited = jobs.iter().any(|job| job.is_awaited && job.is(lane, outlet));
        jobs.retain(|job| !job.is(lane, outlet));
        self.count_jobs(&jobs);
        lane.header().offered[outlet].store(false, Ordering::SeqCst);
        drop(jobs);
        host::step_at(|| lane.header().place(None), Site::new("takes a job off"));
        // A reader that asked for more in between found the job still listed.
        if parked_at.is_none() && !fault::is(Fault::JobDroppedEarly) && lane.is_short(outlet, pass) {
            self.list_again(lane, outlet, is_awaited);
        }
    }

    /// Puts a job back on the list.
    fn list_again(&self, lane: &Arc<dyn AnyLane<'env> + 'env>, outlet: usize, is_awaited: bool) {
        self.add_job(lane, outlet, is_awaited);
        if self.size() == 0 {
            // A resize that came in between did not find it there, and nobody is lent any more: its reader works for itself.
            lane.header().waiters.notify_all();
        }
    }

    /// How many helpers there may be beside the readers that work.
    ///
    /// A reader that does not await counts also while it is between two reads: it will be back for the next chunk.
    fn most_helpers(&self) -> usize {
        let returning = usize::from(self.awaited.load(Ordering::SeqCst) == 0);
        self.gate.size().saturating_sub(self.callers.load(Ordering::SeqCst).max(returning))
    }

    /// Asks for up to `count` more helpers.
    pub(crate) fn lend(self: &Arc<Self>, count: usize) {
        let mut asked = 0;
        while asked < count && !self.is_closed() {
            let helpers = self.helpers.load(Ordering::SeqCst);
            if helpers >= self.most_helpers() {
                break;
            }
            if self.helpers.compare_exchange(helpers, helpers + 1, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                asked += 1;
            }
        }
        if asked == 0 {
            return;
        }
        host::step(Site::new("asks for a helper"));
        let workers = self.workers.lock().clone();
        match workers {
            Some(workers) => {
                // The reader goes on where it is, unless it awaits.
                let stays = self.awaited.load(Ordering::Relaxed) == 0 && placement::has_room_for(self.size());
                workers.avoid(if stays { placement::current() } else { placement::NOWHERE });
                self.wakes.fetch_add(asked as u64, Ordering::Relaxed);
                for _ in 0..asked {
                    match lend::helper(self, &self.lent) {
                        Some(helper) => workers.lend(1, helper),
                        None => drop(self.helpers.fetch_sub(1, Ordering::SeqCst)),
                    }
                }
            }
            None => {
                self.helpers.fetch_sub(asked, Ordering::SeqCst);
                // Who wanted a helper meanwhile, of a pool that has grown again, found these counted.
                self.call();
            }
        }
    }

    /// Where there are jobs, there may be more helpers now than there were when they were asked for.
    pub(crate) fn call(self: &Arc<Self>) {
        if self.job_count.load(Ordering::SeqCst) > 0 {
            self.lend(self.size());
        }
    }

    /// How often a thread was asked for.
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Relaxed)
    }

    /// What a helper does: takes part in the jobs as long as there is something to do.
    pub(crate) fn help(self: &Arc<Self>) {
        let mut turn = 0;
        loop {
            let before = self.ticks();
            let has_room = self.helpers.load(Ordering::SeqCst) <= self.most_helpers();
            let may_work = has_room && !self.is_closed();
            if may_work && (self.help_once(&mut turn) || self.spin(before)) {
                continue;
            }
            host::step(Site::new("walked in vain"));
            self.helpers.fetch_sub(1, Ordering::SeqCst);
            host::step(Site::new("counts itself out"));
            // A change that came before the count went down found this helper still counted.
            let may_stay = self.helpers.load(Ordering::SeqCst) < self.most_helpers();
            // One that left for want of room has not looked: of several, one finds that there is room for it after all.
            let is_idle = (has_room && self.ticks() == before) || fault::is(Fault::HelperLeavesBlindly);
            if self.is_closed() || !may_stay || is_idle || self.job_count.load(Ordering::SeqCst) == 0 {
                return;
            }
            host::step(Site::new("counts itself out"));
            self.helpers.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Walks once from each job, beginning with another one each time; says whether anything was done.
    fn help_once(self: &Arc<Self>, turn: &mut usize) -> bool {
        let Ok(pass) = self.gate.enter_shared() else { return false };
        let jobs: SmallVec<[Listed<'env>; 4]> = {
            let mut jobs = self.jobs.lock();
            jobs.retain(|job| job.lane.strong_count() > 0);
            self.count_jobs(&jobs);
            *turn = turn.wrapping_add(1);
            let first = *turn % jobs.len().max(1);
            let (before, after) = jobs.split_at(first);
            after.iter().chain(before).filter_map(Job::listed).collect()
        };
        let mut has_progressed = false;
        for job in &jobs {
            let hold = job.lane.header().holds[job.outlet].get();
            let is_held = hold::within(hold, || has_progressed |= self.help_with(&pass, job));
            if !is_held {
                // Nobody reads from it any more, or else its reader asks again by itself.
                self.remove_job(&pass, &job.lane, job.outlet, Some(job.asked));
            }
            if self.helpers.load(Ordering::SeqCst) > self.most_helpers() {
                break;
            }
        }
        if self.has_litter.load(Ordering::Relaxed) {
            self.sweep(&pass);
        }
        has_progressed
    }

    /// Walks once from one job; says whether anything was done.
    fn help_with(self: &Arc<Self>, pass: &Pass<'_>, job: &Listed<'env>) -> bool {
        let Listed { lane, outlet, is_awaited, asked } = job;
        if self.interrupts.has_one_for(lane.header()) {
            // Its reader is told first.
            return false;
        }
        let mut walker = Walker::of_helper(self, pass, lane, *outlet);
        let walked = walker.walk(usize::MAX, Deadline::NEVER);
        // What is still in flight may turn out to be too little, so the job stays until all has landed. A reader whose
        // sources all wait for data from outside is woken by them, and asks again.
        if walked == Walked::Satisfied && !lane.is_short(*outlet, pass) {
            self.remove_job(pass, lane, *outlet, None);
        } else if walked == Walked::Blocked && walker.is_all_parked() {
            self.remove_job(pass, lane, *outlet, Some(*asked));
        } else if walked == Walked::Paused && !lane.header().offered[*outlet].load(Ordering::SeqCst) {
            // Another helper found its sources parked while this one had the last data in hand.
            self.list_again(lane, *outlet, *is_awaited);
            self.tick();
        }
        if *is_awaited
            && walked == Walked::Blocked
            && let Some(full) = walker.full_branch()
        {
            self.await_room(pass, job, full);
        }
        walker.landings() > 0
    }

    /// Nothing but a full branch is in the way of a reader that awaits: it is told once that has
    /// lasted too long.
    fn await_room(&self, pass: &Pass<'_>, job: &Listed<'env>, full: FullBranch) {
        let header = job.lane.header();
        if full.deadline().has_passed() {
            header.stuck.lock().push((job.outlet, full));
            self.remove_job(pass, &job.lane, job.outlet, Some(job.asked));
            let _ = header.waiters.notify_all();
        } else if let Some(moment) = full.deadline().moment() {
            // Woken by that, it asks for helpers again.
            self.call_at(moment, header);
        }
    }

    /// Has whoever waits at a lane told at a moment.
    pub(crate) fn call_at(&self, moment: Instant, header: &Header<'_>) {
        self.alarm.call(moment, &header.waiters);
    }

    // ---- size

    /// The size asked for last.
    pub(crate) fn size(&self) -> usize {
        self.gate.size()
    }

    /// Another size, with the threads for it; helpers beyond it leave at the next chunk.
    pub(crate) fn resize(self: &Arc<Self>, size: usize, workers: Option<Arc<dyn Workers>>) -> usize {
        // One lock over both, so that of two resizes at once the same one comes last in both.
        let mut place = self.workers.lock();
        let before = std::mem::replace(&mut *place, workers);
        let size_before = self.gate.resize(size);
        drop(place);
        drop(before);
        host::step(Site::new("resizes"));
        self.tick();
        if size == 0 {
            // Nobody is lent any more: whoever awaits works for itself from its next poll on.
            let jobs: Vec<_> = self.jobs.lock().iter().filter_map(|job| job.lane.upgrade()).collect();
            for lane in jobs {
                let _ = lane.header().waiters.notify_all();
            }
        } else if size > size_before {
            // A reader that awaits may have asked just before, when there was nobody to be had.
            self.call();
        }
        size_before
    }

    pub(crate) fn workers(&self) -> Option<Arc<dyn Workers>> {
        self.workers.lock().clone()
    }

    // ---- letting go

    /// A lane was cancelled; its contents are let go when somebody next leaves the pool.
    pub(crate) fn litter(&self, lane: Arc<dyn AnyLane<'env> + 'env>) {
        self.litter.lock().push(lane);
        self.has_litter.store(true, Ordering::Release);
    }

    /// Lets go of what cancelled lanes hold.
    pub(crate) fn sweep(&self, pass: &Pass<'_>) {
        while self.has_litter.swap(false, Ordering::AcqRel) {
            let litter = std::mem::take(&mut *self.litter.lock());
            for lane in litter {
                host::step_at(|| lane.header().place(None), Site::new("sweeps"));
                lane.clear(pass);
                lane.header().waiters.notify_all();
            }
            self.tick();
        }
    }

    /// Sweeps if there is something to sweep and nobody is in the way; whoever is will do it.
    pub(crate) fn tidy(&self) {
        if self.has_litter.load(Ordering::Acquire)
            && self.is_of_this_process()
            && let Ok(pass) = self.gate.enter()
        {
            self.sweep(&pass);
        }
    }

    /// Whether there is something to sweep.
    pub(crate) fn has_litter(&self) -> bool {
        self.has_litter.load(Ordering::Relaxed)
    }

    /// Lets lanes go one after the other, however long the chain that hangs on them. Does not unwind.
    ///
    /// Of several threads at once one lets go of the lanes of all. So dropping a reader may return while another thread is still to drop
    /// what only that reader needed, also where it is held up meanwhile in a drop of the user's.
    pub(crate) fn bury(&self, lanes: impl Iterator<Item = Arc<dyn AnyLane<'env> + 'env>>) {
        let mut graves = self.graves.lock();
        graves.0.extend(lanes);
        if std::mem::replace(&mut graves.1, true) {
            return;
        }
        while let Some(lane) = graves.0.pop() {
            drop(graves);
            // The drop of what a user's function holds may panic; the lanes after it are let go all the same.
            discard(lane);
            graves = self.graves.lock();
        }
        graves.1 = false;
    }

    pub(crate) fn forget_tasks(&self, tasks: &[TaskEntry]) {
        if self.is_of_this_process() {
            self.registry.lock().remove(tasks.iter().map(|task| task.id));
        }
    }

    /// Ends a lane one of whose tasks was removed before the lane was made.
    pub(crate) fn end_removed(&self, lane: &dyn AnyLane<'env>) {
        if let Ok(pass) = self.enter() {
            lane.remove(&pass);
            detach(lane.header());
            self.sweep(&pass);
        }
    }

    /// Ends all that is going on: every lane is cancelled, readers get [`Refused::Closed`], helpers leave.
    pub(crate) fn close(&self) {
        if self.is_closed.swap(true, Ordering::SeqCst) {
            return;
        }
        host::step(Site::new("closes the pool"));
        self.alarm.end();
        let lanes = self.registry.lock().lanes();
        for lane in &lanes {
            lane.header().is_cancelled.store(true, Ordering::Release);
            lane.header().waiters.notify_all();
        }
        self.nudges.nudge();
        self.litter.lock().extend(lanes);
        self.has_litter.store(true, Ordering::Release);
        let mut jobs = self.jobs.lock();
        jobs.clear();
        self.count_jobs(&jobs);
        drop(jobs);
        self.tidy();
    }

    /// Lends no more helpers and waits until none holds on to the pool.
    pub(crate) fn wait_for_helpers(&self) {
        self.lent.close();
    }
}

impl fmt::Debug for Core<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("size", &self.size())
            .field("helpers", &self.helpers.load(Ordering::Relaxed))
            .field("jobs", &self.job_count.load(Ordering::Relaxed))
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
