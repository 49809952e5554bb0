#!/usr/bin/env bash
# The slow checkers, all of them, before it says whether one failed. Each is bounded in time.
source "$(dirname "$0")/environment.sh"

status=0
run timeout 20m ci/loom.sh || status=1
SHUTTLE_MILLISECONDS=10000 run timeout 20m ci/shuttle.sh || status=1
SEEDS=1000000 MINUTES=10 run timeout 30m ci/test-simulation.sh || status=1
run timeout 40m ci/mutants.sh || status=1
MINUTES=2 run timeout 20m ci/fuzz.sh || status=1
run timeout 60m ci/sanitize.sh thread || status=1
run timeout 60m ci/sanitize.sh address || status=1
run timeout 15m ci/valgrind.sh || status=1
# Programs over the Python package's whole interface, each of up to forty steps.
MILLPOND_EXAMPLES=3000 run timeout 20m ci/python.sh test tests/test_stateful.py || status=1
# What cannot be run here compiles at least.
if have rustup; then
    run rustup target add x86_64-apple-darwin || status=1
    run cargo check --package millpond-pool --features gcd --target x86_64-apple-darwin || status=1
else
    echo "LEFT OUT: that the pool compiles for Apple's systems was NOT checked, for want of rustup" >&2
fi
exit $status
