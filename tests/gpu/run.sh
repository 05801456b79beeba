#!/bin/sh
# run.sh - everything that wants a real GPU, in one call, from a wheel carried along: tests, then figures beside the peers.
#
#   sh tests/gpu/run.sh WHEEL [OUT]
#
# Needs Python with NumPy and pytest, an NVIDIA driver, and a CUDA toolkit or pip's nvidia-* packages for libNVVM; no network.
# numba-cuda and CuPy are measured beside naja where they are installed. OUT (default out/gpu) gets a log of each step;
# the last lines say which steps passed.
set -u
wheel=${1:?usage: sh tests/gpu/run.sh WHEEL [OUT]}
out=${2:-out/gpu}
cd "$(dirname "$0")/../.." || exit 1
python=${PYTHON:-python3}
site=$(mktemp -d)
mkdir -p "$out"
"$python" -m pip install -q --no-index --no-deps --no-cache-dir --target "$site" "$wheel" || exit 1
export PYTHONPATH="$site" NAJA_DEVICE=cuda PYTHONUNBUFFERED=1
failed=""

step() {
    name=$1; shift
    printf '\n==== %s\n' "$name"
    "$@" >"$out/$name.log" 2>&1
    status=$?
    tail -n 25 "$out/$name.log"
    [ $status = 0 ] || failed="$failed $name"
}

step info    "$python" -m naja info
step device  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
step samples "$python" -m pytest -q tests/py/test_samples.py
step tests   "$python" -m pytest -q tests/py/test_cuda_array.py tests/py/test_cuda_launch.py tests/py/test_cuda_ufunc.py tests/py/test_device_random.py tests/py/conformance
step cubin   "$python" tests/gpu/cached_cubin.py
step ptx     "$python" tests/tools/ptx_all.py
step photo   "$python" samples/photo.py --out "$out/photo"
if "$python" -c "import numba.cuda" 2>/dev/null; then peers=--peers; else peers=; fi
step launch  "$python" tests/bench/launch.py --bare $peers
step kernels "$python" tests/bench/kernels.py
rm -rf "$site"
printf '\n==== '
if [ -n "$failed" ]; then echo "failed:$failed"; exit 1; fi
echo "all steps passed"
