//! Reads that await.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use millpond_sync::{Deadline, Ticket};

use super::ScopedReader;
use super::read::MOST_WANTED;
use crate::consumer::Consumer;
use crate::core::Refused;
use crate::error::ReadError;
use crate::lane::{Waiters, Want};
use crate::places::Places;
use crate::walk::{Walked, Walker, is_firing_any};
use millpond_sync::host::{self, Operation, Site};

/// The lists of waiters in which a future stands.
#[derive(Default)]
pub(super) struct Waits<'env> {
    /// With whether it is as one that works.
    entered: Vec<(Arc<Waiters>, Ticket, bool)>,
    places: Places,
    lifetime: std::marker::PhantomData<&'env ()>,
}

impl Waits<'_> {
    fn enter(&mut self, waiters: &Arc<Waiters>, waker: &Waker, works: bool) {
        if self.places.insert(Arc::as_ptr(waiters)) {
            let ticket = if works { waiters.list() } else { waiters.idle() }.enter(waker);
            self.entered.push((Arc::clone(waiters), ticket, works));
        }
    }

    pub(super) fn leave(&mut self) {
        self.places.clear();
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

/// Who does the work of a read that awaits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The pool's workers, if it has any.
    Workers,
    /// Whoever polls it.
    Reader,
    /// Whoever polls it, which is a source while it is fired.
    Source,
}

impl<'env, T: Send + 'env> Consumer<'env, T> {
    /// Takes items if there are enough; otherwise sets workers to it and has `waker` called when it is worth asking again.
    ///
    /// In serial mode, and where `by` says so, the caller does the work here and now and only what
    /// waits for data from outside makes it wait. Where workers are set to it the outlet is told
    /// that so many items are wanted as `ask` says, and `asked` is what it has been told: taken
    /// back, and then 0, with the answer.
    fn poll_pull(
        &self,
        (least, most): (usize, usize),
        (asked, ask): (&mut usize, Option<usize>),
        waits: &mut Waits<'env>,
        waker: &Waker,
        by: By,
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
            if let Some(interrupt) = core.interrupts().take(lane.header()) {
                if *asked > 0 {
                    lane.want(&pass, outlet, Want::Fewer(std::mem::take(asked)));
                }
                return Some(Err(interrupt));
            }
            let want = (*asked > 0).then_some(Want::More(*asked));
            let mut result = self.settled(&pass, lane.take_wanted(&pass, outlet, (least, most), want));
            if result.is_none()
                && let Some(full) = lane.header().take_stuck(outlet)
            {
                lane.want(&pass, outlet, Want::Fewer(*asked));
                result = Some(Err(lane.with_ready(&pass, outlet, full.error())));
            }
            if result.is_some() {
                *asked = 0;
            }
            result
        };
        if let Some(result) = take(asked) {
            return Poll::Ready(result);
        }
        // Between two sizes a pass may still be shared where nobody is lent any more. Within a function the work is done here as well:
        // only its own thread can find out that it waits for itself.
        // What helpers are not let at is made here, too.
        let works = by != By::Workers || lane.header().limits.needs_reader;
        if works || !pass.is_shared() || core.size() == 0 || is_firing_any() {
            // Far more than there is, yet far from the number that stands for all.
            let wanted = ask.unwrap_or(most).min(MOST_WANTED);
            let mut more = wanted.saturating_sub(*asked);
            if more > 0 {
                lane.want(&pass, outlet, Want::More(more));
            }
            let mut walker = match by {
                By::Source => Walker::of_source(core, &pass, self.any(), outlet),
                By::Workers | By::Reader => Walker::new(core, &pass, self.any(), outlet),
            }
            .awaiting();
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
                    break Some(Err(lane.with_ready(&pass, outlet, error)));
                }
                host::step_at(|| lane.header().place(None), Site::new("awaits"));
                if let Some(full) = walker.full_branch() {
                    if let Some(moment) = full.deadline().moment() {
                        core.call_at(moment, lane.header());
                    }
                    if ask.is_some() {
                        // What this waits for may be here, whatever the capacity: others that await
                        // are told so.
                        *asked += std::mem::take(&mut more);
                    }
                }
                // Subtle: after entering it looks once more, so nothing is entered but here.
                let known = waits.entered.len();
                for lane in walker.to_wait_at() {
                    waits.enter(&lane.header().waiters, waker, true);
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
                None => {
                    drop(walker);
                    drop(pass);
                    // A source is polled by whoever walks, which lets others go on itself.
                    if by != By::Source {
                        host::pending(waker);
                    }
                    Poll::Pending
                }
            };
        }
        // Here, where it is known that the pool is not in serial mode; before, it could still come or go.
        if let Some(ask) = ask.filter(|ask| ask != asked) {
            lane.want(&pass, outlet, Want::Fewer(*asked));
            lane.want(&pass, outlet, Want::More(ask));
            *asked = ask;
        }
        host::step_at(|| lane.header().place(None), Site::new("awaits"));
        waits.enter(&lane.header().waiters, waker, false);
        for source in lane.header().outside.iter() {
            waits.enter(source, waker, false);
        }
        if let Some(result) = take(asked) {
            waits.leave();
            return Poll::Ready(result);
        }
        host::step_at(|| lane.header().place(None), Site::new("awaits"));
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
    /// A future that is dropped has taken nothing. So for `count` items or what there is by then, await this under the
    /// runtime's time-out, and [`try_read`](Self::try_read) after that.
    pub fn read_async(&mut self, count: usize) -> ReadFuture<'_, 'env, T> {
        ReadFuture::new(self, (count, count), Some(count.min(MOST_WANTED)))
    }

    /// Reads all items up to the end like [`read_all`](Self::read_all), awaiting as [`read_async`](Self::read_async)
    /// does.
    pub fn read_all_async(&mut self) -> ReadFuture<'_, 'env, T> {
        self.read_async(usize::MAX)
    }

    /// Reads like [`read_some`](Self::read_some), awaiting as [`read_async`](Self::read_async) does.
    pub fn read_some_async(&mut self, most: usize) -> ReadFuture<'_, 'env, T> {
        let ask = if most == 0 || self.iterates_ahead() { None } else { Some(1) };
        ReadFuture::new(self, (most.min(1), most), ask)
    }

    /// Whether a task upstream, or this one, is [for threads that read](crate::Task::reader_only)
    /// only: then reads that await do the work while they are polled.
    pub fn needs_reader(&self) -> bool {
        self.consumer().lane().header().limits.needs_reader
    }

    /// Gets at least `least` items and at most `most`, working for them, or has `waker` called when data from outside may have come.
    /// Fewer than `least` are what is left before the end or a failure; none are the end. For whoever is itself a source,
    /// of this pool or another, and must not wait.
    pub fn poll_working(&mut self, least: usize, most: usize, waker: &Waker) -> Poll<Result<Vec<T>, ReadError>> {
        self.join_ahead();
        let mut waits = std::mem::take(&mut self.stream);
        let consumer = self.consumer();
        let mut poll = consumer.poll_pull((least, most), (&mut 0, None), &mut waits, waker, By::Source);
        if matches!(&poll, Poll::Ready(Err(error)) if error.ready() > 0) {
            // A source hands on the items before a failure first.
            poll = consumer.poll_pull((1, most), (&mut 0, None), &mut waits, waker, By::Source);
        }
        self.stream = waits;
        poll
    }
}

