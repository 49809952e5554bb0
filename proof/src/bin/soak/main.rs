//! Random graphs for minutes, in all modes, with faults on: `make soak MINUTES=10`.
//!
//! Each **case** is drawn from a number: a random graph read in random ways beside the model of the property tests (`graphs`), a random
//! program over the public interface (`millpond_proof::program`), many items through flaky functions (`flow`), or a graph that is fed and
//! changed while it is read (`live`). It runs on a pool in serial mode, on rayon's or libdispatch's workers, on a pool that is resized all
//! the time, or in a simulation; and whatever comes out of it is compared with exactly what must. As many cases run at once as are
//! asked for (`--drivers`), each with threads of its own.
//!
//! A run fails, and says with which number, by an item that is lost, doubled or out of order, another end, a function that is called too
//! often, a function that is left, a case that does not end (`--patience`), fewer items or faults than asked for, or by a thread or memory that is
//! left when nothing runs (`vitals`). Twelve times in a run all cases come to an end for that; these rests are not counted in its `--seconds`.
//! `--only NUMBER` runs one case again: its graph and its ways to read are the same; on threads its interleaving is not.
//!
//! `--break lose|double|hang|idle|leak|leak-in-c|leak-pages|thread` makes such a thing happen, to show that it is found.

mod counts;
mod flow;
mod graphs;
mod heap;
mod live;
mod mode;
mod options;
mod random;
mod seen;
mod tamper;
mod vitals;
mod ways;

#[path = "../../../../pool/tests/properties/build.rs"]
#[allow(dead_code, reason = "the property tests use all of it")]
mod build;
#[path = "../../../../pool/tests/properties/case.rs"]
mod case;
#[path = "../../../../pool/tests/properties/ledger.rs"]
#[allow(dead_code, reason = "the property tests use all of it")]
mod ledger;
#[path = "../../../../pool/tests/properties/model.rs"]
#[allow(dead_code, reason = "the property tests use all of it")]
mod model;
#[path = "../../../../pool/tests/properties/plan.rs"]
#[allow(dead_code, reason = "the property tests use all of it")]
mod plan;
#[path = "../../../../pool/tests/properties/reading.rs"]
#[allow(dead_code, reason = "the property tests use all of it")]
mod reading;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use millpond_proof::program::{Mode as ProgramMode, Program, Wrong, programs};
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use counts::{Counts, Thousands};
use mode::Mode;
use options::{Kind, Options};
use random::Random;
use tamper::{BREAK, after_a_case};
use vitals::Vitals;

/// How many times a run comes to rest.
const LAPS: u32 = 12;

/// What the threads share.
struct Soak {
    options: Options,
    started: Instant,
    next: AtomicU64,
    is_over: AtomicBool,
    counts: Mutex<Counts>,
    /// What each driver is at, and since when.
    running: Mutex<Vec<Option<(u64, Instant)>>>,
    wrong: Mutex<Option<(u64, Wrong)>>,
}

/// Draws a value of a strategy from a number.
fn draw<T>(strategy: impl Strategy<Value = T>, seed: u64) -> T {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner =
        TestRunner::new_with_rng(ProptestConfig::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    strategy.new_tree(&mut runner).expect("cases are generated without rejections").current()
}

/// Runs the case of this number. `show` says what it is.
fn run(seed: u64, kind: Option<Kind>, show: bool) -> Result<Counts, Wrong> {
    let mut random = Random::new(seed);
    let shown = |what: String| {
        if show {
            println!("case {seed}: {what}");
        }
    };
    let drawn = Kind::draw(random.next());
    match kind.unwrap_or(drawn) {
        Kind::Flow => {
            let mode = Mode::draw(&mut random);
            shown(format!("many items, {mode:?}"));
            flow::run(seed, &mut random, mode)
        }
        Kind::Live => {
            let mode = Mode::draw(&mut random);
            shown(format!("a live graph, {mode:?}"));
            live::run(seed, &mut random, mode)
        }
        Kind::Program => {
            let program = Program::from_bytes(&draw(programs(), seed));
            let mode = match random.below(4) {
                0 | 1 => ProgramMode::Simulated,
                #[cfg(feature = "gcd")]
                2 if mode::has_gcd() => ProgramMode::Gcd,
                _ => ProgramMode::Threads,
            };
            shown(format!("{mode:?}: {program:?}"));
            let mut counts = Counts { programs: 1, ..Counts::default() };
            counts.add_tally(&program.run(mode)?);
            Ok(counts)
        }
        Kind::Graph => {
            let is_simulated = random.one_in(3);
            let mode = if is_simulated { Mode::Simulated(seed) } else { Mode::draw(&mut random) };
            let case = draw(case::cases(if is_simulated { 301 } else { 20_000 }), seed);
            shown(format!("{mode:?}: {case:#?}"));
            graphs::run(&case, mode)
        }
    }
}

/// Runs a case; a panic is what went wrong.
fn attempt(seed: u64, kind: Option<Kind>, show: bool) -> Result<Counts, Wrong> {
    catch_unwind(AssertUnwindSafe(|| run(seed, kind, show))).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(Wrong { what: format!("a panic: {}", text.unwrap_or_default()), ..Wrong::default() })
    })
}

