//! A stream and what it must still give: the model's side of a reader.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use millpond_pool::{PoolReader, ReadError, TaskError};
use parking_lot::Mutex;

/// How a stream ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Complete,
    Failed { task: String, index: u64 },
}

/// What is not as it must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrong {
    /// Items that did not come.
    pub lost: usize,
    /// Items that came twice, or out of nowhere.
    pub doubled: usize,
    /// What happened.
    pub what: String,
}

impl Wrong {
    pub(super) fn because(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, doubled, what } = self;
        write!(f, "{what} (lost `{lost}`, doubled `{doubled}`)")
    }
}

/// One output, however many readers share it.
#[derive(Debug)]
pub(super) struct Group {
    /// What must still come.
    pub(super) left: VecDeque<u64>,
    pub(super) end: End,
    /// Whether the order of what is left is a matter of chance.
    pub(super) is_open: bool,
    /// How many readers there are.
    handles: usize,
    was_shared: bool,
    was_iterated: bool,
    /// Whether its task was removed, or its pool is gone: it gives a beginning of what is left.
    pub(super) is_cut: bool,
}

impl Group {
    /// Crosses out items that were read; with `alone`, they must be the first.
    fn cross_out(&mut self, items: &[u64], alone: bool) -> Result<(), Wrong> {
        let mut from = 0;
        for (number, item) in items.iter().enumerate() {
            if alone && !self.is_open {
                if self.left.front() == Some(item) {
                    self.left.pop_front();
                    continue;
                }
                return Err(self.unexpected(*item, number, 0));
            }
            if self.is_open {
                from = 0;
            }
            match (from..self.left.len()).find(|&at| self.left[at] == *item) {
                Some(at) => {
                    self.left.remove(at);
                    from = at;
                }
                None => return Err(self.unexpected(*item, number, from)),
            }
        }
        Ok(())
    }

    fn unexpected(&self, item: u64, number: usize, from: usize) -> Wrong {
        let Some(at) = self.left.iter().position(|left| *left == item) else {
            return Wrong {
                doubled: 1,
                what: format!("item `{number}` of a read is doubled, or out of nowhere"),
                ..Wrong::default()
            };
        };
        let lost = at.saturating_sub(from);
        Wrong { lost, what: format!("item `{number}` of a read came before `{lost}` others"), ..Wrong::default() }
    }

    /// What is left must be nothing.
    fn must_be_over(&self) -> Result<(), Wrong> {
        if self.left.is_empty() {
            return Ok(());
        }
        Err(Wrong { lost: self.left.len(), what: "a stream ended too early".to_owned(), ..Wrong::default() })
    }

    fn must_fail(&self, error: &ReadError) -> Result<(), Wrong> {
        let Some(error) = error.as_task_error() else {
            return Err(Wrong::because(format!("reading failed: {error}")));
        };
        let got = End::Failed { task: error.task().to_owned(), index: error.index() };
        if got == self.end || (self.is_cut && matches!(self.end, End::Failed { .. })) {
            return Ok(());
        }
        Err(Wrong::because(format!("a stream ended by `{error}` and should by `{:?}`", self.end)))
    }
}

/// How a read is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// At least so many items, unless the end comes before. With fewer before a failure it gives the failure.
    pub(super) least: usize,
    /// At most so many.
    pub(super) most: usize,
    /// Whether the time may be up.
    pub(super) may_time_out: bool,
    /// Whether the pool may be in use by another thread.
    pub(super) may_be_busy: bool,
    /// Whether the pool may be gone.
    pub(super) may_be_gone: bool,
}

/// What a read came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// So many items, one or more.
    Items(usize),
    /// Nothing now.
    Nothing,
    /// A failure, with so many items before it that are too few for the read, one or more.
    Unread(usize),
    /// Nothing any more.
    End,
}

/// A reader and what it must give.
pub(super) struct Stream {
    reader: Option<PoolReader<u64>>,
    pub(super) group: Arc<Mutex<Group>>,
    /// Whether removing the task touches this stream only.
    pub(super) is_removable: bool,
    /// Whether tasks here and downstream may be given more than is asked of them: a `min_count` is upstream.
    pub(super) is_rounded: bool,
    /// Whether this reader's iteration has been over, and so stays it, whatever another reader gives back.
    pub(super) is_iterated_out: bool,
}

impl Stream {
    pub(super) fn new(reader: PoolReader<u64>, left: Vec<u64>, end: End, is_open: bool) -> Self {
        let group = Group {
            left: left.into(),
            end,
            is_open,
            handles: 1,
            was_shared: false,
            was_iterated: false,
            is_cut: false,
        };
        Self {
            reader: Some(reader),
            group: Arc::new(Mutex::new(group)),
            is_removable: true,
            is_rounded: false,
            is_iterated_out: false,
        }
    }

