//! The loop for graphs that ask for more than functions: choices, subflows, limits, priorities,
//! going on after failures.
//!
//! The same counters and queues as in [`super::drive`], with a look before and after each body.
//! Items name a task of a [frame](super::frame): the run's graph, or one that a task put into the
//! run. Each frame counts what is outstanding; who brings that to nothing is alone with it, begins
//! a loop's next round or ends the frame.
//!
//! A parked task, whose [limits](super::limits) have too few units, lies in no queue: who gives the
//! units back makes it ready.

use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_deque::Worker;
use millpond_sync::shim::atomic::{AtomicBool, AtomicUsize, Ordering};
use millpond_sync::shim::{Mutex, RwLock};

use super::attributes::{Attributes, Limit};
use super::body::Signal;
use super::crew::Crew;
use super::error::{Cause, GraphError};
use super::frame::{Frame, Frames, Notes, View};
use super::graph::Graph;
use super::limits::Limits;
use super::options::{Around, Progress, RunOptions, Step};
use super::plan::Plan;
use super::session::{Local, Pause, Session};
use millpond_sync::host::{self, Call, Site};
use millpond_workers::discard::quietly;

/// A task that is ready, by its priority and then by when it became ready.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ready {
    priority: i32,
    order: std::cmp::Reverse<usize>,
    item: u64,
}

/// How a task ended, for what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Good,
    Picked(usize),
    /// It failed, or it was skipped.
    Bad,
}

