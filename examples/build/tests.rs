//! Builds the sample project, changes it, and builds it again.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::arguments::Arguments;
use super::builder::Outcome;
use super::run;

/// Builds the sample in `folder`.
fn build(folder: &Path, words: &[&str]) -> Outcome {
    let words = words.iter().map(|word| (*word).to_owned()).chain([folder.display().to_string()]);
    let arguments = Arguments::parse(["--sample", "--quiet"].map(str::to_owned).into_iter().chain(words)).unwrap();
    run(&arguments).unwrap()
}

fn replace(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn the_second_build_runs_nothing_and_a_change_only_what_needs_it() {
    for jobs in ["--jobs=0", "--jobs=2"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let first = build(folder, &[jobs]);
        // Nine sources, three programs, two tests.
        assert_eq!((first.steps, first.ran, first.failed.len()), (14, 14, 0), "{first}");
        let printed = Command::new(&first.programs[0]).args(["6", "7"]).output().unwrap();
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), "13 -1 42\n");

        assert_eq!(build(folder, &[jobs]).ran, 0);

        // One source: it is compiled, all programs are linked, both tests run.
        replace(folder, "src/add.c", "a + b", "b + a + 0 * 1");
        let changed = build(folder, &[jobs]);
        assert!((2..=6).contains(&changed.ran), "{changed}");
        assert_eq!(build(folder, &[jobs]).ran, 0);

        // A comment changes no object, so nothing is linked.
        replace(folder, "src/multiply.c", "#include", "// the product\n#include");
        assert_eq!(build(folder, &[jobs]).ran, 1);

        // One header: what includes it.
        replace(folder, "include/smaller.h", "number a, number b", "number first, number second");
        let header = build(folder, &[jobs]);
        // `smaller.c`, the calculator and two tests read it; their objects come out the same.
        assert_eq!((header.ran, header.failed.len()), (4, 0), "{header}");

        // What was made and is gone is made again.
        fs::remove_file(folder.join(".build/src/divide.o")).unwrap();
        assert_eq!(build(folder, &[jobs]).ran, 1);
    }
}

#[test]
fn a_failing_step_is_shown_with_its_command_and_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    build(folder, &[]);
    replace(folder, "src/divide.c", "return", "retrun");
    let outcome = build(folder, &[]);
    let [failed] = outcome.failed.as_slice() else { panic!("{outcome}") };
    assert!(
        failed.starts_with("task `compile src/divide.c` failed: \n  $ cc -c -MMD -MF .build/src/divide.d"),
        "{failed}"
    );
    assert!(failed.contains("retrun"), "{failed}");
    assert!(failed.contains("(needed by `link "), "{failed}");
}

#[test]
fn keep_going_makes_all_that_does_not_need_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    super::sample::write(folder).unwrap();
    replace(folder, "tests/order.c", "== 3 &&", "== 4 &&");
    replace(folder, "src/calculator.c", "return 0", "retrun 0");
    let outcome = build(folder, &["--keep-going", "--jobs=2"]);
    let mut failed = outcome.failed.clone();
    failed.sort();
    assert_eq!(failed.len(), 2, "{outcome}");
    assert!(failed[0].starts_with("task `compile src/calculator.c` failed: "), "{outcome}");
    assert!(failed[1].starts_with("task `test tests/order` failed: \n  $ ./.build/tests/order.program\n  not so: "));
    // All but the link of the calculator.
    assert_eq!(outcome.ran, 13);
    replace(folder, "tests/order.c", "== 4 &&", "== 3 &&");
    replace(folder, "src/calculator.c", "retrun 0", "return 0");
    let repaired = build(folder, &["--keep-going"]);
    assert_eq!((repaired.ran, repaired.failed.len()), (5, 0), "{repaired}");
}

#[test]
fn arguments_are_read_and_wrong_ones_named() {
    let parse = |words: &[&str]| Arguments::parse(words.iter().map(|word| (*word).to_owned()));
    let arguments = parse(&["--jobs=3", "--cflags=-O2 -g", "--keep-going", "here"]).unwrap();
    assert_eq!((arguments.jobs, arguments.is_going_on), (3, true));
    assert_eq!(arguments.cflags, ["-O2", "-g"]);
    assert_eq!(parse(&["--jobs=x", "here"]).unwrap_err(), "reading `--jobs=x`: `x` is no number");
    assert_eq!(parse(&["--wrong", "here"]).unwrap_err(), "reading `--wrong`: no such option");
    assert_eq!(parse(&[]).unwrap_err(), "reading the arguments: a folder is missing");
}
