//! The progress line.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use millpond::values::{Progress, Step};

/// A line on the terminal that says what is running, or nothing where there is no terminal.
pub struct Line {
    /// When it was last written.
    written: Mutex<Option<Instant>>,
    is_shown: bool,
}

impl Line {
    pub fn new(is_quiet: bool) -> Self {
        Self { written: Mutex::new(None), is_shown: !is_quiet && std::io::stderr().is_terminal() }
    }

    /// Shows how far the build is, at most thirty times a second.
    pub fn show(&self, progress: &Progress<'_>) {
        if !self.is_shown || progress.step != Step::Started {
            return;
        }
        let Ok(mut written) = self.written.lock() else { return };
        if written.is_none_or(|written| written.elapsed() > Duration::from_millis(33)) {
            *written = Some(Instant::now());
            let Progress { total, done, running, failed, .. } = *progress;
            let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
            // The end of the line is cleared, since the last one may have been longer.
            let _ = write!(std::io::stderr(), "\r[{done}/{total}] {running} running{failed}: {}\x1b[K", progress.name);
        }
    }

    /// Clears the line.
    pub fn finish(&self) {
        if self.is_shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
