//! What follows from a task's end in the careful loop: its successors, its frame's end, its
//! failure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use millpond_sync::shim::atomic::Ordering;

use super::body::Signal;
use super::branching::Branch;
use super::careful::{Careful, End, Hands, PutIn, add, item};
use super::cells::Slot;
use super::error::{Cause, GraphError};
use super::frame::{Frame, Frames, Holder, Notes, View};
use super::graph::Graph;
use super::options::Step;
use super::plan::ONLY;
use super::session::{Noted, Session};
use millpond_sync::host::{self, Site};
use millpond_workers::discard::quietly;

impl<'env> Careful<'_, 'env> {
    /// Puts a graph into the run, for the task at `parent`.
    pub(super) fn put_in(
        &self,
        hands: &mut Hands<'_, 'env>,
        mut graph: Graph<'env>,
        parent: (u32, u32),
        is_joined: bool,
    ) -> PutIn<'env> {
        if let Err(error) = graph.check() {
            return PutIn::Wrong(graph, error);
        }
        if let Some(unset) = graph.unset.first() {
            let name = graph.names.name(*unset).to_owned();
            return PutIn::Wrong(graph, GraphError::MissingInput { name });
        }
        if graph.is_empty() {
            return PutIn::Empty(graph);
        }
        graph.whole.reset();
        self.total.fetch_add(graph.len(), Ordering::Relaxed);
        if graph.has_priorities {
            self.has_priorities.store(true, Ordering::Relaxed);
        }
        let notes = Notes::new(&graph, &graph.whole, self.options.is_going_on);
        let holder = if is_joined {
            Holder::Joined(parent.0, parent.1)
        } else {
            let (outermost, names) = self.outwards(parent, |_, _| ());
            Holder::Detached(outermost, names)
        };
        let depth = self.frame(parent.0).map_or(1, |frame| frame.depth + 1);
        let frame = Arc::new(Frame { graph: Slot::new(Some(graph)), notes, holder, depth });
        let number = self.frames.write().add(Arc::clone(&frame));
        // Nothing of it has been made ready yet, so its graph stays.
        if let Some(view) = frame.view() {
            let sources = view.plan.sources.iter().rev();
            sources.for_each(|source| self.push(hands, view, item(number, *source)));
        }
        PutIn::Runs
    }

    /// Notes that a task failed, and what follows from that.
    pub(super) fn fail(
        &self,
        session: &Session<'_, 'env>,
        hands: &mut Hands<'_, 'env>,
        view: View<'_, 'env>,
        place: (u32, u32),
        cause: Cause,
    ) -> Option<u64> {
        self.note_failure(session, place, cause);
        self.tell(session, Step::Failed, view, place);
        if self.options.is_going_on {
            self.complete(session, hands, place, End::Bad)
        } else {
            session.stop();
            None
        }
    }

    /// Goes from a task to the task of the run's plan that holds it, or is it, and visits each task
    /// of another frame on the way. Returns that task of the plan, and the names of the others.
    ///
    /// Contract: the caller holds the task, so that its frame stays.
    fn outwards(&self, place: (u32, u32), mut visit: impl FnMut(View<'_, 'env>, u32)) -> (u32, Vec<String>) {
        let (mut number, mut task) = place;
        let mut names = Vec::new();
        while let Some(frame) = self.frame(number) {
            if let Some(view) = frame.view() {
                names.push(view.graph.names.name(view.plan.task(task)).to_owned());
                visit(view, task);
            }
            match &frame.holder {
                Holder::Joined(around, holder) => (number, task) = (*around, *holder),
                Holder::Detached(outermost, more) => {
                    names.extend(more.iter().cloned());
                    return (*outermost, names);
                }
            }
        }
        (task, names)
    }

    pub(super) fn note_failure(&self, session: &Session<'_, 'env>, place: (u32, u32), cause: Cause) {
        let mut added = None;
        let (task, inner) = self.outwards(place, |view, task| {
            added.get_or_insert(view.graph.names.added(view.plan.task(task)));
            view.notes.has_failed.store(true, Ordering::Relaxed);
        });
        session.note(Noted { task, cause, inner, added });
    }

    /// Tells everything that waits for a task that it has ended, and ends frames that this
    /// completes. Returns a task that is ready then.
    pub(super) fn complete(
        &self,
        session: &Session<'_, 'env>,
        hands: &mut Hands<'_, 'env>,
        place: (u32, u32),
        end: End,
    ) -> Option<u64> {
        let (mut number, mut task) = place;
        let mut end = end;
        loop {
            let frame = self.frame(number);
            let view = match &frame {
                None => self.root(session),
                Some(frame) => frame.view()?,
            };
            let mut ready = std::mem::take(&mut hands.local.scratch);
            let told = self.tell_successors(view, task, end, hands.shared.is_some(), &mut ready);
            if let Err(cause) = told {
                // The choice has ended all the same: nothing of it is outstanding.
                self.note_failure(session, (number, task), cause);
                if !self.options.is_going_on {
                    session.stop();
                    return None;
                }
            }
            if view.notes.lets_go() {
                self.let_go(session, view, (number, task));
            }
            // Counted before they are pushed, so that nobody else can come to nothing meanwhile.
            host::step(Site::new("counts itself out"));
            let left = add(&view.notes.outstanding, ready.len() as isize - 1, hands.shared.is_some());
            for target in ready.drain(..).rev() {
                self.push(hands, view, item(number, target));
                host::step(Site::new("shares"));
            }
            hands.local.scratch = ready;
            if left > 0 {
                return None;
            }
            // This worker is alone with the frame.
            if let Some(branching) = &view.plan.branching
                && let Some(first) = view.notes.next_round(view.plan, branching)
            {
                add(&view.notes.outstanding, 1, hands.shared.is_some());
                return Some(item(number, first));
            }
            let frame = frame?;
            let mut graph = frame.graph.take()?;
            self.frames.write().remove(number);
            let has_failed = frame.notes.has_failed.load(Ordering::Relaxed);
            graph.whole.is_dirty = graph.whole.branching.is_some() || has_failed;
            match &frame.holder {
                Holder::Joined(around, holder) => (number, task) = (*around, *holder),
                Holder::Detached(outermost, names) => {
                    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(graph))) {
                        let (task, cause, inner) = (*outermost, Cause::panic(payload), names.clone());
                        session.note(Noted { task, cause, inner, added: None });
                    }
                    return None;
                }
            }
            let around = self.frame(number);
            let view = match &around {
                None => self.root(session),
                Some(around) => around.view()?,
            };
            let body = view.bodies[task as usize].get();
            let cause = match catch_unwind(AssertUnwindSafe(|| body.take_back(graph, !has_failed))) {
                Ok(Signal::Failed) if has_failed => None,
                Ok(Signal::Failed) => Some(Cause::NotReached),
                Ok(_) => {
                    self.tell(session, Step::Finished, view, (number, task));
                    end = End::Good;
                    continue;
                }
                Err(payload) => Some(Cause::panic(payload)),
            };
            quietly(|| body.clear());
            if let Some(cause) = cause {
                self.note_failure(session, (number, task), cause);
            }
            self.tell(session, Step::Failed, view, (number, task));
            if !self.options.is_going_on {
                session.stop();
                return None;
            }
            end = End::Bad;
        }
    }

    /// Arrives at the successors of a task; those that waited for it last are `ready`.
    fn tell_successors(
        &self,
        view: View<'_, 'env>,
        task: u32,
        end: End,
        is_shared: bool,
        ready: &mut Vec<u32>,
    ) -> Result<(), Cause> {
        let plan = view.plan;
        let mut arrive = |target: u32, is_only: bool| {
            if end == End::Bad {
                view.notes.spoiled(target, Some(true));
            }
            if is_shared {
                host::step(Site::new("tells a successor"));
            }
            if is_only || if is_shared { plan.arrive::<true>(target) } else { plan.arrive::<false>(target) } {
                ready.push(target);
            }
        };
        view.notes.has_run(task, Some(true));
        let picked = match (end, &plan.branching) {
            (End::Picked(picked), Some(branching)) => match branching.branch(task, picked) {
                (None, branches) => Err(Cause::NoSuchBranch { picked, branches }),
                (Some(branch), _) => Ok(Some(branch)),
            },
            _ => Ok(None),
        };
        match picked {
            Ok(Some(Branch::Back(number))) => view.notes.close_loop(number),
            Ok(Some(Branch::On(target))) if !view.notes.is_picked(target, None) => {
                view.notes.is_picked(target, Some(true));
                arrive(target, false);
            }
            _ => {}
        }
        let (start, stop) = (plan.offsets[task as usize] as usize, plan.offsets[task as usize + 1] as usize);
        for to in &plan.to[start..stop] {
            arrive(to & !ONLY, to & ONLY != 0);
        }
        picked.map(|_| ())
    }

    /// Drops the values that this task was the last to need.
    fn let_go(&self, session: &Session<'_, 'env>, view: View<'_, 'env>, (number, task): (u32, u32)) {
        for input in view.graph.edges.of(view.plan.task(task)) {
            let Some(local) = view.graph.local_of(view.plan, input) else { continue };
            if view.notes.consumed(local) {
                let body = view.bodies[local as usize].get();
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| body.clear())) {
                    self.note_failure(session, (number, local), Cause::panic(payload));
                }
            }
        }
    }

    /// Gives the graphs of a run that was broken off back to their tasks. Contract: I3.
    pub(super) fn abandon(&self, session: &Session<'_, 'env>) {
        let left = self.frames.read().inner_first();
        for frame in left {
            let Some(mut graph) = frame.graph.take() else { continue };
            graph.whole.is_dirty = true;
            // What stopped the run is told; a panic of a drop that follows from it is not.
            quietly(|| match frame.holder {
                Holder::Detached(..) => drop(graph),
                Holder::Joined(number, task) => {
                    let around = self.frame(number);
                    let view = around.as_ref().map_or_else(|| Some(self.root(session)), |around| around.view());
                    if let Some(view) = view {
                        view.bodies[task as usize].get().take_back(graph, false);
                    }
                }
            });
        }
        *self.frames.write() = Frames::default();
    }
}
