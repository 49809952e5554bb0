#!/usr/bin/env bash
# Bugs on purpose, each of which tests must find; the list with what finds them is in docs/proof.md.
#
#     ci/mutants.sh            all of ci/mutants/
#     ci/mutants.sh 6 13       these
#     ci/mutants.sh fit        no tests, but whether all of them still fit the code
#
# The patches are applied to a copy of the checkout, all at once; each bug is behind a number that an environment variable switches on, so
# they take one build. First the tests must pass with none of them. A patch says which tests look for its bug in a line `Looked for by:`
# before the first file; each kind it names must find it. Without that line it is the simulations.
#
#     simulation   simulated pools: scenarios, random graphs
#     programs     the fuzzer's corpus, in simulations
#     channel      the tests of channel/
#     sync         the tests of sync/
#     loom         the model checker's tests of both
source "$(dirname "$0")/environment.sh"

copy=$(realpath --canonicalize-missing "$target/mutants")
patches=$(realpath ci/mutants)
rm -rf "$copy/tree"
mkdir -p "$copy/tree"
git ls-files -z -- . ':!python' ':!benches' | tar --create --null --files-from=- | tar --extract --directory="$copy/tree"
sed -i 's/, "benches"//; s/, "python"//' "$copy/tree/Cargo.toml"
for patch in "$patches"/*.patch; do
    # The folder may lie within the checkout, and is none.
    GIT_CEILING_DIRECTORIES=$copy git -C "$copy/tree" apply --quiet -C1 "$patch" || fail "$patch does not apply: the code that it breaks has changed"
done
[ "${1:-}" != fit ] || exit 0

export CARGO_TERM_COLOR=never RUST_BACKTRACE=0 LOOM_MAX_PREEMPTIONS=2 LOOM_MAX_BRANCHES=20000
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
export MILLPOND_SEEDS=${SEEDS:-5000} MILLPOND_SEED_THREADS=1
cd "$copy/tree"

# Builds tests and gives the programs, one per line.
programs_of() {
    local log=$copy/build.log
    cargo test --release --no-run "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "the tests do not build: cargo test $*"; }
    sed -n 's/.*Executable.*(\(.*\))$/\1/p' "$log"
}

declare -A programs
# Of the numbers given, or of all: which kinds of tests are needed, and the names of the patches.
kinds="" names=()
for patch in "$patches"/*.patch; do
    name=$(basename "$patch" .patch)
    number=$((10#${name%%-*}))
    [ "$number" -ne 0 ] || continue
    [ $# -eq 0 ] || [[ " $* " = *" $number "* ]] || continue
    names+=("$name")
    lookers=$(sed -n '/^---/q; s/^Looked for by: //p' "$patch")
    kinds="$kinds ${lookers:-simulation}"
done
[ ${#names[@]} -gt 0 ] || fail "no mutant has one of these numbers: $*"
for kind in $(tr ' ' '\n' <<<"$kinds" | sort -u); do
    export CARGO_TARGET_DIR=$copy/target
    case $kind in
    simulation) built=$(programs_of --package millpond-pool --features simulation --test simulation --test properties) ;;
    programs) built=$(programs_of --package millpond-proof --test programs) ;;
    channel) built=$(programs_of --package millpond-channel --test it) ;;
    sync) built=$(programs_of --package millpond-sync --lib --test it) ;;
    loom)
        export CARGO_TARGET_DIR=$copy/loom
        built=$(RUSTFLAGS="--cfg loom" programs_of --package millpond-sync --package millpond-channel --lib --test loom)
        ;;
    *) fail "no tests \`$kind\`; there are: simulation programs channel sync loom" ;;
    esac
    [ -n "$built" ] || fail "no test programs of the kind \`$kind\` were built"
    programs[$kind]=$built
done

# Runs the tests of a kind with a bug and says which of them failed, and at which seed; succeeds when all passed. What hangs is stopped, and
# has failed.
try() {
    local failed="" out status program arguments which
    for program in ${programs[$2]}; do
        case $program in
        */properties-*) arguments=simulated ;;
        */programs-*) arguments=the_corpus_gives_what_the_model_gives_in_simulations ;;
        *) arguments="" ;;
        esac
        status=0
        # shellcheck disable=SC2086
        out=$(cd pool && MILLPOND_MUTANT=$1 timeout --kill-after=5 "${SECONDS_EACH:-90}" "$program" $arguments 2>&1) || status=$?
        [ "$status" -ne 0 ] || continue
        which=$(sed -n 's/^test \([^ ]*\)\( - should panic\)\? \.\.\. FAILED$/\1/p; s/^    \([a-z_]*::[a-z_:]*\)$/\1/p' <<<"$out" | sort -u | tr '\n' ' ')
        [[ $program != *properties* ]] || which="$which $(sed -n 's/.*seed \([0-9][0-9]*\) fails.*/at-seed-\1/p' <<<"$out" | head -1)"
        [ "$status" -lt 124 ] || [ -n "${which// /}" ] || which="stopped-with-status-$status"
        failed="$failed ${which:-status-$status}"
    done
    tr -s ' ' '\n' <<<"$failed" | grep . | sort -u | awk '
        NR <= 4 { line = line " " $0 }
        END { print line (NR > 4 ? " and " NR - 4 " more" : "") }'
    [ -z "$failed" ]
}

for kind in "${!programs[@]}"; do
    found=$(try 0 "$kind") || fail "tests fail without any bug:$found"
done
missed=0
for name in "${names[@]}"; do
    number=$((10#${name%%-*}))
    lookers=$(sed -n '/^---/q; s/^Looked for by: //p' "$patches/$name.patch")
    for kind in ${lookers:-simulation}; do
        if found=$(try "$number" "$kind"); then
            echo "NOT FOUND: $name by $kind"
            missed=$((missed + 1))
        else
            echo "found: $name by $kind:$found"
        fi
    done
done
echo "${#names[@]} bugs on purpose, not found: $missed"
[ "$missed" -eq 0 ]
