//! How a worker finds something to do: a walk from a reader up the graph.
//!
//! A walk starts at the lane that is read from and fires it. A lane that is starved of input sends the walk on to its inputs,
//! depth first; a lane that lands a chunk sends it back down, so that the chunk is used while it is hot. There is no queue of
//! ready tasks: the demand itself says what to do, every worker takes the same walk, and a caller only ever runs
//! what its own read needs, so a task's function that reads cannot get entangled with other work.
//!
//! When a walk finds nothing to do, the lanes that it could not go past are its **obstacles**: another worker is at the
//! head, as much is in flight as may be, or a source waits for data from outside. Any change of such a lane wakes whoever waits
//! at it. [`Walker::wait`] argues why no wake-up is lost.
//!
//! The stack is explicit: the length of a chain is bounded by memory only.

use std::sync::Arc;
use std::task::Waker;

use millpond_sync::shim::atomic::Ordering;
use millpond_sync::{Deadline, Parker, Ticket};
use smallvec::SmallVec;

use crate::core::Core;
use crate::error::ReadError;
use crate::fault::{self, Fault};
use crate::gate::Pass;
use crate::lane::{self, AnyLane, FullBranch, Header, Step};
use crate::places::Places;
use crate::rings::{LaneAddress, Passed, Ring};
use millpond_sync::host::{self, Site};

/// What waking a sleeping thread costs at the worst, in nanoseconds: less work than that is not worth it.
pub(crate) const WAKE_NANOS: f32 = 60_000.0;
/// How many chunks a walk lands before it looks at other jobs; in a deep graph as many as it is deep, since going up costs as much.
const LANDINGS: usize = 64;
/// How often in a row a walker that is blocked looks again at once when something changes somewhere, before it waits at its obstacles.
const MOST_LOOKS: usize = 32;

/// A lane on the way of a walk.
struct Frame<'a, 'env> {
    lane: &'a Arc<dyn AnyLane<'env> + 'env>,
    outlet: usize,
    /// The next input to go to; none have been tried while the lane is still to be fired.
    next_input: usize,
    /// The same for those that data has come for, which come first.
    next_with_data: usize,
    /// Whether the lane was fired since the last progress.
    is_fired: bool,
    /// How many inputs were parked when it was fired.
    parked: usize,
}

impl Frame<'_, '_> {
    /// The lane is fired again, and then its inputs are gone to from the first one on.
    fn fire_again(&mut self) {
        self.is_fired = false;
        self.next_input = 0;
        self.next_with_data = 0;
    }
}

/// Why a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walked {
    /// Nothing is missing at the lane where it began, or enough is there.
    Satisfied,
    /// There is more to do: the walk made way for others.
    Paused,
    /// Nothing could be done at the obstacles.
    Blocked,
}

