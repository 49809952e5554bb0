#!/usr/bin/env bash
# Runs the words example, over the folders given or over what the machine has.
source "$(dirname "$0")/environment.sh"

echo "building the example (the first time takes a minute)"
cargo build --quiet --release --example words
exec "$target/release/examples/words" --drawing="$target/demo/words.svg" "$@"
