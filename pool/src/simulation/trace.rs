//! What happened in a run, step by step, as a table.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::host::Site;

/// A thread of a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// The one that the simulation began in.
    Caller,
    /// A thread that a pool asked for.
    Helper(u32),
    /// A thread of the user's, by its number or name.
    Thread(u32),
    Named(Arc<str>),
    /// Who resizes, removes and visits.
    Mischief,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.pad("caller"),
            Self::Helper(number) => f.pad(&format!("helper {number}")),
            Self::Thread(number) => f.pad(&format!("thread {number}")),
            Self::Named(name) => f.pad(name),
            Self::Mischief => f.pad("faults"),
        }
    }
}

/// Where in a graph something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) task: Arc<str>,
    pub(crate) chunk: Option<u64>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// The engine came by one of its steps.
    At(Site),
    /// The thread waits to be woken.
    Parked,
    /// The thread's job is done.
    Ended,
    /// Something was made to go wrong.
    Fault(Box<str>),
    /// What the user noted.
    Note(Box<str>),
}

impl Event {
    /// Whether the thread looks again and again at something that another one changes.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self, Self::At(Site::Looks | Site::Yields))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(site) => site.fmt(f),
            Self::Parked => f.write_str("sleeps"),
            Self::Ended => f.write_str("ends"),
            Self::Fault(what) => write!(f, "FAULT: {what}"),
            Self::Note(what) => write!(f, "note: {what}"),
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) step: u64,
    pub(super) nanos: u64,
    /// The thread's number.
    pub(super) who: u32,
    pub(super) place: Option<Place>,
    pub(super) event: Event,
}

/// The last rows of a run.
pub(super) struct Ring {
    rows: VecDeque<Row>,
    most: usize,
    left_out: u64,
    threads: Vec<Who>,
}

impl Ring {
    /// For at most so many rows, with one thread to begin with.
    pub(super) fn new(most: usize, first: Who) -> Self {
        Self { rows: VecDeque::new(), most, left_out: 0, threads: vec![first] }
    }

    /// A further thread; gives its number.
    pub(super) fn add_thread(&mut self, who: Who) -> u32 {
        self.threads.push(who);
        u32::try_from(self.threads.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn thread(&self, number: u32) -> &Who {
        &self.threads[number as usize]
    }

    pub(super) fn push(&mut self, row: Row) {
        if self.rows.len() >= self.most {
            self.left_out += 1;
            if self.rows.pop_front().is_none() {
                return;
            }
        }
        self.rows.push_back(row);
    }

    pub(super) fn to_trace(&self) -> Trace {
        Trace { rows: self.rows.iter().cloned().collect(), left_out: self.left_out, threads: self.threads.clone() }
    }

    /// The rows, which are here no more.
    pub(super) fn take(&mut self) -> Trace {
        let rows = std::mem::take(&mut self.rows).into();
        Trace { rows, left_out: self.left_out, threads: std::mem::take(&mut self.threads) }
    }
}

/// What happened in a run, the last rows of it; displayed as a table of step, time, worker, task, chunk and event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    rows: Vec<Row>,
    left_out: u64,
    threads: Vec<Who>,
}

impl Trace {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The last `count` rows.
    #[must_use]
    pub fn last(&self, count: usize) -> Self {
        let skipped = self.rows.len().saturating_sub(count);
        Self {
            rows: self.rows[skipped..].to_vec(),
            left_out: self.left_out + skipped as u64,
            threads: self.threads.clone(),
        }
    }
}

/// Writes a cell of a row, and the space to the next one.
fn cell(f: &mut fmt::Formatter<'_>, text: &str, width: usize) -> fmt::Result {
    write!(f, "{text:<width$}  ")
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self.rows.iter().map(|row| {
            let Row { step, nanos, who, place, event } = row;
            let task = place.as_ref().map_or_else(String::new, |place| place.task.to_string());
            let chunk =
                place.as_ref().and_then(|place| place.chunk).map_or_else(String::new, |chunk| chunk.to_string());
            let time = format!("{:.1?}", Duration::from_nanos(*nanos));
            [step.to_string(), time, self.threads[*who as usize].to_string(), task, chunk, event.to_string()]
        });
        let heading = ["step", "time", "worker", "task", "chunk", "event"].map(str::to_owned);
        let rows: Vec<[String; 6]> = std::iter::once(heading).chain(cells).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..5).map(width).collect();
        for (number, row) in rows.iter().enumerate() {
            row[..5].iter().zip(&widths).try_for_each(|(text, width)| cell(f, text, *width))?;
            writeln!(f, "{}", row[5])?;
            if number == 0 && self.left_out > 0 {
                writeln!(f, "({} steps before)", self.left_out)?;
            }
        }
        Ok(())
    }
}
