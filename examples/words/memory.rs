//! The process's peak memory: the most that was resident at once.
//!
//! On Linux from `VmHWM` of `/proc/self/status`, and the peak can be set back to what is resident
//! now (a write to `/proc/self/clear_refs`), so that one process can measure several runs one after
//! the other. On other Unixes from `getrusage`, whose peak cannot be set back. Elsewhere unknown.

use std::fmt;
use std::fs;

/// A number of bytes, shown in mebibytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = self.0 as f64 / f64::from(1 << 20);
        let text = if mebibytes < 10.0 { format!("{mebibytes:.1} MiB") } else { format!("{mebibytes:.0} MiB") };
        f.pad(&text)
    }
}

/// The most memory that was resident at once since the start or the last [`reset_peak`].
#[must_use]
pub fn peak() -> Option<Bytes> {
    fs::read_to_string("/proc/self/status").ok().and_then(|status| field(&status, "VmHWM")).or_else(peak_of_usage)
}

/// Sets the peak back to what is resident now; false where that cannot be done, and the peak stays
/// what it was.
#[must_use = "where this cannot be done the next peak is that of the whole process"]
pub fn reset_peak() -> bool {
    /// What the kernel takes as "reset the peak resident set size" (proc(5), since Linux 4.0).
    const RESET_PEAK: &str = "5";
    fs::write("/proc/self/clear_refs", RESET_PEAK).is_ok()
}

/// The field `name` of a `/proc/self/status`, whose lines are like `VmHWM:     1234 kB`.
fn field(status: &str, name: &str) -> Option<Bytes> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Bytes(kibibytes * 1024))
}

#[cfg(unix)]
fn peak_of_usage() -> Option<Bytes> {
    use nix::sys::resource::{UsageWho, getrusage};

    /// Apple counts bytes, the others kibibytes.
    const UNIT: u64 = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    Some(Bytes(u64::try_from(usage.max_rss()).ok()? * UNIT))
}

#[cfg(not(unix))]
fn peak_of_usage() -> Option<Bytes> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_from_its_line_and_no_other() {
        let status = "Name:\twords\nVmPeak:\t  999 kB\nVmHWM:\t  12 kB\nVmRSS:\t   8 kB\n";
        assert_eq!(field(status, "VmHWM"), Some(Bytes(12 * 1024)));
        assert_eq!(field(status, "VmRSS"), Some(Bytes(8 * 1024)));
        assert_eq!(field(status, "Vm"), None);
        assert_eq!(field("VmHWM:\tmany kB\n", "VmHWM"), None);
    }

    #[test]
    fn bytes_are_shown_in_mebibytes() {
        assert_eq!(Bytes(1_572_864).to_string(), "1.5 MiB");
        assert_eq!(Bytes(100 << 20).to_string(), "100 MiB");
        assert_eq!(format!("{:>9}", Bytes(100 << 20)), "  100 MiB");
    }

    // One test and not two, which would disturb each other in one process.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_large_allocation_raises_the_peak_until_it_is_set_back() {
        let before = peak().expect("Linux tells");
        let touched = vec![1_u8; usize::try_from(before.0).expect("it fits") + (128 << 20)];
        let during = peak().expect("Linux tells");
        drop(std::hint::black_box(touched));
        assert!(during.0 >= before.0 + (64 << 20), "{before} to {during}");
        assert!(reset_peak());
        let after = peak().expect("Linux tells");
        assert!(after.0 + (64 << 20) <= during.0, "{during} to {after}");
    }

    #[cfg(unix)]
    #[test]
    fn the_two_ways_to_ask_agree() {
        let (one, other) = (peak().expect("known").0, peak_of_usage().expect("known").0);
        assert!(one.abs_diff(other) <= one / 2 + (32 << 20), "{one} and {other}");
    }
}
