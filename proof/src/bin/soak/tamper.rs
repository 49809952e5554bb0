//! Faults of the checker's own, to show that it finds them: `--break`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is to be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// An item is dropped between reader and check.
    Lose,
    /// An item comes twice.
    Double,
    /// A case does not end.
    Hang,
    /// Each case leaves memory behind.
    Leak,
    /// Next to nothing is done.
    Idle,
}

impl Break {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "lose" => Self::Lose,
            "double" => Self::Double,
            "hang" => Self::Hang,
            "leak" => Self::Leak,
            "idle" => Self::Idle,
            _ => return None,
        })
    }
}

pub(crate) static BREAK: OnceLock<Break> = OnceLock::new();

/// Breaks what was read, once.
pub(crate) fn tamper(items: &mut Vec<u64>) {
    static IS_DONE: AtomicBool = AtomicBool::new(false);
    let Some(broken) = BREAK.get() else { return };
    if items.len() < 3 || !matches!(broken, Break::Lose | Break::Double) || IS_DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    if *broken == Break::Lose {
        items.remove(1);
    } else {
        items.insert(1, items[1]);
    }
}
