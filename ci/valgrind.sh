#!/usr/bin/env bash
# Runs the Python package's native module under valgrind: memory that is read or written and is not
# its own, and memory that nobody refers to any more, Python objects with a reference too many among
# it. With PYTHONMALLOC=malloc each object is a block of its own. What the collector tracks is on
# its lists and so never lost for valgrind: python/tests/test_references.py counts that.
#
# A checker that checks nothing looks like one that finds nothing. So two programs that are wrong on
# purpose come first and must be caught. ROUNDS=n for more of the program that does everything, 20
# by default.
source "$(dirname "$0")/python-environment.sh"

if ! have valgrind && [ "$(id -u)" = 0 ] && have apt-get; then
    run apt-get update --quiet=2 && run apt-get install --quiet=2 --yes valgrind >/dev/null || true
fi
if ! have valgrind; then
    echo "LEFT OUT: references and memory of the Python module were NOT checked, for want of valgrind" >&2
    exit 0
fi

make_environment venv "$(find_python)" "test dev"
install_package "$venv"
mkdir -p "$target/ci"
found=$target/ci/valgrind.xml

# Runs a program, and leaves what was found in $found.
watched() {
    rm -f "$found"
    PYTHONMALLOC=malloc run valgrind --quiet --leak-check=full --show-leak-kinds=definite --num-callers=60 \
        --undef-value-errors=no --xml=yes --xml-file="$found" "$venv/bin/python" "$@"
}

watched ci/valgrind/wrong.py leak
! "$venv/bin/python" ci/valgrind/findings.py "$found" leaks >"$target/ci/valgrind.log" ||
    fail "valgrind did not find the references that a program left behind on purpose"
watched ci/valgrind/wrong.py read
! "$venv/bin/python" ci/valgrind/findings.py "$found" errors >"$target/ci/valgrind.log" ||
    fail "valgrind did not find the read of freed memory that a program made on purpose"

status=0
watched ci/valgrind/everything.py "${ROUNDS:-20}" || status=1
"$venv/bin/python" ci/valgrind/findings.py "$found" errors || status=1
"$venv/bin/python" ci/valgrind/findings.py "$found" leaks || status=1
exit $status