impl Soak {
    /// Runs cases until this time is up or something is wrong.
    fn drive(&self, driver: usize, end: Instant) {
        while !self.is_over.load(Ordering::Relaxed) && Instant::now() < end {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            self.running.lock()[driver] = Some((seed, Instant::now()));
            let result = attempt(seed, self.options.kind, false);
            after_a_case();
            match result {
                Ok(counts) => self.counts.lock().add(&counts),
                Err(wrong) => {
                    self.wrong.lock().get_or_insert((seed, wrong));
                    self.is_over.store(true, Ordering::Relaxed);
                }
            }
        }
        self.running.lock()[driver] = None;
    }

    fn line(&self, vitals: &Vitals) {
        let counts = *self.counts.lock();
        println!(
            "{:4} s: {} items, {} faults, {} cases; lost 0, doubled 0; {} MiB, {} threads",
            self.started.elapsed().as_secs(),
            Thousands(counts.items),
            Thousands(counts.faults()),
            Thousands(counts.cases()),
            vitals.now.0 >> 20,
            vitals.now.1,
        );
    }

    /// Runs cases for a part of the time, and comes to rest.
    fn lap(&self, vitals: &mut Vitals, told: &mut Instant) {
        let end = Instant::now() + self.options.duration / LAPS;
        *self.running.lock() = vec![Some((0, Instant::now())); self.options.drivers];
        thread::scope(|scope| {
            for driver in 0..self.options.drivers {
                scope.spawn(move || self.drive(driver, end));
            }
            self.watch(vitals, told);
        });
        if !vitals.rest(self.options.patience) {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    /// Watches memory, threads and cases that do not end until all drivers are done.
    fn watch(&self, vitals: &mut Vitals, told: &mut Instant) {
        loop {
            thread::sleep(Duration::from_millis(50));
            let running = self.running.lock().clone();
            if running.iter().all(Option::is_none) {
                return;
            }
            vitals.note();
            let hangs = running.iter().flatten().find(|(_, since)| since.elapsed() > self.options.patience);
            if let Some((seed, since)) = hangs {
                println!(
                    "FAILED: case {seed} has not ended after {:.0?}; `--only {seed}` runs it again",
                    since.elapsed()
                );
                std::process::exit(3);
            }
            if told.elapsed() >= self.options.every {
                *told = Instant::now();
                self.line(vitals);
            }
        }
    }

    /// The figures at the end, and whether all is as it must be.
    fn conclude(&self, vitals: &Vitals) -> ExitCode {
        let counts = *self.counts.lock();
        let mut failures = Vec::new();
        let (mut lost, mut doubled) = (0, 0);
        if let Some((seed, wrong)) = &*self.wrong.lock() {
            (lost, doubled) = (wrong.lost, wrong.doubled);
            failures.push(format!("case {seed}: {}; `--only {seed}` shows and runs it again", wrong.what));
        }
        let Counts { graphs, programs, flows, live, items, .. } = counts;
        println!("{} cases in {:.0?}:", Thousands(counts.cases()), self.started.elapsed());
        println!("  {} random graphs, {} random programs", Thousands(graphs), Thousands(programs));
        println!("  {} with many items, {} live graphs", Thousands(flows), Thousands(live));
        println!("{} items, {} faults:", Thousands(items), Thousands(counts.faults()));
        for (kind, count) in counts.by_kind() {
            println!("  {} {kind}", Thousands(count));
        }
        println!("lost {lost}, doubled {doubled}");
        print!("{vitals}");
        if !mode::has_gcd() {
            println!("LEFT OUT: libdispatch is not here");
        }
        failures.extend(vitals.failures());
        let Options { least_items, least_faults, .. } = self.options;
        if items < least_items {
            failures.push(format!("{items} items, and {least_items} are the least"));
        }
        if counts.faults() < least_faults {
            failures.push(format!("{} faults, and {least_faults} are the least", counts.faults()));
        }
        for failure in &failures {
            println!("FAILED: {failure}");
        }
        if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("soak: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(broken) = options.broken {
        BREAK.get_or_init(|| broken);
    }
    if let Some(seed) = options.only {
        return match attempt(seed, options.kind, true) {
            Ok(_) => {
                println!("case {seed} is as it must be");
                ExitCode::SUCCESS
            }
            Err(wrong) => {
                println!("FAILED: case {seed}: {wrong}");
                ExitCode::FAILURE
            }
        };
    }
    let soak = Soak {
        started: Instant::now(),
        next: AtomicU64::new(options.seed),
        is_over: AtomicBool::new(false),
        counts: Mutex::default(),
        running: Mutex::default(),
        wrong: Mutex::default(),
        options,
    };
    println!("seed {}, {} cases at a time, {:.0?}", soak.options.seed, soak.options.drivers, soak.options.duration);
    let mut vitals = Vitals::new(LAPS as usize);
    let mut told = Instant::now();
    for _ in 0..LAPS {
        if !soak.is_over.load(Ordering::Relaxed) {
            soak.lap(&mut vitals, &mut told);
        }
    }
    soak.conclude(&vitals)
}
