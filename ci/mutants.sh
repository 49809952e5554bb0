#!/usr/bin/env bash
# Bugs on purpose, each of which the tests of simulated pools must find; the list with what finds them is in docs/proof.md.
#
#     ci/mutants.sh            all of ci/mutants/
#     ci/mutants.sh 6 13       these
#
# The patches are applied to a copy of the checkout, all at once; each bug is behind a number that an environment variable switches on, so
# they take one build. First the tests must pass with none of them.
source "$(dirname "$0")/environment.sh"

copy=$target/mutants
mkdir -p "$copy"
rm -rf "$copy/tree"
mkdir -p "$copy/tree"
git ls-files -z -- . ':!python' ':!benches' | tar --create --null --files-from=- | tar --extract --directory="$copy/tree"
sed -i 's/, "benches"//; s/, "python"//' "$copy/tree/Cargo.toml"
for patch in ci/mutants/*.patch; do
    patch --quiet --strip=1 --fuzz=3 --directory="$copy/tree" <"$patch" || fail "$patch does not apply: the code that it breaks has changed"
done

export CARGO_TARGET_DIR=$copy/target CARGO_TERM_COLOR=never RUST_BACKTRACE=0
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
cd "$copy/tree"
run cargo test --release --quiet --package millpond-pool --features simulation --test simulation --test properties --no-run
programs=$(cargo test --release --package millpond-pool --features simulation --test simulation --test properties --no-run 2>&1 |
    sed -n 's/.*Executable.*(\(.*\))$/\1/p')

# Runs the tests with a bug and says which of them failed; succeeds when all passed. What hangs is stopped, and has failed.
try() {
    local failed="" out
    for program in $programs; do
        case $program in
        *properties*) arguments="simulated --test-threads=1" ;;
        *) arguments="--test-threads=1" ;;
        esac
        # shellcheck disable=SC2086
        out=$(cd pool && MILLPOND_MUTANT=$1 MILLPOND_SEEDS=${SEEDS:-5000} timeout 60 "$program" $arguments 2>&1) ||
            failed="$failed $(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p; s/^    \([a-z_]*::[a-z_:]*\)$/\1/p' <<<"$out" | sort -u | tr '\n' ' ')"
    done
    echo "$failed" | tr -s ' '
    [ -z "$failed" ]
}

try 0 >/dev/null || fail "tests fail without any bug"
status=0
for patch in "$OLDPWD"/ci/mutants/*.patch; do
    name=$(basename "$patch" .patch)
    number=$((10#${name%%-*}))
    [ "$number" -ne 0 ] || continue
    [ $# -eq 0 ] || [[ " $* " = *" $number "* ]] || continue
    if found=$(try "$number"); then
        echo "NOT FOUND: $name"
        status=1
    else
        echo "found: $name by$found"
    fi
done
exit $status
