#!/usr/bin/env bash
# Runs one group of benchmarks, or all: each is a program in benches/src/bin/, or that in
# benches/python/. The group `workers` needs libdispatch, and is left out where that cannot be had,
# which is said.
source "$(dirname "$0")/environment.sh"

groups=$( (cd benches && find src -path 'src/bin/*' -prune -print | sed 's|.*/||; s|\.rs$||' && echo python) | sort)
if [ $# -gt 0 ]; then
    grep -qxF -- "$1" <<<"$groups" || fail "no group \`$1\`; there are:" $groups
    groups=$1
fi
for group in $groups; do
    if [ "$group" = python ]; then
        ci/bench-python.sh
        continue
    fi
    options=()
    [ "$group" != simulation ] || options=(--features simulation)
    if [ "$group" = workers ]; then
        status=0
        words=$(ci/libdispatch.sh) || status=$?
        if [ "$status" -ne 0 ]; then
            echo "LEFT OUT: the group \`workers\` did NOT run, for want of libdispatch. The reason is given above." >&2
            [ "$status" -eq 3 ] && [ -z "${MILLPOND_REQUIRE_GCD:-}" ] && continue
            exit 1
        fi
        options=(--features gcd)
        if [ -n "$words" ]; then
            host=$(rustc -vV | sed -n 's/^host: //p')
            options+=(--config "target.$host.runner = ['$words']")
        fi
    fi
    run cargo run --quiet --release -p millpond-benches "${options[@]}" --bin "$group"
done
