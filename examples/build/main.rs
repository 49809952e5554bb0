//! A build tool: compiles, links and tests a C project by a graph of values.
//!
//! Every step is a task; its value is the digest of what it made. So a step runs again only if what
//! it reads has changed, and a step whose output came out the same stops the rest from running.
//! `cargo run --release --example build -- --help` says how to call it.

#![expect(
    unreachable_pub,
    reason = "nothing is reachable from outside a program; `pub` here says what a module offers"
)]

mod arguments;
mod builder;
mod ledger;
mod line;
mod project;
mod sample;
mod step;
#[cfg(test)]
mod tests;

use std::env;
use std::process::ExitCode;

use arguments::{Arguments, USAGE};

fn main() -> ExitCode {
    let arguments = match Arguments::parse(env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if arguments.is_help {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match run(&arguments) {
        Ok(outcome) => {
            print!("{outcome}");
            if outcome.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<builder::Outcome, Box<dyn std::error::Error>> {
    if arguments.is_sample {
        sample::write(&arguments.folder)?;
    }
    let project = project::Project::find(&arguments.folder)?;
    builder::build(&project, arguments)
}
