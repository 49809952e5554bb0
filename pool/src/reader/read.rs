//! Reads that block.

use std::time::{Duration, Instant};

use millpond_sync::Deadline;

use super::ScopedReader;
use super::pull::Pull;
use crate::error::ReadError;
use crate::host;
use crate::lane::Want;

/// What a read that asks for more is taken down as: far more than there is, yet so little that what tens of thousands of readers want
/// can be added up and taken off again.
pub(super) const MOST_WANTED: usize = usize::MAX >> 16;

impl<'env, T: Send + 'env> ScopedReader<'env, T> {
    /// Reads `count` items; fewer only at the end, none after it. Count 0 reads all, like [`read_all`](Self::read_all).
    ///
    /// Runs the tasks upstream for just the items that are missing for these `count`, beyond what is buffered or being made.
    ///
    /// # Errors
    /// [`ReadError::Task`] when a task upstream failed and all items before the failing one have been read: a read that gets some
    /// of them gives these, and the next read the error. The others say how the pool was misused, and the way out.
    ///
    /// # Blocking
    /// Until the items are there. The caller works meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond_pool::{Pool, ReadError};
    ///
    /// let pool = Pool::serial();
    /// let mut parsed = pool.source(["1", "2", "x"]).try_map(|text| text.parse::<u32>());
    /// assert_eq!(parsed.read(9)?, [1, 2]);
    /// let error = parsed.read(9).unwrap_err();
    /// assert_eq!(error.as_task_error().map(|error| error.index()), Some(2));
    /// # Ok::<(), ReadError>(())
    /// ```
    pub fn read(&mut self, count: usize) -> Result<Vec<T>, ReadError> {
        self.read_until(count, Deadline::NEVER, None)
    }

    /// Like [`read`](Self::read), but gives up after `timeout`; the clock is looked at between chunks.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`ReadError::TimedOut`]; nothing is lost by that.
    ///
    /// # Blocking
    /// Until the items are there or the time is up.
    pub fn read_timeout(&mut self, count: usize, timeout: Duration) -> Result<Vec<T>, ReadError> {
        let now = host::now();
        self.read_until(count, Deadline::counted_from(now, timeout), Some(now))
    }

    /// Like [`read`](Self::read), but gives up at `deadline`.
    ///
    /// # Errors
    /// As [`read_timeout`](Self::read_timeout).
    ///
    /// # Blocking
    /// Until the items are there or the deadline has passed.
    pub fn read_deadline(&mut self, count: usize, deadline: Instant) -> Result<Vec<T>, ReadError> {
        self.read_until(count, Deadline::at(deadline), None)
    }

    /// Takes at most `count` items (any number for 0) that are there already. Runs no task and never waits.
    ///
    /// `None` when there are none now, an empty list at the end.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn try_read(&mut self, count: usize) -> Result<Option<Vec<T>>, ReadError> {
        let most = if count == 0 { usize::MAX } else { count };
        if self.local.len() > 0 {
            return Ok(Some(self.local.by_ref().take(most).collect()));
        }
        let consumer = self.consumer();
        let Some(mut items) = consumer.try_pull(1, most)? else { return Ok(None) };
        while !items.is_empty() && items.len() < most {
            match consumer.try_pull(1, most - items.len()) {
                Ok(Some(more)) if !more.is_empty() => items.extend(more),
                _ => break,
            }
        }
        Ok(Some(items))
    }

    /// Reads at least one item and at most `most`, as many as come at once; none at the end.
    ///
    /// In serial mode it makes one item at a time. Otherwise workers keep a window of two chunks per worker filled from the first
    /// call on, as for an iteration.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Blocking
    /// Until there is an item.
    pub fn read_some(&mut self, most: usize) -> Result<Vec<T>, ReadError> {
        self.read_some_until(most, Deadline::NEVER)
    }

    /// Like [`read_some`](Self::read_some), but gives up at `deadline`.
    pub(super) fn read_some_until(&mut self, most: usize, deadline: Deadline) -> Result<Vec<T>, ReadError> {
        if self.local.len() > 0 {
            return Ok(self.local.by_ref().take(most.max(1)).collect());
        }
        let most = most.max(1);
        let want = if self.iterates_ahead() { None } else { Some(Want::More(1)) };
        self.consumer().pull(Pull { least: 1, most, want, deadline, since: None, asked: 1 })
    }

    /// Reads all items up to the end.
    ///
    /// # Errors
    /// As [`read`](Self::read); what was read before the error comes first, and the error with the next read.
    ///
    /// # Blocking
    /// Until the end. For a source without an end that is for ever.
    pub fn read_all(&mut self) -> Result<Vec<T>, ReadError> {
        self.read_until(0, Deadline::NEVER, None)
    }

    /// Reads all items up to the end like [`read_all`](Self::read_all), and gives them chunk by chunk to `take`; but gives up at `deadline`.
    ///
    /// # Errors
    /// As [`read_deadline`](Self::read_deadline); what `take` has been given is not given again.
    ///
    /// # Blocking
    /// Until the end or the deadline.
    pub fn read_chunks(&mut self, deadline: Option<Instant>, take: impl FnMut(Vec<T>)) -> Result<(), ReadError> {
        self.for_chunks(true, deadline.map_or(Deadline::NEVER, Deadline::at), take)
    }

    /// Gives back what iterating has taken ahead, so that a clone of this reader goes on where it ended.
    pub fn give_back_ahead(&mut self) {
        self.stop_iterating();
    }

    /// Takes back items that were read from here last and not used: the next read gives them first.
    pub fn unread(&mut self, items: Vec<T>) {
        let items: Vec<T> = items.into_iter().chain(self.local.by_ref()).collect();
        self.local = items.into_iter();
    }

    /// `since` is when the read began, where that is known.
    fn read_until(&mut self, count: usize, deadline: Deadline, since: Option<Instant>) -> Result<Vec<T>, ReadError> {
        if count == 0 {
            return self.collect_until(deadline);
        }
        let mut items: Vec<T> = self.local.by_ref().take(count).collect();
        let missing = count - items.len();
        if missing == 0 {
            return Ok(items);
        }
        let want = Some(Want::More(missing.min(MOST_WANTED)));
        match self.consumer().pull(Pull { least: missing, most: missing, want, deadline, since, asked: count }) {
            Ok(more) if items.is_empty() => Ok(more),
            Ok(more) => {
                items.extend(more);
                Ok(items)
            }
            Err(ReadError::Task(_)) if !items.is_empty() => Ok(items),
            Err(error) => {
                self.local = items.into_iter();
                Err(error)
            }
        }
    }

    /// Calls `take` with each chunk up to the end. Without `keeps`, workers make only a window of chunks ahead of it.
    pub(super) fn for_chunks(
        &mut self,
        keeps: bool,
        deadline: Deadline,
        mut take: impl FnMut(Vec<T>),
    ) -> Result<(), ReadError> {
        if self.local.len() > 0 {
            take(self.local.by_ref().collect());
        }
        // In serial mode nobody works ahead, so wanting all makes one chunk at a time.
        let collects = keeps || !self.iterates_ahead();
        let consumer = self.consumer();
        let _collecting = if collects { Some(Collecting::begin(consumer)?) } else { None };
        loop {
            let items =
                consumer.pull(Pull { least: 1, most: usize::MAX, want: None, deadline, since: None, asked: 0 })?;
            if items.is_empty() {
                return Ok(());
            }
            take(items);
        }
    }

    fn collect_until(&mut self, deadline: Deadline) -> Result<Vec<T>, ReadError> {
        let mut items = Vec::new();
        let outcome = self.for_chunks(true, deadline, |more| {
            if items.is_empty() {
                items = more;
            } else {
                items.extend(more);
            }
        });
        match outcome {
            Err(ReadError::Task(error)) if items.is_empty() => Err(error.into()),
            Ok(()) | Err(ReadError::Task(_)) => Ok(items),
            Err(mut error) => {
                if let ReadError::TimedOut { ready, .. } = &mut error {
                    *ready += items.len();
                }
                self.local = items.into_iter();
                Err(error)
            }
        }
    }
}

/// A reader that wants all there is.
struct Collecting<'a, 'env, T: Send + 'env>(&'a crate::consumer::Consumer<'env, T>);

impl<'a, 'env, T: Send + 'env> Collecting<'a, 'env, T> {
    fn begin(consumer: &'a crate::consumer::Consumer<'env, T>) -> Result<Self, ReadError> {
        let pass = consumer.enter()?;
        consumer.lane().want(&pass, consumer.outlet(), Want::Collect);
        Ok(Self(consumer))
    }
}

impl<T: Send> Drop for Collecting<'_, '_, T> {
    fn drop(&mut self) {
        match self.0.enter() {
            Ok(pass) => self.0.lane().want(&pass, self.0.outlet(), Want::CollectNoMore),
            Err(_) => self.0.lane().want_later(self.0.outlet(), Want::CollectNoMore),
        }
    }
}
