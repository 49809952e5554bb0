#!/usr/bin/env bash
# Gives, of a runner's output (standard input), what says which tests failed and why: the names as
# nextest, cargo test and pytest write them, where panics and errors happened and the lines below
# these. At most 150 lines, of at most 300 characters; where nothing is known, the last 20.
set -euo pipefail

text=$(sed 's/\x1b\[[0-9;]*m//g' | cut -c1-300)
# What a test does on purpose panics as well, so names come first.
names=$(grep -E '^ +(FAIL|TIMEOUT|ABORT|SIG[A-Z]+|LEAK-FAIL) .*\[|^test .* \.\.\. FAILED$|^(FAILED|ERROR) ' <<<"$text" | sort -u | head -50) || true
why=$(grep -E -A12 '^---- .* stdout ----|^E  |^error(\[|:)|: error:|^Fatal Python error|^FAILED: |^_{5,} .* _{5,}$|^  stderr ───' <<<"$text" | head -100) || true
if [ -n "$names$why" ]; then
    printf '%s\n' "$names" "$why" | sed '/^$/d'
elif [ -n "$text" ]; then
    tail -n 20 <<<"$text"
fi
