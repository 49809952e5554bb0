#!/usr/bin/env bash
# Runs one group of benchmarks, or all: each is a program in benches/src/bin/.
source "$(dirname "$0")/environment.sh"

groups=$(cd benches && find src -path 'src/bin/*' -prune -print | sed 's|.*/||; s|\.rs$||' | sort)
if [ $# -gt 0 ]; then
    grep -qxF -- "$1" <<<"$groups" || fail "no group \`$1\`; there are:" $groups
    groups=$1
fi
for group in $groups; do
    run cargo run --quiet --release -p millpond-benches --bin "$group"
done
