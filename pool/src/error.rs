//! What can go wrong when reading.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use millpond_workers::Cause;

/// A task stopped: its function returned an error or panicked.
///
/// Names the task, the place where it was added and the item that it failed on; the cause is kept. Cheap to clone:
/// every reader downstream gets the same error, with the number of items that it can still read.
#[derive(Clone)]
pub struct TaskError {
    failed: Arc<Failed>,
    /// How many items before the failing one the reader that was told of this could still give.
    unread: usize,
}

struct Failed {
    task: Arc<str>,
    location: &'static Location<'static>,
    index: u64,
    cause: Cause,
}

impl TaskError {
    pub(crate) fn new(task: Arc<str>, location: &'static Location<'static>, index: u64, cause: Cause) -> Self {
        Self { failed: Arc::new(Failed { task, location, index, cause }), unread: 0 }
    }

    /// The same failure, told by an outlet that still has this many items.
    pub(crate) fn with_unread(&self, unread: usize) -> Self {
        Self { failed: Arc::clone(&self.failed), unread }
    }

    /// The name of the task that failed.
    #[must_use]
    pub fn task(&self) -> &str {
        &self.failed.task
    }

    /// Where the task was added.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.failed.location
    }

    /// Which of the items that the task was given it failed on, counted from 0.
    ///
    /// Counted in input order; for an unordered task in the order in which its chunks finished.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.failed.index
    }

    /// How many items that were made before the failing one can still be read: too few for the read that gives this
    /// error, so that read has taken none of them.
    ///
    /// A smaller read, [`try_read`](crate::ScopedReader::try_read) and an iteration give these items first.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.unread
    }

    /// Why it failed.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.failed.cause
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { task, location, index, cause } = &*self.failed;
        write!(f, "task `{task}` (added at {location}) failed at item {index}: {cause}")?;
        match self.unread {
            0 => Ok(()),
            1 => write!(f, "; 1 item before it can still be read"),
            unread => write!(f, "; {unread} items before it can still be read"),
        }
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { task, location, index, cause } = &*self.failed;
        f.debug_struct("TaskError")
            .field("task", task)
            .field("location", &format_args!("{location}"))
            .field("index", index)
            .field("cause", cause)
            .field("unread", &self.unread)
            .finish()
    }
}

impl Error for TaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.failed.cause {
            Cause::Error(error) => Some(&**error),
            _ => None,
        }
    }
}

