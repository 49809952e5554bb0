//! Where a thread is when it comes by a step.

use std::fmt;
use std::sync::Arc;

/// What a thread is about to do, or has just done, at a step: in words, for a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    name: &'static str,
    number: Option<usize>,
    is_waiting: bool,
}

impl Site {
    /// A step of this name. It continues a sentence about the thread: "lists a job".
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, number: None, is_waiting: false }
    }

    /// The same with a number, which stands behind the name: "made 3".
    #[must_use]
    pub const fn with(self, number: usize) -> Self {
        Self { number: Some(number), ..self }
    }

    /// The same of a thread that looks again and again at something that another one changes.
    #[must_use]
    pub const fn waiting(self) -> Self {
        Self { is_waiting: true, ..self }
    }

    /// Whether the thread looks again and again at something that another one changes.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        self.is_waiting
    }
}

impl fmt::Display for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)?;
        self.number.map_or(Ok(()), |number| write!(formatter, " {number}"))
    }
}

/// What a step is at: a task, say, and one of its chunks.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its name.
    pub name: &'a Arc<str>,
    /// The number of the part of it, where there is one.
    pub part: Option<u64>,
}
