#!/usr/bin/env bash
# The slow checkers, all of them, before it says whether one failed. Each is bounded in time.
source "$(dirname "$0")/environment.sh"

status=0
part timeout 20m ci/loom.sh
SHUTTLE_MILLISECONDS=10000 part timeout 20m ci/shuttle.sh
SEEDS=1000000 MINUTES=10 part timeout 30m ci/test-simulation.sh
part timeout 40m ci/mutants.sh
MINUTES=2 part timeout 20m ci/fuzz.sh
part timeout 60m ci/sanitize.sh thread
part timeout 60m ci/sanitize.sh address
part timeout 15m ci/valgrind.sh
# Programs over the Python package's whole interface, each of up to forty steps.
MILLPOND_EXAMPLES=3000 part timeout 20m ci/python.sh test tests/test_stateful.py
# What cannot be run here compiles at least.
part timeout 20m ci/platforms.sh
part timeout 40m ci/packages.sh
exit $status