/// A worker on its walks from one lane.
pub(crate) struct Walker<'a, 'env> {
    core: &'a Arc<Core<'env>>,
    pass: &'a Pass<'a>,
    root: &'a Arc<dyn AnyLane<'env> + 'env>,
    outlet: usize,
    stack: SmallVec<[Frame<'a, 'env>; 4]>,
    /// The lanes that the last walk could not go past.
    obstacles: SmallVec<[&'a Arc<dyn AnyLane<'env> + 'env>; 4]>,
    /// Whether a source that waits for data from outside is among the obstacles.
    is_parked: bool,
    /// Whether anything else is: another worker, or items that came after the lane below had looked for them.
    is_held_up: bool,
    /// Those of them that have a full branch.
    full: SmallVec<[&'a Arc<dyn AnyLane<'env> + 'env>; 1]>,
    /// Whether this is a read that awaits: in serial mode, too, others may read before it goes on.
    awaits: bool,
    /// Names this walk since the last progress, once it needs a name.
    number: u64,
    /// How many chunks the last walk landed.
    landings: usize,
    /// How deep the last walk's stack was at the most.
    deepest: usize,
    /// What the pool's clock of changes showed when it began.
    ticks: u64,
    role: Role,
    /// Whether the thread is that of somebody who reads, and works for that.
    is_in_readers_hands: bool,
    /// Whether the last firing was known to take hardly any time: less than a look at the clock is worth.
    was_quick: bool,
    /// How often in a row something changed and nothing came of it.
    looks: usize,
    /// When the reader gives up.
    deadline: Deadline,
    /// Whether a function was interrupted.
    is_interrupted: bool,
    /// The tasks that wait for each other, where this reader is found to be among those that do.
    ring: Option<Ring>,
    noting: Noting,
    /// The lanes that were fired since.
    noted: Vec<&'a Arc<dyn AnyLane<'env> + 'env>>,
}

/// Which lanes a walk notes that may turn out to be held by threads that wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noting {
    /// None: it is an ordinary walk.
    Nothing,
    /// All that it comes to.
    All,
    /// All that it comes to; it goes up no further from a lane that another worker is at, as what there is behind it must come
    /// through that worker's hands.
    UpToHeld,
}

/// Who walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A reader.
    Caller,
    /// A reader that counts as one of the pool's workers.
    CountedCaller,
    /// A lent thread.
    Helper,
}

impl Drop for Walker<'_, '_> {
    fn drop(&mut self) {
        match self.role {
            Role::CountedCaller => self.core.caller_goes(),
            // Quick as it was, a helper may have looked in vain meanwhile. What was done is counted where helpers look for it.
            Role::Caller if self.pass.is_shared() => self.core.replace_caller(),
            _ => {}
        }
    }
}

impl<'a, 'env> Walker<'a, 'env> {
    pub(crate) fn new(
        core: &'a Arc<Core<'env>>,
        pass: &'a Pass<'a>,
        root: &'a Arc<dyn AnyLane<'env> + 'env>,
        outlet: usize,
    ) -> Self {
        Self {
            core,
            pass,
            root,
            outlet,
            stack: SmallVec::new(),
            obstacles: SmallVec::new(),
            is_parked: false,
            is_held_up: false,
            full: SmallVec::new(),
            awaits: false,
            number: 0,
            landings: 0,
            deepest: 0,
            ticks: 0,
            role: Role::Caller,
            is_in_readers_hands: true,
            was_quick: false,
            looks: 0,
            deadline: Deadline::NEVER,
            is_interrupted: false,
            ring: None,
            noting: Noting::Nothing,
            noted: Vec::new(),
        }
    }

    /// A helper's walker, which is counted as such.
    pub(crate) fn of_helper(
        core: &'a Arc<Core<'env>>,
        pass: &'a Pass<'a>,
        root: &'a Arc<dyn AnyLane<'env> + 'env>,
        outlet: usize,
    ) -> Self {
        let mut walker = Self::new(core, pass, root, outlet);
        walker.role = Role::Helper;
        walker.is_in_readers_hands = false;
        walker
    }

    /// The walker of a source that reads from here while it is fired: it is in whose hands that
    /// firing is.
    pub(crate) fn of_source(
        core: &'a Arc<Core<'env>>,
        pass: &'a Pass<'a>,
        root: &'a Arc<dyn AnyLane<'env> + 'env>,
        outlet: usize,
    ) -> Self {
        let mut walker = Self::new(core, pass, root, outlet);
        walker.is_in_readers_hands = firing::is_in_readers_hands();
        walker
    }

    /// Whether the thread is that of somebody who reads, who may run what helpers may not.
    pub(crate) fn is_in_readers_hands(&self) -> bool {
        self.is_in_readers_hands
    }

    /// A walker of a read that awaits.
    pub(crate) fn awaiting(mut self) -> Self {
        self.awaits = true;
        self
    }

    /// From now on the reader counts as one of the pool's workers; before, it was too quick to matter.
    fn count_caller(&mut self) {
        if self.role == Role::Caller && self.pass.is_shared() {
            self.core.caller_comes();
            self.role = Role::CountedCaller;
        }
    }

