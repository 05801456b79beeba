#!/bin/sh
# aarch64.sh - builds naja for AArch64, runs its C tests under qemu; with `python` samples and the package's tests, too.
#
#   sh tests/tools/aarch64.sh            sh tests/tools/aarch64.sh python
#
# Needs: qemu-user-static gcc-aarch64-linux-gnu g++-aarch64-linux-gnu llvm-22-dev (or 19..21), apt sources with arm64.
# The libraries go to .cache/aarch64/root (600 MB), nothing is installed. Where a tool is missing, it says so and ends
# well.
set -eu
cd "$(dirname "$0")/../.."
here=$PWD/.cache/aarch64
root=$here/root
libs=$root/usr/lib/aarch64-linux-gnu

skip() { echo "aarch64: skipped, $1"; exit 0; }
for tool in qemu-aarch64-static aarch64-linux-gnu-gcc aarch64-linux-gnu-g++ apt-get dpkg-deb cmake ninja; do
    command -v $tool >/dev/null || skip "$tool is not there"
done
for v in 22 21 20 19 none; do
    if command -v llvm-config-$v >/dev/null; then break; fi
done
[ $v != none ] || skip "llvm-config is not there"

# An apt that believes to be on an empty arm64 machine.
arm_apt() {
    mkdir -p "$here/state/lists/partial" "$here/cache/archives/partial"
    touch "$here/state/status"
    apt-get -q -o Dir::State="$here/state" -o Dir::State::status="$here/state/status" -o Dir::Cache="$here/cache" \
        -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root "$@" >>"$here/apt.log" 2>&1
}

# The cross compiler has a C library of its own to link with; the linker script of this one would name the machine's.
fill_root() {
    mkdir -p "$here" && : >"$here/apt.log"
    arm_apt update || true                       # sources that know no arm64 do no harm
    arm_apt install -y --download-only --no-install-recommends \
        libcmocka-dev libhwloc-dev zlib1g-dev libzstd-dev libstdc++6 python3-dev ||
        skip "apt has no arm64 libraries ($here/apt.log)"
    (cd "$here/cache/archives" && arm_apt download llvm-$v-dev) ||
        skip "apt has no llvm-$v-dev for arm64 ($here/apt.log)"
    rm -rf "$root" "$here"/cache/archives/libc6-dev_* && mkdir -p "$root"
    for deb in "$here"/cache/archives/*.deb; do dpkg-deb -x "$deb" "$root"; done
    rm -rf "$here/cache" && touch "$root/.complete"
}
[ -e "$root/.complete" ] || fill_root

cat >"$here/llvm-config" <<END
#!/bin/sh
llvm-config-$v \$(echo "\$@" | sed 's/native/aarch64/') | sed 's#/usr/lib/llvm-#$root/usr/lib/llvm-#g'
END
chmod +x "$here/llvm-config"
cat >"$here/toolchain.cmake" <<END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_C_FLAGS_INIT "-idirafter $root/usr/include/aarch64-linux-gnu")
set(lib "$root/lib/aarch64-linux-gnu")
foreach(kind EXE MODULE SHARED)
    set(CMAKE_\${kind}_LINKER_FLAGS_INIT "-L$libs -L\${lib} -Wl,-rpath-link,$libs:\${lib}")
endforeach()
set(CMAKE_FIND_ROOT_PATH "$root" /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
foreach(kind LIBRARY INCLUDE PACKAGE)
    set(CMAKE_FIND_ROOT_PATH_MODE_\${kind} ONLY)
endforeach()
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L "$root")
END
build=build-aarch64
configure() {
    cmake -B $build -G Ninja -DCMAKE_TOOLCHAIN_FILE="$here/toolchain.cmake" -DCMAKE_BUILD_TYPE=Debug \
        -DLLVM_CONFIG="$here/llvm-config" "$@" >"$here/build.log" 2>&1 &&
        cmake --build $build >>"$here/build.log" 2>&1 || { tail -n 40 "$here/build.log"; exit 1; }
}

c_tests() {
    configure
    # libraries of CUDA on this machine are not for that one
    NAJA_LIBNVVM=none CUDA_HOME= ctest --test-dir $build --output-on-failure -j "$(nproc)"
}

# arm64's python3 under qemu with NumPy's own wheel; sys.executable is the script, so that subprocesses work.
python_tests() {
    minor=$(ls "$root/usr/bin" | sed -n 's/^python3\.\([0-9]*\)$/\1/p' | head -n 1)
    command -v python3.$minor >/dev/null || skip "python3.$minor, whose arm64 build is at hand, is not there"
    if [ ! -x "$here/venv/bin/python" ]; then
        python3.$minor -m venv "$here/venv" && "$here/venv/bin/pip" install -q --disable-pip-version-check numpy pytest
        "$here/venv/bin/pip" install -q --disable-pip-version-check --target "$here/site" --only-binary=:all: \
            --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 \
            --python-version 3.$minor numpy pytest
    fi
    configure -DNAJA_PYTHON=ON -DPython_EXECUTABLE="$here/venv/bin/python" \
        -DPython_INCLUDE_DIR="$root/usr/include/python3.$minor"
    cat >"$here/python" <<END
#!/bin/sh
export PYTHONHOME="$root/usr" PYTHONPATH="$PWD/$build/pkg:$here/site" NAJA_CACHE_DIR="$here/naja-cache"
exec qemu-aarch64-static -0 "$here/python" -L "$root" "$root/usr/bin/python3.$minor" "\$@"
END
    chmod +x "$here/python"
    export NAJA_LIBNVVM=none CUDA_HOME=
    for sample in samples/[!p]*.py; do "$here/python" "$sample" >/dev/null || exit 1; done
    for t in dispatcher values ufunc cuda_launch marshal; do
        "$here/python" -m pytest -q -p no:cacheprovider "tests/py/test_$t.py" || exit 1
    done
}

c_tests
[ "${1:-}" != python ] || python_tests
