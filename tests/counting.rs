//! What the scripts say of a test runner that does not come to its end.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a command prints.
fn output(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().expect("bash is there");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// What `ci/count.sh` says of these logs.
fn counted(logs: &[&str]) -> String {
    let folder = TempDir::new().expect("a folder");
    let paths: Vec<PathBuf> = (0..logs.len()).map(|number| folder.path().join(format!("{number}.log"))).collect();
    for (path, text) in paths.iter().zip(logs) {
        fs::write(path, text).expect("a log");
    }
    output(Command::new("ci/count.sh").args(&paths)).trim_end().to_owned()
}

/// The summary, and whether it is a failure, where a script runs these commands as its runners.
fn summary_of(runners: &[&str]) -> String {
    let folder = TempDir::new().expect("a folder");
    let log = folder.path().join("runners.log");
    fs::write(&log, "").expect("a log");
    let mut script = "source ci/environment.sh; status=0; ".to_owned();
    for runner in runners {
        script.push_str(&format!("counted \"$1\" bash -c '{runner}' >/dev/null 2>&1; "));
    }
    script.push_str("summarize \"$1\"; echo \"$summary, status $status\"");
    // What failed is kept in the target folder.
    output(Command::new("bash").args(["-c", &script, "ci/script.sh"]).arg(&log).env("CARGO_TARGET_DIR", folder.path()))
        .trim_end()
        .to_owned()
}

/// What is kept of runners that fail, for .ci/run to say at its end.
fn kept_of(runners: &[&str]) -> String {
    let folder = TempDir::new().expect("a folder");
    let mut script = "source ci/environment.sh; status=0; touch \"$target/log\"; ".to_owned();
    for runner in runners {
        script.push_str(&format!("{runner} >/dev/null 2>&1; "));
    }
    script.push_str("cat \"$target/ci/failures.log\"");
    output(Command::new("bash").args(["-c", &script, "ci/script.sh"]).env("CARGO_TARGET_DIR", folder.path()))
}

const NEXTEST: &str = "     Summary [   0.511s] 46 tests run: 44 passed (1 slow), 1 failed, 1 timed out, 2 skipped\n";
const CARGO: &str = "running 4 tests\ntest result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
const PYTEST: &str = "====== 1 failed, 110 passed, 2 skipped, 1 error in 5.34s ======\n";

#[test]
fn the_summaries_of_all_runners_are_added_up() {
    assert_eq!(counted(&[NEXTEST, CARGO, PYTEST]), "157 passed, 5 failed");
    assert_eq!(counted(&[&[NEXTEST, CARGO, PYTEST].concat()]), "157 passed, 5 failed");
    assert_eq!(counted(&["12 passed, 1 skipped in 0.10s\n"]), "12 passed, 0 failed");
}

#[test]
fn a_log_without_a_summary_is_a_failure() {
    assert_eq!(counted(&[""]), "0 passed, 1 failed");
    assert_eq!(counted(&["Segmentation fault\n"]), "0 passed, 1 failed");
    assert_eq!(counted(&[CARGO, ""]), "3 passed, 2 failed");
}

#[test]
fn a_test_program_without_a_result_is_a_failure_beside_those_that_have_one() {
    let killed = "running 7 tests\ntest one ... ok\nerror: test failed (signal: 11, SIGSEGV)\n";
    let good = "running 1 test\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
    assert_eq!(counted(&[&[good, killed, good].concat()]), "2 passed, 1 failed");
    assert_eq!(counted(&[&[good, killed, CARGO].concat()]), "4 passed, 2 failed");
}

#[test]
fn a_runner_that_was_killed_is_a_failure() {
    let good = "echo \"=== 5 passed in 0.10s ===\"";
    assert_eq!(summary_of(&[good]), "5 passed, 0 failed, status 0");
    assert_eq!(summary_of(&[good, "echo collecting; kill -SEGV $$"]), "5 passed, 1 failed, status 1");
    assert_eq!(summary_of(&["kill -KILL $$", good]), "5 passed, 1 failed, status 1");
    // After it had said how many passed, too.
    assert_eq!(summary_of(&["echo \"=== 5 passed in 0.10s ===\"; kill -ABRT $$"]), "5 passed, 1 failed, status 1");
}

#[test]
fn a_runner_that_does_not_say_how_many_passed_is_a_failure() {
    let good = "echo \"=== 5 passed in 0.10s ===\"";
    assert_eq!(summary_of(&["true", good]), "5 passed, 1 failed, status 0");
    assert_eq!(summary_of(&["exit 3", good]), "5 passed, 1 failed, status 1");
    let failing = "echo \"=== 1 failed, 5 passed in 0.10s ===\"; exit 1";
    assert_eq!(summary_of(&[failing]), "5 passed, 1 failed, status 1");
}

#[test]
fn a_script_that_is_killed_within_a_runner_has_failed() {
    let log = "runner: pytest\n=== 5 passed in 0.10s ===\nrunner ended: 0\nrunner: cargo test\nrunning 4 tests\n";
    assert_eq!(counted(&[log]), "5 passed, 1 failed");
    assert_eq!(counted(&["runner: cargo test\n", PYTEST]), "110 passed, 3 failed");
}

#[test]
fn a_missing_log_and_whatever_else_went_wrong_are_a_failure() {
    let summarized = |script: &str| {
        let script = format!("source ci/environment.sh; {script}; echo \"$summary, status $status\"");
        output(Command::new("bash").args(["-c", &script, "ci/script.sh"])).trim_end().to_owned()
    };
    assert_eq!(summarized("status=0; summarize target/no/such.log"), "0 passed, 1 failed, status 1");
    let wrong = "log=$(mktemp); echo \"=== 5 passed in 0.10s ===\" >$log; status=1; summarize $log; rm $log";
    assert_eq!(summarized(wrong), "5 passed, 1 failed, status 1");
}

#[test]
fn every_script_runs_its_test_runners_counted() {
    let scripts = fs::read_dir(root().join("ci")).expect("the scripts").map(|entry| entry.expect("a script").path());
    let mut runners = 0;
    // Those of `mutants.sh` are to fail.
    let is_counting = |path: &PathBuf| path.extension().is_some_and(|end| end == "sh") && !path.ends_with("mutants.sh");
    for script in scripts.filter(is_counting) {
        let text = fs::read_to_string(&script).expect("a script");
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if !["cargo test ", "cargo nextest run", "-m pytest"].iter().any(|runner| line.contains(runner)) {
                continue;
            }
            // What arguments of the script say is one runner, with its own summary and status; a name for later is run elsewhere.
            let is_passed_on = line.contains("\"${runner[@]}\" \"$@\"") || line.starts_with("test=(");
            runners += 1;
            assert!(line.contains("counted \"$log\"") || is_passed_on, "{}: {line}", script.display());
        }
    }
    assert!(runners > 10, "{runners} runners");
}