    pub(crate) fn pass(&self) -> &'a Pass<'a> {
        self.pass
    }

    /// How many chunks may be outstanding at an outlet where there is no end to the demand.
    pub(crate) fn window(&self) -> usize {
        if self.pass.is_shared() { self.core.window() } else { 1 }
    }

    /// There is more to start than this worker starts now: others may come and help, if it is worth waking them. Says how many are to be
    /// [asked for](Core::lend) once the head is back.
    pub(crate) fn offer(&mut self, surplus_nanos: f32) -> usize {
        // In a simulation a wake-up costs nothing, and helpers are what it is about.
        let is_worth_it = surplus_nanos > if host::is_simulated() { 0.0 } else { WAKE_NANOS };
        if !is_worth_it || !self.pass.is_shared() {
            return 0;
        }
        self.count_caller();
        self.core.offer(self.root, self.outlet, surplus_nanos)
    }

    /// A firing of this lane begins on this thread; whether it is known to take hardly any time.
    pub(crate) fn begin(&mut self, header: &Header<'env>, is_quick: bool) {
        self.was_quick = is_quick;
        if self.is_noted(header) {
            firing::push(address(header), self.is_in_readers_hands);
            lane::begin_work(&header.above);
        }
    }

    /// When a chunk that is made now is to be cut, because its reader gives up.
    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The firing that began last was cut: it took its time, whatever was foreseen.
    pub(crate) fn was_cut(&mut self) {
        self.was_quick = false;
    }

    /// The lane that is read from.
    pub(crate) fn root(&self) -> &'a Header<'env> {
        self.root.header()
    }

    /// A function was interrupted: whoever reads from the root is woken to be told, and the walk
    /// ends.
    pub(crate) fn interrupt(&mut self) {
        self.is_interrupted = true;
        let _ = self.root.header().waiters.notify_all();
    }

    /// Whether a firing of this lane is on the thread's list: in serial mode, where no other thread
    /// waits for it, only one that may read from elsewhere.
    fn is_noted(&self, header: &Header<'env>) -> bool {
        self.pass.is_shared() || header.limits.needs_reader
    }

    /// The firing of this lane, which began last, is over.
    pub(crate) fn finish(&self, header: &Header<'env>) {
        if self.is_noted(header) {
            firing::pop();
            lane::finish_work(&header.above);
        }
    }

    /// Works until nothing is missing at the root, `enough` items are there, or nothing can be done.
    pub(crate) fn walk(&mut self, enough: usize, deadline: Deadline) -> Walked {
        self.deadline = deadline;
        self.stack.clear();
        self.restart();
        self.push(self.root, self.outlet);
        self.landings = 0;
        self.deepest = 0;
        self.ticks = self.core.ticks();
        while let Some(frame) = self.stack.last_mut() {
            if frame.is_fired {
                if !self.go_up() {
                    self.go_back();
                }
                continue;
            }
            frame.is_fired = true;
            let (lane, outlet) = (frame.lane, frame.outlet);
            let enough = if self.stack.len() == 1 { enough } else { usize::MAX };
            let step = lane.fire(outlet, enough, self);
            if self.noting != Noting::Nothing {
                self.noted.push(lane);
            }
            match step {
                Step::Landed => {
                    self.landings += 1;
                    self.ring = None;
                    self.restart();
                    self.deepest = self.deepest.max(self.stack.len());
                    if self.stack.len() > 1 {
                        self.stack.pop();
                    }
                    if let Some(frame) = self.stack.last_mut() {
                        frame.fire_again();
                    }
                    if self.is_interrupted
                        || self.landings >= LANDINGS.max(self.deepest)
                        || (!self.was_quick && deadline.moment().is_some() && deadline.has_passed())
                    {
                        return Walked::Paused;
                    }
                }
                Step::Stopped => {
                    // There is more to do, so it counts: a helper that has done nothing goes.
                    self.landings += 1;
                    self.restart();
                    return Walked::Paused;
                }
                Step::Starved { has_more } => {
                    if has_more {
                        self.obstacles.push(lane);
                    }
                    self.frame_fired();
                }
                Step::Busy => {
                    self.is_held_up = true;
                    self.obstacles.push(lane);
                    if self.noting == Noting::UpToHeld {
                        self.go_back();
                    } else {
                        self.frame_fired();
                    }
                }
                Step::Refused => {
                    // For this walker the same as a source that waits for data from outside, but
                    // not for others.
                    self.is_parked = true;
                    self.obstacles.push(lane);
                    self.go_back();
                }
                step @ (Step::Nothing | Step::Done | Step::Full | Step::NoRoom | Step::Parked) => {
                    let is_root = self.stack.len() == 1;
                    if is_root && matches!(step, Step::Nothing | Step::Done) {
                        self.obstacles.push(lane);
                        return Walked::Satisfied;
                    }
                    if step == Step::Parked {
                        self.is_parked = true;
                        lane.header().is_parked.store(true, Ordering::Relaxed);
                    } else {
                        self.is_held_up = true;
                    }
                    if step == Step::NoRoom {
                        self.full.push(lane);
                    }
                    self.obstacles.push(lane);
                    if step == Step::Nothing {
                        // Another outlet of the lane may lack something: only this way ends here.
                        self.stack.pop();
                    } else {
                        self.go_back();
                    }
                }
            }
        }
        Walked::Blocked
    }

