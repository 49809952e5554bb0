//! How much memory and how many threads the process has: at work, and at rest.
//!
//! At **work** both are what the cases of the moment need: the peaks are told, and say nothing of leaks, since they are those of whichever
//! cases met. Twelve times in a run all who run cases come to an end, and the process is at **rest**: the main thread alone is there, once
//! the workers of pools that are gone have ended (libdispatch's do after five seconds), and what crossbeam's collector still held is freed. No thread
//! may be left then, and nothing be there that was not there at earlier rests. Compared are floors, the least of the last quarter's rests
//! with the least of the first's, in
//!
//! * blocks on the heap, where a leak of one box in each case, or in one of a thousand, is seen;
//! * bytes on the heap, and bytes that the C library has given out, which are libdispatch's too;
//! * bytes in memory, and mappings: stacks that are left, and whatever else the system gave past both of these.
//!
//! Does not know what runs.

use std::fmt;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::heap::{self, Census};

/// How many more blocks there may be: a table that grows with the largest number of threads so far, a bag of crossbeam's.
const MOST_BLOCKS: u64 = 16;
/// How many more bytes: these; and a few hundred free blocks, of 1 KiB at the most, that the C library keeps at hand for the main thread.
const MOST_BYTES: u64 = 512 << 10;
/// How many more bytes in memory: pages in which one of these is.
const MOST_RESIDENT: u64 = 4 << 20;
/// How many more mappings: stacks of threads that have ended, which the C library keeps for others.
const MOST_MAPPINGS: u64 = 64;

/// Memory in bytes and number of threads, where the system tells.
fn read() -> Option<(u64, u64)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let number = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    Some((number("VmRSS")? * 1024, number("Threads")?))
}

/// The names of all threads.
fn names() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.map(|name| name.trim().to_owned()).collect()
}

/// What is there while nothing runs.
#[derive(Debug, Clone, Copy, Default)]
struct Rest {
    blocks: u64,
    bytes: u64,
    bytes_of_c: u64,
    resident: u64,
    mappings: u64,
    /// Threads that had not ended yet when the last case had.
    lingering: u64,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Vitals {
    /// The peaks of the quarters of a run, at work.
    resident: [u64; 4],
    bytes: [u64; 4],
    threads: [u64; 4],
    /// The last reading at work: bytes in memory, and threads.
    pub(crate) now: (u64, u64),
    /// How many rests there are in a run, and those that there were.
    most_rests: usize,
    rests: Vec<Rest>,
    /// The rest with the fewest blocks of the first quarter, and the last rest.
    before: Census,
    latest: Census,
    /// Threads that did not end.
    left: Option<String>,
}

impl Vitals {
    /// For a run with so many rests.
    pub(crate) fn new(rests: usize) -> Self {
        Self {
            resident: [0; 4],
            bytes: [0; 4],
            threads: [0; 4],
            now: (0, 0),
            most_rests: rests,
            rests: Vec::with_capacity(rests),
            before: Census::empty(),
            latest: Census::empty(),
            left: None,
        }
    }

    /// Notes how things are at work.
    pub(crate) fn note(&mut self) {
        let Some((resident, threads)) = read() else { return };
        self.latest.take();
        let quarter = (self.rests.len() * 4 / self.most_rests).min(3);
        self.now = (resident, threads);
        for (peak, value) in [
            (&mut self.resident[quarter], resident),
            (&mut self.bytes[quarter], self.latest.bytes().unsigned_abs()),
            (&mut self.threads[quarter], threads),
        ] {
            *peak = value.max(*peak);
        }
    }

