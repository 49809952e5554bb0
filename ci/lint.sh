#!/usr/bin/env bash
# Formatting and lints, all of them, before it says whether one failed.
source "$(dirname "$0")/environment.sh"

status=0
run cargo fmt --all --check || status=1
run cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings || status=1
if [ -f python/pyproject.toml ]; then
    run .venv/bin/ruff format --check python || status=1
    run .venv/bin/ruff check python || status=1
    (cd python && run ../.venv/bin/mypy) || status=1
fi
exit $status
