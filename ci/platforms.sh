#!/usr/bin/env bash
# Compiles for the systems that the tests do not run on, macOS and Windows. Arguments name other
# targets.
source "$(dirname "$0")/environment.sh"

status=0
[ $# -gt 0 ] || set -- x86_64-apple-darwin x86_64-pc-windows-msvc x86_64-pc-windows-gnu
if ! have rustup; then
    echo "LEFT OUT: that Millpond compiles for $* was NOT checked, for want of rustup" >&2
    exit
fi
for platform in "$@"; do
    checked rustup target add "$platform"
    checked cargo check --package millpond --package millpond-pool --features millpond/gcd,millpond/testing --target "$platform"
done
exit $status
