# setup.sh - what demo.sh and test.sh share: Debian packages, a virtual environment, naja installed into it.
#
# Sourced with the working directory at the checkout's root. PYTHON chooses the interpreter, NAJA_VENV the environment.
# Nothing is downloaded that is there already, so a second run takes seconds.

venv=${NAJA_VENV:-.venv}
log=out/setup.log

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
say() { printf '%snaja:%s %s\n' "$bold" "$plain" "$*"; }
die() { printf 'naja: error: %s\n' "$*" >&2; exit 1; }

# Runs a long command quietly; its output is in out/setup.log, and its end is shown when it fails.
quietly() {
    what=$1; shift
    say "$what ..."
    if ! "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        die "$what failed; the whole output is in $log"
    fi
}

# Packages that Debian's names say it all about; Python's own only where the interpreter is Debian's.
packages="gcc g++ libc6-dev cmake ninja-build libhwloc-dev libcmocka-dev zlib1g-dev libzstd-dev ca-certificates"

has_package() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

missing_packages() {
    for p in $packages; do has_package "$p" || printf '%s ' "$p"; done
    case $(command -v "${PYTHON:-python3}") in
        ''|/usr/bin/*) for p in python3 python3-venv python3-dev; do has_package $p || printf '%s ' $p; done ;;
    esac
    llvm_package
}

# LLVM 22..19: the one that is installed, else the newest that the package lists carry.
llvm_package() {
    for v in 22 21 20 19; do has_package llvm-$v-dev && return; done
    for v in 22 21 20 19; do
        if apt-cache show llvm-$v-dev 2>/dev/null | grep -q '^Package'; then printf 'llvm-%s-dev ' $v; return; fi
    done
    printf 'llvm-22-dev '       # not in the lists, which may be empty yet
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
    command -v dpkg-query >/dev/null ||
        { say "not a Debian system: needed are a C and a C++ compiler, cmake >= 3.25, ninja, LLVM 19..22, hwloc, cmocka, zlib, zstd, Python >= 3.10"; return; }
    missing=$(missing_packages)
    [ -z "$missing" ] && return
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        die "as root, please: apt-get install $missing"
    fi
    export DEBIAN_FRONTEND=noninteractive
    quietly "reading the package lists" as_root apt-get update
    missing=$(missing_packages)
    quietly "installing $missing" as_root apt-get install -y --no-install-recommends $missing
}

# make_venv EXTRA: the environment, with naja and the dependencies of this extra.
make_venv() {
    python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || die "$python is older than 3.10"
    if ! "$venv/bin/python" -c '' 2>/dev/null; then
        quietly "making the environment $venv ($("$python" --version))" "$python" -m venv --clear "$venv"
    fi
    quietly "compiling and installing naja into $venv" "$venv/bin/pip" install --disable-pip-version-check ".[$1]"
}

mkdir -p out
install_packages
