#!/usr/bin/env bash
# Fuzzes random programs over the pool's public interface, guided by coverage, beginning with the
# committed corpus.
#
#     MINUTES=5 ci/fuzz.sh               half of the time in simulations, half on threads
#     MINUTES=5 ci/fuzz.sh simulated     or one of them
#
# What is found is in target/fuzz/found, to be shown and run again with `cargo run --release -p
# millpond-proof --bin program -- FILE` (`--threads` before it for what threads have found); the
# library's own sentence says what is wrong. What covers something new is in target/fuzz/corpus;
# `KEEP=1` puts the smallest set of both corpora that covers all of it into proof/corpus.
#
# libFuzzer comes with the crate libfuzzer-sys, as C++. What it needs of the compiler are passes of
# LLVM, which flags of the stable compiler switch on.
source "$(dirname "$0")/environment.sh"

minutes=${MINUTES:-5}
[ $# -gt 0 ] || set -- simulated threads
have c++ || fail "libFuzzer is built with a C++ compiler: install g++ or clang++ (as \`c++\`)"
triple=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$target/fuzz/found" "$target/fuzz/corpus"
fuzz=$(cd "$target/fuzz" && pwd)

# Only what is compiled for the target is instrumented; coverage of the standard library is not
# needed.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
RUSTFLAGS=$(tr -s '\n ' ' ' <<<"$RUSTFLAGS")
run cargo build --quiet --release --manifest-path proof/fuzz/Cargo.toml --target "$triple" --target-dir "$fuzz/build"

status=0
runs=0
for name in "$@"; do
    log=$fuzz/$name.log
    seconds=$((minutes * 60 / $#))
    # A program takes some 200 µs; one that takes a minute hangs.
    run "$fuzz/build/$triple/release/$name" -max_total_time="$seconds" -max_len=388 -timeout=60 -rss_limit_mb=4096 \
        -print_final_stats=1 -artifact_prefix="$fuzz/found/$name-" "$fuzz/corpus" proof/corpus >"$log" 2>&1 || {
        status=1
        echo "FAILED: fuzzing $name; see $log"
        grep -aE -B2 -A40 "panicked at" "$log" | head -n 60 || true
        tail -n 5 "$log"
    }
    done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "fuzzing $name: ${done:-0} programs, $(grep -aoE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -n 1)"
    runs=$((runs + ${done:-0}))
done
if [ "${KEEP:-}" = 1 ] && [ "$status" = 0 ]; then
    rm -rf "$fuzz/merged" && mkdir "$fuzz/merged"
    run "$fuzz/build/$triple/release/$1" -merge=1 -max_len=388 -timeout=60 "$fuzz/merged" proof/corpus "$fuzz/corpus" >"$fuzz/merge.log" 2>&1
    rm -f proof/corpus/*
    cp "$fuzz"/merged/* proof/corpus
fi
# A fuzzer that runs nothing finds nothing.
least=$((minutes * 1000))
[ "$status" = 1 ] || [ "$runs" -ge "$least" ] || { echo "FAILED: $runs programs in $minutes minutes, and $least are the least"; status=1; }
exit $status
