#!/usr/bin/env bash
# Gets what is missing to build and test, and says what it got. Does nothing where nothing is
# missing.
#
# Installs only what the system's or the language's own package tools have: with apt-get on Debian
# as root, with rustup where it is there. For anything else it says what to do and fails.
source "$(dirname "$0")/environment.sh"

needed_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# Installs Debian packages; fails where this is no Debian or the user is not root.
install_packages() {
    have apt-get && [ "$(id -u)" = 0 ] || return 1
    echo "setup: installing $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq --no-install-recommends "$@" >/dev/null 2>&1 && return
    apt-get update -qq && apt-get install -qq --no-install-recommends "$@" >/dev/null
}

# Whether the first version is at least the second.
is_at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

rust_version() {
    have cargo && cargo --version 2>/dev/null | cut -d ' ' -f 2
}

if ! have cc; then
    install_packages gcc libc6-dev || fail "no C compiler to link with: install gcc or clang (as \`cc\`)"
fi

if ! have cargo && ! have rustup; then
    install_packages rustup || fail "no Rust: install $needed_rust or newer as https://rustup.rs says"
fi
found_rust=$(rust_version || true)
if ! is_at_least "${found_rust:-0}" "$needed_rust"; then
    have rustup || fail "Rust is ${found_rust:-missing}, needed is $needed_rust or newer: see https://rustup.rs"
    echo "setup: installing the stable Rust toolchain"
    rustup toolchain install stable --profile minimal --component rustfmt,clippy >/dev/null
    rustup default stable >/dev/null
    found_rust=$(rust_version || true)
    is_at_least "${found_rust:-0}" "$needed_rust" || fail "Rust is ${found_rust:-missing}, needed is $needed_rust or newer"
fi
for component in rustfmt clippy; do
    case $component in clippy) command=cargo-clippy ;; *) command=$component ;; esac
    if ! "$command" --version >/dev/null 2>&1; then
        have rustup || fail "no $component: install it with the Rust that \`cargo\` belongs to"
        echo "setup: installing $component"
        rustup component add "$component" >/dev/null
    fi
done

# What the Python package needs goes into a virtual environment below target/, see
# ci/python-environment.sh.
have python3 || install_packages python3 || fail "no Python: install python3"
python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv || fail "no venv for Python: install python3-venv"
