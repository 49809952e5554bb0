#!/usr/bin/env bash
# Builds a CPython without its interpreter lock from Debian's source package, once, and runs the tests of the Python package
# on it. Takes six to eight minutes the first time; needs a C compiler, make and the usual -dev packages (zlib, OpenSSL, libffi).
#
# The machine's own package sources stay as they are: apt works on a private list, made from the mirror that the machine is
# configured for, and only downloads the original tarball, whose checksum the archive's signature covers.
source "$(dirname "$0")/python-environment.sh"

release=sid
package=${1:-python3.15}
[ $# = 0 ] || shift
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
place=$python_target/freethreaded
python=$place/install/bin/python3

# The mirror of the machine's own release: the first configured `main` archive of that release.
mirror() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk -v release="$codename" '$1 == release && $2 == "main" { print $3; exit }'
}

download() {
    local uri
    uri=$(mirror)
    [ -n "$uri" ] || fail "no Debian mirror is configured for apt, so there is no source of CPython to build"
    mkdir -p "$place/apt/lists/partial" "$place/apt/cache/archives/partial"
    printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$release" >"$place/apt/source.sources"
    [ ! -e "$keyring" ] || echo "Signed-By: $keyring" >>"$place/apt/source.sources"
    private() {
        apt-get --quiet -o Dir::Etc::SourceList="$place/apt/source.sources" -o Dir::Etc::SourceParts=/nonexistent \
            -o Dir::State="$place/apt" -o Dir::State::Lists="$place/apt/lists" -o Dir::Cache="$place/apt/cache" \
            -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=true "$@"
    }
    private update >&2 || fail "the package lists of Debian's \`$release\` cannot be had from \`$uri\`"
    (cd "$place" && private source --tar-only --download-only "$package") >&2 ||
        fail "Debian's \`$release\` has no source of \`$package\` at \`$uri\`; name another one: ci/freethreaded.sh python3.14"
}

if ! [ -x "$python" ]; then
    have make || fail "no make: install make"
    ls "$place/${package}"_*.orig.tar.* >/dev/null 2>&1 || download
    rm -rf "$place/source" "$place/install"
    mkdir -p "$place/source"
    tar --extract --strip-components=1 --directory "$place/source" --file "$(ls "$place/${package}"_*.orig.tar.* | tail -n 1)"
    echo "building a free-threaded CPython in $place (six to eight minutes)"
    (
        cd "$place/source"
        ./configure --quiet --disable-gil --with-ensurepip=install --prefix="$place/install"
        make -j2
        make install
    ) >"$place/build.log" 2>&1 || fail "the build failed, see $place/build.log"
fi
"$python" -c 'import sys; sys.exit(sys._is_gil_enabled())' || fail "\`$python\` has its lock: remove $place and try again"

make_environment venv "$(find_python)" "test dev"
maker=$venv
make_environment venv-freethreaded "$python" test
install_package "$maker"
cd python
run "$venv/bin/python" -X gil=0 -m pytest -p no:cacheprovider --color=no "$@"
