//! Faults of the checker's own, to show that it finds them: `--break`.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};
use std::thread;
use std::time::Duration;

use crate::heap;

/// What is to be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// An item is dropped between reader and check.
    Lose,
    /// An item comes twice.
    Double,
    /// A case does not end.
    Hang,
    /// Each case leaves a small box behind.
    Leak,
    /// Each case leaves a block of the C library's behind.
    LeakInC,
    /// Each case leaves pages of the system's behind.
    LeakPages,
    /// A case leaves a thread behind.
    Thread,
    /// Next to nothing is done.
    Idle,
}

impl Break {
    pub(crate) const NAMES: &str = "lose, double, hang, idle, leak, leak-in-c, leak-pages or thread";

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "lose" => Self::Lose,
            "double" => Self::Double,
            "hang" => Self::Hang,
            "leak" => Self::Leak,
            "leak-in-c" => Self::LeakInC,
            "leak-pages" => Self::LeakPages,
            "thread" => Self::Thread,
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

/// Breaks what comes after a case.
pub(crate) fn after_a_case() {
    match BREAK.get() {
        Some(Break::Hang) => thread::sleep(Duration::from_secs(3_600)),
        Some(Break::Idle) => thread::sleep(Duration::from_millis(500)),
        Some(Break::Leak) => std::mem::forget(black_box(Box::new(1_u64))),
        Some(Break::LeakInC) => heap::leak_in_c(2_000),
        Some(Break::LeakPages) => heap::leak_pages(),
        Some(Break::Thread) => {
            static IS_THERE: Once = Once::new();
            IS_THERE.call_once(|| drop(thread::spawn(|| thread::sleep(Duration::from_secs(3_600)))));
        }
        _ => {}
    }
}
