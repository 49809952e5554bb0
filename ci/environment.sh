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

# Says why a script cannot go on, and ends it.
fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Counts what passed according to a log, into the variable `summary`; says so and sets `status` to 1 when the log is missing or has fewer than the
# committed number.
check_count() {
    local log=$1 committed=$2
    summary="0 passed, 0 failed"
    [ ! -f "$log" ] || summary=$(ci/count.sh "$log")
    if [ "${summary%% passed*}" -lt "$(cat "$committed")" ]; then
        echo "FAILED: $summary, and $committed says at least $(cat "$committed") passed"
        status=1
    fi
}

# Whether a command exists.
have() {
    command -v "$1" >/dev/null
}
