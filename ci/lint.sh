#!/usr/bin/env bash
# Formatting and lints, all of them, before it says whether one failed.
source "$(dirname "$0")/environment.sh"

status=0
checked cargo fmt --all --check
checked cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings
# What only some features use must not be there without them.
for features in "" gcd simulation; do
    checked cargo clippy --quiet --package millpond-pool --all-targets --features "$features" -- -D warnings
done
for features in "" gcd rayon; do
    checked cargo clippy --quiet --package millpond-workers --all-targets --no-default-features --features "$features" -- -D warnings
done
checked cargo clippy --quiet --package millpond --lib --no-default-features -- -D warnings
checked ci/docs.sh
checked ci/mutants.sh fit
part ci/python.sh lint
exit $status
