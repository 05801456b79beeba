#!/bin/sh
# demo.sh - one command from a fresh Debian machine to the pictures: sh tools/demo.sh [photo.py's options]
# The photograph goes through kernels and ufuncs; the stages are written to out/photo, a table of times is printed.
set -eu
cd "$(dirname "$0")/.."
. tools/setup.sh
make_venv samples
say "running samples/photo.py"
"$venv/bin/python" samples/photo.py --out out/photo "$@"
say "pictures are in $(pwd)/out/photo"
