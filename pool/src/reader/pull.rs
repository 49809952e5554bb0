//! The pull: take what is there, or work until it is.

use std::time::Instant;

use millpond_sync::Deadline;

use crate::consumer::Consumer;
use crate::core::Refused;
use crate::error::ReadError;
use crate::gate::Pass;
use crate::lane::{Ready, Want};
use crate::walk::{Walked, Walker};
use millpond_sync::host::{self, Operation};
use millpond_workers::discard::discard_all;

/// What a pull gets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pull {
    /// At least this many items; fewer only at the end of the items.
    pub(super) least: usize,
    /// At most this many.
    pub(super) most: usize,
    /// What is wanted of the outlet meanwhile; nothing where that is taken down elsewhere.
    pub(super) want: Option<Want>,
    pub(super) deadline: Deadline,
    /// When the read began, where that is known: looking at the clock takes as long as some quick items.
    pub(super) since: Option<Instant>,
    /// What to say was asked for when the time is up; `usize::MAX` for all.
    pub(super) asked: usize,
}

impl<'env, T: Send + 'env> Consumer<'env, T> {
    pub(super) fn refused(&self, refused: Refused) -> ReadError {
        let task = self.lane().header().name();
        match refused {
            Refused::Closed => ReadError::PoolGone { task },
            Refused::Forked => ReadError::Forked { task },
            Refused::Occupied => ReadError::SerialBusy { task },
        }
    }

    /// What a reader is told, if it has been found out; an empty answer is the end.
    pub(super) fn settled(&self, pass: &Pass<'_>, ready: Ready<T>) -> Option<Result<Vec<T>, ReadError>> {
        Some(match ready {
            Ready::NotYet(_) => return None,
            // Closing a pool ends its lanes, but that is not the end of their items: too few of them may be here, or none.
            Ready::Items(items) if self.lane().header().core.is_closed() => {
                discard_all(items);
                Err(self.refused(Refused::Closed))
            }
            _ if self.lane().header().core.is_closed() => Err(self.refused(Refused::Closed)),
            Ready::Items(items) => {
                self.lane().header().reads(self.outlet());
                self.keep_ahead(pass);
                Ok(items)
            }
            Ready::End => Ok(Vec::new()),
            Ready::Failed(error) => Err(error.into()),
        })
    }

    /// Items were taken: helpers make up what the lane keeps ready ahead of its readers. They do so
    /// whether anybody reads or not.
    fn keep_ahead(&self, pass: &Pass<'_>) {
        let header = self.lane().header();
        if header.limits.read_ahead > 0 && pass.is_shared() && self.any().is_short(self.outlet(), pass) {
            header.core.add_job(self.any(), self.outlet(), false);
            header.core.tick();
            header.core.replace_caller();
        }
    }

    /// Enters the pool.
    pub(super) fn enter(&self) -> Result<Pass<'_>, ReadError> {
        self.lane().header().core.enter().map_err(|refused| self.refused(refused))
    }

    /// Takes items or works until there are enough; an empty answer is the end.
    ///
    /// # Blocking
    /// Until the items are there, the end, or the deadline; the caller works meanwhile.
    pub(super) fn pull(&self, pull: Pull) -> Result<Vec<T>, ReadError> {
        let Pull { least, most, want, deadline, since, asked } = pull;
        let _operation = Operation;
        let (lane, outlet) = (self.lane(), self.outlet());
        let pass = self.enter()?;
        let core = &lane.header().core;
        if most == 1
            && let Some(item) = lane.one(&pass)
        {
            return self.settled(&pass, Ready::Items(vec![item])).expect("items are settled");
        }
        if let Some(interrupt) = core.interrupts().take(lane.header()) {
            return Err(interrupt);
        }
        let first = lane.take_or_want(&pass, outlet, (least, most), want);
        if let Some(result) = self.settled(&pass, first) {
            return result;
        }
        let mut wanting = Wanting { consumer: self, pass: &pass, want };
        let started = since.or_else(|| deadline.moment().map(|_| host::now()));
        let mut walker = Walker::new(core, &pass, self.any(), outlet);
        let result = loop {
            let walked = walker.walk(least, deadline);
            if let Some(interrupt) = core.interrupts().take(lane.header()) {
                break Err(interrupt);
            }
            if let Some(result) = self.settled(&pass, lane.take_wanted(&pass, outlet, (least, most), want)) {
                wanting.want = None;
                break result;
            }
            if core.is_closed() {
                break Err(self.refused(Refused::Closed));
            }
            if walked != Walked::Paused {
                if let Some(error) = walker.hopeless() {
                    let error = lane.with_ready(&pass, outlet, error);
                    // Lanes that were cancelled meanwhile look as if this thread were at them.
                    break Err(if core.is_closed() { self.refused(Refused::Closed) } else { error });
                }
                walker.wait(least, deadline, || {
                    core.is_closed() || core.interrupts().has_one_for(lane.header()) || lane.has(&pass, outlet, least)
                });
            }
            if deadline.has_passed() {
                let waited = started.map_or_else(Default::default, |started| host::now().duration_since(started));
                // Once more: the last item may have come while the time ran out.
                let last = match lane.take_wanted(&pass, outlet, (least, most), want) {
                    Ready::NotYet(ready) => break Err(ReadError::TimedOut { asked, ready, waited }),
                    last => last,
                };
                wanting.want = None;
                break self.settled(&pass, last).expect("only too few items are not settled");
            }
        };
        drop(wanting);
        if core.has_litter() {
            core.sweep(&pass);
        }
        result
    }

    /// One item in serial mode, or `None` where it takes a [pull](Self::pull) to get it or to say why not.
    pub(super) fn pull_one(&self) -> Option<T> {
        let pass = self.enter().ok()?;
        let core = &self.lane().header().core;
        let item = self.lane().one(&pass).filter(|_| !core.is_closed());
        if core.has_litter() {
            core.sweep(&pass);
        }
        item
    }

    /// What a reader is to be told before anything else, if it is.
    pub(super) fn interrupted(&self) -> Result<(), ReadError> {
        let header = self.lane().header();
        header.core.interrupts().take(header).map_or(Ok(()), Err)
    }

    /// Takes items if there are enough, without working or waiting; an empty answer is the end.
    pub(super) fn try_pull(&self, least: usize, most: usize) -> Result<Option<Vec<T>>, ReadError> {
        let pass = self.enter()?;
        self.settled(&pass, self.lane().take(&pass, self.outlet(), least, most)).transpose()
    }
}

/// What a reader wants, taken back when it is dropped.
struct Wanting<'a, 'env, T: Send + 'env> {
    consumer: &'a Consumer<'env, T>,
    pass: &'a crate::gate::Pass<'a>,
    want: Option<Want>,
}

impl<T: Send> Drop for Wanting<'_, '_, T> {
    fn drop(&mut self) {
        if let Some(want) = self.want {
            self.consumer.lane().want(self.pass, self.consumer.outlet(), want.undone());
        }
    }
}
