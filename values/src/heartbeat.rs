//! When it is worth to call for help: measured where it can be, and not guessed.
//!
//! A caller alone reads the clock after a window of tasks: 1, 2, 4, …, 64 of them, or as many as
//! take a few microseconds, so that the clock costs less than a nanosecond per quick task. One slow
//! window may be a cache miss or a page fault; two in a row, or a very slow one, are the tasks.
//!
//! What a task costs that has never run cannot be measured before it is over. So the first time the
//! caller calls at the first surplus, and who comes [watches](super::session) before it touches
//! anything. After that the graph's pace is known.

use std::time::Instant;

use millpond_sync::host;

const LARGEST_WINDOW: u32 = 64;
/// The window of a caller who expects quick tasks.
const QUICK_WINDOW: u32 = 16;
/// A window takes about this long at the most.
const WINDOW_NANOSECONDS: u64 = 4_000;
/// A window in which a task took this long on average is worth sharing at once.
pub(super) const SLOW_NANOSECONDS: u64 = 300;
/// Two windows in a row in which a task took this long are, too.
const SLOWISH_NANOSECONDS: u64 = 60;

/// What is known of a plan's tasks before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Some have never run.
    Unknown,
    /// On average a task took so many nanoseconds.
    Nanoseconds(u64),
}

/// Measures how long tasks take, by the window.
#[derive(Debug)]
pub(super) struct Heartbeat {
    /// When the first and the present window began; none when nobody wants to know.
    times: Option<(Instant, Instant)>,
    /// Whether to call at the first surplus, whatever the clock says.
    is_eager: bool,
    window: u32,
    left: u32,
    /// Tasks of earlier windows.
    earlier: u64,
    was_slowish: bool,
}

impl Heartbeat {
    /// One that only counts.
    pub(super) fn never() -> Self {
        Self::with_window(None, false, u32::MAX)
    }

    /// One that calls at the first surplus.
    pub(super) fn eager() -> Self {
        let now = host::now();
        Self::with_window(Some((now, now)), true, 1)
    }

    /// One that measures.
    pub(super) fn measuring(nanoseconds: u64) -> Self {
        let now = host::now();
        Self::with_window(Some((now, now)), false, if nanoseconds < SLOWISH_NANOSECONDS { QUICK_WINDOW } else { 1 })
    }

    fn with_window(times: Option<(Instant, Instant)>, is_eager: bool, window: u32) -> Self {
        Self { times, is_eager, window, left: window, earlier: 0, was_slowish: false }
    }

    /// Counts one task; true when the window is over and [`tick`](Self::tick) is due.
    #[inline]
    pub(super) fn count(&mut self) -> bool {
        self.left -= 1;
        self.left == 0
    }

    /// Ends a window: what a task costs, in nanoseconds, if it calls for help.
    pub(super) fn tick(&mut self) -> Option<u64> {
        self.earlier += u64::from(self.window);
        self.left = self.window;
        if self.is_eager {
            return Some(u64::MAX);
        }
        let (_, since) = self.times.as_mut()?;
        let now = host::now();
        let nanoseconds = u64::try_from(now.duration_since(*since).as_nanos()).unwrap_or(u64::MAX);
        *since = now;
        let mean = nanoseconds / u64::from(self.window);
        let fitting = u32::try_from(WINDOW_NANOSECONDS / mean.max(1)).unwrap_or(LARGEST_WINDOW);
        self.window = fitting.clamp(1, LARGEST_WINDOW.min(self.window * 2));
        self.left = self.window;
        let is_slowish = mean >= SLOWISH_NANOSECONDS;
        let is_slow = mean >= SLOW_NANOSECONDS || (is_slowish && self.was_slowish);
        self.was_slowish = is_slowish;
        is_slow.then_some(mean)
    }

    /// How many tasks were counted.
    pub(super) fn counted(&self) -> u64 {
        self.earlier + u64::from(self.window - self.left)
    }

    /// What a task took, if enough of them were measured.
    pub(super) fn pace(&self) -> Option<u64> {
        let (begun, since) = self.times?;
        let (since, tasks) = if self.is_eager { (host::now(), self.counted()) } else { (since, self.earlier) };
        let nanoseconds = u64::try_from(since.duration_since(begun).as_nanos()).unwrap_or(u64::MAX);
        nanoseconds.checked_div(tasks)
    }
}
