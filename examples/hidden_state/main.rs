//! A task that keeps hidden state, and a check that finds it.
//!
//! `first_reports` shall give each kind of error in a log once, with the line where it came first.
//! It remembers the kinds that it has seen in a set behind a lock: no data race, right in every
//! test on one thread, and mostly right on several. But the task's function is called for many
//! chunks at once, so the line that is first *seen* need not be the first.
//!
//! `check` runs the pipeline in serial mode, on threads and in simulations; it finds a seed in
//! which the answer differs, and shortens the run to the turns that it takes:
//!
//! ```text
//! cargo run --example hidden_state --features testing
//! ```

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use millpond::testing::{Check, Failure};
use millpond::{Pool, ReadError};

/// A kind of error and the line where it was reported.
type Report = (String, usize);

/// A log of many lines and few kinds of errors.
fn log() -> impl Iterator<Item = (usize, String)> + Send {
    (1..=300).map(|line| (line, format!("error {}: something is wrong with part {line}", line * line % 11)))
}

/// What stands before the colon.
fn kind((line, text): (usize, String)) -> Report {
    (text.split(':').next().unwrap_or(&text).to_owned(), line)
}

/// The first report of each kind; wrong.
fn first_reports(pool: &Pool) -> Result<Vec<Report>, ReadError> {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let is_first = move |report: &Report| seen.lock().expect("nobody panics").insert(report.0.clone());
    pool.source(log()).map(kind).named("kind").filter(is_first).named("is first").read_all()
}

/// The first report of each kind. What a task remembers is its own, and it is called for one item
/// after the other.
fn first_reports_in_order(pool: &Pool) -> Result<Vec<Report>, ReadError> {
    let reports = pool.source(log()).map(kind).named("kind");
    let firsts = reports.scan(HashSet::new(), |seen, report: Report| {
        let is_first = seen.insert(report.0.clone());
        Ok::<_, ReadError>(Some(is_first.then_some(report)))
    });
    firsts.named("is first").flat_map(|report| report).read_all()
}

/// What the check finds in the wrong one.
fn finding() -> Option<Failure> {
    // Threads find it too, sometimes; simulations find it, and again when asked again.
    Check::new().threads([]).seeds(0..1_000).find(|trial| first_reports(trial).expect("nothing fails")).err()
}

fn main() {
    let failure = finding().expect("the check finds the state that is hidden");
    println!("the task with hidden state:\n{failure}\n");
    Check::new().seeds(0..1_000).run(|trial| first_reports_in_order(trial).expect("nothing fails"));
    println!("the task with a state of its own: the same in serial mode, on threads and for 1,000 seeds");
}

#[test]
fn the_check_finds_the_hidden_state_and_shortens_the_run() {
    let failure = finding().expect("the check finds the state that is hidden");
    let report = failure.report.expect("a simulation found it");
    assert!(report.schedule.choices() <= 12, "{}", report.schedule);
    assert!(failure.message.starts_with("the body gave "), "{}", failure.message);
}

#[test]
fn a_state_of_its_own_is_right_in_every_order() {
    Check::new().seeds(0..300).run(|trial| first_reports_in_order(trial).expect("nothing fails"));
}