#[test]
fn what_failed_is_kept_for_the_end_of_the_output() {
    let cargo = r#"counted "$target/log" bash -c 'echo "test first ... ok"; echo "test second ... FAILED"; exit 101'"#;
    let good = r#"counted "$target/log" echo "test third ... FAILED, but not really""#;
    let checker = r#"checked bash -c 'echo "sync.py:5: error: not this type"; exit 1'"#;
    let long_run =
        r#"counted "$target/log" bash -c 'echo "lost 0, doubled 0"; echo "FAILED: case 7: too few"; exit 1'"#;
    let killed = "part bash -c 'kill -KILL $$'";
    let kept = kept_of(&[cargo, good, checker, long_run, killed]);
    assert!(kept.contains("FAILED with 101") && kept.contains("test second ... FAILED"), "{kept}");
    assert!(kept.contains("FAILED with 1: bash") && kept.contains("error: not this type"), "{kept}");
    assert!(kept.lines().any(|line| line == "FAILED: case 7: too few"), "{kept}");
    assert!(kept.lines().all(|line| line != "lost 0, doubled 0"), "{kept}");
    assert!(kept.contains("FAILED with 137: bash"), "{kept}");
    assert!(kept.lines().all(|line| line != "test first ... ok") && !kept.contains("third"), "{kept}");
}
