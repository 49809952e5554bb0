#!/usr/bin/env bash
# Formatting and lints, all of them, before it says whether one failed.
source "$(dirname "$0")/environment.sh"

status=0
run cargo fmt --all --check || status=1
run cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings || status=1
# What only some features use must not be there without them.
for features in "" gcd simulation; do
    run cargo clippy --quiet --package millpond-pool --all-targets --features "$features" -- -D warnings || status=1
done
for features in "" gcd rayon; do
    run cargo clippy --quiet --package millpond-workers --all-targets --no-default-features --features "$features" -- -D warnings || status=1
done
run cargo clippy --quiet --package millpond --lib --no-default-features -- -D warnings || status=1
run ci/docs.sh || status=1
run ci/mutants.sh fit || status=1
run ci/python.sh lint || status=1
exit $status
