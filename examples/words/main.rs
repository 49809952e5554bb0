//! Counts the words of all source and documentation files on this machine.
//!
//! The job has the shape that most such jobs have: walk → read → decompress → text → count → sum, over tens of
//! thousands of files of which some are broken. `cargo run --release --example words -- --help` says how to call it.

#![expect(
    unreachable_pub,
    reason = "nothing is reachable from outside a program; `pub` here says what a module offers"
)]

mod arguments;
mod corpus;
mod document;
mod markup;
mod memory;
mod plain;
mod progress;
mod report;
mod walk;
mod words;

use std::env;
use std::process::ExitCode;

use arguments::{Arguments, USAGE};

fn main() -> ExitCode {
    let arguments = match Arguments::parse(env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprint!("{error}");
            return ExitCode::from(2);
        }
    };
    if arguments.is_help {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    for folder in &arguments.folders {
        println!("reading {}", folder.display());
    }
    let is_fresh = memory::reset_peak();
    let start = memory::resident();
    let run = plain::run(&arguments.folders);
    print!("{}{}", run.corpus, run.rejected);
    println!("one loop, one thread: {:.2} s", run.elapsed.as_secs_f64());
    if let Some(peak) = memory::peak() {
        match start.filter(|_| is_fresh) {
            Some(start) => println!("peak memory {peak}, of which {start} before the first file"),
            None => println!("peak memory {peak}"),
        }
    }
    ExitCode::SUCCESS
}
