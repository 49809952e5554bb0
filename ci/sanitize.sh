#!/usr/bin/env bash
# Runs the tests of all crates under a sanitizer: `thread` (data races) or `address` (memory errors
# and leaks).
#
# Sanitizers are not stable in Rust yet; RUSTC_BOOTSTRAP lets the stable compiler take the flags.
# ThreadSanitizer must see the standard library too, or it reports every Arc that is dropped; so it
# is built along, from rust-src.
#
# Then the pool's tests in simulations. AddressSanitizer is told of the stacks that these switch, by
# a feature of corosensei. ThreadSanitizer is not, so it sees those simulations whose helpers are
# threads of the system's, the suite `it` in them.
#
# A checker that checks nothing looks like one that finds nothing. So programs that are wrong on
# purpose come first and must be caught, and not fewer tests may pass than ci/sanitize-count says.
#
# On two processors that others use as well, with the dependencies compiled: `thread` took 10 to 29
# minutes, 10 to 13 of a processor's time, and `address` 10 and 6.
source "$(dirname "$0")/environment.sh"

sanitizer=${1:?usage: ci/sanitize.sh thread|address}
triple=$(rustc -vV | sed -n 's/^host: //p')
[ "$triple" = x86_64-unknown-linux-gnu ] || fail "set up for x86_64-unknown-linux-gnu only, and this is $triple"

build_std=()
declare -A wrong
case $sanitizer in
thread)
    build_std=(-Zbuild-std)
    wrong["data race"]='static mut COUNT: u64 = 0;
        fn main() {
            let count = || for _ in 0..1000 { unsafe { let count = &raw mut COUNT; *count += 1 } };
            std::thread::scope(|scope| { scope.spawn(count); scope.spawn(count); });
        }'
    if ! [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library" ]; then
        have rustup || fail "the standard library's source is missing: install rust-src"
        run rustup component add rust-src
    fi
    ;;
address)
    wrong["heap-use-after-free"]='fn main() {
            let value = Box::into_raw(Box::new(1_u64));
            unsafe { drop(Box::from_raw(value)); println!("{}", std::hint::black_box(*value)) }
        }'
    wrong["detected memory leaks"]='fn main() {
            std::mem::forget(std::hint::black_box(Box::new(1_u64)));
        }'
    ;;
*) fail "no sanitizer \`$sanitizer\`; there are: thread address" ;;
esac

export RUSTC_BOOTSTRAP=1
export CARGO_TARGET_DIR=$target/sanitize-$sanitizer
export CARGO_TERM_COLOR=never
# Freed memory is kept back for a while so that its use is seen, but not so much that a test of
# memory would see that.
export ASAN_OPTIONS=quarantine_size_mb=64
# What is left behind on purpose, one race that is not ours, and nothing else; what of it was met is
# printed.
export LSAN_OPTIONS=suppressions=$PWD/ci/leaks.supp
export TSAN_OPTIONS=suppressions=$PWD/ci/races.supp:print_suppressions=1
# A sanitized test is some ten times slower, so property tests try fewer cases, chains of a hundred
# thousand tasks are a tenth as long (`MILLPOND_SANITIZER`), and watchdogs are patient.
export PROPTEST_CASES=${PROPTEST_CASES:-16}
export MILLPOND_TEST_LIMIT=600 MILLPOND_PATIENCE=600 MILLPOND_SANITIZER=$sanitizer
mkdir -p "$CARGO_TARGET_DIR"
log=$CARGO_TARGET_DIR/test.log

for verdict in "${!wrong[@]}"; do
    rustc --edition 2024 -Zsanitizer="$sanitizer" -Cunsafe-allow-abi-mismatch=sanitizer \
        -o "$CARGO_TARGET_DIR/wrong" - <<<"${wrong[$verdict]}"
    if "$CARGO_TARGET_DIR/wrong" >"$log" 2>&1 || ! grep -q "$verdict" "$log"; then
        fail "the $sanitizer sanitizer did not catch a program that is wrong on purpose ($verdict): see $log"
    fi
done

status=0
: >"$log"
sanitized() {
    RUSTFLAGS="-Zsanitizer=$sanitizer -Cforce-frame-pointers=yes" counted "$log" cargo test "${build_std[@]}" --target "$triple" --no-fail-fast "$@"
}

# A simulation switches stacks, and has the crates below ask for a host: its own tests come with it.
sanitized --workspace --exclude millpond-benches --exclude millpond-python --exclude millpond-proof --exclude millpond-simulation --exclude millpond-testing --lib --tests
# What cannot be in a simulation is in ci/test-simulation.sh.
mapfile -t left_out < <(sed -n '/^left_out=(/,/^)/s/^ *\([a-z_]*::[a-z_]*\)$/--skip=\1/p' ci/test-simulation.sh)
[ "${#left_out[@]}" -gt 0 ] || fail "ci/test-simulation.sh has no list of what is left out in simulations"
case $sanitizer in
thread)
    MILLPOND_TEST_WORKERS=simulation-on-threads sanitized --package millpond-pool --features simulation --test it -- "${left_out[@]}"
    ;;
address)
    features=simulation,millpond-simulation/sanitizer
    sanitized --package millpond-simulation --features sanitizer --lib --test it
    sanitized --package millpond-pool --features $features --lib --test simulation
    sanitized --package millpond-testing --features millpond-simulation/sanitizer --test it
    MILLPOND_SEEDS=300 sanitized --package millpond-pool --features $features --test properties -- simulated
    MILLPOND_TEST_WORKERS=simulation sanitized --package millpond-pool --features $features --test it -- "${left_out[@]}"
    ;;
esac

check_count "$log" ci/sanitize-count
echo "$sanitizer sanitizer: $summary"
exit $status
