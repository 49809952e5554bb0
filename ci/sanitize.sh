#!/usr/bin/env bash
# Runs the tests of all crates under a sanitizer: `thread` (data races) or `address` (memory errors and leaks).
#
# Sanitizers are not stable in Rust yet; RUSTC_BOOTSTRAP lets the stable compiler take the flag. The standard library
# is the compiler's own, built without a sanitizer, hence the flag that allows to mix, and ci/tsan-suppressions for
# what ThreadSanitizer cannot see in it.
source "$(dirname "$0")/environment.sh"

sanitizer=${1:?usage: ci/sanitize.sh thread|address}
triple=$(rustc -vV | sed -n 's/^host: //p')
[ "$triple" = x86_64-unknown-linux-gnu ] || fail "set up for x86_64-unknown-linux-gnu only, and this is $triple"

export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Zsanitizer=$sanitizer -Cunsafe-allow-abi-mismatch=sanitizer -Cforce-frame-pointers=yes"
export CARGO_TARGET_DIR=$target/sanitize-$sanitizer
export CARGO_TERM_COLOR=never
export TSAN_OPTIONS="suppressions=$PWD/ci/tsan-suppressions halt_on_error=1 second_deadlock_stack=1"
export ASAN_OPTIONS="detect_stack_use_after_return=1"
# A sanitized test is some ten times slower, so property tests try fewer cases.
export PROPTEST_CASES=${PROPTEST_CASES:-16}

run cargo test --workspace --exclude millpond-benches --target "$triple" --lib --tests --no-fail-fast
