//! Reads that await.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use millpond_sync::{Deadline, Ticket};

use super::ScopedReader;
use super::read::MOST_WANTED;
use crate::consumer::Consumer;
use crate::core::Refused;
use crate::error::ReadError;
use crate::host::{self, Operation, Site};
use crate::lane::{Waiters, Want};
use crate::walk::{Walked, Walker};

/// The lists of waiters in which a future stands.
#[derive(Default)]
pub(super) struct Waits<'env> {
    /// With whether it is as one that works.
    entered: Vec<(Arc<Waiters>, Ticket, bool)>,
    lifetime: std::marker::PhantomData<&'env ()>,
}

impl Waits<'_> {
    fn enter(&mut self, waiters: &Arc<Waiters>, waker: &Waker, works: bool) {
        if !self.entered.iter().any(|(known, ..)| Arc::ptr_eq(known, waiters)) {
            let ticket = if works { waiters.list() } else { waiters.idle() }.enter(waker);
            self.entered.push((Arc::clone(waiters), ticket, works));
        }
    }

    pub(super) fn leave(&mut self) {
        for (waiters, ticket, works) in self.entered.drain(..) {
            let _ = if works { waiters.list() } else { waiters.idle() }.leave(ticket);
        }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<'env, T: Send + 'env> Consumer<'env, T> {
    /// Takes items if there are enough; otherwise sets workers to it and has `waker` called when it is worth asking again.
    ///
    /// In serial mode, and where `works`, the caller does the work here and now and only what waits for data from outside
    /// makes it wait. Where workers are set to it the outlet is told that so many items are wanted as `ask` says, and `asked` is what it has been
    /// told: taken back, and then 0, with the answer.
    fn poll_pull(
        &self,
        (least, most): (usize, usize),
        (asked, ask): (&mut usize, Option<usize>),
        waits: &mut Waits<'env>,
        waker: &Waker,
        works: bool,
    ) -> Poll<Result<Vec<T>, ReadError>> {
        let _operation = Operation;
        waits.leave();
        let (lane, outlet) = (self.lane(), self.outlet());
        let pass = match self.enter() {
            Ok(pass) => pass,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let core = &lane.header().core;
        let take = |asked: &mut usize| {
            let want = (*asked > 0).then_some(Want::More(*asked));
            let result = self.settled(lane.take_wanted(&pass, outlet, (least, most), want));
            if result.is_some() {
                *asked = 0;
            }
            result
        };
        if let Some(result) = take(asked) {
            return Poll::Ready(result);
        }
        // Between two sizes a pass may still be shared where nobody is lent any more.
        if works || !pass.is_shared() || core.size() == 0 {
            // Far more than there is, yet far from the number that stands for all.
            let wanted = most.min(MOST_WANTED);
            let mut more = wanted.saturating_sub(*asked);
            if more > 0 {
                lane.want(&pass, outlet, Want::More(more));
            }
            let mut walker = Walker::new(core, &pass, self.any(), outlet);
            let result = loop {
                let walked = walker.walk(least, Deadline::NEVER);
                let mut all = *asked + more;
                if let Some(result) = take(&mut all) {
                    (*asked, more) = (0, 0);
                    break Some(result);
                }
                if walked == Walked::Paused {
                    continue;
                }
                let hopeless = walker.hopeless();
                if core.is_closed() {
                    break Some(Err(self.refused(Refused::Closed)));
                }
                if let Some(error) = hopeless {
                    break Some(Err(error));
                }
                let known = waits.entered.len();
                for obstacle in walker.obstacles() {
                    waits.enter(&obstacle.header().waiters, waker, true);
                }
                if waits.entered.len() == known {
                    break None;
                }
            };
            if more > 0 {
                lane.want(&pass, outlet, Want::Fewer(more));
            }
            if core.has_litter() {
                core.sweep(&pass);
            }
            return match result {
                Some(result) => {
                    waits.leave();
                    Poll::Ready(result)
                }
                None => Poll::Pending,
            };
        }
        // Here, where it is known that the pool is not in serial mode; before, it could still come or go.
        if let Some(ask) = ask.filter(|ask| ask != asked) {
            lane.want(&pass, outlet, Want::Fewer(*asked));
            lane.want(&pass, outlet, Want::More(ask));
            *asked = ask;
        }
        host::step_at(lane.header(), None, Site::Awaits);
        waits.enter(&lane.header().waiters, waker, false);
        for source in lane.header().outside.iter() {
            waits.enter(source, waker, false);
        }
        if let Some(result) = take(asked) {
            waits.leave();
            return Poll::Ready(result);
        }
        host::step_at(lane.header(), None, Site::Awaits);
        core.add_job(self.any(), outlet, true);
        core.tick();
        core.lend(core.size());
        if core.size() == 0 {
            // A resize that came in between did not find this job on the list.
            waker.wake_by_ref();
        }
        drop(pass);
        host::pending(waker);
        Poll::Pending
    }
}

impl<'env, T: Send + 'env> ScopedReader<'env, T> {
    /// Reads like [`read`](Self::read), awaiting. On no particular runtime: the pool's workers do the work, all of them; in
    /// serial mode polling the future does.
    ///
    /// A future that is dropped has taken nothing.
    pub fn read_async(&mut self, count: usize) -> ReadFuture<'_, 'env, T> {
        ReadFuture { reader: self, waits: Waits::default(), count, asked: 0, collected: Vec::new() }
    }

    /// Gets at least `least` items and at most `most`, working for them, or has `waker` called when data from outside may have come;
    /// none are the end. For whoever is itself a source, of this pool or another, and must not wait.
    pub fn poll_working(&mut self, least: usize, most: usize, waker: &Waker) -> Poll<Result<Vec<T>, ReadError>> {
        let mut waits = std::mem::take(&mut self.stream);
        let poll = self.consumer().poll_pull((least, most), (&mut 0, None), &mut waits, waker, true);
        self.stream = waits;
        poll
    }
}

