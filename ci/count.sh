#!/usr/bin/env bash
# Sums up what the test runners wrote into logs: "N passed, N failed".
#
# Reads the summaries of all runners, and of each only the line that it ends with:
#     Summary [   0.511s] 46 tests run: 44 passed (1 slow), 1 failed, 1 timed out, 2 skipped      (nextest)
#     test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; …           (cargo test)
#     ====== 1 failed, 110 passed, 2 skipped, 1 error in 5.34s ======                              (pytest)
source "$(dirname "$0")/environment.sh"

sed 's/\x1b\[[0-9;]*m//g' "${@:?usage: ci/count.sh LOG …}" | awk '
    # The number before a word, 0 when the word is not there.
    function before(text, word,    found) {
        if (!match(text, "[0-9]+ " word)) return 0
        found = substr(text, RSTART, RLENGTH)
        return found + 0
    }
    /^ *Summary \[ *[0-9.]+s\] .* tests? run:/ {
        sub(/.* run:/, "")
        passed += before($0, "passed")
        failed += before($0, "failed") + before($0, "exec failed") + before($0, "timed out")
    }
    /^test result: (ok|FAILED)\. / {
        passed += before($0, "passed")
        failed += before($0, "failed")
    }
    /^=+ .* in [0-9.]+s( \(.*\))? =+$/ {
        passed += before($0, "passed")
        failed += before($0, "failed") + before($0, "errors?")
    }
    END { printf "%d passed, %d failed\n", passed, failed }
'
