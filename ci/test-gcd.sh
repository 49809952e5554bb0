#!/usr/bin/env bash
# Runs tests on the real libdispatch: those of the workers, and the pool's suites of the engine and
# of graphs of values, whose pools are then of libdispatch's threads (MILLPOND_TEST_WORKERS=gcd).
# What arguments say goes to `cargo test` instead.
#
# Prints how many tests ran, and fails when one fails or fewer ran than ci/test-gcd-count says.
# Where the library cannot be had the tests are left out, which is said and is no failure, unless
# MILLPOND_REQUIRE_GCD is set. The output stays in target/ci/gcd.log.
source "$(dirname "$0")/environment.sh"

export CARGO_TERM_COLOR=never
log=$target/ci/gcd.log
mkdir -p "$(dirname "$log")"
: >"$log"

status=0
words=$(ci/libdispatch.sh) || status=$?
if [ "$status" -ne 0 ]; then
    {
        echo "****************************************************************************"
        echo "* LEFT OUT: the tests on libdispatch did NOT run. The reason is given above."
        echo "* Install libdispatch, or name it in MILLPOND_LIBDISPATCH, to run them."
        echo "****************************************************************************"
    } >&2
    rm -f "$log"
    [ "$status" -eq 3 ] && [ -z "${MILLPOND_REQUIRE_GCD:-}" ] && exit 0
    exit 1
fi

export MILLPOND_TEST_WORKERS=gcd
# These laws have been tried at length on rayon; here it is the workers that are tried.
export PROPTEST_CASES=${PROPTEST_CASES:-32}
runner=()
if [ -n "$words" ]; then
    host=$(rustc -vV | sed -n 's/^host: //p')
    runner=(--config "target.$host.runner = ['$words']")
fi
if [ $# -gt 0 ]; then
    run cargo test --features gcd "${runner[@]}" "$@"
    exit
fi

counted "$log" cargo test --package millpond-workers --features gcd "${runner[@]}" --tests --no-fail-fast
counted "$log" cargo test --package millpond-pool --features gcd "${runner[@]}" --tests --no-fail-fast

# The Python package's pools, where `ci/python.sh test` has installed it.
python=$(cd "$target" && pwd)/python/venv/bin/python
if [ -x "$python" ] && "$python" -c 'import millpond, pytest' 2>/dev/null; then
    export MILLPOND_REQUIRE_GCD=1 MILLPOND_GCD_RUNNER=$words
    # shellcheck disable=SC2086  # one word, or none
    counted "$log" within python $words "$python" -m pytest -p no:cacheprovider --color=no tests/test_gcd.py
fi
check_count "$log" ci/test-gcd-count
echo "on libdispatch: $summary"
exit $status