    /// Notes what is there when nothing runs, called by the only thread of the program's own. Waits for those of pools to end; says
    /// whether they did.
    pub(crate) fn rest(&mut self, patience: Duration) -> bool {
        let begun = Instant::now();
        let Some((_, lingering)) = read() else { return true };
        while read().is_some_and(|(_, threads)| threads > 1) {
            if begun.elapsed() > patience {
                let names = names();
                let count = names.len().saturating_sub(1);
                self.left = Some(format!("`{count}` threads are left when nothing runs: {}", names.join(", ")));
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        // Collects what threads that have ended left to others: some of it at a time, none before two epochs have passed. Collecting makes a
        // little to be collected.
        self.latest.take();
        let (mut least, mut in_vain) = (self.latest.blocks(), 0);
        while in_vain < 16 {
            crossbeam_epoch::pin().flush();
            self.latest.take();
            in_vain = if self.latest.blocks() < least { 0 } else { in_vain + 1 };
            least = least.min(self.latest.blocks());
        }
        heap::trim();
        let mappings = fs::read_to_string("/proc/self/maps").map_or(0, |maps| maps.lines().count());
        let rest = Rest {
            blocks: self.latest.blocks().unsigned_abs(),
            bytes: self.latest.bytes().unsigned_abs(),
            bytes_of_c: heap::bytes_of_c().unwrap_or_default(),
            resident: read().map_or(0, |(bytes, _)| bytes),
            mappings: mappings as u64,
            lingering: lingering - 1,
        };
        let is_early = self.rests.len() < self.quarter();
        if self.rests.is_empty() || (is_early && self.rests.iter().all(|earlier| rest.blocks < earlier.blocks)) {
            self.before.copy(&self.latest);
        }
        self.rests.push(rest);
        true
    }

    /// How many rests are compared with as many others.
    fn quarter(&self) -> usize {
        (self.most_rests / 4).max(1)
    }

    /// The least of the first quarter's rests, and of as many at the end.
    fn floors(&self, value: fn(&Rest) -> u64) -> (u64, u64) {
        let count = self.quarter().min(self.rests.len());
        let least = |rests: &[Rest]| rests.iter().map(value).min().unwrap_or_default();
        (least(&self.rests[..count]), least(&self.rests[self.rests.len() - count..]))
    }

    /// What is wrong.
    pub(crate) fn failures(&self) -> Vec<String> {
        if self.left.is_some() {
            return self.left.iter().cloned().collect();
        }
        let mut failures = Vec::new();
        let mut compare = |what: &str, value: fn(&Rest) -> u64, most: u64| {
            let (first, last) = self.floors(value);
            if last > first + most {
                failures.push(format!("{what} at rest grew from `{first}` to `{last}`, by more than `{most}`"));
            }
        };
        compare("blocks on the heap", |rest| rest.blocks, MOST_BLOCKS);
        compare("bytes on the heap", |rest| rest.bytes, MOST_BYTES);
        compare("bytes from the C library", |rest| rest.bytes_of_c, MOST_BYTES);
        compare("bytes in memory", |rest| rest.resident, MOST_RESIDENT);
        compare("mappings", |rest| rest.mappings, MOST_MAPPINGS);
        let more = self.latest.since(&self.before);
        if !failures.is_empty() && !more.is_empty() {
            let more =
                more.iter().take(8).map(|(blocks, bytes)| format!("`{blocks}` blocks of {} bytes", bytes / blocks));
            failures.push(format!(
                "of blocks on the heap there are more than before: {}",
                more.collect::<Vec<_>>().join(", ")
            ));
        }
        failures
    }
}

/// The figures.
impl fmt::Display for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &mut dyn Iterator<Item = u64>| -> String {
            values.map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
        };
        if self.rests.is_empty() && self.left.is_none() {
            return writeln!(f, "LEFT OUT: this system does not tell memory and threads");
        }
        writeln!(f, "at work, the peaks of the quarters:")?;
        writeln!(f, "  {} MiB in memory", list(&mut self.resident.iter().map(|bytes| bytes >> 20)))?;
        writeln!(f, "  {} MiB on the heap", list(&mut self.bytes.iter().map(|bytes| bytes >> 20)))?;
        writeln!(f, "  {} threads", list(&mut self.threads.iter().copied()))?;
        writeln!(f, "at rest, {} times:", self.rests.len())?;
        let values = |value: fn(&Rest) -> u64| list(&mut self.rests.iter().map(value));
        writeln!(f, "  {} blocks on the heap", values(|rest| rest.blocks))?;
        writeln!(f, "  {} KiB on the heap", values(|rest| rest.bytes >> 10))?;
        writeln!(f, "  {} KiB from the C library", values(|rest| rest.bytes_of_c >> 10))?;
        writeln!(f, "  {} KiB in memory", values(|rest| rest.resident >> 10))?;
        writeln!(f, "  {} mappings", values(|rest| rest.mappings))?;
        writeln!(f, "  {} threads of pools that had not ended, and then did", values(|rest| rest.lingering))
    }
}