    pub(super) fn reader(&mut self) -> &mut PoolReader<u64> {
        self.reader.as_mut().expect("a stream has its reader until a task takes it")
    }

    /// Whether nobody else reads from here. Nobody else can make it otherwise.
    pub(super) fn is_alone(&self) -> bool {
        self.group.lock().handles == 1
    }

    /// Whether a task can take its items: nobody else does, and it is known which they are. It stays so, except by its owner.
    pub(super) fn can_be_input(&self) -> bool {
        let group = self.group.lock();
        group.handles == 1 && !group.is_cut
    }

    /// The reader for a task that takes its items, with what these are, where it [can be](Self::can_be_input) one.
    pub(super) fn into_input(mut self) -> (PoolReader<u64>, Vec<u64>, End, bool) {
        assert!(self.can_be_input(), "a stream that others read from too is no input");
        let mut group = self.group.lock();
        let left = std::mem::take(&mut group.left).into();
        let (end, is_open) = (group.end.clone(), group.is_open);
        drop(group);
        let reader = self.reader.take().expect("a stream has its reader until a task takes it");
        (reader, left, end, is_open)
    }

    /// Notes that items may be taken ahead of a reader: what is shared then comes in any order.
    pub(super) fn iterates(&self) {
        let mut group = self.group.lock();
        group.was_iterated = true;
        group.is_open |= group.was_shared;
    }

    /// Notes that there is a further reader, until [`leave`](Self::leave).
    pub(super) fn join(&self) {
        let mut group = self.group.lock();
        group.handles += 1;
        group.was_shared = true;
        group.is_open |= group.was_iterated;
    }

    pub(super) fn leave(&self) {
        self.group.lock().handles -= 1;
    }

    /// Another reader of the same output.
    pub(super) fn share(&mut self) -> Self {
        let reader = self.reader().clone();
        self.join();
        Self {
            reader: Some(reader),
            group: Arc::clone(&self.group),
            is_removable: self.is_removable,
            is_rounded: self.is_rounded,
            is_iterated_out: false,
        }
    }

    /// Takes items back that were read last.
    pub(super) fn uncross(&self, items: &[u64]) {
        let mut group = self.group.lock();
        for item in items.iter().rev() {
            group.left.push_front(*item);
        }
    }

    /// Compares what a read gave with what it must give; `alone` is what [`is_alone`](Self::is_alone) was before it.
    pub(super) fn judge(&self, result: &Result<Vec<u64>, ReadError>, asked: Asked, alone: bool) -> Result<Came, Wrong> {
        let mut group = self.group.lock();
        let is_strict = alone && !group.is_cut;
        if asked.most == 0 {
            return match result {
                Ok(items) if items.is_empty() => Ok(Came::Nothing),
                result => Err(Wrong::because(format!("a read of nothing came to {result:?}"))),
            };
        }
        match result {
            Ok(items) => {
                if items.len() > asked.most {
                    return Err(Wrong::because(format!("a read of `{}` gave `{}`", asked.most, items.len())));
                }
                group.cross_out(items, alone)?;
                if items.is_empty() {
                    if is_strict && group.end != End::Complete && group.left.is_empty() {
                        return Err(Wrong::because(format!("a stream ended that should by `{:?}`", group.end)));
                    }
                    if is_strict {
                        group.must_be_over()?;
                    }
                    return Ok(Came::End);
                }
                if is_strict && items.len() < asked.least {
                    group.must_be_over()?;
                    if group.end != End::Complete {
                        let (few, least) = (items.len(), asked.least);
                        return Err(Wrong::because(format!("a read of `{least}` gave `{few}` before a failure")));
                    }
                }
                Ok(Came::Items(items.len()))
            }
            Err(ReadError::TimedOut { .. } | ReadError::NotYet { .. }) if asked.may_time_out => Ok(Came::Nothing),
            Err(ReadError::SerialBusy { .. }) if asked.may_be_busy => Ok(Came::Nothing),
            Err(ReadError::PoolGone { .. }) if asked.may_be_gone => Ok(Came::End),
            Err(error) => {
                group.must_fail(error)?;
                let (unread, left) = (error.as_task_error().map_or(0, TaskError::unread), group.left.len());
                if unread >= asked.least.max(1) {
                    let least = asked.least;
                    return Err(Wrong::because(format!("a read of `{least}` failed with `{unread}` items to be read")));
                }
                if is_strict && unread != left {
                    let what = format!("a failure has `{left}` items before it and says `{unread}`");
                    return Err(Wrong { lost: left.saturating_sub(unread), what, ..Wrong::default() });
                }
                Ok(if unread > 0 { Came::Unread(unread) } else { Came::End })
            }
        }
    }
}

/// The reader goes first, so that whoever is alone from then on has what it gives back.
impl Drop for Stream {
    fn drop(&mut self) {
        if self.reader.take().is_some() {
            self.leave();
        }
    }
}