    /// Begins to look anew, because something has changed.
    fn restart(&mut self) {
        self.obstacles.clear();
        self.is_parked = false;
        self.is_held_up = false;
        self.full.clear();
        self.number = 0;
    }

    fn push(&mut self, lane: &'a Arc<dyn AnyLane<'env> + 'env>, outlet: usize) {
        self.stack.push(Frame { lane, outlet, next_input: 0, next_with_data: 0, is_fired: false, parked: 0 });
    }

    /// The lane on top of the stack was fired in vain and its inputs are next.
    fn frame_fired(&mut self) {
        if let Some(frame) = self.stack.last_mut() {
            frame.parked = frame.lane.header().parked_inputs();
        }
    }

    /// Goes on to the next input of the lane on top of the stack; false when there is none left.
    fn go_up(&mut self) -> bool {
        let Some(frame) = self.stack.last_mut() else { return false };
        let header = frame.lane.header();
        if let Some((input, next)) = header.input_with_data(frame.next_with_data) {
            frame.next_with_data = next;
            self.push(&input.lane, input.outlet);
            return true;
        }
        while let Some((input, next)) = header.input(frame.next_input) {
            frame.next_input = next;
            if self.number != 0
                && input.lane.header().is_come_to_again()
                && input.lane.header().barren.load(Ordering::Relaxed) == self.number
            {
                continue;
            }
            self.push(&input.lane, input.outlet);
            return true;
        }
        // A lane that merges asks its other inputs for more once one turns out to be parked.
        let parked = header.parked_inputs();
        if parked > frame.parked && parked < header.inputs.len() {
            frame.parked = parked;
            frame.fire_again();
            return true;
        }
        if parked > 0 {
            header.is_parked.store(true, Ordering::Relaxed);
        }
        false
    }

    /// Goes back down from a lane where nothing can be done.
    fn go_back(&mut self) {
        if let Some(frame) = self.stack.pop() {
            let header = frame.lane.header();
            if header.is_come_to_again() {
                // One look is enough.
                if self.number == 0 {
                    self.number = self.core.next_number();
                }
                header.barren.store(self.number, Ordering::Relaxed);
            }
        }
    }

