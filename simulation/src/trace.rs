//! What happened in a run, step by step, as a table.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::Duration;

use millpond_sync::host::{Place, Site};

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
        matches!(self, Self::At(site) if site.is_waiting())
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

/// One step. There are hundreds in a short run, so a row holds numbers in place of names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    step: u64,
    nanos: u64,
    /// The thread's number.
    who: u32,
    /// The task's number in the table of their names; [`NOWHERE`] for none.
    task: u32,
    /// The chunk's number; [`NO_CHUNK`] for none.
    chunk: u64,
    event: Event,
}

/// What stands in a row for no task.
const NOWHERE: u32 = u32::MAX;

/// What stands in a row for no chunk.
const NO_CHUNK: u64 = u64::MAX;

/// The last rows of a run.
pub(super) struct Ring {
    rows: VecDeque<Row>,
    most: usize,
    left_out: u64,
    threads: Vec<Who>,
    tasks: Names,
}

/// The names that rows have numbers for. A name is known by where it lies, which is its alone while it is kept here.
#[derive(Default)]
struct Names {
    names: Vec<Arc<str>>,
    numbers: HashMap<usize, u32, BuildHasherDefault<Address>>,
}

impl Names {
    fn number(&mut self, name: &Arc<str>) -> u32 {
        let Self { names, numbers } = self;
        *numbers.entry(Arc::as_ptr(name).addr()).or_insert_with(|| {
            names.push(Arc::clone(name));
            u32::try_from(names.len() - 1).unwrap_or(NOWHERE)
        })
    }
}

/// The hash of an address: its bits, with those that differ moved to where the table looks.
#[derive(Default)]
struct Address(u64);

impl Hasher for Address {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("addresses only")
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Ring {
    /// For at most so many rows, with one thread to begin with.
    pub(super) fn new(most: usize, first: Who) -> Self {
        Self {
            rows: VecDeque::with_capacity(most.min(512)),
            most,
            left_out: 0,
            threads: vec![first],
            tasks: Names::default(),
        }
    }

    /// A further thread; gives its number.
    pub(super) fn add_thread(&mut self, who: Who) -> u32 {
        self.threads.push(who);
        u32::try_from(self.threads.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn thread(&self, number: u32) -> &Who {
        &self.threads[number as usize]
    }

    /// At this step and this time of the clock, a thread does something, somewhere or beside all tasks.
    pub(super) fn push(&mut self, step: u64, nanos: u64, who: u32, place: Option<Place<'_>>, event: Event) {
        if self.rows.len() >= self.most {
            self.left_out += 1;
            if self.rows.pop_front().is_none() {
                return;
            }
        }
        let (task, chunk) =
            place.map_or((NOWHERE, NO_CHUNK), |place| (self.tasks.number(place.name), place.part.unwrap_or(NO_CHUNK)));
        self.rows.push_back(Row { step, nanos, who, task, chunk, event });
    }

    pub(super) fn to_trace(&self) -> Trace {
        self.trace(self.rows.iter().cloned().collect(), self.threads.clone(), self.tasks.names.clone())
    }

    /// The rows, which are here no more.
    pub(super) fn take(&mut self) -> Trace {
        let rows = std::mem::take(&mut self.rows).into();
        let (threads, tasks) = (std::mem::take(&mut self.threads), std::mem::take(&mut self.tasks.names));
        self.tasks.numbers.clear();
        self.trace(rows, threads, tasks)
    }

    fn trace(&self, rows: Vec<Row>, threads: Vec<Who>, tasks: Vec<Arc<str>>) -> Trace {
        Trace { kept: Arc::new(Kept { rows, threads, tasks }), skipped: 0, left_out: self.left_out }
    }
}

/// What happened in a run, the last rows of it; displayed as a table of step, time, worker, task, chunk and event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    kept: Arc<Kept>,
    /// How many of the rows come before this part.
    skipped: usize,
    /// How many came before those that are kept.
    left_out: u64,
}

/// The rows of a trace, and the names of what they have numbers for.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    rows: Vec<Row>,
    threads: Vec<Who>,
    tasks: Vec<Arc<str>>,
}

impl Trace {
    fn rows(&self) -> &[Row] {
        &self.kept.rows[self.skipped..]
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows().is_empty()
    }

    /// The last `count` rows.
    #[must_use]
    pub fn last(&self, count: usize) -> Self {
        let skipped = self.kept.rows.len() - count.min(self.len());
        Self { kept: Arc::clone(&self.kept), skipped, left_out: self.left_out }
    }
}

/// Writes a cell of a row, and the space to the next one.
fn cell(f: &mut fmt::Formatter<'_>, text: &str, width: usize) -> fmt::Result {
    write!(f, "{text:<width$}  ")
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kept { threads, tasks, .. } = &*self.kept;
        let cells = self.rows().iter().map(|row| {
            let Row { step, nanos, who, task, chunk, event } = row;
            let task = tasks.get(*task as usize).map_or("", |name| name);
            let chunk = if *chunk == NO_CHUNK { String::new() } else { chunk.to_string() };
            let time = format!("{:.1?}", Duration::from_nanos(*nanos));
            [step.to_string(), time, threads[*who as usize].to_string(), task.to_owned(), chunk, event.to_string()]
        });
        let heading = ["step", "time", "worker", "task", "chunk", "event"].map(str::to_owned);
        let rows: Vec<[String; 6]> = std::iter::once(heading).chain(cells).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..5).map(width).collect();
        for (number, row) in rows.iter().enumerate() {
            row[..5].iter().zip(&widths).try_for_each(|(text, width)| cell(f, text, *width))?;
            writeln!(f, "{}", row[5])?;
            let before = self.left_out + self.skipped as u64;
            if number == 0 && before > 0 {
                writeln!(f, "({before} steps before)")?;
            }
        }
        Ok(())
    }
}
