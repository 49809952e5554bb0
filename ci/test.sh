#!/usr/bin/env bash
# Runs all tests, with nextest where it is there and with cargo's own runner otherwise, then the
# examples in the documentation, then the tests of the Python package, then random programs, those
# of simulated pools (10,000 seeds), then the pool's tests on libdispatch, where that can be had.
# The last line says how many passed and failed; the whole output stays in target/ci/test.log, that
# of the Python package in target/ci/python.log, that on libdispatch in target/ci/gcd.log.
source "$(dirname "$0")/environment.sh"

export CARGO_TERM_COLOR=never
log=$target/ci/test.log
mkdir -p "$(dirname "$log")"
: >"$log"
status=0

# The Python package's module has no tests of its own, and asks for libdispatch, which may not be
# here. With simulations, whose tests come below, all crates would be built with hosts.
of=(--workspace --exclude millpond-python --exclude millpond-proof --exclude millpond-simulation --exclude millpond-testing)
if cargo nextest --version >/dev/null 2>&1; then
    counted "$log" cargo nextest run "${of[@]}" --no-fail-fast --no-tests=pass
else
    counted "$log" cargo test "${of[@]}" --lib --bins --tests --examples --no-fail-fast
fi
counted "$log" cargo test "${of[@]}" --doc --no-fail-fast

rm -f "$target/ci/python.log"
part ci/python.sh test
[ ! -f "$target/ci/python.log" ] || cat "$target/ci/python.log" >>"$log"

# Random programs with the corpus of the fuzzer, and `soak` for seconds: compiled for speed, but not
# for long.
CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 counted "$log" cargo test --release --package millpond-proof --lib --tests

part timeout 20m ci/test-simulation.sh
[ ! -f "$target/ci/simulation.log" ] || cat "$target/ci/simulation.log" >>"$log"

rm -f "$target/ci/gcd.log"
part timeout 15m ci/test-gcd.sh
if [ -f "$target/ci/gcd.log" ]; then
    summarize "$log" "$target/ci/gcd.log"
else
    summarize "$log"
fi
echo "$summary"
exit $status
