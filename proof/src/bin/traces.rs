//! Prints a number for the traces of many simulations: `traces [SEEDS] [FIRST]`, 1,000 seeds from 0 on by default.
//!
//! A change that leaves all behaviour as it was leaves this number as it was. Each seed stands for three simulations: a random program
//! over the public interface, a graph of tasks with every kind of fault, and a graph of values. Where two versions
//! differ, `--each` prints a line per seed.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use millpond_pool::simulation::{self, Faults, Simulation};
use millpond_pool::values::{Graph, Task};
use millpond_pool::{Pool, PoolReader};
use millpond_proof::program::{Mode, Program};

/// The hash of Fowler, Noll and Vo.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, text: &str) {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// Numbers drawn from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What the last simulation of this thread did, and its rows.
fn last_run() -> String {
    match simulation::last() {
        Some(report) => format!("{report}\n{} switches, {:?}\n{}", report.switches, report.elapsed, report.trace),
        None => "no simulation has ended".to_owned(),
    }
}

/// A random program over the public interface.
fn program(seed: u64) -> String {
    let mut random = Random(seed);
    let bytes: Vec<u8> = (0..8 + random.below(160)).map(|_| random.below(256) as u8).collect();
    let outcome = Program::from_bytes(&bytes).run(Mode::Simulated);
    format!("{outcome:?}\n{}", last_run())
}

/// A fork, a join, functions with state.
fn tasks(pool: &Pool) -> PoolReader<u64> {
    let numbers = pool.source(0..120_u64).map(|n| n + 1).named("first").filter(|n| n % 7 != 0);
    let mut branches = numbers.tee(2);
    let (second, first) = (branches.pop().expect("two"), branches.pop().expect("two"));
    let second = second.batch(4).map(|group| group.iter().sum::<u64>()).named("second");
    let first = first.sequential(|n| n + 2).skip(3).filter(|n| n % 2 == 0);
    first.zip(second).map(|(left, right)| left + right).enumerate().map(|(at, n)| n + at as u64)
}

/// A graph of tasks with every kind of fault, read by two threads.
fn faults(seed: u64) -> String {
    let faults = match seed % 4 {
        0 => Faults::harmless(),
        1 => Faults::none().fail(40).panic(60).slow(20),
        2 => Faults::none().resize(3).visit(2).cancel(5).remove(1),
        _ => Faults::none().fail_at("first", 50).panic_at("second", 9).slow(10),
    };
    let pool = Pool::simulated_with(Simulation::new(seed).faults(faults).quiet());
    let mut reader = tasks(&pool);
    let mut other = reader.clone();
    let thread = simulation::spawn_named("other", move || format!("{:?}", other.read(7)));
    let timed = reader.read_timeout(5, Duration::from_micros(300));
    let rest = reader.read_all();
    let joined = thread.join();
    drop((reader, pool));
    format!("{timed:?} {rest:?} {joined:?}\n{}", last_run())
}

/// A graph of values.
fn values(seed: u64) -> String {
    let mut random = Random(!seed);
    let pool = Pool::simulated_with(Simulation::new(seed).faults(Faults::none().cancel(20)).quiet());
    let mut graph = Graph::new();
    let mut tasks: Vec<Task<u64>> = vec![graph.value("first", 1)];
    for number in 1..4 + random.below(30) {
        let inputs: Vec<Task<u64>> = (0..1 + random.below(3))
            .map(|_| tasks[tasks.len() - 1 - random.below(tasks.len().min(8) as u64) as usize])
            .collect();
        let way = random.below(8);
        tasks.push(graph.task(format!("task {number}"), &inputs[..], move |inputs| {
            match way {
                0 => simulation::sleep(Duration::from_micros(20)),
                1 => simulation::yield_now(),
                _ => {}
            }
            inputs.iter().fold(number, |sum, input| sum.wrapping_mul(31).wrapping_add(*input))
        }));
    }
    let targets: Vec<Task<u64>> = tasks.iter().rev().take(3).copied().collect();
    let got = pool.get_many(&mut graph, &targets[..]).map(|values| format!("{values:?}"));
    drop((graph, pool));
    format!("{got:?}\n{}", last_run())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let prints_each = arguments.iter().any(|argument| argument == "--each");
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<u64>().ok());
    let (seeds, first) = (numbers.next().unwrap_or(1_000), numbers.next().unwrap_or(0));
    std::panic::set_hook(Box::new(|_| {}));
    let mut all = Hash::new();
    let kinds: [fn(u64) -> String; 3] = [program, faults, values];
    for seed in first..first + seeds {
        for kind in kinds {
            // In a thread of its own, since a simulation that comes to no good end leaves its thread in a bad state.
            let text: Arc<str> = match thread::spawn(move || kind(seed)).join() {
                Ok(text) => text.into(),
                Err(_) => "a panic".into(),
            };
            let mut own = Hash::new();
            own.add(&text);
            all.add(&text);
            if prints_each {
                println!("{seed} {:016x} {} bytes", own.0, text.len());
            }
        }
    }
    println!("{seeds} seeds from {first} on: {:016x}", all.0);
}
