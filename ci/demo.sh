#!/usr/bin/env bash
# Runs the words example, over the folders given or over what the machine has.
source "$(dirname "$0")/environment.sh"

cargo build --quiet --release --example words
cargo run --quiet --release --example words -- "$@"
