#!/usr/bin/env bash
# Sums up what the test runners wrote into logs: "N passed, N failed".
#
# Reads the summaries of all runners, and of each only the line that it ends with:
#     Summary [   0.511s] 46 tests run: 44 passed (1 slow), 1 failed, 1 timed out, 2 skipped      (nextest)
#     test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; …           (cargo test)
#     ====== 1 failed, 110 passed, 2 skipped, 1 error in 5.34s ======                              (pytest)
# and what `counted` (ci/environment.sh) wrote before and after each runner:
#     runner: cargo test …
#     runner ended: 101
#
# A runner that does not come to its summary has failed, however it ended: one that was killed, one that failed and says that nothing
# did, one of whose test programs (`running 3 tests`) has no result, a log without any summary. Each counts as one failure.
source "$(dirname "$0")/environment.sh"

[ $# -gt 0 ] || fail "usage: ci/count.sh LOG …"
for log in "$@"; do
    # Between two logs, so that one that is empty is seen.
    [ "$log" = "$1" ] || echo "next log"
    sed 's/\x1b\[[0-9;]*m//g' "$log"
done | awk '
    # The number before a word, 0 when the word is not there.
    function before(text, word,    found) {
        if (!match(text, "[0-9]+ " word)) return 0
        found = substr(text, RSTART, RLENGTH)
        return found + 0
    }
    # Takes stock of the runner before.
    function settle(    unknown) {
        if (is_open) unknown = 1
        else if (ended != 0 && failures == 0) unknown = 1
        else if (summaries == 0) unknown = 1
        if (programs > results) unknown = programs - results
        failed += unknown
        failures = summaries = programs = results = ended = is_open = 0
        is_settled = 1
    }
    function count(passes, fails) {
        passed += passes
        failed += fails
        failures += fails
        summaries++
        is_settled = 0
    }
    /^runner: / {
        if (is_open || summaries) settle()
        is_open = 1
        is_settled = 0
    }
    /^runner ended: [0-9]+$/ {
        is_open = 0
        ended = $3
        settle()
    }
    /^next log$/ {
        if (!is_settled) settle()
        is_settled = 0
    }
    /^running [0-9]+ tests?$/ { programs++ }
    /^ *Summary \[ *[0-9.]+s\] .* tests? run:/ {
        sub(/.* run:/, "")
        count(before($0, "passed"), before($0, "failed") + before($0, "exec failed") + before($0, "timed out"))
    }
    /^test result: (ok|FAILED)\. / {
        results++
        count(before($0, "passed"), before($0, "failed"))
    }
    /^=+ .* in [0-9.]+s( \(.*\))? =+$/ {
        count(before($0, "passed"), before($0, "failed") + before($0, "errors?"))
    }
    # With fewer words, as pytest -q has it.
    /^([0-9]+ [a-z]+, )*[0-9]+ [a-z]+ in [0-9.]+s( \(.*\))?$/ {
        count(before($0, "passed"), before($0, "failed") + before($0, "errors?"))
    }
    END {
        if (!is_settled) settle()
        printf "%d passed, %d failed\n", passed, failed
    }
'