    /// After a walk that could not go on: waits until one of the obstacles changes, until something could be done after all, or
    /// until the reader is `ready`, or the deadline has passed.
    ///
    /// No wake-up is lost: the thread enters the waiters of the root and of all obstacles, walks
    /// once more and looks whether it is ready, and sleeps only if all that was in vain and the walk
    /// was blocked at lanes entered before it began. A lane that changed before it was entered is
    /// seen as changed by that walk; one that changes later wakes its waiters, this thread among
    /// them. What another worker brings down past this walk, while that is on its way up, lands at
    /// the root in the end.
    pub(crate) fn wait(&mut self, enough: usize, deadline: Deadline, mut ready: impl FnMut() -> bool) {
        self.count_caller();
        if self.landings > 0 {
            self.looks = 0;
        }
        if self.looks < MOST_LOOKS && self.core.spin(self.ticks) {
            // Something changed, perhaps for others only.
            self.looks += 1;
            return;
        }
        let mut entered: SmallVec<[(&'a Arc<dyn AnyLane<'env> + 'env>, Ticket); 4]> = SmallVec::new();
        let mut places = Places::default();
        // A wait with a deadline ends by itself.
        let may_be_in_ring = self.pass.is_shared() && deadline.moment().is_none() && is_firing_any();
        let mut in_ring = None;
        Parker::with(|parker| {
            let _nested = parker.nested();
            loop {
                let mut is_new = false;
                for lane in self.to_wait_at() {
                    if places.insert(Arc::as_ptr(lane)) {
                        entered.push((lane, lane.header().waiters.list().enter(parker.waker())));
                        is_new = true;
                    }
                }
                host::step(if is_new { Site::new("enters the waiters") } else { Site::new("is about to sleep") });
                let full = if is_new { None } else { self.full_branch() };
                if !is_new && may_be_in_ring && full.is_none() {
                    let in_ring = in_ring.get_or_insert_with(|| InRing::enter(self.core, parker.waker()));
                    let looked = in_ring.clock();
                    let known = self.walk_noting(Noting::All, enough, deadline);
                    if self.landings > 0 || self.is_interrupted || ready() || self.hopeless().is_some() {
                        return;
                    }
                    let is_entered = |lane: &Arc<dyn AnyLane<'env> + 'env>| places.contains(Arc::as_ptr(lane));
                    if !self.obstacles.iter().all(|lane| is_entered(lane)) {
                        continue;
                    }
                    let way_up = self.walk_noting(Noting::UpToHeld, enough, deadline);
                    if self.landings > 0 || self.is_interrupted || ready() || self.hopeless().is_some() {
                        return;
                    }
                    if self.full_branch().is_some() || !self.obstacles.iter().all(|lane| is_entered(lane)) {
                        continue;
                    }
                    // As they were before that walk. One that was not seen then is seen the next time.
                    let before = |now: &Passed| known.iter().find(|passed| passed.lane == now.lane).cloned();
                    let way_up: Option<Vec<Passed>> = way_up.iter().map(before).collect();
                    let Some(way_up) = way_up else { continue };
                    in_ring.sleeps(looked, if self.is_parked { Vec::new() } else { way_up });
                    self.ring = in_ring.verdict();
                    if self.ring.is_none() {
                        self.core.while_idle(|| parker.park());
                        self.ring = in_ring.verdict();
                    }
                    if self.ring.is_some() {
                        return;
                    }
                    // Whoever is told leaves the list of waiters by it, so this thread enters all of them anew.
                    places.clear();
                    for (lane, ticket) in entered.drain(..) {
                        let _ = lane.header().waiters.list().leave(ticket);
                    }
                    continue;
                }
                if !is_new {
                    // A wait for room has an end of its own.
                    let room = full.as_ref().and_then(|full| full.deadline().moment());
                    let until = deadline.moment().into_iter().chain(room).min().map_or(Deadline::NEVER, Deadline::at);
                    let sleep = || match full {
                        Some(_) => lane::while_waiting(|| parker.park_deadline(until)),
                        None => parker.park_deadline(until),
                    };
                    if self.pass.is_shared() {
                        self.core.while_idle(sleep);
                    } else {
                        sleep();
                    }
                    return;
                }
                if fault::is(Fault::SleepsWithoutLooking) {
                    continue;
                }
                self.walk(enough, deadline);
                if self.landings > 0 || self.is_interrupted || ready() || self.hopeless().is_some() {
                    return;
                }
            }
        });
        drop(in_ring);
        for (lane, ticket) in entered {
            let _ = lane.header().waiters.list().leave(ticket);
        }
    }

    /// Walks, and says which lanes it has come to, with how many of their chunks are in flight after it.
    fn walk_noting(&mut self, noting: Noting, enough: usize, deadline: Deadline) -> Vec<Passed> {
        self.noting = noting;
        self.noted.clear();
        self.walk(enough, deadline);
        self.noting = Noting::Nothing;
        let passed = |lane: &&Arc<dyn AnyLane<'env> + 'env>| {
            let header = lane.header();
            Passed { lane: address(header), name: header.name(), flying: lane.flying(self.pass) }
        };
        self.noted.iter().map(passed).collect()
    }

    /// Why waiting for the obstacles would be waiting for ever, if it would.
    pub(crate) fn hopeless(&self) -> Option<ReadError> {
        if let Some(full) = self.full_branch() {
            // In serial mode nobody can come in while this thread waits.
            let waits = self.awaits || self.pass.is_shared();
            return (!waits || full.deadline().has_passed()).then(|| full.error());
        }
        if let Some(task) = self.waits_for_itself() {
            return Some(ReadError::OwnOutput { ring: Arc::new([Arc::clone(&task)]), task });
        }
        if let Some(ring) = &self.ring {
            let task = ring.first().map_or_else(|| self.root.header().name(), Arc::clone);
            return Some(ReadError::OwnOutput { task, ring: Arc::clone(ring) });
        }
        let is_dry = |lane: &&&Arc<dyn AnyLane<'env> + 'env>| lane.header().waiters.is_dry();
        let dry = self.obstacles.iter().find(is_dry).filter(|_| !self.pass.is_shared());
        // The task that reads the channel is the first of its lane.
        let source =
            |lane: &Arc<dyn AnyLane<'env> + 'env>| lane.header().tasks.first().map(|task| Arc::clone(&task.name));
        dry.and_then(|lane| source(lane)).map(|task| ReadError::WouldWaitForever { task })
    }

    /// The full branch that the last walk would wait for longest, where nothing but full branches
    /// was in its way: no data from outside and no other worker can bring what is wanted.
    pub(crate) fn full_branch(&self) -> Option<FullBranch> {
        let is_flying = |lane: &&Arc<dyn AnyLane<'env> + 'env>| lane.flying(self.pass) > 0;
        if self.full.is_empty() || self.is_parked || self.obstacles.iter().any(is_flying) {
            return None;
        }
        let mut longest: Option<FullBranch> = None;
        for lane in &self.full {
            // One that has room by now is no obstacle any more.
            let full = lane.full(self.pass)?;
            let lasts =
                longest.as_ref().is_none_or(|longest| match (longest.deadline().moment(), full.deadline().moment()) {
                    (Some(before), Some(now)) => now > before,
                    (before, _) => before.is_some(),
                });
            if lasts {
                longest = Some(full);
            }
        }
        longest
    }

    /// Whether one of the obstacles is a lane that this very thread is firing: waiting for it would be waiting for itself.
    fn waits_for_itself(&self) -> Option<Arc<str>> {
        let header = |lane: &&Arc<dyn AnyLane<'env> + 'env>| lane.header().name();
        if self.pass.is_shared() {
            let is_firing = |lane: &&&Arc<dyn AnyLane<'env> + 'env>| firing::contains(address(lane.header()));
            self.obstacles.iter().find(is_firing).map(header)
        } else if self.is_parked {
            None
        } else {
            // Subtle: another thread may drop the reader of a full branch, in any mode. That branch is
            // no longer in the way.
            let is_in_hand =
                |lane: &&&Arc<dyn AnyLane<'env> + 'env>| self.full.is_empty() || lane.flying(self.pass) > 0;
            self.obstacles.iter().find(is_in_hand).map(header)
        }
    }

    /// The lanes at which a change may be what the root waits for: that itself, and those that the
    /// last walk could not go past.
    pub(crate) fn to_wait_at(&self) -> impl Iterator<Item = &'a Arc<dyn AnyLane<'env> + 'env>> {
        std::iter::once(self.root).chain(self.obstacles.iter().copied())
    }

    /// Whether nothing but sources that wait for data from outside stood in the way of the last walk.
    ///
    /// Subtle: what the lanes' own flags say is not enough. A lane where another worker is may have been parked before, and
    /// that worker may have looked for input just before this walk brought it.
    pub(crate) fn is_all_parked(&self) -> bool {
        self.is_parked && !self.is_held_up
    }

    /// How many chunks the last walk landed.
    pub(crate) fn landings(&self) -> usize {
        self.landings
    }
}

/// A thread on the list of those that wait within a firing, until dropped.
struct InRing<'a, 'env> {
    core: &'a Core<'env>,
    number: u64,
}

impl<'a, 'env> InRing<'a, 'env> {
    fn enter(core: &'a Core<'env>, waker: &Waker) -> Self {
        let number = core.rings.lock().enter(firing::all(), waker.clone());
        Self { core, number }
    }

