#!/usr/bin/env bash
# Builds a CPython without its interpreter lock from Debian's source package, once, and runs the
# tests of the Python package on it. Takes six to eight minutes the first time; needs a C compiler,
# make and the usual -dev packages (zlib, OpenSSL, libffi).
#
# The machine's own package sources stay as they are: apt works on a private list, made from the
# mirror that the machine is configured for, and only downloads the original tarball, whose checksum
# the archive's signature covers. Where the mirror lists versions whose tarballs it does not have,
# it is one that is known by its checksum here.
source "$(dirname "$0")/python-environment.sh"

# Where the tarball is looked for: mirrors list versions that they do not have, or not any more.
releases="testing sid experimental"
packages="python3.15 python3.14"
known=python3.15_3.15.0~rc2.orig.tar.xz
known_path=pool/main/p/python3.15
known_checksum=8d93af5eaaaea5adfd41bd786a7ba3f03f2ad1ab57c6a65e0b963deab91d5ad7
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

# Fetches the original tarball of one package of one release.
download_from() {
    local release=$1 package=$2 uri=$3
    local apt=$place/apt-$release
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$release" >"$apt/source.sources"
    [ ! -e "$keyring" ] || echo "Signed-By: $keyring" >>"$apt/source.sources"
    private() {
        apt-get --quiet --quiet -o Dir::Etc::SourceList="$apt/source.sources" -o Dir::Etc::SourceParts=/nonexistent \
            -o Dir::State="$apt" -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" \
            -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=true "$@"
    }
    private update && (cd "$place" && private source --tar-only --download-only "$package")
}

download() {
    local uri release package
    uri=$(mirror)
    [ -n "$uri" ] || fail "no Debian mirror is configured for apt, so there is no source of CPython to build"
    for package in $packages; do
        for release in $releases; do
            if download_from "$release" "$package" "$uri" >"$place/download.log" 2>&1; then
                echo "got the source of $package from Debian's $release"
                return
            fi
            echo "Debian's $release has no source of $package at the mirror"
        done
    done
    if have curl && curl --silent --fail --output "$place/$known" "$uri$known_path/$known" &&
        echo "$known_checksum  $place/$known" | sha256sum --check --quiet; then
        echo "got $known from the mirror"
        return
    fi
    rm -f "$place/$known"
    fail "no source of CPython to build: see $place/download.log, or put a python3.*.orig.tar.xz of Debian's into $place"
}

if ! [ -x "$python" ]; then
    have make || fail "no make: install make"
    mkdir -p "$place"
    ls "$place"/python3.*.orig.tar.xz >/dev/null 2>&1 || download
    rm -rf "$place/source" "$place/install"
    mkdir -p "$place/source"
    tar --extract --strip-components=1 --directory "$place/source" --file "$(ls "$place"/python3.*.orig.tar.xz | tail -n 1)"
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
log=$target/ci/freethreaded.log
mkdir -p "$target/ci"
: >"$log"
status=0
counted "$log" within python "$venv/bin/python" -X gil=0 -m pytest -p no:cacheprovider --color=no "$@"
summarize "$log"
echo "without an interpreter lock: $summary"
exit $status
