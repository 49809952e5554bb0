#!/usr/bin/env bash
# Runs the loom tests: every interleaving of small scenarios, up to a number of preemptions.
#
#     LOOM_MAX_PREEMPTIONS=3 ci/loom.sh       (the default is 2: a minute; 3 takes very long)
#
# Prints how many tests ran, and fails when one fails or fewer ran than ci/loom-count says. Builds
# into its own folder, as everything is compiled with another cfg.
source "$(dirname "$0")/environment.sh"

export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-2}
# A thread that spins for a lock takes many steps without a choice.
export LOOM_MAX_BRANCHES=${LOOM_MAX_BRANCHES:-20000}
export RUSTFLAGS="--cfg loom"
export CARGO_TARGET_DIR=${LOOM_TARGET_DIR:-$target/loom}
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
export CARGO_TERM_COLOR=never RUST_BACKTRACE=0
log=$CARGO_TARGET_DIR/loom.log
mkdir -p "$CARGO_TARGET_DIR"
: >"$log"
status=0

for crate in sync channel pool; do
    only=()
    # The pool has other tests of small parts, which are no models.
    [ "$crate" != pool ] || only=(guarded::)
    counted "$log" cargo test --release -p "millpond-$crate" --lib "${only[@]}"
    counted "$log" cargo test --release -p "millpond-$crate" --test loom
done

# What panics on purpose prints a lot; what counts is the summaries.
check_count "$log" ci/loom-count
echo "loom with at most $LOOM_MAX_PREEMPTIONS preemptions: $summary"
exit $status
