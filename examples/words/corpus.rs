//! Which folders to read when nobody names one: what every machine that can build this program has.
//!
//! The Rust toolchain (its sources and its documentation), the sources of the crates that cargo has
//! fetched, the manual pages of the system, which are compressed, and this program's own samples,
//! of which two are broken. What is missing is left out.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// The folders that exist of those that a machine with Rust usually has.
#[must_use]
pub fn default_folders() -> Vec<PathBuf> {
    let candidates = [samples(), toolchain(), crates(), Some(PathBuf::from("/usr/share/man"))];
    candidates.into_iter().flatten().filter(|folder| folder.is_dir()).collect()
}

/// The samples beside this file, when the program runs where it was built.
fn samples() -> Option<PathBuf> {
    Some([env!("CARGO_MANIFEST_DIR"), "examples", "words", "samples"].iter().collect())
}

/// The folder of the Rust toolchain, as its compiler says.
fn toolchain() -> Option<PathBuf> {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let answer = Command::new(compiler).args(["--print", "sysroot"]).output().ok()?;
    let sysroot = String::from_utf8(answer.stdout).ok()?;
    answer.status.success().then(|| PathBuf::from(sysroot.trim_end()))
}

/// The folder into which cargo unpacks the crates that it fetches.
fn crates() -> Option<PathBuf> {
    let home =
        env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")))?;
    Some(home.join("registry").join("src"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_folders_exist_and_one_holds_the_compiler() {
        let folders = default_folders();
        assert!(folders.iter().all(|folder| folder.is_dir()), "{folders:?}");
        assert!(folders.iter().any(|folder| folder.join("lib").join("rustlib").is_dir()), "{folders:?}");
    }
}
