#!/usr/bin/env bash
# Runs the tests of the Python package on every CPython from 3.9 on that pyenv has.
source "$(dirname "$0")/python-environment.sh"

versions=${PYENV_ROOT:-$HOME/.pyenv}/versions
status=0
count=0
make_environment venv "$(find_python)" "test dev"
maker=$venv
for python in "$versions"/*/bin/python; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9) or sys.implementation.name != "cpython")' 2>/dev/null || continue
    count=$((count + 1))
    name=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    make_environment "venv-$name" "$python" test
    install_package "$maker"
    (cd python && run "$venv/bin/python" -m pytest -p no:cacheprovider --color=no "$@") ||
        { echo "FAILED: Python $name"; status=1; }
done
[ "$count" -gt 0 ] || fail "no CPython from 3.9 on in \`$versions\`: install some with \`pyenv install 3.13\`"
echo "tested on $count versions of Python"
exit $status
