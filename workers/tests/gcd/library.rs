//! The library found at run time, and what it is asked for.

use std::sync::Arc;
use std::sync::mpsc::channel;

use millpond_workers::{GcdWorkers, QualityOfService, Workers};

use crate::job::{Job, Turnstile};
use crate::process::{is_child, run_alone};
use crate::workers;

#[test]
fn a_library_that_is_not_there_is_an_error_that_says_what_to_do() {
    if is_child() {
        let error = GcdWorkers::new(1, QualityOfService::Default).unwrap_err();
        assert_eq!(error.paths().collect::<Vec<_>>(), ["/nowhere/libdispatch.so"]);
        println!("<{error}>");
        return;
    }
    let name = "library::a_library_that_is_not_there_is_an_error_that_says_what_to_do";
    let output = run_alone(name, ("MILLPOND_LIBDISPATCH", "/nowhere/libdispatch.so"));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let (_, message) = text.split_once('<').unwrap();
    let (message, _) = message.split_once('>').unwrap();
    let (before, rest) = message.split_once(" (").unwrap();
    let (reason, after) = rest.split_once("); ").unwrap();
    assert_eq!(before, "loading libdispatch failed: tried `/nowhere/libdispatch.so`");
    // The loader's words, which differ from system to system.
    assert!(reason.contains("/nowhere/libdispatch.so"), "{reason}");
    assert_eq!(after, "let `MILLPOND_LIBDISPATCH` name the library, or unset it to search the usual places");
}

#[test]
#[cfg(target_os = "linux")]
fn a_library_that_is_another_is_an_error_that_names_what_it_lacks() {
    if is_child() {
        let error = GcdWorkers::new(1, QualityOfService::Default).unwrap_err();
        println!("<{error}>");
        return;
    }
    let name = "library::a_library_that_is_another_is_an_error_that_names_what_it_lacks";
    let output = run_alone(name, ("MILLPOND_LIBDISPATCH", "libc.so.6"));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("<loading libdispatch failed: tried `libc.so.6` ("), "{text}");
    assert!(text.contains("dispatch_apply_f"), "{text}");
}

#[test]
fn every_quality_of_service_has_threads() {
    for quality in [
        QualityOfService::Background,
        QualityOfService::Utility,
        QualityOfService::Default,
        QualityOfService::UserInitiated,
        QualityOfService::UserInteractive,
    ] {
        let workers = GcdWorkers::new(2, quality).unwrap();
        assert_eq!((workers.threads(), workers.quality_of_service()), (2, quality));
        let (say, said) = channel();
        workers.lend(1, Job::new(move || say.send(()).unwrap()));
        said.recv().unwrap();
        workers.apply(10, &|_| ());
    }
}

#[test]
fn a_panic_in_a_help_loop_ends_the_process() {
    if is_child() {
        let workers = workers(1);
        let turnstile = Turnstile::new();
        workers.lend(1, Job::new(|| panic!("against the contract")));
        workers.lend(1, Arc::clone(&turnstile.job));
        let _ = turnstile.entered.recv();
        println!("the process went on");
        return;
    }
    let output = run_alone("library::a_panic_in_a_help_loop_ends_the_process", ("RUST_BACKTRACE", "0"));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("against the contract"), "{text}");
    assert!(text.contains("a panic cannot pass through libdispatch: ending the process"), "{text}");
    assert!(!String::from_utf8(output.stdout).unwrap().contains("the process went on"));
}

#[test]
fn debug_shows_the_state() {
    let workers = workers(2);
    let turnstile = Turnstile::new();
    workers.lend(1, Arc::clone(&turnstile.job));
    turnstile.entered.recv().unwrap();
    let text = format!("{workers:?}");
    assert!(text.starts_with("GcdWorkers { threads: 2, quality_of_service: Default, library: \""), "{text}");
    assert!(text.ends_with("\", busy: Some(1) }"), "{text}");
}