    fn clock(&self) -> u64 {
        self.core.rings.lock().clock()
    }

    fn sleeps(&self, looked: u64, way_up: Vec<Passed>) {
        let woken = self.core.rings.lock().sleeps(self.number, looked, way_up);
        // Without the lock. It may be this thread itself, which then does not sleep.
        woken.iter().for_each(Waker::wake_by_ref);
    }

    fn verdict(&self) -> Option<Ring> {
        self.core.rings.lock().verdict(self.number)
    }
}

impl Drop for InRing<'_, '_> {
    fn drop(&mut self) {
        self.core.rings.lock().leave(self.number);
    }
}

/// What a lane is known by among the lanes that threads are firing.
fn address(header: &Header<'_>) -> LaneAddress {
    std::ptr::from_ref(header).addr()
}

/// How many firings of a lane are under way in the current thread.
pub(crate) fn firings_of_this_thread(header: &Header<'_>) -> usize {
    firing::count(address(header))
}

/// Whether the current thread is in a task's function.
pub(crate) fn is_firing_any() -> bool {
    firing::is_any()
}

/// The lanes that the current thread is firing, the innermost last, by the addresses of their
/// headers, and whether each is fired in the hands of somebody who reads.
mod firing {
    use std::cell::RefCell;

    millpond_sync::local! {
        const LANES: RefCell<Vec<(usize, bool)>> = RefCell::new(Vec::new());
    }

    pub(super) fn push(lane: usize, is_in_readers_hands: bool) {
        LANES.with(|lanes| lanes.borrow_mut().push((lane, is_in_readers_hands)));
    }

    pub(super) fn pop() {
        LANES.with(|lanes| lanes.borrow_mut().pop());
    }

    /// All of them.
    pub(super) fn all() -> Vec<usize> {
        LANES.with(|lanes| lanes.borrow().iter().map(|(lane, _)| *lane).collect())
    }

    /// Whether the innermost is fired in the hands of somebody who reads; so is what nothing is
    /// fired for.
    pub(super) fn is_in_readers_hands() -> bool {
        LANES.with(|lanes| lanes.borrow().last().is_none_or(|(_, is_in_readers_hands)| *is_in_readers_hands))
    }

    pub(super) fn is_any() -> bool {
        LANES.with(|lanes| !lanes.borrow().is_empty())
    }

    pub(super) fn contains(lane: usize) -> bool {
        count(lane) > 0
    }

    pub(super) fn count(lane: usize) -> usize {
        LANES.with(|lanes| lanes.borrow().iter().filter(|(known, _)| *known == lane).count())
    }
}
