# What every script here starts with (`source`, not run): strict bash, in the root of the checkout, with cargo found
# also in a shell that has not read the profile that rustup wrote.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
target=${CARGO_TARGET_DIR:-target}

# Shows a command and runs it.
run() {
    echo "\$ $*"
    "$@"
}

# Runs a command in a folder.
within() {
    local folder=$1
    shift
    (cd "$folder" && "$@")
}

# Says why a script cannot go on, and ends it.
fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Runs a test runner, with its output into a log too, and before and after it what ci/count.sh must know of one that
# says nothing of its end. Sets `status` to 1 when it fails, and keeps what failed in it.
counted() {
    local log=$1 ended=0 before
    shift
    echo "runner: $*" >>"$log"
    before=$(wc -l <"$log")
    run "$@" 2>&1 | tee -a "$log" || ended=$?
    keep_failures "$ended" "$log" "$before" "$@"
    echo "runner ended: $ended" >>"$log"
    [ "$ended" = 0 ] || status=1
}

# Runs what checks, but counts no tests. Sets `status` to 1 when it fails, and keeps what it said.
checked() {
    local log=$target/ci/checked.log ended=0
    mkdir -p "$target/ci"
    run "$@" 2>&1 | tee "$log" || ended=$?
    keep_failures "$ended" "$log" 0 "$@"
    [ "$ended" = 0 ] || status=1
}

# Runs a script that keeps itself what failed in it. Sets `status` to 1 when it fails, and says so also where it was killed.
part() {
    local ended=0
    run "$@" || ended=$?
    [ "$ended" = 0 ] || { status=1 && keep_failures "$ended" /dev/null 0 "$@"; }
}

# Keeps, of a command that failed, what its log has after a line: the tests that failed and the lines about them
# (ci/failures.sh). .ci/run says them again at its end, which is what is seen of a long output.
keep_failures() {
    local ended=$1 log=$2 before=$3
    shift 3
    [ "$ended" != 0 ] || return 0
    mkdir -p "$target/ci"
    {
        echo "FAILED with $ended: $*"
        tail -n "+$((before + 1))" "$log" | ci/failures.sh
    } >>"$target/ci/failures.log"
}

# Counts what passed and failed according to logs, into the variable `summary`. A log that is missing is a failure, and so is whatever
# else `status` says went wrong.
summarize() {
    local log logs=()
    for log in "$@"; do
        if [ -f "$log" ]; then logs+=("$log"); else status=1; fi
    done
    summary="0 passed, 0 failed"
    [ "${#logs[@]}" = 0 ] || summary=$(ci/count.sh "${logs[@]}")
    [ "$status" = 0 ] || summary=${summary/%, 0 failed/, 1 failed}
}

# Counts what passed according to a log, into the variable `summary`; says so and sets `status` to 1 when the log is missing or has fewer than the
# committed number.
check_count() {
    local log=$1 committed=$2
    summarize "$log"
    if [ "${summary%% passed*}" -lt "$(cat "$committed")" ]; then
        echo "FAILED: $summary, and $committed says at least $(cat "$committed") passed"
        status=1
        summarize "$log"
    fi
}

# Whether a command exists.
have() {
    command -v "$1" >/dev/null
}
