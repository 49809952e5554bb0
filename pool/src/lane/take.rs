//! Taking items from an outlet.

use std::any::Any;

use millpond_sync::shim::Mutex;
use millpond_sync::shim::atomic::{AtomicBool, Ordering};

use super::Lane;
use super::state::{End, Outlet, State};
use crate::error::{ReadError, TaskError};
use crate::fault::{self, Fault};
use crate::gate::Pass;
use millpond_sync::host::{self, Site};
use millpond_workers::discard::discard_all;

/// What an outlet has for a reader.
#[derive(Debug)]
pub(crate) enum Ready<T> {
    /// Items, as many as were asked for, or fewer at the end of the items.
    Items(Vec<T>),
    /// Too few yet; this many are there.
    NotYet(usize),
    /// The end.
    End,
    /// The end, by a failure, before as many items as were asked for. Those that are there stay.
    Failed(TaskError),
}

/// What came back from readers, without a pass: whoever has one and comes by next takes it in.
pub(super) struct Returned<T> {
    /// Whether there is anything: what the item path looks at.
    is_any: AtomicBool,
    kept: Mutex<Kept<T>>,
}

/// With the outlet that each is of.
struct Kept<T> {
    /// Items that a reader had taken but not used.
    items: Vec<(usize, Vec<T>)>,
    /// What a reader wants no more and could not say, because the pool was in use.
    wants: Vec<(usize, Want)>,
}

impl<T> Default for Returned<T> {
    fn default() -> Self {
        Self { is_any: AtomicBool::new(false), kept: Mutex::new(Kept { items: Vec::new(), wants: Vec::new() }) }
    }
}

impl<T> Drop for Returned<T> {
    fn drop(&mut self) {
        let items = std::mem::take(&mut self.kept.lock().items);
        items.into_iter().for_each(|(_, items)| discard_all(items));
    }
}

impl<T> Returned<T> {
    pub(super) fn has_any(&self) -> bool {
        self.is_any.load(Ordering::Acquire)
    }
}

impl<T> State<T> {
    /// Shows what waits at an outlet, or has landed and will.
    fn visit(&self, outlet: usize, visitor: &mut dyn FnMut(&T)) {
        self.outlets[outlet].chunks.iter().flat_map(|chunk| chunk.as_slice()).for_each(&mut *visitor);
        let landed = self.sequence.landings().filter_map(|landing| landing.parcel.get(outlet));
        landed.flatten().for_each(visitor);
    }
}

impl<T> Outlet<T> {
    /// Takes at most `most` items. Whole chunks go without being copied; small ones are put together.
    pub(super) fn take(&mut self, most: usize) -> Vec<T> {
        let Some(front) = self.chunks.front_mut() else { return Vec::new() };
        let mut items = if front.len() <= most {
            self.chunks.pop_front().map(Iterator::collect).unwrap_or_default()
        } else {
            let mut items = Vec::with_capacity(most);
            items.extend(front.by_ref().take(most));
            items
        };
        items.reserve(most.min(self.len) - items.len());
        while items.len() < most {
            let Some(front) = self.chunks.front_mut() else { break };
            let wanted = most - items.len();
            if front.len() <= wanted {
                items.extend(self.chunks.pop_front().into_iter().flatten());
            } else {
                items.extend(front.by_ref().take(wanted));
            }
        }
        self.len -= items.len();
        items
    }

    /// Takes down what readers want, or takes it back.
    fn change(&mut self, change: Want) {
        match change {
            Want::More(items) => self.asked = self.asked.saturating_add(items),
            Want::Fewer(items) => self.asked = self.asked.saturating_sub(items),
            Want::Collect => self.collecting += 1,
            Want::CollectNoMore => self.collecting -= 1,
        }
    }

    /// Takes one chunk of at most `most` items, or several that are small beside that; of the latter no more than `ordinary` items,
    /// as what is taken makes room for as much again.
    pub(super) fn take_some(&mut self, most: usize, ordinary: usize) -> Vec<T> {
        let Some(front) = self.chunks.front().map(|front| front.len()) else { return Vec::new() };
        let most = most.min(front.max(ordinary));
        self.take(if front >= most.min(self.len) / 4 { front.min(most) } else { most })
    }
}

impl<T> State<T> {
    /// How the output ended, for a reader that has found too little: `unread` items.
    pub(super) fn ended(&self, unread: usize) -> Option<Ready<T>> {
        self.end.as_ref().map(|end| match end {
            End::Complete => Ready::End,
            End::Failed(error) => Ready::Failed(error.with_unread(unread)),
        })
    }
}

