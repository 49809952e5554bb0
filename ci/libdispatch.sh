#!/bin/sh
# Makes libdispatch available to test programs and prints the words to put before a program that
# uses it.
#
#     $(ci/libdispatch.sh) ./program arguments      # also as target.<triple>.runner of cargo
#
# Where the machine has the library itself (macOS, MILLPOND_LIBDISPATCH, the loader's own path)
# nothing is needed and nothing is printed. On an older Debian the packages of the release named
# below, which has it, are unpacked once under target/libdispatch/. That library wants a newer C
# library than the machine's, so programs run under the unpacked loader; they need no rebuild, since
# a newer C library runs what was linked against an older one.
#
# The machine's own package sources and installed packages stay as they are: apt works on a private
# list of sources, made from the mirror that the machine is configured for, in a private state
# directory, and only downloads.
#
# Exit status: 0 with the library at hand, 3 where it cannot be had (standard error says why), else
# a failure.
set -eu

release=trixie
packages="libswiftlang libc6 libgcc-s1 libstdc++6"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

cd "$(dirname "$0")/.."
root=${CARGO_TARGET_DIR:-$PWD/target}/libdispatch
run=$root/run

unavailable() {
    echo "ci/libdispatch.sh: libdispatch cannot be had here: $1" >&2
    exit 3
}

is_installed() {
    [ "$(uname -s)" = Darwin ] && return 0
    [ -n "${MILLPOND_LIBDISPATCH:-}" ] && return 0
    { ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null; } | grep -q 'libdispatch\.so ' && return 0
    for path in /usr/libexec/swift/lib/swift/linux /usr/lib/swift/linux /usr/local/lib; do
        [ -e "$path/libdispatch.so" ] && return 0
    done
    return 1
}

# The mirror of the machine's own release: the first configured `main` archive of that release.
mirror() {
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk -v release="$codename" '$1 == release && $2 == "main" { print $3; exit }'
}

# Fills the directory $1 with the packages' files, or fails saying what went wrong.
unpack() {
    uri=$(mirror)
    [ -n "$uri" ] || unavailable "no Debian mirror is configured for apt"
    mkdir -p "$1/apt/lists/partial" "$1/apt/cache/archives/partial"
    {
        echo "Types: deb"
        echo "URIs: $uri"
        echo "Suites: $release"
        echo "Components: main"
        [ ! -e "$keyring" ] || echo "Signed-By: $keyring"
    } >"$1/apt/$release.sources"
    private() {
        apt-get --quiet \
            -o Dir::Etc::sourcelist="$1/apt/$release.sources" -o Dir::Etc::sourceparts=- \
            -o Dir::State::lists="$1/apt/lists" -o Dir::Cache="$1/apt/cache" \
            -o APT::Sandbox::User="$(id -un)" -o APT::Update::Error-Mode=any \
            -o Acquire::Languages=none -o Acquire::Retries=3 \
            -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$2" $3 >&2
    }
    private "$1" update "" || unavailable "apt could not read the package list of $release"
    (cd "$1/apt" && private "$1" download "$packages") || unavailable "apt could not download $packages of $release"
    for package in "$1"/apt/*.deb; do
        dpkg-deb --extract "$package" "$1"
    done
    rm -rf "$1/apt"
}

# Writes the wrapper that runs a program under the unpacked loader; it finds its files beside
# itself.
write_run() {
    library=$(cd "$1" && find usr -name libdispatch.so | head -n 1)
    loader=$(cd "$1" && find usr/lib -name 'ld-linux*.so.*' -type f | head -n 1)
    [ -n "$library" ] && [ -n "$loader" ] || unavailable "the packages $packages of $release do not hold it"
    cat >"$1/run" <<END
#!/bin/sh
# Runs a program under the C library unpacked here, with libdispatch on its library path.
here=\$(cd "\$(dirname "\$0")" && pwd)
exec "\$here/$loader" --library-path "\$here/$(dirname "$library"):\$here/$(dirname "$loader")" "\$@"
END
    chmod +x "$1/run"
    "$1/$loader" --library-path "$1/$(dirname "$library"):$1/$(dirname "$loader")" --list "$1/$library" >/dev/null ||
        unavailable "the unpacked library does not load"
}

if is_installed; then
    exit 0
fi
if [ ! -x "$run" ]; then
    for tool in apt-get dpkg-deb; do
        command -v "$tool" >/dev/null || unavailable "there is no $tool on this machine"
    done
    # Unpacked aside and moved into place whole, so that an interrupted or a second run leaves
    # nothing half done.
    mkdir -p "$(dirname "$root")"
    aside=$(mktemp -d "$root.XXXXXX")
    trap 'rm -rf "$aside"' EXIT
    unpack "$aside"
    write_run "$aside"
    chmod 755 "$aside"
    mv -T "$aside" "$root" 2>/dev/null || [ -x "$run" ] || unavailable "\`$root\` is in the way"
fi
echo "$run"
