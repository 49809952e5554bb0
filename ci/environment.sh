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

# Runs a test runner, with its output into a log too, and before and after it what ci/count.sh must know of one that says nothing
# of its end. Sets `status` to 1 when it fails.
counted() {
    local log=$1 ended=0
    shift
    echo "runner: $*" >>"$log"
    run "$@" 2>&1 | tee -a "$log" || ended=$?
    echo "runner ended: $ended" >>"$log"
    [ "$ended" = 0 ] || status=1
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
