//! Counts the words of all source and documentation files on this machine.
//!
//! The job has the shape that most such jobs have: walk → read → decompress → text → count → sum,
//! over tens of thousands of files of which some are broken. `cargo run --release --example words
//! -- --help` says how to call it.

#![expect(
    unreachable_pub,
    reason = "nothing is reachable from outside a program; `pub` here says what a module offers"
)]

mod arguments;
mod corpus;
mod demo;
mod document;
mod markup;
mod measurement;
mod memory;
mod pipeline;
mod plain;
mod progress;
mod report;
mod walk;
mod words;

use std::env;
use std::process::ExitCode;

use arguments::{Arguments, USAGE};
use measurement::{Comparison, Measurement};
use progress::Progress;

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
    if arguments.is_plain {
        let progress = Progress::on_stderr("files", None);
        let (found, measured) = Measurement::of("a plain loop", || plain::run(&arguments.folders, progress));
        print!("{}{}\n{}", found.corpus, found.rejected, Comparison(&[measured]));
        return ExitCode::SUCCESS;
    }
    match demo::run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
