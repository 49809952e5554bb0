#!/usr/bin/env bash
# Measures the Python package beside its rivals, in a virtual environment of its own. Words select
# cases. Which interpreter: BENCH_PYTHON, or the newest of pyenv's, or the first `python3` that will
# do.
source "$(dirname "$0")/python-environment.sh"

newest() {
    local python
    for python in $(printf '%s\n' "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python | sort --version-sort --reverse); do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10) or sys.implementation.name != "cpython")' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    find_python
}

python=${BENCH_PYTHON:-$(newest)}
make_environment venv "$(find_python)" "test dev"
maker=$venv
make_environment "bench-$("$python" -c 'import sys; print("%d.%d%s" % (*sys.version_info[:2], sys.abiflags))')" "$python" test
if ! cmp --silent benches/python/requirements.txt "$venv/rivals.txt"; then
    # One by one, since one that cannot be had is no reason to do without the others: the table says
    # who is missing.
    grep -v '^#\|^$' benches/python/requirements.txt | while read -r rival; do
        "$venv/bin/python" -m pip install --quiet "$rival" || echo "LEFT OUT: \`$rival\` could not be installed" >&2
    done
    cp benches/python/requirements.txt "$venv/rivals.txt"
fi
install_package "$maker"
run "$venv/bin/python" -X faulthandler benches/python/main.py "$@"
run "$venv/bin/python" -X faulthandler benches/python/locks.py "$@"