/// What became of a graph that a task handed out.
pub(super) enum PutIn<'env> {
    /// It runs.
    Runs,
    /// It has no tasks.
    Empty(Graph<'env>),
    /// It was built wrongly.
    Wrong(Graph<'env>, GraphError),
}

/// What a run has beside its session when it is careful.
pub(super) struct Careful<'run, 'env> {
    pub(super) options: &'run RunOptions<'run>,
    /// Of the run's own graph, which is frame 0.
    pub(super) notes: Notes,
    pub(super) frames: RwLock<Frames<'env>>,
    /// Whether what is ready goes by priority.
    pub(super) has_priorities: AtomicBool,
    ready: Mutex<BinaryHeap<Ready>>,
    ready_count: AtomicUsize,
    order: AtomicUsize,
    limits: Limits,
    is_cancelled: AtomicBool,
    pub(super) total: AtomicUsize,
    done: AtomicUsize,
    running: AtomicUsize,
    failed: AtomicUsize,
}

/// A worker's own: where it pushes and pops.
pub(super) struct Hands<'a, 'env> {
    pub(super) local: &'a mut Local<'env>,
    /// None while the caller is alone.
    pub(super) shared: Option<(&'a Arc<Crew>, &'a Worker<u64>)>,
    pub(super) has_pushed: bool,
}

pub(super) fn item(frame: u32, task: u32) -> u64 {
    u64::from(frame) << 32 | u64::from(task)
}

/// Set in an item whose task has the units of its limits already: a graph has fewer tasks than
/// this.
const HAS_UNITS: u64 = 1 << 31;

/// Adds to a counter and returns what it is then; a plain load and store while the caller is alone.
pub(super) fn add(counter: &AtomicUsize, change: isize, is_shared: bool) -> usize {
    if is_shared {
        counter.fetch_add(change as usize, Ordering::AcqRel).wrapping_add(change as usize)
    } else {
        let now = counter.load(Ordering::Relaxed).wrapping_add(change as usize);
        counter.store(now, Ordering::Relaxed);
        now
    }
}

impl<'run, 'env> Careful<'run, 'env> {
    pub(super) fn new(graph: &Graph<'env>, plan: &Plan<'env>, options: &'run RunOptions<'run>) -> Self {
        Self {
            options,
            notes: Notes::new(graph, plan, options.is_going_on),
            frames: RwLock::new(Frames::default()),
            has_priorities: AtomicBool::new(graph.has_priorities),
            ready: Mutex::new(BinaryHeap::new()),
            ready_count: AtomicUsize::new(0),
            order: AtomicUsize::new(0),
            limits: Limits::default(),
            is_cancelled: AtomicBool::new(false),
            total: AtomicUsize::new(plan.len()),
            done: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
        }
    }

    /// Whether something was left out because of the token.
    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// Whether no task waits for units of a limit.
    pub(super) fn is_idle(&self) -> bool {
        self.limits.is_idle()
    }

    pub(super) fn has_ready(&self) -> bool {
        self.ready_count.load(Ordering::SeqCst) > 0
    }

    pub(super) fn pop_ready(&self) -> Option<u64> {
        if !self.has_ready() {
            return None;
        }
        host::step(Site::new("looks into other queues"));
        let mut all = self.ready.lock();
        let ready = all.pop()?;
        // Under the lock: who sees a count of what is gone already looks again and again, for as
        // long as it stays.
        self.ready_count.fetch_sub(1, Ordering::SeqCst);
        Some(ready.item)
    }

    /// Puts the plan's sources where a lone caller finds them.
    pub(super) fn begin(&self, session: &Session<'_, 'env>, local: &mut Local<'env>) {
        let mut hands = Hands { local, shared: None, has_pushed: false };
        for source in session.plan.sources.iter().rev() {
            self.push(&mut hands, self.root(session), item(0, *source));
        }
        local.started = session.plan.sources.len();
    }

    /// Moves what a lone caller has by priority to where all find it.
    pub(super) fn share(&self, local: &mut Local<'env>) {
        let mut ready = self.ready.lock();
        self.ready_count.fetch_add(local.ready.len(), Ordering::SeqCst);
        ready.append(&mut local.ready);
    }

    pub(super) fn root<'a>(&'a self, session: &'a Session<'_, 'env>) -> View<'a, 'env> {
        View { graph: session.graph, plan: session.plan, bodies: session.bodies, notes: &self.notes }
    }

    pub(super) fn frame(&self, number: u32) -> Option<Arc<Frame<'env>>> {
        match number {
            0 => None,
            _ => self.frames.read().get(number),
        }
    }

    pub(super) fn push(&self, hands: &mut Hands<'_, 'env>, view: View<'_, 'env>, ready: u64) {
        hands.has_pushed = true;
        if self.has_priorities.load(Ordering::Relaxed) {
            let attributes = view.graph.attributes.get(&view.plan.task((ready & !HAS_UNITS) as u32));
            let priority = attributes.map_or(0, |attributes| attributes.priority);
            let order = std::cmp::Reverse(add(&self.order, 1, hands.shared.is_some()));
            let ready = Ready { priority, order, item: ready };
            if hands.shared.is_some() {
                let mut all = self.ready.lock();
                all.push(ready);
                self.ready_count.fetch_add(1, Ordering::SeqCst);
            } else {
                hands.local.ready.push(ready);
            }
        } else {
            match hands.shared {
                Some((_, queue)) => queue.push(ready),
                None => hands.local.stack.push(ready),
            }
        }
    }

    fn pop(&self, hands: &mut Hands<'_, 'env>) -> Option<u64> {
        match hands.shared {
            Some((_, queue)) => self.pop_ready().or_else(|| queue.pop()),
            None => hands.local.ready.pop().map(|ready| ready.item).or_else(|| hands.local.stack.pop()),
        }
    }

    /// Runs what is ready here, until nothing is, or the run stops, or the caller should go on with
    /// others.
    pub(super) fn drive(&self, session: &Session<'_, 'env>, hands: &mut Hands<'_, 'env>, first: Option<u64>) -> Pause {
        let mut next = first;
        while let Some(at) = next.take().or_else(|| self.pop(hands)) {
            if self.must_stop(session) {
                return Pause::Stopped;
            }
            let (number, task, has_units) = ((at >> 32) as u32, (at & !HAS_UNITS) as u32, at & HAS_UNITS != 0);
            if number == 0 {
                hands.local.current = task;
            }
            let frame = self.frame(number);
            let view = match &frame {
                None => self.root(session),
                Some(frame) => match frame.view() {
                    Some(view) => view,
                    None => continue,
                },
            };
            next = self.step(session, hands, view, (number, task), has_units);
            if let Some((crew, _)) = hands.shared {
                if std::mem::take(&mut hands.has_pushed) {
                    session.pushed(crew);
                }
            } else if hands.local.beat.count() && session.is_worth_sharing(hands.local, next.is_some()) {
                hands.local.stack.extend(next);
                return Pause::Share;
            }
        }
        Pause::Dry
    }

    fn must_stop(&self, session: &Session<'_, 'env>) -> bool {
        if self.options.cancel.as_ref().is_some_and(super::options::CancelToken::is_cancelled) {
            self.is_cancelled.store(true, Ordering::Relaxed);
            session.stop();
        }
        session.is_stopped()
    }

    /// Runs one task and returns one that is ready then.
    fn step(
        &self,
        session: &Session<'_, 'env>,
        hands: &mut Hands<'_, 'env>,
        view: View<'_, 'env>,
        place: (u32, u32),
        has_units: bool,
    ) -> Option<u64> {
        let (number, task) = place;
        if view.notes.spoiled(task, None) {
            // In a loop it may have a value of an earlier round.
            quietly(|| view.bodies[task as usize].get().clear());
            self.tell(session, Step::Skipped, view, place);
            return self.complete(session, hands, (number, task), End::Bad);
        }
        let attributes = view.graph.attributes.get(&view.plan.task(task));
        // A lone caller runs one task at a time, which every limit allows.
        let limited = attributes.filter(|attributes| hands.shared.is_some() && !attributes.limits.is_empty());
        if let Some(Attributes { limits, priority, .. }) = limited
            && !has_units
            && !self.limits.take(limits, *priority, item(number, task) | HAS_UNITS)
        {
            return None;
        }
        if !self.tell(session, Step::Started, view, place) {
            return None;
        }
        let time_limit = attributes.and_then(|attributes| attributes.time_limit);
        let begun = time_limit.map(|_| host::now());
        let body = view.bodies[task as usize].get();
        host::call(|| Some(Call { name: None, number: task.into(), items: 0, timed: 1 }));
        let ended = {
            let is_told = time_limit.is_some() || self.options.cancel.is_some();
            let _around = is_told.then(|| Around::task(time_limit, self.options.cancel.as_ref()));
            catch_unwind(AssertUnwindSafe(|| body.run(&mut hands.local.context)))
        };
        if !self.options.is_going_on && matches!(ended, Err(_) | Ok(Signal::Failed)) {
            session.stop();
        }
        host::step(Site::new("ran a task"));
        if let Some(Attributes { limits, .. }) = limited {
            self.give_units_back(session, hands, limits);
        }
        hands.local.done += 1;
        if hands.local.is_caller {
            session.report_progress(hands.local.done);
        }
        let flow = hands.local.context.flow.take();
        let cause = hands.local.context.failure.take();
        let took = begun.map(|begun| host::now().duration_since(begun));
        let ended = match (ended, time_limit, took) {
            (Err(payload), ..) => Err(Cause::panic(payload)),
            (Ok(Signal::Failed), ..) => Err(cause.unwrap_or(Cause::NotReached)),
            (Ok(_), Some(limit), Some(took)) if took > limit => Err(Cause::TimeLimit { limit, took }),
            (Ok(signal), ..) => Ok(signal),
        };
        let end = match (ended, flow) {
            (Err(cause), flow) => {
                if let Some(graph) = flow {
                    quietly(|| _ = body.take_back(graph, false));
                }
                Err(cause)
            }
            (Ok(signal), Some(graph)) => match self.put_in(hands, graph, place, signal == Signal::Joined) {
                PutIn::Runs if signal == Signal::Joined => return None,
                PutIn::Runs => Ok(End::Good),
                PutIn::Empty(graph) => match catch_unwind(AssertUnwindSafe(|| body.take_back(graph, true))) {
                    Ok(Signal::Failed) => Err(Cause::NotReached),
                    Ok(_) => Ok(End::Good),
                    Err(payload) => Err(Cause::panic(payload)),
                },
                PutIn::Wrong(graph, error) => {
                    quietly(|| _ = body.take_back(graph, false));
                    Err(Cause::Graph(error))
                }
            },
            (Ok(Signal::Picked), None) => Ok(End::Picked(hands.local.context.picked)),
            (Ok(_), None) => Ok(End::Good),
        };
        match end {
            Ok(end) => {
                self.tell(session, Step::Finished, view, place);
                self.complete(session, hands, place, end)
            }
            Err(cause) => {
                quietly(|| body.clear());
                self.fail(session, hands, view, place, cause)
            }
        }
    }

    /// Calls the progress callback, if there is one. False when it panicked, which is the failure
    /// of the task and stops the run.
    pub(super) fn tell(
        &self,
        session: &Session<'_, 'env>,
        step: Step,
        view: View<'_, 'env>,
        place: (u32, u32),
    ) -> bool {
        let Some(callback) = self.options.progress else { return true };
        match step {
            Step::Started => _ = self.running.fetch_add(1, Ordering::Relaxed),
            Step::Skipped => _ = self.done.fetch_add(1, Ordering::Relaxed),
            Step::Finished | Step::Failed => {
                self.running.fetch_sub(1, Ordering::Relaxed);
                self.done.fetch_add(1, Ordering::Relaxed);
            }
        }
        if step == Step::Failed {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        let progress = Progress {
            step,
            name: view.graph.names.name(view.plan.task(place.1)),
            total: self.total.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
            running: self.running.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        };
        let called = catch_unwind(AssertUnwindSafe(|| callback(&progress)));
        let is_fine = called.is_ok();
        if let Err(payload) = called {
            self.note_failure(session, place, Cause::panic(payload));
            session.stop();
        }
        is_fine
    }

    /// Gives units back, and makes the tasks ready that have them now.
    fn give_units_back(&self, session: &Session<'_, 'env>, hands: &mut Hands<'_, 'env>, limits: &[(Limit, u32)]) {
        for ready in self.limits.give_back(limits) {
            host::step(Site::new("tells a successor"));
            let frame = self.frame((ready >> 32) as u32);
            let view = frame.as_deref().and_then(Frame::view).unwrap_or_else(|| self.root(session));
            self.push(hands, view, ready);
        }
    }
}
