//! How much memory and how many threads the process has, over time.

use std::fs;

/// The memory that may be more in the last quarter of a run than in the first: a tenth, or this many bytes for small ones.
const SLACK_BYTES: u64 = 16 << 20;

/// A reading, in bytes and threads.
fn read() -> Option<(u64, u64)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let number = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    Some((number("VmRSS")? * 1024, number("Threads")?))
}

/// The peaks of the four quarters of a run.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    pub(crate) bytes: [u64; 4],
    pub(crate) threads: [u64; 4],
    /// The last reading.
    pub(crate) now: (u64, u64),
}

impl Vitals {
    /// Notes how things are, in this part of the run (0 to 1).
    pub(crate) fn note(&mut self, part: f64) {
        let Some((bytes, threads)) = read() else { return };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3")]
        let quarter = (part * 4.0).clamp(0.0, 3.0) as usize;
        self.now = (bytes, threads);
        self.bytes[quarter] = self.bytes[quarter].max(bytes);
        self.threads[quarter] = self.threads[quarter].max(threads);
    }

    /// Whether memory grew: the last quarter's peak is above the first one's by more than a tenth and 16 MiB.
    pub(crate) fn growth(&self) -> Option<String> {
        let [first, .., last] = self.bytes;
        let most = first + (first / 10).max(SLACK_BYTES);
        (last > most).then(|| format!("memory grew from {} to {} MiB", first >> 20, last >> 20))
    }

    /// Whether threads are left over: waits for those that are about to end.
    pub(crate) fn leftover_threads(expected: u64) -> Option<String> {
        for _ in 0..200 {
            if read().is_none_or(|(_, threads)| threads <= expected) {
                return None;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        read().map(|(_, threads)| format!("{threads} threads are left at the end, and {expected} are in use"))
    }
}