/// A read that awaits; see [`ScopedReader::read_async`].
#[must_use = "a future does nothing until it is awaited"]
pub struct ReadFuture<'a, 'env, T: Send + 'env> {
    reader: &'a mut ScopedReader<'env, T>,
    waits: Waits<'env>,
    least: usize,
    most: usize,
    /// What the outlet is to be told that this waits for, so that workers go on between polls.
    ask: Option<usize>,
    /// What it has been told.
    asked: usize,
}

impl<T: Send> Unpin for ReadFuture<'_, '_, T> {}

impl<'a, 'env, T: Send> ReadFuture<'a, 'env, T> {
    fn new(reader: &'a mut ScopedReader<'env, T>, (least, most): (usize, usize), ask: Option<usize>) -> Self {
        Self { reader, waits: Waits::default(), least, most, ask, asked: 0 }
    }

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
        let Self { reader, waits, least, most, ask, asked } = self.get_mut();
        let (least, most) = (*least, *most);
        if reader.local.len() >= least {
            return Poll::Ready(Ok(reader.local.by_ref().take(most).collect()));
        }
        reader.join_ahead();
        reader.consumer().poll_pull((least, most), (asked, *ask), waits, context.waker(), By::Workers)
    }
}

impl<T: Send> Drop for ReadFuture<'_, '_, T> {
    fn drop(&mut self) {
        self.waits.leave();
        self.ask_no_more();
    }
}

/// Item by item, awaiting; as the iteration does it, with an error once and at the end.
impl<T: Send> Stream for ScopedReader<'_, T> {
    type Item = Result<T, ReadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.next_taken() {
                return Poll::Ready(Some(Ok(item)));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            let iterates_ahead = this.iterates_ahead();
            let most = if iterates_ahead { usize::MAX } else { 1 };
            let mut waits = std::mem::take(&mut this.stream);
            // What no window has been opened for, only this can make.
            let by = if iterates_ahead { By::Workers } else { By::Reader };
            let poll = this.consumer().poll_pull((1, most), (&mut 0, None), &mut waits, context.waker(), by);
            this.stream = waits;
            match poll {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(items)) => {
                    this.is_over = items.is_empty();
                    this.local = items.into_iter();
                    this.is_limited = this.consumer().lane().header().is_limited();
                }
                Poll::Ready(Err(error)) => {
                    this.is_over = !matches!(error, ReadError::Interrupted { .. });
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl<T: Send> FusedStream for ScopedReader<'_, T> {
    fn is_terminated(&self) -> bool {
        self.is_over
    }
}

impl<T: Send> Unpin for ScopedReader<'_, T> {}
