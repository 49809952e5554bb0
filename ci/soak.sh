#!/usr/bin/env bash
# Random graphs for minutes, in all modes, with faults on; memory and threads watched. Fails by an
# item that is lost, doubled or out of order, a case that does not end, by blocks, bytes or threads
# that are left while nothing runs, which is looked at twelve times, or by less than 100,000 items
# and 100 faults per second and processor.
#
#     MINUTES=10 ci/soak.sh
#     SEED=7 MINUTES=10 ci/soak.sh     from case 7 on
#     ONLY=7 ci/soak.sh                case 7 alone: what it is, and once more
source "$(dirname "$0")/environment.sh"

# Memory that one thread frees and another one took stays with its thread in the C library, more of
# it all the time, although nobody uses it; with one heap for all threads the process has what the
# program holds.
export MALLOC_ARENA_MAX=1
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
seconds=$((${MINUTES:-10} * 60))
run cargo build --quiet --release --package millpond-proof --features gcd --bin soak
# The words before a program that finds libdispatch; without it that mode is left out, and the
# program says so.
with_library=$(ci/libdispatch.sh) || with_library=
drivers=${DRIVERS:-$(nproc)}
if [ -n "${ONLY:-}" ]; then
    arguments=(--only "$ONLY")
else
    arguments=(--seconds "$seconds" --seed "${SEED:-0}" --drivers "$drivers"
        --least-items "${LEAST_ITEMS:-$((seconds * drivers * 100000))}" --least-faults "${LEAST_FAULTS:-$((seconds * drivers * 100))}")
fi
# shellcheck disable=SC2086
run $with_library "$target/release/soak" "${arguments[@]}"
