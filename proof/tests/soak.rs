//! The long run, shortly; and that it finds what is broken on purpose.

use std::process::{Command, Output};

fn soak(arguments: &[&str]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(arguments)
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .expect("soak starts");
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    (output, text)
}

#[test]
fn a_short_run_of_random_graphs_loses_nothing_and_doubles_nothing() {
    let (output, text) = soak(&[
        "--seconds",
        "5",
        "--kind",
        "graph",
        "--patience",
        "60",
        "--least-items",
        "20000",
        "--least-faults",
        "500",
    ]);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("lost 0, doubled 0\n"), "{text}");
    if cfg!(target_os = "linux") {
        assert!(text.contains("at rest, 12 times:\n"), "{text}");
    }
}

/// Runs with something broken on purpose, which must be found and told so.
#[track_caller]
fn must_find(broken: &str, more: &[&str], told: &[&str]) {
    let (output, text) = soak(&[&["--seconds", "4", "--break", broken], more].concat());
    assert!(!output.status.success(), "{broken} was not found: {text}");
    for told in told {
        assert!(text.contains(told), "{broken} is not told by `{told}`: {text}");
    }
}

#[test]
fn an_item_that_is_lost_is_found() {
    must_find("lose", &[], &["lost 1, doubled 0", "FAILED: case ", "shows and runs it again"]);
}

#[test]
fn an_item_that_is_doubled_is_found() {
    must_find("double", &[], &["lost 0, doubled 1", "FAILED: case "]);
}

#[test]
fn a_case_that_does_not_end_is_found() {
    must_find("hang", &["--patience", "2"], &["has not ended after", "--only"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_small_box_that_each_case_leaves_is_found_and_its_size_told() {
    must_find(
        "leak",
        &[],
        &[
            "FAILED: blocks on the heap at rest grew from ",
            "FAILED: of blocks on the heap there are more than before: `",
            "` blocks of 8 bytes",
        ],
    );
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn memory_that_a_library_in_c_leaves_is_found() {
    must_find("leak-in-c", &[], &["FAILED: bytes from the C library at rest grew from "]);
}

#[cfg(target_os = "linux")]
#[test]
fn pages_that_are_left_are_found() {
    must_find(
        "leak-pages",
        &[],
        &["FAILED: bytes in memory at rest grew from ", "FAILED: mappings at rest grew from "],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_is_left_is_found() {
    must_find("thread", &["--patience", "5"], &["FAILED: `1` threads are left when nothing runs: "]);
}

#[test]
fn a_run_that_does_next_to_nothing_is_found() {
    must_find(
        "idle",
        &["--least-items", "1000000000", "--least-faults", "1000000000"],
        &["1000000000 are the least", " faults, and "],
    );
}

#[test]
fn an_option_that_is_not_there_is_refused() {
    let (output, _) = soak(&["--minutes", "3"]);
    assert!(!output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "soak: there is no option `--minutes`; it takes --seconds, --seed, --drivers, --patience, --every, --least-items, --least-faults, \
         --only, --kind and --break\n"
    );
}
