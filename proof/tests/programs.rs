//! Random programs: what fuzzing has kept, and some thousand more, in simulations and on threads.
//!
//! A program that fails is made smaller by proptest and shown, with its bytes. `MILLPOND_PROGRAMS` says how many to try of each kind; 3,000 by
//! default.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use millpond_proof::program::{Mode, Operation, Program, Tally, Wrong, programs};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// The programs that run now, and since when.
static RUNNING: Mutex<Vec<(Instant, String)>> = Mutex::new(Vec::new());

/// How long a program may take: a minute, or as many seconds as `MILLPOND_TEST_LIMIT` says.
fn limit() -> Duration {
    let seconds = std::env::var("MILLPOND_TEST_LIMIT").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(60))
}

/// Runs a program; one that does not end is shown, and ends the process.
fn run(program: &Program, mode: Mode) -> Result<Tally, Wrong> {
    static START: std::sync::Once = std::sync::Once::new();
    START.call_once(|| {
        thread::spawn(|| {
            loop {
                thread::sleep(Duration::from_secs(1));
                let running = RUNNING.lock().expect("nothing panics here");
                if let Some((_, program)) = running.iter().find(|(since, _)| since.elapsed() > limit()) {
                    eprintln!("a program has not ended after {:?}:\n{program}", limit());
                    std::process::abort();
                }
            }
        });
    });
    let entry = (Instant::now(), format!("{mode:?}: {program:?}"));
    RUNNING.lock().expect("nothing panics here").push(entry.clone());
    // In a thread of its own, since a simulation that comes to no good end leaves its thread in a bad state.
    let own = program.clone();
    let result = thread::spawn(move || own.run(mode)).join().expect("a program's panics are its result");
    RUNNING.lock().expect("nothing panics here").retain(|running| *running != entry);
    result
}

fn try_programs(mode: Mode) {
    let cases = std::env::var("MILLPOND_PROGRAMS").ok().and_then(|cases| cases.parse().ok()).unwrap_or(3_000);
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() };
    let (programs_run, items, faults) = (Mutex::new(0), Mutex::new(0), Mutex::new(0));
    TestRunner::new(config)
        .run(&programs(), |bytes| {
            let program = Program::from_bytes(&bytes);
            let tally = run(&program, mode)
                .map_err(|wrong| TestCaseError::fail(format!("{wrong}\n{program:?}bytes: {bytes:?}")))?;
            *programs_run.lock().expect("one thread") += 1;
            *items.lock().expect("one thread") += tally.items;
            *faults.lock().expect("one thread") += tally.failures + tally.dropped + tally.resizes + tally.removed;
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let programs_run: u32 = programs_run.into_inner().expect("one thread");
    let (items, faults) = (items.into_inner().expect("one thread"), faults.into_inner().expect("one thread"));
    println!("{programs_run} programs, {items} items, {faults} faults");
    assert!(programs_run >= cases && items > 100 * u64::from(cases) && faults > u64::from(cases));
}

#[test]
fn random_programs_give_what_the_model_gives_in_simulations() {
    try_programs(Mode::Simulated);
}

#[test]
fn random_programs_give_what_the_model_gives_on_threads() {
    try_programs(Mode::Threads);
}

/// The committed programs, with their names.
fn corpus() -> Vec<(String, Program)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("reading `{}` failed: {error}", folder.display()));
    let mut programs: Vec<_> = files
        .map(|file| {
            let path = file.expect("an entry").path();
            (path.display().to_string(), Program::from_bytes(&fs::read(&path).expect("a file")))
        })
        .collect();
    programs.sort_by(|left, right| left.0.cmp(&right.0));
    programs
}

/// Runs all of the corpus so and gives what it did together.
fn replay(mode: Mode) {
    let corpus = corpus();
    let mut items = 0;
    for (name, program) in &corpus {
        match run(program, mode) {
            Ok(tally) => items += tally.items,
            Err(wrong) => panic!("{name}: {wrong}\n{program:?}"),
        }
    }
    println!("{} programs, {items} items", corpus.len());
    assert!(corpus.len() >= 200 && items > 10_000, "{} programs, {items} items", corpus.len());
}

#[test]
fn the_corpus_gives_what_the_model_gives_in_simulations() {
    replay(Mode::Simulated);
}

#[test]
fn the_corpus_gives_what_the_model_gives_on_threads() {
    replay(Mode::Threads);
}

#[test]
fn the_corpus_has_every_operation() {
    let mut found: Vec<String> = corpus()
        .iter()
        .flat_map(|(_, program)| &program.instructions)
        .map(|instruction| {
            let operation = format!("{:?}", instruction.operation);
            operation.split('(').next().expect("a name").to_owned()
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 43, "{found:?}");
}

#[test]
fn the_same_bytes_are_the_same_simulation() {
    let mut several = 0;
    for (name, program) in corpus().iter().step_by(7) {
        let (first, second) = (run(program, Mode::Simulated).unwrap(), run(program, Mode::Simulated).unwrap());
        assert_eq!(first, second, "{name}");
        several += usize::from(program.instructions.iter().any(|instruction| instruction.thread > 0));
    }
    assert!(several > 5, "{several} with several threads");
}

#[test]
fn a_program_of_any_bytes_is_one() {
    assert_eq!(Program::from_bytes(&[]).instructions, []);
    let program = Program::from_bytes(&[1, 2, 3, 4, 20, 65, 5, 0, 9]);
    assert_eq!((program.size, program.seed, program.instructions.len()), (0, 770, 1));
    assert_eq!(program.instructions[0].operation, Operation::Read(6));
    assert_eq!((program.instructions[0].thread, program.instructions[0].stream), (1, 1));
}
