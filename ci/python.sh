#!/usr/bin/env bash
# Checks and tests the Python package: `ci/python.sh lint` formats and types, `ci/python.sh test`
# the stubs and the tests, without an argument both. Arguments after `test` go to pytest. The output
# of the tests stays in target/ci/python.log.
source "$(dirname "$0")/python-environment.sh"

what=${1:-all}
[ $# = 0 ] || shift
status=0
make_environment venv "$(find_python)" "test dev"

if [ "$what" = lint ] || [ "$what" = all ]; then
    folders=(python ci)
    [ -d examples/python ] && folders+=(examples/python)
    [ -d benches/python ] && folders+=(benches/python)
    checked "$venv/bin/ruff" format --config python/pyproject.toml --check "${folders[@]}"
    checked "$venv/bin/ruff" check --config python/pyproject.toml "${folders[@]}"
    checked within python "$venv/bin/mypy"
    for folder in examples benches; do
        [ ! -d "$folder/python" ] || checked within python "$venv/bin/mypy" "../$folder/python"
    done
fi

if [ "$what" = test ] || [ "$what" = all ]; then
    mkdir -p "$target/ci"
    log=$target/ci/python.log
    : >"$log"
    install_package "$venv"
    checked "$venv/bin/python" -m mypy.stubtest millpond --mypy-config-file python/pyproject.toml \
        --allowlist python/stubtest-allowlist --ignore-unused-allowlist
    counted "$log" within python "$venv/bin/python" -m pytest -p no:cacheprovider --color=no "$@"
    summarize "$log"
    echo "$summary"
fi
exit $status
