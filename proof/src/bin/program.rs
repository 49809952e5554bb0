//! Shows programs and runs them: `program [--threads] FILE…`, for what a fuzzer has found.
//!
//! A file is a program's bytes. Without `--threads` it runs in a simulation, where the bytes decide all of it.

use std::process::ExitCode;
use std::time::Instant;

use millpond_proof::program::{Mode, Program};

fn main() -> ExitCode {
    let mut mode = Mode::Simulated;
    let mut status = ExitCode::SUCCESS;
    for argument in std::env::args().skip(1) {
        if argument == "--threads" {
            mode = Mode::Threads;
            continue;
        }
        let bytes = match std::fs::read(&argument) {
            Ok(bytes) => bytes,
            Err(error) => {
                eprintln!("reading `{argument}` failed: {error}");
                return ExitCode::FAILURE;
            }
        };
        let program = Program::from_bytes(&bytes);
        print!("{argument}: {program:?}");
        let started = Instant::now();
        match program.run(mode) {
            Ok(tally) => println!("as the model says, in {:.1?}: {tally:?}", started.elapsed()),
            Err(wrong) => {
                println!("WRONG: {wrong}");
                if let Some(run) = millpond_pool::simulation::current() {
                    println!("{}", run.report());
                }
                status = ExitCode::FAILURE;
            }
        }
    }
    status
}
