#!/usr/bin/env bash
# Runs the tests of the Python package on every CPython from 3.9 on that pyenv has.
source "$(dirname "$0")/python-environment.sh"

versions=${PYENV_ROOT:-$HOME/.pyenv}/versions
log=$target/ci/python-versions.log
mkdir -p "$target/ci"
: >"$log"
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
    before=$status
    status=0
    counted "$log" within python "$venv/bin/python" -m pytest -p no:cacheprovider --color=no "$@"
    [ "$status" = 0 ] || echo "FAILED: Python $name"
    [ "$before" = 0 ] || status=1
done
[ "$count" -gt 0 ] || fail "no CPython from 3.9 on in \`$versions\`: install some with \`pyenv install 3.13\`"
summarize "$log"
echo "tested on $count versions of Python: $summary"
exit $status
