//! A line on the terminal that says how far a long job is.
//!
//! With a known total a bar, the rate and the time that is left; without one a counter and the
//! rate. The line is rewritten at most ten times a second, whoever calls how often. Where the
//! output is no terminal (a file, a pipe), nothing is rewritten: one plain line every few seconds
//! and one at the end.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// The bar is so many characters wide.
const BAR: usize = 24;
/// Before so much time nothing can be said of what is left.
const WARM_UP: Duration = Duration::from_millis(500);

/// A line on the terminal that says how far a long job is. See the [module documentation](self).
#[derive(Debug)]
pub struct Progress<W: Write> {
    output: W,
    /// What is counted, in the plural: `files`.
    unit: &'static str,
    /// How many there will be, when that is known.
    total: Option<u64>,
    done: u64,
    began: Instant,
    /// When the line was last written.
    written: Option<Instant>,
    /// Whether the line can be written over.
    is_terminal: bool,
    /// How many characters the line on the terminal has.
    width: usize,
}

impl Progress<io::Stderr> {
    /// A line on the standard error output for a job over `unit`, of which there are `total` if
    /// that is known.
    #[must_use]
    pub fn on_stderr(unit: &'static str, total: Option<u64>) -> Self {
        let stderr = io::stderr();
        let is_terminal = stderr.is_terminal();
        Self::new(stderr, is_terminal, unit, total)
    }
}

#[cfg(test)]
impl Progress<io::Sink> {
    /// A line that nobody sees.
    pub fn hidden() -> Self {
        Self::new(io::sink(), false, "files", None)
    }
}

impl<W: Write> Progress<W> {
    fn new(output: W, is_terminal: bool, unit: &'static str, total: Option<u64>) -> Self {
        Self { output, unit, total, done: 0, began: Instant::now(), written: None, is_terminal, width: 0 }
    }

    /// Counts `count` more as done, and says so if the line is due.
    pub fn advance(&mut self, count: u64) {
        self.advance_at(count, Instant::now());
    }

    /// Says how it ended, on a line that stays.
    pub fn finish(mut self) {
        self.finish_at(Instant::now());
    }

    fn advance_at(&mut self, count: u64, now: Instant) {
        self.done += count;
        let every = if self.is_terminal { Duration::from_millis(100) } else { Duration::from_secs(5) };
        if now.duration_since(self.written.unwrap_or(self.began)) >= every {
            self.written = Some(now);
            let line = line(self.unit, self.done, self.total, now.duration_since(self.began));
            self.write(&line);
        }
    }

    fn finish_at(&mut self, now: Instant) {
        let elapsed = now.duration_since(self.began);
        let seconds = elapsed.as_secs_f64();
        self.write(&format!("{} {} in {seconds:.1} s{}", grouped(self.done), self.unit, rate(self.done, elapsed)));
        if self.is_terminal {
            self.end_line();
        }
    }

    /// Writes the line over the one before, or below it where that cannot be done. A terminal that
    /// went away is no reason to stop the job, so errors are not looked at.
    fn write(&mut self, line: &str) {
        let width = line.chars().count();
        let _ = if self.is_terminal {
            let blanks = self.width.saturating_sub(width);
            write!(self.output, "\r{line}{:blanks$}", "").and_then(|()| self.output.flush())
        } else {
            writeln!(self.output, "{line}")
        };
        self.width = width;
    }

    fn end_line(&mut self) {
        let _ = writeln!(self.output);
    }
}

/// What the line says.
fn line(unit: &str, done: u64, total: Option<u64>, elapsed: Duration) -> String {
    let rate = rate(done, elapsed);
    let Some(total) = total.filter(|&total| total > 0) else {
        return format!("{} {unit}{rate}", grouped(done));
    };
    let fraction = (done as f64 / total as f64).min(1.0);
    let full = (fraction * BAR as f64) as usize;
    let bar: String = (0..BAR).map(|at| if at < full { '█' } else { '░' }).collect();
    let left = if done > 0 && elapsed >= WARM_UP {
        format!(", {} left", seconds(elapsed.as_secs_f64() * (1.0 - fraction) / fraction))
    } else {
        String::new()
    };
    format!("{bar} {:3.0} %  {} of {} {unit}{rate}{left}", fraction * 100.0, grouped(done), grouped(total))
}

/// How many per second, when it is long enough to tell.
fn rate(done: u64, elapsed: Duration) -> String {
    if elapsed < WARM_UP {
        String::new()
    } else {
        format!(", {}/s", grouped((done as f64 / elapsed.as_secs_f64()) as u64))
    }
}

/// A time to wait, without a precision that it has not: `7 s`, `2 min 5 s`.
fn seconds(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) }
}

/// A number with its thousands apart: `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let numbers = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn a_line_with_a_total_has_a_bar_a_rate_and_the_time_left() {
        assert_eq!(
            line("files", 500, Some(2_000), after(2_000)),
            "██████░░░░░░░░░░░░░░░░░░  25 %  500 of 2,000 files, 250/s, 6 s left"
        );
        assert_eq!(
            line("files", 1, Some(100), after(2_000)),
            "░░░░░░░░░░░░░░░░░░░░░░░░   1 %  1 of 100 files, 0/s, 3 min 18 s left"
        );
        assert_eq!(line("files", 0, Some(4), after(0)), "░░░░░░░░░░░░░░░░░░░░░░░░   0 %  0 of 4 files");
    }

    #[test]
    fn a_line_without_a_total_has_a_counter() {
        assert_eq!(line("files", 3_000, None, after(1_500)), "3,000 files, 2,000/s");
        assert_eq!(line("files", 0, Some(0), after(0)), "0 files");
    }

    #[test]
    fn more_than_the_total_is_all_of_it() {
        assert!(line("files", 5, Some(4), after(1_000)).contains(" 100 %  5 of 4 files"));
    }

    #[test]
    fn a_terminal_gets_one_line_written_over_at_most_ten_times_a_second() {
        let mut progress = Progress::new(Vec::new(), true, "files", None);
        let began = progress.began;
        for millisecond in 1..=250 {
            progress.advance_at(10, began + after(millisecond));
        }
        progress.finish_at(began + after(250));
        let text = String::from_utf8(progress.output).expect("text");
        assert_eq!(text, "\r1,000 files\r2,000 files\r2,500 files in 0.2 s\n");
    }

    #[test]
    fn a_shorter_line_blots_out_the_longer_one_before() {
        let mut progress = Progress::new(Vec::new(), true, "files", None);
        progress.write("a long line");
        progress.write("short");
        assert_eq!(String::from_utf8(progress.output).expect("text"), "\ra long line\rshort      ");
    }

    #[test]
    fn a_file_gets_whole_lines_and_few() {
        let mut progress = Progress::new(Vec::new(), false, "files", Some(12_000));
        let began = progress.began;
        for second in 1..=12 {
            progress.advance_at(1_000, began + after(second * 1_000));
        }
        progress.finish_at(began + after(12_000));
        let text = String::from_utf8(progress.output).expect("text");
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "██████████░░░░░░░░░░░░░░  42 %  5,000 of 12,000 files, 1,000/s, 7 s left",
                "████████████████████░░░░  83 %  10,000 of 12,000 files, 1,000/s, 2 s left",
                "12,000 files in 12.0 s, 1,000/s",
            ]
        );
    }
}