impl<'env, T: Send + 'env> Lane<'env, T> {
    /// Takes between `least` and `most` items, or what there is at the end of the items. Where a failure leaves fewer than
    /// `least`, it takes nothing.
    pub(crate) fn take(&self, pass: &Pass<'_>, outlet: usize, least: usize, most: usize) -> Ready<T> {
        self.take_changing(pass, outlet, (least, most), |_, _| {})
    }

    /// Like [`take`](Self::take); where there is too little yet, takes down what the reader wants.
    pub(crate) fn take_or_want(
        &self,
        pass: &Pass<'_>,
        outlet: usize,
        amounts: (usize, usize),
        want: Option<Want>,
    ) -> Ready<T> {
        self.take_changing(pass, outlet, amounts, |at, is_ready| {
            if let Some(want) = want.filter(|_| !is_ready) {
                at.change(want);
            }
        })
    }

    /// Like [`take`](Self::take); unless there is too little yet, takes back what the reader wanted.
    pub(crate) fn take_wanted(
        &self,
        pass: &Pass<'_>,
        outlet: usize,
        amounts: (usize, usize),
        want: Option<Want>,
    ) -> Ready<T> {
        self.take_changing(pass, outlet, amounts, |at, is_ready| {
            if let Some(want) = want.filter(|_| is_ready) {
                at.change(want.undone());
            }
        })
    }

    #[inline]
    fn take_changing(
        &self,
        pass: &Pass<'_>,
        outlet: usize,
        (least, most): (usize, usize),
        change: impl FnOnce(&mut Outlet<T>, bool),
    ) -> Ready<T> {
        if self.returned.is_any.load(Ordering::Acquire) {
            self.put_back_in_front(pass);
        }
        let (ready, makes_room) = self.state.with(pass, |state| {
            let has_ended = state.end.is_some();
            let makes_room = state.is_capped(outlet);
            let ordinary = state.grain.chunk().min(state.limits.max_chunksize);
            let is_complete = matches!(state.end, Some(End::Complete));
            let at = &mut state.outlets[outlet];
            if at.len >= least || (is_complete && at.len > 0) {
                change(at, true);
                let items = if least == most { at.take(most) } else { at.take_some(most, ordinary.max(least)) };
                return (Ready::Items(items), makes_room);
            }
            change(at, has_ended);
            let ready = at.len;
            (state.ended(ready).unwrap_or(Ready::NotYet(ready)), false)
        });
        self.taken(pass, outlet, &ready, makes_room);
        ready
    }

    /// Tells whoever waits at the lane that something was taken.
    #[inline]
    fn taken(&self, pass: &Pass<'_>, outlet: usize, ready: &Ready<T>, makes_room: bool) {
        if pass.is_shared()
            && let Ready::Items(items) = ready
        {
            host::step_at(|| self.header.place(None), Site::new("took").with(items.len()));
            self.header.waiters.notify_all_after_lock();
        }
        if makes_room {
            self.tell_of_room(pass, outlet);
        }
    }

    /// Whether at least `least` items are there, or the end is.
    pub(crate) fn has(&self, pass: &Pass<'_>, outlet: usize, least: usize) -> bool {
        self.returned.is_any.load(Ordering::Acquire)
            || self.state.with(pass, |state| state.end.is_some() || state.outlets[outlet].len >= least)
    }

    /// Says in an error for want of room how many items are there.
    pub(crate) fn with_ready(&self, pass: &Pass<'_>, outlet: usize, mut error: ReadError) -> ReadError {
        if let ReadError::BranchFull { ready, .. } = &mut error {
            *ready = self.state.with(pass, |state| state.outlets[outlet].len);
        }
        error
    }

    /// Changes what readers want of `outlet`.
    pub(crate) fn want(&self, pass: &Pass<'_>, outlet: usize, change: Want) {
        self.state.with(pass, |state| state.outlets[outlet].change(change));
    }

    /// Shows `visitor` what waits at `outlet`, where nobody is at it.
    pub(crate) fn visit(&self, outlet: usize, visitor: &mut dyn FnMut(&T)) {
        let Ok(pass) = self.header.core.enter() else { return };
        self.state.look(&pass, |state| state.visit(outlet, visitor));
        if let Some(kept) = self.returned.kept.try_lock() {
            kept.items.iter().filter(|(of, _)| *of == outlet).flat_map(|(_, items)| items).for_each(visitor);
        }
    }

    /// Shows `see` what stages have left of chunks for the one outlet, where nobody is at it.
    pub(crate) fn show_begun(&self, see: &mut dyn FnMut(&dyn Any)) {
        if let ([_], Ok(pass)) = (&self.header.consumers[..], self.header.core.enter()) {
            self.work.show(&pass, see);
        }
    }

    /// Gives items back that were taken from `outlet` but not used; the next reader gets them first. From any thread, in any
    /// mode.
    pub(crate) fn give_back(&self, outlet: usize, items: Vec<T>) {
        let mut kept = self.returned.kept.lock();
        kept.items.push((outlet, items));
        self.returned.is_any.store(true, Ordering::Release);
        // Subtle: only now. A joint that is told before finds nothing, and is not told again.
        self.header.comes(outlet);
        drop(kept);
        host::step_at(|| self.header.place(None), Site::new("gives items back"));
        self.header.waiters.notify_all();
    }

    /// Notes that something is wanted no more, for whoever is refused a pass.
    pub(crate) fn want_later(&self, outlet: usize, change: Want) {
        let mut kept = self.returned.kept.lock();
        kept.wants.push((outlet, change));
        self.returned.is_any.store(true, Ordering::Release);
    }

    /// Takes in what came back.
    ///
    /// Subtle: the lock is held until the items are in their place. Whoever finds that nothing has
    /// come back takes what is there; whoever comes before that waits here. A reader would else get
    /// what comes after its own items first.
    fn put_back_in_front(&self, pass: &Pass<'_>) {
        let mut kept = self.returned.kept.lock();
        let (items, wants) = (std::mem::take(&mut kept.items), std::mem::take(&mut kept.wants));
        if fault::is(Fault::ReturnedInTheOpen) {
            self.returned.is_any.store(false, Ordering::Release);
            drop(kept);
            self.put_in_front(pass, items, wants);
            return;
        }
        self.put_in_front(pass, items, wants);
        self.returned.is_any.store(false, Ordering::Release);
    }

    fn put_in_front(&self, pass: &Pass<'_>, items: Vec<(usize, Vec<T>)>, wants: Vec<(usize, Want)>) {
        self.state.with(pass, |state| {
            for (outlet, items) in items {
                let at = &mut state.outlets[outlet];
                at.len += items.len();
                at.chunks.push_front(items.into_iter());
            }
            for (outlet, want) in wants {
                state.outlets[outlet].change(want);
            }
        });
    }
}

