# What the scripts for the Python package start with (`source`, not run): a virtual environment
# below target/, with the tools at the versions that python/pyproject.toml pins, and how to build
# the extension into it. Needs no root.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

mkdir -p "$target/python"
target=$(cd "$target" && pwd)
python_target=$target/python
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1

# The first Python of at least 3.10 (which mypy needs; the package itself runs on 3.9 too).
find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    fail "no Python of at least 3.10 found as \`python3\`: install one, with Debian's tools \`apt-get install python3 python3-venv\`"
}

# Makes the virtual environment NAME of the interpreter PYTHON with the extras EXTRAS of
# pyproject.toml, if it is not there as it should be; the variable `venv` names it.
make_environment() {
    local name=$1 python=$2 extras=$3 wanted
    venv=$python_target/$name
    wanted="$("$python" -VV) $(cksum <python/pyproject.toml) $extras"
    if [ "$(cat "$venv/made-of" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    echo "making a virtual environment of $("$python" -V), with what the tests need"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "no venv for \`$python\`: with Debian's tools \`apt-get install python3-venv\`"
    # shellcheck disable=SC2046  # one word per requirement
    mapfile -t requirements < <("$venv/bin/python" ci/python_requirements.py $extras)
    "$venv/bin/python" -m pip install --quiet "${requirements[@]}"
    echo "$wanted" >"$venv/made-of"
}

# Builds the extension for the interpreter of `venv`, with the maturin of the environment MAKER, and
# installs it there.
install_package() {
    local maker=$1 wheels=$venv/wheels
    rm -rf "$wheels"
    (cd python && CARGO_TARGET_DIR=$target run "$maker/bin/maturin" build --quiet --release \
        --interpreter "$venv/bin/python" --out "$wheels") || fail "building the extension failed"
    "$venv/bin/python" -m pip install --quiet --force-reinstall --no-deps --no-index "$wheels"/*.whl
}
