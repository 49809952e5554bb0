//! Bytes as a program, on threads of the system.

#![no_main]

use libfuzzer_sys::fuzz_target;
use millpond_proof::program::{Mode, Program};

fuzz_target!(|bytes: &[u8]| {
    let program = Program::from_bytes(bytes);
    if let Err(wrong) = program.run(Mode::Threads) {
        panic!("{wrong}\n{program:?}");
    }
});
