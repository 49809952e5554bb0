//! Where items come into the graph.

use std::sync::Arc;
use std::task::{Poll, Waker};

use millpond_channel::{Listening, TryReadError};
use millpond_sync::host::{self, Site};

use super::{Head, Next};
use crate::error::ReadError;
use crate::lane::{Firing, One, Pace, Single, Waiters, Watched};
use crate::reader::ScopedReader;
use millpond_workers::Cause;
use millpond_workers::discard::discard_all;

/// How many quick items are taken at once.
const BLOCK: usize = 32;
/// How many where nothing else could be done meanwhile.
const STRIDE: usize = 256;

/// Any iterator.
pub(crate) struct IteratorSource<I>(pub(crate) I);

impl<'env, I: Iterator + Send> Head<'env, I::Item> for IteratorSource<I> {
    fn make(&mut self, out: &mut Vec<I::Item>, firing: &mut Firing<'_, 'env>) -> Next {
        let order = firing.order;
        out.reserve_exact(self.0.size_hint().1.map_or(order.most, |upper| upper.min(order.most)));
        let mut watch = firing.watch();
        let block = match watch.pace() {
            Pace::Each => 1,
            Pace::Quick => BLOCK,
            Pace::Steady => STRIDE,
        };
        if block > 1 {
            while out.len() < order.most && watch.goes_on() {
                let before = out.len();
                let most = block.min(order.most - before);
                out.extend(self.0.by_ref().take(most));
                if out.len() - before < most {
                    return Next::End;
                }
            }
        }
        let mut watched = Watched::new(&mut self.0, order.most - out.len(), &mut watch);
        out.extend(watched.by_ref());
        // Not `fuse`: an iterator that has ended is not asked again, because this head is dropped then.
        if watched.is_over() {
            return Next::End;
        }
        if out.is_empty() {
            return Next::Stopped;
        }
        let lacking = order.least.saturating_sub(out.len());
        if lacking > 0 && !firing.is_cancelled() {
            // Told to stop with fewer than are a chunk.
            out.extend(self.0.by_ref().take(lacking));
            if out.len() < order.least {
                return Next::End;
            }
        }
        Next::More
    }

    #[inline]
    fn one(&mut self, _single: &mut Single<'_>) -> One<I::Item> {
        self.0.next().map_or(One::End, One::Item)
    }
}

/// A channel that somebody outside the graph writes to.
pub(crate) struct ChannelSource<T> {
    reader: millpond_channel::Reader<T>,
    /// Who is woken when the channel has something.
    waiters: Arc<Waiters>,
    /// The place in the channel's list of readers while the demand is parked.
    listening: Option<Listening<T>>,
    /// Items that are too few for a chunk yet.
    waiting: Vec<T>,
}

impl<T> ChannelSource<T> {
    pub(crate) fn new(reader: millpond_channel::Reader<T>, waiters: Arc<Waiters>) -> Self {
        Self { reader, waiters, listening: None, waiting: Vec::new() }
    }
}

impl<T> Drop for ChannelSource<T> {
    fn drop(&mut self) {
        discard_all(std::mem::take(&mut self.waiting));
    }
}

impl<'env, T: Send + 'env> Head<'env, T> for ChannelSource<T> {
    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next {
        let order = firing.order;
        if let Some(listening) = self.listening.take() {
            listening.accept();
        }
        loop {
            let wanted = order.most - self.waiting.len().min(order.most);
            let read = if wanted == 0 { Ok(0) } else { self.reader.try_read_into(wanted, &mut self.waiting) };
            match read {
                Ok(_) if self.waiting.len() >= order.least => break,
                Ok(_) => {}
                Err(TryReadError::Empty) if self.listening.is_none() => {
                    let waker = Waker::from(Arc::clone(&self.waiters));
                    self.listening = Some(self.reader.listen(&waker));
                    host::step(Site::new("listens to its channel"));
                }
                Err(TryReadError::Empty) => {
                    self.waiters.set_dry(self.reader.is_serial());
                    return Next::Parked;
                }
                Err(_) => {
                    *out = std::mem::take(&mut self.waiting);
                    return Next::End;
                }
            }
        }
        self.listening = None;
        *out = std::mem::take(&mut self.waiting);
        Next::More
    }
}

/// A reader of another pool.
pub(crate) struct Foreign<'env, T: Send + 'env> {
    reader: ScopedReader<'env, T>,
    waiters: Arc<Waiters>,
}

impl<'env, T: Send + 'env> Foreign<'env, T> {
    pub(crate) fn new(reader: ScopedReader<'env, T>, waiters: Arc<Waiters>) -> Self {
        Self { reader, waiters }
    }
}

impl<'env, T: Send + 'env> Head<'env, T> for Foreign<'env, T> {
    fn make(&mut self, out: &mut Vec<T>, firing: &mut Firing<'_, 'env>) -> Next {
        let order = firing.order;
        let waker = Waker::from(Arc::clone(&self.waiters));
        match self.reader.poll_working(order.least, order.most, &waker) {
            Poll::Ready(Ok(items)) if items.is_empty() => Next::End,
            Poll::Ready(Ok(items)) => {
                *out = items;
                Next::More
            }
            Poll::Ready(Err(ReadError::Task(error))) => Next::Upstream(error),
            Poll::Ready(Err(error)) => Next::Fail(Cause::Error(error.into())),
            Poll::Pending => Next::Parked,
        }
    }
}