/// A change of what readers want of an outlet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Want {
    /// A reader waits for this many items.
    More(usize),
    /// It waits for them no more.
    Fewer(usize),
    /// A reader wants all there is and keeps it.
    Collect,
    /// It has got all, or gave up.
    CollectNoMore,
}

/// What an inlet has said that its head lacks.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Stated {
    /// `usize::MAX` for all there is.
    lacking: usize,
}

impl<T> Outlet<T> {
    /// Puts what an inlet lacks now in the place of what it said before.
    fn restate(&mut self, stated: &mut Stated, lacking: usize) {
        match stated.lacking {
            usize::MAX => self.endless_inlets -= 1,
            before => self.inlets -= before,
        }
        match lacking {
            usize::MAX => self.endless_inlets += 1,
            now => self.inlets += now,
        }
        stated.lacking = lacking;
    }
}

impl<'env, T: Send + 'env> Lane<'env, T> {
    /// Takes between `least` and `most` items for a head that lacks `missing` in all, and takes down what it lacks then.
    ///
    /// A head hands on the items before a failure, however few they are, and then the failure.
    pub(super) fn take_for_inlet(
        &self,
        pass: &Pass<'_>,
        outlet: usize,
        stated: &mut Stated,
        (least, most, missing): (usize, usize, usize),
    ) -> Ready<T> {
        if self.returned.is_any.load(Ordering::Acquire) {
            self.put_back_in_front(pass);
        }
        let (ready, makes_room) = self.state.with(pass, |state| {
            let has_ended = state.end.is_some();
            let makes_room = state.is_capped(outlet);
            let at = &mut state.outlets[outlet];
            if least > at.inlet_least {
                at.inlet_least = least;
                // Where the branch is full, this may be the room that a walk has not found.
                self.header.barren.store(0, Ordering::Relaxed);
            }
            let ready = if at.len >= least || (has_ended && at.len > 0) {
                Ready::Items(if at.chunks.front().is_some_and(|front| front.len() >= least) {
                    at.take_some(most, usize::MAX)
                } else {
                    at.take(most)
                })
            } else {
                let ready = at.len;
                state.ended(ready).unwrap_or(Ready::NotYet(ready))
            };
            let lacking = match &ready {
                Ready::Items(items) if missing != usize::MAX => missing.saturating_sub(items.len()),
                Ready::Items(_) | Ready::NotYet(_) => missing,
                Ready::End | Ready::Failed(_) => 0,
            };
            state.outlets[outlet].restate(stated, lacking);
            let makes_room = makes_room && matches!(ready, Ready::Items(_));
            (ready, makes_room)
        });
        self.taken(pass, outlet, &ready, makes_room);
        ready
    }

    /// Takes back what an inlet said that its head lacks: the head is no more.
    pub(super) fn retract(&self, pass: &Pass<'_>, outlet: usize, stated: &mut Stated) {
        self.state.with(pass, |state| state.outlets[outlet].restate(stated, 0));
    }
}

impl Want {
    /// What takes this back.
    pub(crate) fn undone(self) -> Self {
        match self {
            Self::More(items) => Self::Fewer(items),
            Self::Fewer(items) => Self::More(items),
            Self::Collect => Self::CollectNoMore,
            Self::CollectNoMore => Self::Collect,
        }
    }
}