/// A read that awaits; see [`ScopedReader::read_async`].
#[must_use = "a future does nothing until it is awaited"]
pub struct ReadFuture<'a, 'env, T: Send + 'env> {
    reader: &'a mut ScopedReader<'env, T>,
    waits: Waits<'env>,
    /// 0 for all.
    count: usize,
    /// What the outlet has been told that this waits for.
    asked: usize,
    /// What a read of all has taken so far.
    collected: Vec<T>,
}

impl<T: Send> Unpin for ReadFuture<'_, '_, T> {}

impl<T: Send> ReadFuture<'_, '_, T> {
    /// Takes back what is waited for.
    fn ask_no_more(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        if asked > 0 {
            let consumer = self.reader.consumer();
            match consumer.enter() {
                Ok(pass) => consumer.lane().want(&pass, consumer.outlet(), Want::Fewer(asked)),
                // In use by another thread.
                Err(_) => consumer.lane().want_later(consumer.outlet(), Want::Fewer(asked)),
            }
        }
    }
}

impl<T: Send> Future for ReadFuture<'_, '_, T> {
    type Output = Result<Vec<T>, ReadError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let count = if this.count == 0 { usize::MAX } else { this.count };
        let local = this.reader.local.by_ref().take(count - this.collected.len());
        this.collected.extend(local);
        loop {
            let missing = count - this.collected.len();
            if missing == 0 {
                this.ask_no_more();
                return Poll::Ready(Ok(std::mem::take(&mut this.collected)));
            }
            let (least, most) = if count == usize::MAX { (1, usize::MAX) } else { (missing, missing) };
            // So that workers go on between polls.
            let ask = Some(missing.min(MOST_WANTED));
            let consumer = this.reader.consumer();
            match consumer.poll_pull((least, most), (&mut this.asked, ask), &mut this.waits, context.waker(), false) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(items)) if items.is_empty() || count != usize::MAX => {
                    this.ask_no_more();
                    this.collected.extend(items);
                    return Poll::Ready(Ok(std::mem::take(&mut this.collected)));
                }
                Poll::Ready(Ok(items)) => this.collected.extend(items),
                Poll::Ready(Err(ReadError::Task(_))) if !this.collected.is_empty() => {
                    this.ask_no_more();
                    return Poll::Ready(Ok(std::mem::take(&mut this.collected)));
                }
                Poll::Ready(Err(error)) => {
                    this.ask_no_more();
                    return Poll::Ready(Err(error));
                }
            }
        }
    }
}

impl<T: Send> Drop for ReadFuture<'_, '_, T> {
    fn drop(&mut self) {
        self.waits.leave();
        self.ask_no_more();
        if !self.collected.is_empty() {
            let items: Vec<T> =
                std::mem::take(&mut self.collected).into_iter().chain(self.reader.local.by_ref()).collect();
            self.reader.local = items.into_iter();
        }
    }
}

/// Item by item, awaiting; as the iteration does it.
impl<T: Send> Stream for ScopedReader<'_, T> {
    type Item = Result<T, ReadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.local.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            let iterates_ahead = this.iterates_ahead();
            let most = if iterates_ahead { usize::MAX } else { 1 };
            let mut waits = std::mem::take(&mut this.stream);
            // What no window has been opened for, only this can make.
            let works = !iterates_ahead;
            let poll = this.consumer().poll_pull((1, most), (&mut 0, None), &mut waits, context.waker(), works);
            this.stream = waits;
            match poll {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(items)) => {
                    this.is_over = items.is_empty();
                    this.local = items.into_iter();
                }
                Poll::Ready(Err(error)) => {
                    this.is_over = matches!(error, ReadError::Task(_));
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl<T: Send> Unpin for ScopedReader<'_, T> {}
