#!/usr/bin/env bash
# The API's documentation, every warning an error.
source "$(dirname "$0")/environment.sh"

RUSTDOCFLAGS="-D warnings" run cargo doc --workspace --exclude millpond-benches --no-deps --all-features