/// Why a read gave no items.
///
/// Whatever the error, the read has taken nothing: items that were made stay readable.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReadError {
    /// A task upstream stopped before the items that were asked for were made. The [error](TaskError::unread) says how
    /// many were; every further read that asks for more than these gives it again.
    Task(TaskError),
    /// The time was up before the items that were asked for were there. They stay readable.
    TimedOut {
        /// How many items were asked for; `usize::MAX` for all.
        asked: usize,
        /// How many of them were there.
        ready: usize,
        /// How long the read waited.
        waited: Duration,
    },
    /// Nothing is there now, and the read was not to wait.
    NotYet {
        /// The task whose output was to be read.
        task: Arc<str>,
    },
    /// The pool was dropped or shut down.
    PoolGone {
        /// The task whose output was to be read.
        task: Arc<str>,
    },
    /// The pool is in serial mode and another thread is using it at this moment.
    SerialBusy {
        /// The task whose output was to be read.
        task: Arc<str>,
    },
    /// The pool was made before this process was forked off.
    Forked {
        /// The task whose output was to be read.
        task: Arc<str>,
    },
    /// A task's function read, directly or by way of other tasks, from the output of the task that it runs in; or functions of several
    /// tasks, on several threads, each waited for the next one and the last for the first.
    OwnOutput {
        /// The task that the read waited for.
        task: Arc<str>,
        /// The tasks that wait for each other, beginning with `task`: each for the next one, the last for the first.
        ring: Arc<[Arc<str>]>,
    },
    /// A function was interrupted, by Ctrl-C, say: that is no failure of its task. The item is put back, and the next read has the
    /// function called for it again.
    Interrupted {
        /// The task whose function was interrupted.
        task: Arc<str>,
        /// By what.
        cause: Arc<dyn Error + Send + Sync>,
    },
    /// A branch of a tee, of a partition or of split results is [full](crate::Capacity), and nobody
    /// could make room by reading from it while this read waits. Nothing is lost: read from that
    /// branch, and then here again.
    BranchFull {
        /// The task that splits.
        task: Arc<str>,
        /// Which of its branches is full, counted from 0.
        branch: usize,
        /// How many items a branch may keep.
        capacity: usize,
        /// How many of the items that were asked for were there. They stay readable.
        ready: usize,
    },
    /// In serial mode, a serial channel that feeds the graph is open and empty: nobody else could fill it.
    WouldWaitForever {
        /// The task that reads the channel.
        task: Arc<str>,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(error) => error.fmt(f),
            Self::TimedOut { asked: usize::MAX, ready, waited } => {
                write!(f, "reading all items timed out after {waited:?} with `{ready}` ready; read again to go on")
            }
            Self::TimedOut { asked, ready, waited } => {
                write!(
                    f,
                    "reading `{asked}` items timed out after {waited:?} with `{ready}` ready; read again to go on"
                )
            }
            Self::NotYet { task } => write!(
                f,
                "reading from task `{task}` without waiting while nothing is there; read again later, or wait with `read`"
            ),
            Self::PoolGone { task } => write!(
                f,
                "reading from task `{task}` whose pool is gone; keep the pool alive for as long as its readers"
            ),
            Self::SerialBusy { task } => write!(
                f,
                "reading from task `{task}` of a serial pool that another thread is reading from; read from one thread \
                 at a time, or give the pool at least one worker"
            ),
            Self::Forked { task } => write!(
                f,
                "reading from task `{task}` whose pool was made before this process was forked; make a pool after the \
                 fork"
            ),
            Self::Interrupted { task, cause } => {
                write!(f, "task `{task}` was interrupted by `{cause}`; read again to go on")
            }
            Self::OwnOutput { task, ring } if ring.len() > 1 => {
                write!(f, "a task's function reads from task `{task}` in a ring of tasks that wait for each other (`")?;
                f.write_str(&ring.join("` for `"))?;
                write!(f, "` for `{task}`); read from a task upstream of them")
            }
            Self::OwnOutput { task, .. } => write!(
                f,
                "a task's function reads from task `{task}`, which waits for that very function; read from a task \
                 upstream of it"
            ),
            Self::BranchFull { task, branch, capacity, .. } => write!(
                f,
                "branch `{branch}` of task `{task}` is full with the `{capacity}` items of its capacity, and nobody else reads \
                 from it; read from that branch, drop its reader, or raise the capacity"
            ),
            Self::WouldWaitForever { task } => write!(
                f,
                "task `{task}` reads from a serial channel that is open and empty, so a serial pool would wait for ever; \
                 write to the channel or close it first"
            ),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Task(error) => error.source(),
            _ => None,
        }
    }
}

impl From<TaskError> for ReadError {
    fn from(error: TaskError) -> Self {
        Self::Task(error)
    }
}

impl ReadError {
    /// The task's error, where a task is what failed.
    #[must_use]
    pub fn as_task_error(&self) -> Option<&TaskError> {
        match self {
            Self::Task(error) => Some(error),
            _ => None,
        }
    }

    /// How many items there were for the read that gave this error, and still are: fewer than it asked for.
    pub(crate) fn ready(&self) -> usize {
        match self {
            Self::Task(error) => error.unread(),
            Self::TimedOut { ready, .. } | Self::BranchFull { ready, .. } => *ready,
            _ => 0,
        }
    }

    /// Whether the time was up.
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
    }
}
