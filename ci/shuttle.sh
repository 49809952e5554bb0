#!/usr/bin/env bash
# Runs the pool itself under shuttle: another thread may have its turn at every access to an atomic
# and every lock, in an order that is drawn. Each test explores for a second, so all of them take
# about half a minute beside the build.
#
#     SHUTTLE_MILLISECONDS=60000 SHUTTLE_SEED=7 ci/shuttle.sh      (longer, and other schedules)
#     SHUTTLE_SCHEDULE=9103… SHUTTLE_TRACE=1 ci/shuttle.sh NAME    (one schedule of one test, with the engine's steps)
#
# Prints how many schedules were explored, and fails when a test fails, fewer ran than
# ci/shuttle-count says, or fewer than five thousand schedules were explored. Builds into its own
# folder, as everything is compiled with another cfg.
source "$(dirname "$0")/environment.sh"

export RUSTFLAGS="--cfg shuttle"
export CARGO_TARGET_DIR=${SHUTTLE_TARGET_DIR:-$target/shuttle}
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
export CARGO_TERM_COLOR=never RUST_BACKTRACE=0
test=(cargo test --release -p millpond-pool --test shuttle --)

if [ $# -gt 0 ]; then
    run "${test[@]}" --nocapture "$@"
    exit
fi
log=$CARGO_TARGET_DIR/shuttle.log
mkdir -p "$CARGO_TARGET_DIR"
status=0
: >"$log"
counted "$log" "${test[@]}" --show-output >/dev/null
grep -E '^(test [a-z]+::|explored |found |---- )' "$log" || true
# What failed, with its schedule.
[ "$status" = 0 ] || sed -n '/^failures:$/,$p' "$log"

check_count "$log" ci/shuttle-count
schedules=$(awk '/^explored [0-9]+ schedules/ { sum += $2 } END { print sum + 0 }' "$log")
if [ "$schedules" -lt 5000 ]; then
    echo "FAILED: only $schedules schedules were explored"
    status=1
fi
echo "shuttle: $schedules schedules explored, $(grep -c '^found ' "$log" || true) bugs on purpose found: $summary"
exit $status
