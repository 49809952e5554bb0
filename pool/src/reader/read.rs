//! Reads that block.

use std::time::{Duration, Instant};

use millpond_sync::Deadline;

use super::ScopedReader;
use super::pull::Pull;
use crate::error::ReadError;
use crate::lane::Want;
use millpond_sync::host;

/// What a read that asks for more is taken down as: far more than there is, yet so little that what tens of thousands of readers want
/// can be added up and taken off again.
pub(super) const MOST_WANTED: usize = usize::MAX >> 16;

impl<'env, T: Send + 'env> ScopedReader<'env, T> {
    /// Reads `count` items; fewer only at the end of the items, none after it. Count 0 reads nothing and runs nothing,
    /// `usize::MAX` reads all.
    ///
    /// Runs the tasks upstream for just the items that are missing for these `count`, beyond what is buffered or being made.
    ///
    /// # Errors
    /// [`ReadError::Task`] when a task upstream failed before there were `count` items. Then the read has taken none:
    /// those before the failing item stay, and the error [says how many](crate::TaskError::unread) they are. A smaller
    /// read, [`try_read`](Self::try_read) and an iteration give them first. The other errors say how the pool was
    /// misused, and the way out.
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
    /// let error = parsed.read(3).unwrap_err();
    /// let error = error.as_task_error().expect("a task failed");
    /// assert_eq!((error.index(), error.unread()), (2, 2));
    /// assert_eq!(parsed.read(2)?, [1, 2]);
    /// assert!(parsed.read(1).is_err());
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

    /// Reads all items up to the end.
    ///
    /// # Errors
    /// As [`read`](Self::read): a failure of a task is given instead of the items before it, which stay.
    ///
    /// # Blocking
    /// Until the end. For a source without an end that is for ever.
    pub fn read_all(&mut self) -> Result<Vec<T>, ReadError> {
        self.read(usize::MAX)
    }

    /// Like [`read_all`](Self::read_all), but gives up after `timeout`.
    ///
    /// # Errors
    /// As [`read_timeout`](Self::read_timeout).
    ///
    /// # Blocking
    /// Until the end or until the time is up.
    pub fn read_all_timeout(&mut self, timeout: Duration) -> Result<Vec<T>, ReadError> {
        self.read_timeout(usize::MAX, timeout)
    }

    /// Like [`read_all`](Self::read_all), but gives up at `deadline`.
    ///
    /// # Errors
    /// As [`read_timeout`](Self::read_timeout).
    ///
    /// # Blocking
    /// Until the end or the deadline.
    pub fn read_all_deadline(&mut self, deadline: Instant) -> Result<Vec<T>, ReadError> {
        self.read_deadline(usize::MAX, deadline)
    }

    /// Takes at most `count` items that are there already. Runs no task and never waits.
    ///
    /// `None` when there are none now, an empty list at the end, and for count 0.
    ///
    /// # Errors
    /// As [`read`](Self::read), after the items before a failure.
    pub fn try_read(&mut self, count: usize) -> Result<Option<Vec<T>>, ReadError> {
        if count == 0 {
            return Ok(Some(Vec::new()));
        }
        if self.local.len() > 0 {
            return Ok(Some(self.local.by_ref().take(count).collect()));
        }
        let consumer = self.consumer();
        consumer.interrupted()?;
        let Some(mut items) = consumer.try_pull(1, count)? else { return Ok(None) };
        while !items.is_empty() && items.len() < count {
            match consumer.try_pull(1, count - items.len()) {
                Ok(Some(more)) if !more.is_empty() => items.extend(more),
                _ => break,
            }
        }
        Ok(Some(items))
    }

    /// Reads at least one item and at most `most`, as many as come at once; none at the end, and for `most` 0.
    ///
    /// In serial mode it makes one item at a time. Otherwise workers keep a window of two chunks per worker filled from the first
    /// call on, as for an iteration.
    ///
    /// # Errors
    /// As [`read`](Self::read), after the items before a failure.
    ///
    /// # Blocking
    /// Until there is an item.
    pub fn read_some(&mut self, most: usize) -> Result<Vec<T>, ReadError> {
        self.read_some_until(most, Deadline::NEVER)
    }

    /// Like [`read_some`](Self::read_some), but gives up at `deadline`.
    pub(super) fn read_some_until(&mut self, most: usize, deadline: Deadline) -> Result<Vec<T>, ReadError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        if self.local.len() > 0 {
            return Ok(self.local.by_ref().take(most).collect());
        }
        let want = if self.iterates_ahead() { None } else { Some(Want::More(1)) };
        self.consumer().pull(Pull { least: 1, most, want, deadline, since: None, asked: 1 })
    }

    /// Reads `most` items, or what there is when `timeout` is over: batches by size or time. None are the end.
    ///
    /// Where [`read_some`](Self::read_some) gives what comes first, this waits for all `most`. It asks for no more than
    /// these, and after a time-out they are what is waited for next.
    ///
    /// # Errors
    /// [`ReadError::TimedOut`] when nothing at all has come in time; otherwise as [`read`](Self::read), after the items
    /// before a failure.
    ///
    /// # Blocking
    /// Until there are `most` items, the end, a failure, or the time is up.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let pool = millpond_pool::Pool::new(1);
    /// let (writer, lines) = millpond_channel::unbounded();
    /// let mut lines = pool.channel(lines);
    /// writer.write_all(vec!["a", "b", "c"])?;
    /// assert_eq!(lines.read_some_timeout(2, Duration::from_secs(9))?, ["a", "b"]);
    /// assert_eq!(lines.read_some_timeout(2, Duration::from_millis(1))?, ["c"]);
    /// assert!(lines.read_some_timeout(2, Duration::from_millis(1)).unwrap_err().is_timed_out());
    /// writer.close();
    /// assert!(lines.read_some_timeout(2, Duration::from_millis(1))?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_some_timeout(&mut self, most: usize, timeout: Duration) -> Result<Vec<T>, ReadError> {
        let now = host::now();
        self.read_partly_until(most, Deadline::counted_from(now, timeout), Some(now))
    }

    /// Like [`read_some_timeout`](Self::read_some_timeout), until `deadline`.
    ///
    /// # Errors
    /// As [`read_some_timeout`](Self::read_some_timeout).
    ///
    /// # Blocking
    /// Until there are `most` items, the end, a failure, or the deadline has passed.
    pub fn read_some_deadline(&mut self, most: usize, deadline: Instant) -> Result<Vec<T>, ReadError> {
        self.read_partly_until(most, Deadline::at(deadline), None)
    }

    /// Reads all items up to the end like [`read_all`](Self::read_all), and gives them chunk by chunk to `take`; but gives up at `deadline`.
    ///
    /// # Errors
    /// As [`read_deadline`](Self::read_deadline), after the items before a failure; what `take` has been given is not
    /// given again.
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

    /// Takes back items that were read from here last and not used: the next read of this reader or a clone gives them
    /// first.
    pub fn unread(&mut self, items: Vec<T>) {
        let items: Vec<T> = items.into_iter().chain(self.local.by_ref()).collect();
        if !items.is_empty() {
            let consumer = self.consumer();
            consumer.lane().give_back(consumer.outlet(), items);
        }
    }

    /// Gives back what an iteration has taken ahead, for a read of more than that: it takes all that it asks for in one
    /// piece, or nothing.
    pub(super) fn join_ahead(&mut self) {
        if self.local.len() > 0 && !self.core.is_closed() {
            self.unread(Vec::new());
        }
    }

    /// `since` is when the read began, where that is known.
    fn read_until(&mut self, count: usize, deadline: Deadline, since: Option<Instant>) -> Result<Vec<T>, ReadError> {
        if self.local.len() >= count {
            return Ok(self.local.by_ref().take(count).collect());
        }
        self.join_ahead();
        let want = Some(if count == usize::MAX { Want::Collect } else { Want::More(count.min(MOST_WANTED)) });
        self.consumer().pull(Pull { least: count, most: count, want, deadline, since, asked: count })
    }

    /// What there is of `most` items at `deadline`, at the end or before a failure.
    fn read_partly_until(
        &mut self,
        most: usize,
        deadline: Deadline,
        since: Option<Instant>,
    ) -> Result<Vec<T>, ReadError> {
        match self.read_until(most, deadline, since) {
            Err(error) if error.ready() > 0 => match self.try_read(most)? {
                Some(items) => Ok(items),
                // Another reader has taken them.
                None => Err(error),
            },
            result => result,
        }
    }

    /// Calls `take` with each chunk up to the end. Without `keeps`, workers make only a window of chunks ahead of it.
    pub(super) fn for_chunks(
        &mut self,
        keeps: bool,
        deadline: Deadline,
        mut take: impl FnMut(Vec<T>),
    ) -> Result<(), ReadError> {
        let started = deadline.moment().map(|_| host::now());
        if self.local.len() > 0 {
            take(self.local.by_ref().collect());
        }
        // In serial mode nobody works ahead, so wanting all makes one chunk at a time.
        let collects = keeps || !self.iterates_ahead();
        let consumer = self.consumer();
        let _collecting = if collects { Some(Collecting::begin(consumer)?) } else { None };
        let pull = Pull { least: 1, most: usize::MAX, want: None, deadline, since: started, asked: usize::MAX };
        loop {
            let items = consumer.pull(pull)?;
            if items.is_empty() {
                return Ok(());
            }
            take(items);
            // A pull that finds items does not look at the clock.
            if let Some(started) = started
                && deadline.has_passed()
            {
                let waited = host::now().duration_since(started);
                return Err(ReadError::TimedOut { asked: usize::MAX, ready: 0, waited });
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
