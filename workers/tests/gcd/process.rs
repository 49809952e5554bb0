//! A test in a process of its own.

use std::env;
use std::ffi::OsString;
use std::process::{Command, Output};

/// Says to a test that it runs in the process that it started.
const ROLE: &str = "MILLPOND_TEST_CHILD";

/// Whether this is the process that [`run_alone`] started.
pub(crate) fn is_child() -> bool {
    env::var_os(ROLE).is_some()
}

/// Runs the test `name` of this program once more, in another process, with `variable` set there.
pub(crate) fn run_alone(name: &str, variable: (&str, &str)) -> Output {
    let mut command = command_line();
    command.args(["--exact", name, "--nocapture"]).env(ROLE, "1").env(variable.0, variable.1).output().unwrap()
}

/// What this program was started with, up to its own name: a loader may come before it.
fn command_line() -> Command {
    let own_name = env::args_os().next().unwrap();
    let mut words = words_before(&own_name);
    words.push(own_name);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

#[cfg(target_os = "linux")]
fn words_before(own_name: &OsString) -> Vec<OsString> {
    use std::os::unix::ffi::OsStringExt;
    let line = std::fs::read("/proc/self/cmdline").unwrap();
    line.split(|byte| *byte == 0)
        .map(|word| OsString::from_vec(word.to_vec()))
        .take_while(|word| word != own_name)
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn words_before(_own_name: &OsString) -> Vec<OsString> {
    Vec::new()
}
