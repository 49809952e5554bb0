#!/usr/bin/env bash
# Formatting and lints, all of them, before it says whether one failed.
source "$(dirname "$0")/environment.sh"

status=0
run cargo fmt --all --check || status=1
run cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings || status=1
run ci/python.sh lint || status=1
exit $status
