#!/usr/bin/env bash
# Builds what is published and uses it: the crates, each from its own package alone, and the Python
# package from its source archive. The wheel is used in an environment without anything else, with
# no Rust and no compiler on PATH.
source "$(dirname "$0")/python-environment.sh"

export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
status=0
checked cargo publish --workspace --dry-run --allow-dirty

make_environment venv "$(find_python)" "test dev"
maker=$venv
packages=$python_target/packages
rm -rf "$packages"
export CARGO_TARGET_DIR=$target
checked within python "$maker/bin/maturin" build --quiet --release --sdist --out "$packages" \
    --interpreter "$maker/bin/python"

empty=$python_target/empty
rm -rf "$empty"
checked "$maker/bin/python" -m venv --without-pip "$empty"
checked "$maker/bin/python" -m pip --python "$empty/bin/python" install --quiet --no-index --no-deps "$packages"/*.whl
# What it makes is said by the package itself: the sum of the squares below ten, on threads.
checked within "$packages" env -i PATH="$empty/bin" python -I -c '
import millpond
with millpond.Pool(2) as pool:
    total = sum(pool.source(range(10)).map(lambda n: n * n))
assert total == 285, total
print("used in an empty environment:", millpond.__file__)
'
exit $status
