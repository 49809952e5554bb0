#!/bin/sh
# Runs tests of the pool on the real libdispatch: its own test program, or what the arguments say, which go to
# `cargo test`. The programs see MILLPOND_TEST_WORKERS=gcd.
#
# Where the library cannot be had the tests are left out, which is said and is no failure, unless MILLPOND_REQUIRE_GCD
# is set.
set -eu

cd "$(dirname "$0")/.."
status=0
run=$(ci/libdispatch.sh) || status=$?
if [ "$status" -ne 0 ]; then
    {
        echo "****************************************************************************"
        echo "* LEFT OUT: the tests on libdispatch did NOT run. The reason is given above."
        echo "* Install libdispatch, or name it in MILLPOND_LIBDISPATCH, to run them."
        echo "****************************************************************************"
    } >&2
    [ "$status" -eq 3 ] && [ -z "${MILLPOND_REQUIRE_GCD:-}" ] && exit 0
    exit 1
fi

if [ $# -eq 0 ]; then
    set -- --package millpond-pool --test gcd
fi
export MILLPOND_TEST_WORKERS=gcd
if [ -n "$run" ]; then
    host=$(rustc -vV | sed -n 's/^host: //p')
    exec cargo test --features gcd --config "target.$host.runner = ['$run']" "$@"
fi
exec cargo test --features gcd "$@"
