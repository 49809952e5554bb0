//! What a simulation makes go wrong.
//!
//! There are faults that a graph must get over without its reader noticing anything (slow tasks, another size, waits that are cut
//! short, tasks that come and go) and faults that end something (functions that fail or panic, tasks that are removed). Each is drawn
//! from the seed where it could happen, and written down, so that it happens there again when the run is replayed, or not when it
//! is left out in shrinking. When that is, the [injector](super::injector) says.

use std::fmt;
use std::sync::Arc;

/// What is to go wrong in a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    pub(super) fails: u32,
    pub(super) panics: u32,
    pub(super) slows: u32,
    pub(super) cancels: u32,
    pub(super) resizes: u32,
    pub(super) visits: u32,
    pub(super) removals: u32,
    pub(super) chosen: Vec<(Arc<str>, u64, bool)>,
}

impl Faults {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { fails: 0, panics: 0, slows: 0, cancels: 0, resizes: 0, visits: 0, removals: 0, chosen: Vec::new() }
    }

    /// All that a reader must not notice: slow tasks, changes of the size, tasks that come and go.
    #[must_use]
    pub fn harmless() -> Self {
        Self::none().slow(30).resize(2).visit(2)
    }

    /// Of the chunks that tasks are given, one in so many fails with an error at a drawn item; 0 for none.
    #[must_use]
    pub fn fail(self, one_in: u32) -> Self {
        Self { fails: one_in, ..self }
    }

    /// Of the chunks that tasks are given, one in so many panics at a drawn item; 0 for none.
    #[must_use]
    pub fn panic(self, one_in: u32) -> Self {
        Self { panics: one_in, ..self }
    }

    /// The task of this name fails with an error at the call of this number, counted from 0 in the order of the calls.
    #[must_use]
    pub fn fail_at(mut self, task: impl Into<Arc<str>>, call: u64) -> Self {
        self.chosen.push((task.into(), call, false));
        self
    }

    /// The task of this name panics at the call of this number, counted from 0 in the order of the calls.
    #[must_use]
    pub fn panic_at(mut self, task: impl Into<Arc<str>>, call: u64) -> Self {
        self.chosen.push((task.into(), call, true));
        self
    }

    /// Of the chunks that tasks are given, one in so many takes up to a quarter of a second more, by the simulation's clock; 0 for none.
    #[must_use]
    pub fn slow(self, one_in: u32) -> Self {
        Self { slows: one_in, ..self }
    }

    /// Of the waits that have a time-out, one in so many times out at once; 0 for none.
    #[must_use]
    pub fn cancel(self, one_in: u32) -> Self {
        Self { cancels: one_in, ..self }
    }

    /// The pool is given another size this often, 0 included.
    #[must_use]
    pub fn resize(self, times: u32) -> Self {
        Self { resizes: times, ..self }
    }

    /// This often two tasks are added, read from, and dropped before their end.
    #[must_use]
    pub fn visit(self, times: u32) -> Self {
        Self { visits: times, ..self }
    }

    /// This often a drawn task is removed.
    #[must_use]
    pub fn remove(self, times: u32) -> Self {
        Self { removals: times, ..self }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::none()
    }
}

/// A fault and what was drawn for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Planned {
    /// The function fails at this item of its chunk.
    Fail(usize),
    /// It panics.
    Panic(usize),
    /// It takes this many nanoseconds more.
    Slow(u64),
    /// A wait times out.
    Cancel,
    /// The pool gets this size.
    Resize(usize),
    /// Tasks come, are read from for so many items, and go.
    Visit(usize),
    /// The task of this number, of as many as there are, is removed.
    Remove(usize),
}

/// What goes wrong beside the functions of tasks, for whoever runs the tasks to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mischief {
    /// The pool gets this size.
    Resize(usize),
    /// Tasks come, are read from for so many items, and go.
    Visit(usize),
    /// The task of this number, of as many as there are, is removed.
    Remove(usize),
}

/// Where faults of a kind are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Call,
    Wait,
    Step,
}

impl Planned {
    pub(super) fn class(self) -> Class {
        match self {
            Self::Fail(_) | Self::Panic(_) | Self::Slow(_) => Class::Call,
            Self::Cancel => Class::Wait,
            Self::Resize(_) | Self::Visit(_) | Self::Remove(_) => Class::Step,
        }
    }

    /// As what somebody else has to do, if it is that.
    pub(super) fn mischief(self) -> Option<Mischief> {
        match self {
            Self::Resize(size) => Some(Mischief::Resize(size)),
            Self::Visit(items) => Some(Mischief::Visit(items)),
            Self::Remove(which) => Some(Mischief::Remove(which)),
            Self::Fail(_) | Self::Panic(_) | Self::Slow(_) | Self::Cancel => None,
        }
    }

    /// From its word in a schedule and its number.
    pub(super) fn parse(word: &str, number: Option<u64>) -> Option<Self> {
        let items = number.and_then(|number| usize::try_from(number).ok());
        Some(match word {
            "fail" => Self::Fail(items?),
            "panic" => Self::Panic(items?),
            "slow" => Self::Slow(number?),
            "cancel" => Self::Cancel,
            "resize" => Self::Resize(items?),
            "visit" => Self::Visit(items?),
            "remove" => Self::Remove(items?),
            _ => return None,
        })
    }

    /// Its word in a schedule and its number.
    pub(super) fn word(self) -> (&'static str, Option<u64>) {
        match self {
            Self::Fail(at) => ("fail", Some(at as u64)),
            Self::Panic(at) => ("panic", Some(at as u64)),
            Self::Slow(nanos) => ("slow", Some(nanos)),
            Self::Cancel => ("cancel", None),
            Self::Resize(size) => ("resize", Some(size as u64)),
            Self::Visit(items) => ("visit", Some(items as u64)),
            Self::Remove(which) => ("remove", Some(which as u64)),
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(at) => write!(f, "fails at item {at} of the chunk"),
            Self::Panic(at) => write!(f, "panics at item {at} of the chunk"),
            Self::Slow(nanos) => write!(f, "takes {:?}", std::time::Duration::from_nanos(*nanos)),
            Self::Cancel => f.write_str("a wait times out"),
            Self::Resize(size) => write!(f, "the pool gets size {size}"),
            Self::Visit(items) => write!(f, "tasks come, are read for {items} items, and go"),
            Self::Remove(which) => write!(f, "task {which} is removed"),
        }
    }
}

/// A fault that happened, or shall, and when: at which call, wait or step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Injected {
    pub(super) at: u64,
    pub(super) what: Planned,
}
