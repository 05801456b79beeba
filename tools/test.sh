#!/bin/sh
# test.sh - one command from a fresh Debian machine to the tests' result: sh tools/test.sh [pytest's options]
# The C unit tests with the verifier on, then the Python, golden and sample tests on the installed package.
set -eu
cd "$(dirname "$0")/.."
. tools/setup.sh
quietly "configuring build/" cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Debug
quietly "compiling the C tests" cmake --build build
say "C unit tests"
ctest --test-dir build --output-on-failure -j "$(nproc)" --quiet -O out/ctest.log || { cat out/ctest.log; die "C unit tests failed"; }
tail -n 4 out/ctest.log
make_venv test
export NAJA_FAKE_CUDA="$PWD/build/libcuda_fake.so" NJC="$PWD/build/njc"
say "Python tests"
"$venv/bin/python" -m pytest -q -n "$(nproc)" "$@"
